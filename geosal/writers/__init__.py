"""FILES: blocks to a staged raster, the stage to a COG or a JPEG2000, and the finished file to its name.

Index card
----------
- `stage.Stage`: a temporary GeoTIFF that takes blocks in any order.
- `convert.convert`: the stage to the finished format, with all metadata; `domains` puts back what GDAL drops.
- `publish.WorkDirectory`: where files are made, and how they take their names (`swap`); `publish.check_output` refuses
  what could not be published.
"""
