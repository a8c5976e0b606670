"""The interface for xarray: `open_scene`, `saliency`, `smooth` and `write` on lazy arrays, and `DataArray.geosal`.

Nothing is imported here: xarray and dask take a second, and the command line needs neither.
"""
