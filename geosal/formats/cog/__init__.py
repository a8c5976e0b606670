"""Cloud Optimized GeoTIFF from encoded tiles.

Index card
----------
- `tiles.TiffEncoder`: encodes the pixels of a tile, by any codec of a COG.
- `container.CogContainer`: takes tiles in any order, and writes them in the order of a COG at the end.
- `spool.Spool`: holds tiles until then, with an index.
- `directories`: image file directories as bytes, modelled on a small file that GDAL has written.
- `check.FinishedCog`: a finished file; `tiff_faults`: faults of its layout. It reads directories by `geosal.core.tiff`,
  not by the writer's code: two independent readers see more.
"""
