"""Which encoder makes the tiles of a profile."""

from dataclasses import replace

import numpy as np

from geosal.codecs.jpeg.encoder import JpegEncoder
from geosal.codecs.jpeg2000 import J2kEncoder, jpeg2000_encoder, option_of_gdal
from geosal.codecs.options import number
from geosal.codecs.profiles import Profile
from geosal.codecs.tiff import TiffEncoder, tiff_encoder
from geosal.codecs.treatments import settings_by_level
from geosal.codecs.zarr_tiles import ZarrEncoder, zarr_encoder
from geosal.errors import UsageError
from geosal.raster import RasterLayout

_MOST_BYTES = 2**31
"""What GDAL and OpenJPEG count a tile's bytes up to."""
_WEBP_SIDE = 16383
_GDALS_SMALLEST = 128


def tile_encoder(
    profile: Profile, layout: RasterLayout, steps: int = 8
) -> TiffEncoder | J2kEncoder | ZarrEncoder | JpegEncoder | str:
    """Make the encoder of a profile's tiles, or tell why GDAL has to write the file.

    Parameters
    ----------
    profile
        Driver, codec, options and treatment.
    layout
        What is to be written.
    steps
        Of the ladder whose levels a treatment goes by.

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
    if profile.driver == "JPEG":
        return _jpeg_encoder(profile, layout, steps)
    if profile.driver == "Zarr":
        return zarr_encoder(profile, layout)
    encoder = tiff_encoder(profile, layout) if profile.driver == "COG" else jpeg2000_encoder(profile, layout)
    quality = number(options.get("QUALITY", "0"))
    if isinstance(encoder, str) and profile.driver == "COG" and quality != int(quality):
        raise UsageError(f"--co QUALITY={options['QUALITY']}: {encoder}, and it takes whole numbers; give one")
    if isinstance(encoder, str) and profile.driver == "COG" and 0 < side < _GDALS_SMALLEST:
        raise UsageError(f"BLOCKSIZE={side:g}: {encoder}, and its tiles begin at {_GDALS_SMALLEST}; make them larger")
    settings = settings_by_level(profile.treatment, profile.name, steps, layout)
    if not settings:
        return encoder
    if profile.driver == "JP2OpenJPEG" and not isinstance(encoder, str):
        encoder = option_of_gdal(options) or encoder
    if isinstance(encoder, str):
        raise UsageError(
            f"treatment {profile.treatment}: geosal must encode its tiles, and {encoder}; leave such options out, or "
            "use another profile"
        )
    return replace(encoder, by_level=settings)


def _jpeg_encoder(profile: Profile, layout: RasterLayout, steps: int) -> JpegEncoder:
    """Make the encoder of a JPEG file: its tables are those of `quality`'s best, or of the last pass."""
    options = {name.upper(): value for name, value in profile.creation_options}
    treatment, alpha = profile.treatment, layout.alpha is not None
    best = None if treatment.quality is None else treatment.quality.high
    qualities = settings_by_level(treatment, profile.name, steps, layout)
    return JpegEncoder(
        quality=number(options["QUALITY"]) if best is None else best,
        subsampling=options["SUBSAMPLING"],
        bands=layout.count - alpha,
        alpha_as_mask=alpha,
        by_level=qualities if treatment.twopass is None else (),
        first_pass=() if treatment.twopass is None else qualities,
    )
