"""A Zarr v3 store: chunk files as they come, the metadata last.

Index card
----------
- `container.ZarrContainer`: the store in the making.
- `attributes`: what xarray, rioxarray and GeoZarr want to be told.
- `nodes`: arrays and groups as JSON.
"""

from geosal.writers.zarr.container import ZarrContainer

__all__ = ["ZarrContainer"]
