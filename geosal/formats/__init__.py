"""FORMATS: a room for each format we write, and what all of them share.

Index card
----------
- `table.FORMATS`: the table of formats; `format.Format` is the interface of one, `finished.Finished` of its
  finished files.
- `profiles.resolve_profile`: turns a suffix, a name and creation options (`options`) into a format and its codec.
- `treatments`, `quality` and `tuning`: settings of codecs by level, and settings that a search can turn.
- `encoders.tile_encoder`: makes the encoder of a profile's tiles.
- `pyramid`: turns blocks into tiles, those of overviews included; `sink`: takes them; `container`: the frame of all
  files of tiles.
- `cog`, `jpeg2000`, `zarr`, `jpeg`, `png`, `bpg`: tiles, container and checks of one format; `gdal`: GDAL's own
  writers, for what our encoders cannot do, and the small files that GDAL writes as models of metadata.
- `pictures.Picture`: what a JPEG, a PNG and a BPG have in common.
- `world_file`: the transform beside an image, as text.
- `places`: files beside an output that would give it another place.
"""

from geosal.formats.format import Format, Profile
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import FORMATS, PROFILES

__all__ = ["FORMATS", "PROFILES", "Format", "Profile", "resolve_profile"]
