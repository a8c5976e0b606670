"""The base of every room: grids, layouts and metadata, GDAL's options, and what saliency does."""
