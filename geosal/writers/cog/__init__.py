"""Cloud Optimized GeoTIFF from encoded tiles.

Index card
----------
- `container.CogContainer`: takes tiles in any order, and lays them out at the end.
- `spool.Spool`: where tiles wait, and what is known of each.
- `directories`: image file directories as bytes; those of a small file that GDAL has written are the model.
"""

from geosal.writers.cog.container import CogContainer

__all__ = ["CogContainer"]
