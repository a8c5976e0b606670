"""BPG: HEVC by x265, in tiles that stand alone, so that a scene of any size is encoded block by block.

Index card
----------
- `format.Bpg`: the format; `options`: its creation options.
- `tiles.BpgEncoder`: a tile by x265; `regions`: where it gets another quality.
- `container.BpgContainer`: the file, and what lies beside it (`sidecars`).
- `check.FinishedBpg`: the checks of a finished file. `geosal.core.bpg` reads one.
"""
