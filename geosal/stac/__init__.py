"""STAC: an Item that describes a finished file, as plain data. Knows grids, tags and files, and no job.

The extensions are those of STAC 1.1: projection 2.0, raster 2.0, eo 2.0, processing 1.2 and file 2.1. Fields of our own
begin with ``geosal:``; docs/reference/stac.md lists them.
"""
