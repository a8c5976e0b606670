"""A Zarr v3 store: chunk files as they come, the metadata last.

Index card
----------
- `tiles.ZarrEncoder`: a tile's pixels to chunks.
- `container.ZarrContainer`: the store in the making.
- `attributes`: what xarray, rioxarray and GeoZarr want to be told.
- `nodes`: arrays and groups as JSON.
- `check`: every chunk of a finished store decodes, and its metadata tells one story.
"""
