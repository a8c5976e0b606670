"""What a treatment means for a codec: which of them go together, and what each level of saliency asks of a tile."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from geosal.codecs.options import number
from geosal.errors import UsageError
from geosal.raster import RasterLayout
from geosal.treatment import BEST, SMOOTH, Bound, Quality, Treatment, TwoPass

_RGBA = 4
_SIDES = {"COG": ("BLOCKSIZE",), "JP2OpenJPEG": ("BLOCKXSIZE", "BLOCKYSIZE")}
_TILE, _TILE_OF = 128, {"jpeg": 256}
"""Small tiles follow what is salient more closely; in JPEG the blocks within a tile do so too. The figures are made by
`tests/benchmarks/quality.py`."""
_GAP = 40
"""How far `low` lies below `high` where only that is known, in qualities of JPEG and WebP."""
_GAP_DB = 7
"""And in those of JPEG 2000, which are decibels."""
_HIGH_DB, _MORE_DB = 45, 3
"""`high` of a JPEG 2000 of 8 bits, and what each bit more adds: half of what it could, since no sensor fills them."""
_REACH_DB = 2
"""Above the PSNR of an error of 1, where what JPEG 2000's irreversible wavelet can do comes to its end."""
_LEAST_SIDE = 8
"""Of a tile's coarsest resolution."""


def usual_treatment(driver: str) -> Treatment:
    """What saliency does in a driver's files where nobody says otherwise."""
    return Treatment(smooth=False, then=Quality()) if driver == "JPEG" else SMOOTH


def goes_by_tile(treatment: Treatment, name: str) -> bool:
    """Whether the tiles of a profile depend on the levels in them.

    That is so of `quality` and `twopass`, and of `bound` where LERC keeps it.
    """
    return isinstance(treatment.then, Quality | TwoPass) or (isinstance(treatment.then, Bound) and name == "lerc")


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
    sides = _SIDES.get(driver, ()) if goes_by_tile(treatment, name) else ()
    options = dict.fromkeys(sides, str(_TILE_OF.get(name, _TILE)))
    upper = {option.upper(): value for option, value in given.items()}
    match treatment.then:
        case Quality() as quality:
            if name == "jp2":
                _refuse_rate(upper)
                options["RESOLUTIONS"] = _resolutions(upper.get("BLOCKXSIZE", options["BLOCKXSIZE"]), layout)
            _refuse_second_quality(quality, upper)
        case Bound() as bound if name == "lerc":
            _refuse_what_lerc_cannot(bound.error, layout)
            if "MAX_Z_ERROR" in upper:
                raise UsageError(
                    f"--co MAX_Z_ERROR={upper['MAX_Z_ERROR']} and treatment bound: they mean the same; say bound:error="
                )
            options["MAX_Z_ERROR"] = f"{max(bound.errors(1, layout.dtype)):.17g}"
    return options


def _refuse_rate(given: Mapping[str, str]) -> None:
    if "QUALITY" in given:
        raise UsageError(
            f"--co QUALITY={given['QUALITY']} and treatment quality: one is a rate, the other a PSNR in dB of each "
            "tile; leave the first out, and say quality:high="
        )


def _refuse_second_quality(quality: Quality, given: Mapping[str, str]) -> None:
    if "," in given.get("QUALITY", ""):
        raise UsageError(f"--co QUALITY={given['QUALITY']} and treatment quality: a tile has one quality; give one")
    if quality.high is not None and "QUALITY" in given:
        raise UsageError(f"--co QUALITY={given['QUALITY']} and treatment quality:high=: they mean the same; give one")


def _refuse_what_lerc_cannot(error: float | None, layout: RasterLayout) -> None:
    """Tiles of floats and of alpha are GDAL's (`tiff_encoder`), and all its tiles have one error."""
    if layout.alpha is not None or layout.dtype.startswith("float"):
        found = layout.dtype if layout.alpha is None else f"{layout.dtype} with alpha"
        wish = "X" if error is None else f"{error:g}"
        raise UsageError(
            f"treatment bound with profile lerc: its tiles have errors of their own in integers without alpha only, "
            f"this is {found}; use --profile zstd, or --treatment smooth --co MAX_Z_ERROR={wish} for one error"
        )


def _resolutions(side: str, layout: RasterLayout) -> str:
    """As many as a tile can make use of: small images have few otherwise, and take more bytes."""
    tile = number(side)
    least = min(tile, *layout.grid.shape)
    return str(max(1, int(math.log2(least / _LEAST_SIDE)) + 1)) if least >= 1 else "1"


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
        does not have; `twopass` with any other codec than a JPEG file.
    """
    match treatment.then:
        case Bound() as bound:
            if not lossless and name != "lerc":
                raise UsageError(
                    f"treatment bound with profile {name}: the codec makes errors of its own, so no bound would hold; "
                    "use --profile zstd, lerc or jp2-lossless, or --treatment quality"
                )
            return replace(treatment, then=bound.settled(layout.dtype))
        case Quality() as wish:
            return replace(treatment, then=_settled(wish, name, options, layout, lossless=lossless))
        case TwoPass() if name != "jpg":
            raise UsageError(
                f"treatment twopass with profile {name}: both passes are those of one JPEG file; write a .jpg, or use "
                "--treatment quality"
            )
    return treatment


def _settled(wish: Quality, name: str, options: Mapping[str, str], layout: RasterLayout, *, lossless: bool) -> Quality:
    if lossless or name == "lerc":
        raise UsageError(
            f"treatment quality with profile {name}: it has no quality to choose; use --profile jpeg, webp or jp2, "
            "or --treatment bound"
        )
    quality = _settled_decibels(wish, layout) if name == "jp2" else _settled_quality(wish, options)
    if name == "webp" and quality.high == BEST and layout.count == _RGBA:
        raise UsageError(
            "treatment quality:high=100 with profile webp and alpha: a lossless tile would lose the colours under "
            "alpha 0; say high=99, or leave alpha out with --bidx"
        )
    return quality


def _settled_decibels(wish: Quality, layout: RasterLayout) -> Quality:
    usual = float(_HIGH_DB + _MORE_DB * (bits_of(layout) - 8))
    high = usual if wish.high is None else wish.high
    if wish.low is not None:
        return Quality(wish.low, max(wish.low, high))
    return Quality(max(1.0, round(min(high, usual) - _GAP_DB, 3)), high)


def bits_of(layout: RasterLayout) -> int:
    """Significant bits of a sample."""
    return layout.metadata.nbits or 8 * np.dtype(layout.dtype).itemsize


def _settled_quality(wish: Quality, options: Mapping[str, str]) -> Quality:
    high = wish.high if wish.high is not None else number({k.upper(): v for k, v in options.items()}["QUALITY"])
    if wish.low is not None:
        return Quality(min(wish.low, high), high)
    return Quality(round(max(1.0, high - _GAP), 3), high)


def settings_by_level(treatment: Treatment, name: str, steps: int, layout: RasterLayout) -> tuple[float, ...]:
    """Say what each level asks of a tile: a quality, or the largest error of LERC; empty where tiles are all alike.

    In JPEG 2000 a quality is the PSNR of a tile in dB. The irreversible wavelet ends at errors of about 0.8, which are
    50 dB in 8 bits: tiles of which more is asked are lossless, and levels lie between `low` and that end.

    Parameters
    ----------
    treatment
        As `settle` returned it.
    name
        Of the profile.
    steps
        Of the ladder.
    layout
        What is written.
    """
    match treatment.then:
        case Bound() as bound if name == "lerc":
            return bound.errors(steps, layout.dtype)
        case Quality(low, high) | TwoPass(low, high):
            return _qualities(low, high, name, steps, layout)
    return ()


def _qualities(low: float | None, high: float | None, name: str, steps: int, layout: RasterLayout) -> tuple[float, ...]:
    if low is None or high is None:
        raise ValueError("a quality that is not settled")
    end = 20 * math.log10(2 ** bits_of(layout) - 1) + _REACH_DB if name == "jp2" else BEST
    top = min(high, end)
    settings = [top - (top - min(low, top)) * level / steps for level in range(steps + 1)]
    return tuple(BEST if setting >= end else setting for setting in settings)
