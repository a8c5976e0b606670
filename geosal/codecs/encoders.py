"""Which encoder makes the tiles of a profile."""

import numpy as np

from geosal.codecs.jpeg2000 import J2kEncoder, jpeg2000_encoder
from geosal.codecs.options import number
from geosal.codecs.profiles import Profile
from geosal.codecs.tiff import TiffEncoder, tiff_encoder
from geosal.codecs.zarr_tiles import ZarrEncoder, zarr_encoder
from geosal.errors import UsageError
from geosal.raster import RasterLayout

_MOST_BYTES = 2**31
"""What GDAL and OpenJPEG count a tile's bytes up to."""
_WEBP_SIDE = 16383


def tile_encoder(profile: Profile, layout: RasterLayout) -> TiffEncoder | J2kEncoder | ZarrEncoder | str:
    """Make the encoder of a profile's tiles, or tell why GDAL has to write the file.

    Parameters
    ----------
    profile
        Driver, codec and options.
    layout
        What is to be written.

    Raises
    ------
    UsageError
        Tiles of 2 GiB or more, or larger than the codec can.
    """
    options = {name.upper(): value for name, value in profile.creation_options}
    side = max(number(options.get(name, "0")) for name in ("BLOCKSIZE", "BLOCKXSIZE", "BLOCKYSIZE"))
    if side**2 * layout.count * np.dtype(layout.dtype).itemsize >= _MOST_BYTES:
        raise UsageError(
            f"tiles of {side:g} x {side:g} x {layout.count} bands of {layout.dtype} take 2 GiB; make them less"
        )
    if options.get("COMPRESS") == "WEBP" and side > _WEBP_SIDE:
        raise UsageError(f"BLOCKSIZE={side:g}: WEBP ends at {_WEBP_SIDE} pixels; make tiles smaller")
    if profile.driver == "COG":
        return tiff_encoder(profile, layout)
    if profile.driver == "Zarr":
        return zarr_encoder(profile, layout)
    return jpeg2000_encoder(profile, layout)
