"""A Zarr v3 store: chunk files are written as they come, the metadata last.

Index card
----------
- `tiles.ZarrEncoder`: encodes the pixels of a tile as chunks.
- `container.ZarrContainer`: the store that is being written.
- `shards`: chunks joined to files of several.
- `attributes`: attributes for xarray, rioxarray and GeoZarr.
- `nodes`: arrays and groups as JSON.
- `check`: whether every chunk of a finished store decodes, and its metadata agrees with itself.
"""
