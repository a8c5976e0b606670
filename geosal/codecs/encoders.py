"""Which encoder makes the tiles of a profile."""

from typing import Any

from geosal.codecs.profiles import Profile
from geosal.raster import RasterLayout


def tile_encoder(profile: Profile, layout: RasterLayout) -> Any | str:
    """Make the encoder of a profile's tiles, or tell why GDAL has to write the file."""
    del layout
    return f"{profile.name} has no encoder"
