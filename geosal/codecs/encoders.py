"""Which encoder makes the tiles of a profile."""

from collections.abc import Mapping
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
from geosal.treatment import SMOOTH, Bound, Quality, Treatment, TwoPass

_MOST_BYTES = 2**31
"""What GDAL and OpenJPEG count a tile's bytes up to."""
_WEBP_SIDE = 16383
_GDALS_SMALLEST = 128


def tile_encoder(
    profile: Profile, layout: RasterLayout, treatment: Treatment = SMOOTH, steps: int = 8
) -> TiffEncoder | J2kEncoder | ZarrEncoder | JpegEncoder | str:
    """Make the encoder of a profile's tiles, or tell why GDAL has to write the file.

    Parameters
    ----------
    profile
        Driver, codec and options.
    layout
        What is to be written.
    treatment
        What saliency does, with nothing left open.
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
        return _jpeg_encoder(profile, layout, treatment, steps)
    if profile.driver == "Zarr":
        return zarr_encoder(profile, layout)
    encoder = tiff_encoder(profile, layout) if profile.driver == "COG" else jpeg2000_encoder(profile, layout)
    if isinstance(encoder, str) and profile.driver == "COG":
        _refuse_what_gdal_cannot(options, side, encoder)
    settings = settings_by_level(treatment, profile.name, steps, layout)
    if not settings:
        return encoder
    if profile.driver == "JP2OpenJPEG" and not isinstance(encoder, str):
        encoder = option_of_gdal(options) or encoder
    if isinstance(encoder, str):
        raise UsageError(
            f"treatment {treatment}: geosal must encode its tiles, and {encoder}; leave such options out, or "
            "use another profile"
        )
    bound = treatment.then
    if isinstance(encoder, TiffEncoder) and isinstance(bound, Bound) and bound.finer:
        fine = bound.fine_errors(steps, layout.dtype)
        return replace(encoder, by_level=settings, finer=bound.finer, fine_by_level=fine)
    return replace(encoder, by_level=settings)


def _refuse_what_gdal_cannot(options: Mapping[str, str], side: float, because: str) -> None:
    quality = number(options.get("QUALITY", "0"))
    if quality != int(quality):
        raise UsageError(f"--co QUALITY={options['QUALITY']}: {because}, and it takes whole numbers; give one")
    if 0 < side < _GDALS_SMALLEST:
        raise UsageError(f"BLOCKSIZE={side:g}: {because}, and its tiles begin at {_GDALS_SMALLEST}; make them larger")


def _jpeg_encoder(profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int) -> JpegEncoder:
    """Make the encoder of a JPEG file: its tables are those of `quality`'s best, or of the last pass."""
    options = {name.upper(): value for name, value in profile.creation_options}
    alpha, twice = layout.alpha is not None, isinstance(treatment.then, TwoPass)
    best = treatment.then.high if isinstance(treatment.then, Quality) else None
    qualities = settings_by_level(treatment, profile.name, steps, layout)
    return JpegEncoder(
        quality=number(options["QUALITY"]) if best is None else best,
        subsampling=options["SUBSAMPLING"],
        bands=layout.count - alpha,
        alpha_as_mask=alpha,
        by_level=() if twice else qualities,
        first_pass=qualities if twice else (),
    )
