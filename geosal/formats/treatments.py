"""Treatments and codecs: which of them go together, and which quality or error each level of saliency has."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Bound, Quality, Treatment, TwoPass
from geosal.errors import UsageError
from geosal.formats.codec import Codec
from geosal.formats.format import ByGdal, Format


def goes_by_tile(treatment: Treatment, codec: Codec) -> bool:
    """Return whether the tiles of a codec depend on the levels in them.

    They do for `quality` and `twopass`, and for `bound` where the codec itself keeps it, tile by tile.
    """
    return isinstance(treatment.then, Quality | TwoPass) or (isinstance(treatment.then, Bound) and codec.error_by_tile)


def treated_options(
    treatment: Treatment, form: Format[Any], codec: Codec, given: Mapping[str, str], layout: RasterLayout
) -> dict[str, str]:
    """Return the creation options that a treatment needs; the user's own override them.

    Parameters
    ----------
    treatment
        The wish.
    form, codec
        Format and codec of the output.
    given
        The user's creation options, with names in capitals.
    layout
        Layout of the output.

    Raises
    ------
    UsageError
        The treatment and the user's options say different things, or the dtype cannot have the error.
    """
    sides = form.tile_sides if goes_by_tile(treatment, codec) else ()
    options = dict.fromkeys(sides, str(codec.side)) | form.treated_options(treatment, codec, given, layout)
    if isinstance(treatment.then, Quality):
        _refuse_second_quality(treatment.then, given)
    return options


def _refuse_second_quality(quality: Quality, given: Mapping[str, str]) -> None:
    if "," in given.get("QUALITY", ""):
        raise UsageError(f"--co QUALITY={given['QUALITY']} and treatment quality: a tile has one quality; give one")
    if quality.high is not None and "QUALITY" in given:
        raise UsageError(f"--co QUALITY={given['QUALITY']} and treatment quality:high=: they mean the same; give one")


def misfit(treatment: Treatment, codec: Codec, *, lossless: bool) -> str:
    """Return why a treatment and a codec cannot go together; empty if they can.

    Parameters
    ----------
    treatment
        The wish.
    codec, lossless
        Codec of the output, and whether it is lossless with its options.
    """
    match treatment.then:
        case Bound() if not lossless and not codec.error_by_tile:
            return "the codec makes errors of its own, so no bound would hold"
        case Quality() if lossless or codec.scale is None:
            return "it has no quality to choose"
        case TwoPass() if not codec.two_passes:
            return "both passes are those of one JPEG file"
    return ""


def settle(treatment: Treatment, codec: Codec, options: Mapping[str, str], layout: RasterLayout) -> Treatment:
    """Fill in what the user has left open of a treatment.

    Parameters
    ----------
    treatment
        The wish, without a `misfit`.
    codec, options
        Codec and final options of the output.
    layout
        Layout of the output.

    Raises
    ------
    UsageError
        The samples or the options do not have such errors or qualities.
    """
    match treatment.then:
        case Bound() as bound:
            return replace(treatment, then=bound.settled(layout.dtype))
        case Quality() as wish if codec.scale is not None:
            upper = {name.upper(): value for name, value in options.items()}
            return replace(treatment, then=codec.scale.settled(wish, upper, layout))
    return treatment


def settings_by_level(treatment: Treatment, codec: Codec, steps: int, layout: RasterLayout) -> tuple[float, ...]:
    """Return the setting of each level, a quality or a largest error; empty where all tiles are alike.

    Parameters
    ----------
    treatment
        A treatment that `settle` returned.
    codec
        Codec of the output.
    steps
        Steps of the ladder.
    layout
        Layout of the output.
    """
    match treatment.then:
        case Bound() as bound if codec.error_by_tile:
            return bound.errors(steps, layout.dtype)
        case Quality(low, high) | TwoPass(low, high) if codec.scale is not None:
            return codec.scale.by_level(Quality(low, high), steps, layout)
    return ()


def refuse_gdal(treatment: Treatment, why: ByGdal) -> UsageError:
    """Make the error for a treatment that depends on tiles, where GDAL would have to encode them."""
    return UsageError(
        f"treatment {treatment}: geosal must encode its tiles, and {why.because}; leave such options out, or use "
        "another profile"
    )
