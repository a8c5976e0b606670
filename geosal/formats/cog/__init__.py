"""Cloud Optimized GeoTIFF from encoded tiles.

Index card
----------
- `tiles.TiffEncoder`: a tile's pixels to bytes, by any codec that a COG has here.
- `container.CogContainer`: takes tiles in any order, and lays them out at the end.
- `spool.Spool`: where tiles wait, and what is known of each.
- `directories`: image file directories as bytes; those of a small file that GDAL has written are the model.
- `check.FinishedCog`: a finished file; `tiff_faults`: its layout. It reads directories by `geosal.core.tiff`, and not
  as the writer does: two eyes see more.
"""
