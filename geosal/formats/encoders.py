"""Make the encoder of a profile's tiles."""

import numpy as np

from geosal.core.raster import RasterLayout
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import UsageError
from geosal.formats.format import ByGdal, Profile
from geosal.formats.options import number
from geosal.formats.pyramid import TileEncoder
from geosal.sizes import as_number

_MOST_BYTES = 2**31
"""Limit of a tile in bytes: GDAL and OpenJPEG count them in a signed 32-bit integer."""


def tile_encoder(
    profile: Profile, layout: RasterLayout, treatment: Treatment = SMOOTH, steps: int = 8
) -> TileEncoder | ByGdal:
    """Make the encoder of a profile's tiles, or return the reason why GDAL has to write the file.

    Parameters
    ----------
    profile
        Format, codec and options.
    layout
        Layout of the output.
    treatment
        The treatment, with nothing left open.
    steps
        Steps of the ladder, where the treatment depends on levels.

    Raises
    ------
    UsageError
        Tiles have 2 GiB or more, or are larger than the codec allows.
    """
    side = max((number(profile.options.get(name, "0")) for name in profile.format.tile_sides), default=0.0)
    if side**2 * layout.count * np.dtype(layout.dtype).itemsize >= _MOST_BYTES:
        raise UsageError(
            f"tiles of {as_number(side)} x {as_number(side)} x {layout.count} bands of {layout.dtype} take 2 GiB; make "
            "them less"
        )
    made: TileEncoder | ByGdal = profile.format.encoder(profile, layout, treatment, steps)
    return made
