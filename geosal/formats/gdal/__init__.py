"""GDAL's own writers: for options that only they know, and for small files that are models of metadata.

Index card
----------
- `stage.Stage`: a temporary GeoTIFF that takes blocks in any order.
- `convert.convert`: the stage to the finished format, with all metadata; `domains` puts back what GDAL drops, and
  `completeness` sees whether all of it reached the disk.
- `sample.gdal_sample`: a small file with the metadata of a large one.
"""
