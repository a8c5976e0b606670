"""Zarr stores of anybody, versions 2 and 3, in a folder or a zip: for scenes, masks and quality bands alike.

Index card
----------
- `files.Store`: the files of a store; `is_zarr` and `locate` find the store that a path leads into.
- `nodes`: groups and arrays by their JSON.
- `coding`: how an array's samples are stored.
- `codecs`: which codecs zarr-python is given.
- `tiling`: what is decoded at once: strips of chunks, or whole ones.
- `chunks.ZarrTiles`: decodes chunks, or `parts` of them.
- `place`: the grid of an array, by GeoZarr's conventions, CF, GDAL or EOPF.
- `arrays`: which arrays of a group are rasters.
- `raster.ZarrRaster`: an array as a raster of bands.
"""
