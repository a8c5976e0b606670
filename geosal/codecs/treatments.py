"""What a treatment means for a codec: which of them go together, and what each level of saliency asks of a tile."""

from collections.abc import Mapping
from dataclasses import replace

from geosal.codecs.options import number
from geosal.errors import UsageError
from geosal.raster import RasterLayout
from geosal.treatment import BEST, Quality, Treatment

_RGBA = 4
_TILES = {"COG": {"BLOCKSIZE": "128"}, "JP2OpenJPEG": {"BLOCKXSIZE": "256", "BLOCKYSIZE": "256"}}
"""Small tiles follow what is salient more closely; `tests/benchmarks/quality.py` has the figures."""
_GAP = 40
"""How far `low` lies below `high` where only that is known, in qualities of JPEG and WebP."""
_SHARE = 0.4
"""And what share of it, of a JPEG 2000's rate."""


def goes_by_tile(treatment: Treatment, name: str) -> bool:
    """Whether the tiles of a profile depend on the levels in them: `quality`, and `bound` where LERC keeps it."""
    return treatment.quality is not None or (treatment.bound is not None and name == "lerc")


def treated_options(
    treatment: Treatment, name: str, driver: str, given: Mapping[str, str], layout: RasterLayout
) -> dict[str, str]:
    """Creation options that a treatment asks for, to go before the user's own.

    Parameters
    ----------
    treatment
        The wish.
    name, driver
        Of the profile.
    given
        The user's creation options.
    layout
        What will be written.

    Raises
    ------
    UsageError
        The treatment and the user's options say different things, or the dtype cannot have the error.
    """
    options = dict(_TILES.get(driver, {})) if goes_by_tile(treatment, name) else {}
    upper = {option.upper(): value for option, value in given.items()}
    if treatment.quality is not None and "," in upper.get("QUALITY", ""):
        raise UsageError(f"--co QUALITY={upper['QUALITY']} and treatment quality: a tile has one quality; give one")
    if treatment.quality is not None and treatment.quality.high is not None and "QUALITY" in upper:
        raise UsageError(f"--co QUALITY={upper['QUALITY']} and treatment quality:high=: they mean the same; give one")
    if treatment.bound is not None and name == "lerc":
        if "MAX_Z_ERROR" in upper:
            raise UsageError(
                f"--co MAX_Z_ERROR={upper['MAX_Z_ERROR']} and treatment bound: they mean the same; say bound:error="
            )
        options["MAX_Z_ERROR"] = f"{max(treatment.errors(1, layout.dtype)):.17g}"
    return options


def settle(
    treatment: Treatment, name: str, options: Mapping[str, str], layout: RasterLayout, *, lossless: bool
) -> Treatment:
    """Fill in what the user has left to us, and refuse what a treatment and a codec cannot do together.

    Parameters
    ----------
    treatment
        The wish.
    name, options, lossless
        Of the profile, final.
    layout
        What will be written.

    Raises
    ------
    UsageError
        `bound` with a codec that makes errors of its own, `quality` with one that makes none; qualities that the codec
        does not have.
    """
    if treatment.bound is not None:
        if not lossless and name != "lerc":
            raise UsageError(
                f"treatment bound with profile {name}: the codec makes errors of its own, so no bound would hold; "
                "use --profile zstd, lerc or jp2-lossless, or --treatment quality"
            )
        return treatment.with_error_for(layout.dtype)
    if treatment.quality is None:
        return treatment
    if lossless or name == "lerc":
        raise UsageError(
            f"treatment quality with profile {name}: it has no quality to choose; use --profile jpeg, webp or jp2, "
            "or --treatment bound"
        )
    quality = _settled_quality(treatment.quality, name, options)
    if name == "webp" and quality.high == BEST and layout.count == _RGBA:
        raise UsageError(
            "treatment quality:high=100 with profile webp and alpha: a lossless tile would lose the colours under "
            "alpha 0; say high=99, or leave alpha out with --bidx"
        )
    return replace(treatment, quality=quality)


def _settled_quality(wish: Quality, name: str, options: Mapping[str, str]) -> Quality:
    high = wish.high if wish.high is not None else number({k.upper(): v for k, v in options.items()}["QUALITY"])
    if wish.low is not None:
        return Quality(min(wish.low, high), high)
    low = high * _SHARE if name == "jp2" else max(1.0, high - _GAP)
    return Quality(round(low, 3), high)


def settings_by_level(treatment: Treatment, name: str, steps: int, dtype: str) -> tuple[float, ...]:
    """Say what each level asks of a tile: a quality, or the largest error of LERC; empty where tiles are all alike.

    Parameters
    ----------
    treatment
        As `settle` returned it.
    name
        Of the profile.
    steps
        Of the ladder.
    dtype
        Of the samples.
    """
    if not goes_by_tile(treatment, name):
        return ()
    if treatment.quality is None:
        return treatment.errors(steps, dtype)
    low, high = treatment.quality.low, treatment.quality.high
    if low is None or high is None:
        raise ValueError("a quality that is not settled")
    return tuple(high - (high - low) * level / steps for level in range(steps + 1))
