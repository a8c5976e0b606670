"""The inner loops, in C: arrays in, arrays out. Each lets go of the GIL while it works.

Index card
----------
- `smooth`: one band, all levels in one pass (``smooth.h``).
- `halve`: the next overview of some bands (``halve.h``).
- `interleave`: bands to pixels, for TIFF (``tiles.c``).
- `look_up`: codes by a table, and a count of them (``tiles.c``).
- `sum_errors`, `sum_windows`, `pool`: two images compared pixel by pixel and window by window (``metrics.c``).
"""

from geosal.native.differences import pool, sum_errors, sum_windows
from geosal.native.loops import halve, interleave, look_up, smooth

__all__ = ["halve", "interleave", "look_up", "pool", "smooth", "sum_errors", "sum_windows"]
