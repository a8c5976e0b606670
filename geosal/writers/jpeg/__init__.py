"""JPEG files whose tiles were transformed and quantised one by one, and are coded together at the end.

Index card
----------
- `container.JpegContainer`: the file that takes tiles in any order.
- `spool`: where tiles wait, and the mask that GDAL looks for behind the image.
- `sidecars`: what GDAL would write into and beside a JPEG of the same metadata; the world file.
"""

from geosal.writers.jpeg.container import JpegContainer

__all__ = ["JpegContainer"]
