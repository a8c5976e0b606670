"""FORMATS: a room for each format we write, and what all of them share.

Index card
----------
- `table.FORMATS`: the table; what a format is, `format.Format` says.
- `profiles.resolve_profile`: a suffix, a name and creation options (`options`) to a format and its codec.
- `treatments`, `quality` and `tuning`: what codecs can be asked for by level, and what can be turned.
- `encoders.tile_encoder`: what makes the bytes of a tile.
- `pyramid`: blocks to tiles, those of overviews included; `sink`: where they go; `container`: what all files of tiles
  share.
- `cog`, `jpeg2000`, `zarr`, `jpeg`, `png`: tiles, container and checks of one format; `gdal`: the road for what only
  GDAL's own writers can, and the small files that it writes as models of metadata.
- `world_file`: the transform beside an image, as text.
- `places`: files beside an output that would give it another place.
"""

from geosal.formats.format import Format, Profile
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import FORMATS, PROFILES

__all__ = ["FORMATS", "PROFILES", "Format", "Profile", "resolve_profile"]
