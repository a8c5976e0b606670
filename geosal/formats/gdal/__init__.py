"""GDAL's own writers: for options that only they have, and for small files that are models of metadata.

Index card
----------
- `stage.Stage`: a temporary GeoTIFF that takes blocks in any order.
- `convert.convert`: copies the stage to the finished format, with all metadata; `domains` restores what GDAL drops, and
  `completeness` checks that all of it reached the disk.
- `sample.gdal_sample`: a small file with the metadata of a large one.
"""
