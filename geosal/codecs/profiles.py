"""Named profiles: which GDAL driver writes an output, with which creation options, and what it can hold."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePath
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from rasterio.enums import ColorInterp

from geosal.codecs.options import (
    DRIVER_OPTIONS,
    FLOATING_POINT,
    FRACTIONS,
    HTJ2K_OPTIONS,
    LEVELS,
    MULTIPLES,
    PROTECTED_OPTIONS,
    WORDS,
    number,
    refuse_idle,
    united,
    with_resampling,
)
from geosal.codecs.treatments import settle, treated_options
from geosal.errors import UsageError
from geosal.grid import level_shapes
from geosal.raster import RasterLayout
from geosal.treatment import SMOOTH, Quality, Treatment

_INTEGERS_16 = ("uint8", "uint16", "int16")
_ALL = (*_INTEGERS_16, "uint32", "int32", "float32", "float64")
_LEAST_SIDE = 8
"""Pixels of a tile that a codec may halve no more."""
_GAINFUL_HALVINGS = 5
"""Of a wavelet: more gain nothing, fewer cost up to half of the bytes. GDAL and OpenJPEG have as many."""
LARGEST_THUMBNAIL = 512
"""The coarsest resolution of a JPEG2000 has its longer side at or below this."""
_JP2_TILE = 1024
_CLASSIC_BYTES = 2**32 - 1
"""That a TIFF which is no BigTIFF has at most."""
_RGBA = 4
_BEST_QUALITY = 100
_DEFAULT_NAME = {"COG": "deflate", "JP2OpenJPEG": "jp2-lossless", "Zarr": "zarr", "JPEG": "jpg"}
_DRIVER_OF_SUFFIX = {
    ".tif": "COG", ".tiff": "COG", ".jp2": "JP2OpenJPEG", ".zarr": "Zarr", ".jpg": "JPEG", ".jpeg": "JPEG",
}  # fmt: skip
MOST_JPEG_PIXELS = 65500
"""Rows and columns that libjpeg reads, and with it GDAL and most other programs; the format has 65535."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A codec, decided.

    Attributes
    ----------
    name
        As in `PROFILES`.
    driver
        GDAL's short name, ``"COG"``, ``"JP2OpenJPEG"``, ``"Zarr"`` or ``"JPEG"``.
    lossless
        Every sample comes back as it was written.
    creation_options
        GDAL's names and values, final.
    """

    name: str
    driver: str
    lossless: bool
    creation_options: tuple[tuple[str, str], ...]

    @property
    def has_spool(self) -> bool:
        """Whether tiles wait beside the output until all are there."""
        return self.driver in {"COG", "JPEG"}

    def needs_mask(self, layout: RasterLayout) -> bool:
        """Tell whether validity must travel as a mask: a lossy codec blurs the nodata code itself."""
        has_code = layout.nodata is not None and not math.isnan(layout.nodata)
        return not self.lossless and has_code


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """One row of the table: what a profile is made of, and what it can hold."""

    driver: str
    options: tuple[tuple[str, str], ...]
    lossless: bool = True
    dtypes: tuple[str, ...] = _ALL
    counts: tuple[int, ...] = ()
    """Numbers of bands; any when empty."""
    fourth_is_alpha: bool = False
    """Where samples are lost, the fourth of four bands is alpha, and no other one is."""
    one_float_band: bool = False
    """Of floats a single band only."""


def _cog(compress: str, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (
        ("COMPRESS", compress),
        *more,
        ("BLOCKSIZE", "512"),
        ("OVERVIEW_RESAMPLING", "AVERAGE"),
        ("NUM_THREADS", "ALL_CPUS"),
        ("BIGTIFF", "IF_SAFER"),
    )


_JP2 = (("CODEC", "JP2"), ("GeoJP2", "YES"), ("GMLJP2", "YES"))  # never WRITE_METADATA: jpylyzer calls that invalid
_PREDICTOR = ("PREDICTOR", "YES")

PROFILES: Mapping[str, _Kind] = MappingProxyType({
    "deflate": _Kind(driver="COG", options=_cog("DEFLATE", _PREDICTOR)),
    "zstd": _Kind(driver="COG", options=_cog("ZSTD", _PREDICTOR)),
    "lzw": _Kind(driver="COG", options=_cog("LZW", _PREDICTOR)),
    "raw": _Kind(driver="COG", options=_cog("NONE")),
    "jpeg": _Kind(driver="COG", options=_cog("JPEG", ("QUALITY", "75")), lossless=False, dtypes=("uint8",),
                  counts=(1, 3, 4), fourth_is_alpha=True),
    "webp": _Kind(driver="COG", options=_cog("WEBP", ("QUALITY", "75")), lossless=False, dtypes=("uint8",),
                  counts=(3, 4), fourth_is_alpha=True),
    "lerc": _Kind(driver="COG", options=_cog("LERC", ("MAX_Z_ERROR", "0")), one_float_band=True),
    "jp2-lossless": _Kind(driver="JP2OpenJPEG", options=(*_JP2, ("REVERSIBLE", "YES"), ("QUALITY", "100")),
                          dtypes=_INTEGERS_16),
    "jp2": _Kind(driver="JP2OpenJPEG", options=(*_JP2, ("REVERSIBLE", "NO"), ("QUALITY", "25")), lossless=False,
                 dtypes=_INTEGERS_16),
    "htj2k": _Kind(driver="JP2OpenJPEG", options=(*_JP2, ("REVERSIBLE", "YES"), ("QUALITY", "100")),
                   dtypes=_INTEGERS_16),
    "zarr": _Kind(driver="Zarr", options=(("LEVEL", "3"),)),
    "jpg": _Kind(driver="JPEG", options=(("QUALITY", "75"), ("SUBSAMPLING", "420"), ("WORLDFILE", "YES")),
                 lossless=False, dtypes=("uint8",), counts=(1, 3, 4), fourth_is_alpha=True),
})  # fmt: skip
"""Every profile by its name."""


class Settled(NamedTuple):
    """A profile, and the treatment with nothing left open."""

    profile: Profile
    treatment: Treatment


def resolve_profile(
    output: str, name: str | None, creation_options: Mapping[str, str], layout: RasterLayout
) -> Profile:
    """Decide driver and creation options of a file whose pixels come as they are to be; as `resolve_treated`."""
    return resolve_treated(output, name, creation_options, layout, SMOOTH).profile


def resolve_treated(
    output: str, name: str | None, creation_options: Mapping[str, str], layout: RasterLayout, treatment: Treatment
) -> Settled:
    """Decide driver, creation options and what is left open of a treatment, before any pixel moves.

    Parameters
    ----------
    output
        Path whose suffix picks the driver: ``.tif``, ``.tiff``, ``.jp2``, ``.zarr``, ``.jpg``
        or ``.jpeg``.
    name
        Key of `PROFILES`; the driver's lossless default when None.
    creation_options
        With GDAL's names, in any case; they go over the profile's own.
    layout
        What will be written.
    treatment
        What saliency is to do.

    Raises
    ------
    UsageError
        Unknown suffix, profile or option; an option that contradicts the profile; a dtype or a number of bands that
        the codec cannot hold, or a treatment that does not go with it.
    """
    if name is not None and not isinstance(name, str):
        raise UsageError(f"profile={name!r}: it must be a name, one of {', '.join(PROFILES)}")
    driver, creation_options = driver_of(output), united(creation_options.items())
    name = (name or _DEFAULT_NAME[driver]).lower()
    kind = _kind_of(name, driver, output)
    _refuse_misfit(name, kind, layout)
    if driver == "JPEG":
        _refuse_large_jpeg(output, layout)
    asked = treated_options(treatment, name, driver, creation_options, layout)
    given = with_resampling(asked | creation_options) if driver == "COG" else asked | creation_options
    options = dict(kind.options)
    if driver == "JP2OpenJPEG":
        options |= _jp2_geometry(layout, given)
    options |= _checked_options(given, name, kind, layout.dtype)
    if driver == "JP2OpenJPEG":
        _refuse_few_resolutions(layout, options)
    if name == "raw":
        _refuse_classic(layout, options)
    lossless = _is_lossless(kind, options) and (kind.lossless or not isinstance(treatment.then, Quality))
    if not lossless:
        _refuse_alpha(name, kind, layout)
    treatment = settle(treatment, name, options, layout, lossless=lossless)
    if not lossless and layout.alpha is not None and (driver == "JP2OpenJPEG" or name == "lerc"):
        otherwise = "--profile lerc without an error" if name == "lerc" else "--profile jp2-lossless"
        raise UsageError(
            f"profile {name}: would blur alpha, and with it which pixels are valid; use {otherwise}, "
            "or leave alpha out with --bidx"
        )
    profile = Profile(name=name, driver=driver, lossless=lossless, creation_options=tuple(options.items()))
    return Settled(profile, treatment)


def lossy_profiles(output: str, layout: RasterLayout) -> tuple[str, ...]:
    """Name the profiles that an output and its pixels can have, and that come to few bytes by losing some.

    Parameters
    ----------
    output
        Path, whose suffix picks the driver.
    layout
        What will be written.
    """
    names = []
    for name, kind in PROFILES.items():
        with suppress(UsageError):
            if not kind.lossless or name == "lerc":
                resolve_profile(output, name, {}, layout)
                names.append(name)
    return tuple(names)


def driver_of(output: str) -> str:
    """Tell which of GDAL's drivers an output's suffix picks.

    Raises
    ------
    UsageError
        None of them.
    """
    suffix = PurePath(output).suffix.lower()
    if suffix not in _DRIVER_OF_SUFFIX:
        found = f"'{suffix}'" if suffix else "a name without suffix"
        raise UsageError(f"{output}: {found} is not written by this version; use .tif, .jp2, .zarr or .jpg")
    return _DRIVER_OF_SUFFIX[suffix]


def _kind_of(name: str, driver: str, output: str) -> _Kind:
    fitting = [known for known, kind in PROFILES.items() if kind.driver == driver]
    if name not in PROFILES:
        close = get_close_matches(name, fitting, n=1) or get_close_matches(name, PROFILES, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"profile {name}: unknown; {hint}{output} can be written as {', '.join(fitting)}")
    kind = PROFILES[name]
    if kind.driver != driver:
        suffix = next(suffix for suffix, found in _DRIVER_OF_SUFFIX.items() if found == kind.driver)
        raise UsageError(
            f"profile {name}: does not go into {output}; use {', '.join(fitting)}, or an output that ends in {suffix}"
        )
    return kind


def _refuse_misfit(name: str, kind: _Kind, layout: RasterLayout) -> None:
    otherwise = "write a .tif" if kind.driver == "JPEG" else f"use --profile {_DEFAULT_NAME[kind.driver]}"
    if layout.dtype not in kind.dtypes:
        raise UsageError(
            f"profile {name}: cannot hold {layout.dtype}, only {', '.join(kind.dtypes)}; "
            f"{_mend_of_dtype(kind, layout.dtype, otherwise)}"
        )
    scaling = [number for band in layout.metadata.bands for number in (band.scale, band.offset)]
    if kind.driver == "Zarr" and not all(map(math.isfinite, scaling)):
        raise UsageError(
            f"profile {name}: cannot hold a scale or an offset that is NaN or infinite (JSON has none); write a .tif, "
            "or give the scene others with gdal_edit.py -scale 1 -offset 0"
        )
    if kind.counts and layout.count not in kind.counts:
        raise UsageError(
            f"profile {name}: cannot hold {layout.count} bands, only {_numbers(kind.counts)}; "
            f"choose bands with --bidx, or {otherwise}"
        )
    if kind.one_float_band and layout.count > 1 and layout.dtype.startswith("float"):
        raise UsageError(
            f"profile {name}: loses NaN when {layout.count} bands of {layout.dtype} lie in one file (libtiff's fault); "
            f"choose one with --bidx, or {otherwise}"
        )


def _mend_of_dtype(kind: _Kind, dtype: str, otherwise: str) -> str:
    """A way to write samples of this type: another profile where one holds them, else another type."""
    if dtype not in PROFILES[_DEFAULT_NAME["COG"]].dtypes:  # which holds most
        fitting = {"bool": "uint8", "int8": "int16", "float16": "float32"}.get(dtype, "float64")
        return f"no profile holds them, so convert them first: array.astype('{fitting}'), or gdal_translate -ot"
    more = "bring it to 8 bits with --to-byte" if kind.driver == "JPEG" else "convert the scene first"
    return f"{otherwise if kind.driver == 'COG' else 'write a .tif'}, or {more}"


def _refuse_alpha(name: str, kind: _Kind, layout: RasterLayout) -> None:
    """Refuse bands of which a codec would take another one for alpha, or alpha for a colour."""
    if not kind.fourth_is_alpha:
        return
    otherwise = "write a .tif" if kind.driver == "JPEG" else f"use --profile {_DEFAULT_NAME[kind.driver]}"
    if layout.count == 1 and layout.alpha is not None:
        raise UsageError(
            f"profile {name}: the only band is alpha, and would be blurred; choose others with --bidx, or {otherwise}"
        )
    alphas = sum(band.colorinterp == ColorInterp.alpha for band in layout.metadata.bands)
    if alphas > 1:
        raise UsageError(
            f"profile {name}: {alphas} of {layout.count} bands are alpha, and it can only be the last of {_RGBA}; "
            f"choose bands with --bidx, or {otherwise}"
        )
    if layout.count == _RGBA and layout.alpha is None:
        raise UsageError(
            f"profile {name}: a fourth band must be alpha, this one is not; choose three with --bidx, or {otherwise}"
        )
    if layout.alpha is not None and (layout.count, layout.alpha) != (_RGBA, _RGBA - 1):
        raise UsageError(
            f"profile {name}: alpha is band {layout.alpha + 1} of {layout.count}, and it can only be the last of "
            f"{_RGBA}; leave it out with --bidx, where a mask takes its place, or {otherwise}"
        )


def _refuse_large_jpeg(output: str, layout: RasterLayout) -> None:
    rows, cols = layout.grid.shape
    if max(rows, cols) > MOST_JPEG_PIXELS:
        raise UsageError(
            f"{output}: {cols} x {rows} px, and programs read JPEGs up to {MOST_JPEG_PIXELS} a side; write a COG, a "
            ".tif with --profile jpeg"
        )


def _numbers(values: tuple[int, ...]) -> str:
    *first, last = map(str, values)
    return f"{', '.join(first)} or {last}" if first else last


def _jp2_geometry(layout: RasterLayout, given: Mapping[str, str]) -> dict[str, str]:
    """Choose tile, resolutions and precision: the coarsest resolution is a thumbnail, and small images have several."""
    rows, cols = layout.grid.shape
    sides = [number(value) for name, value in given.items() if name.upper() in {"BLOCKXSIZE", "BLOCKYSIZE"}]
    tile = min([_JP2_TILE, *(side for side in sides if side >= 1)])
    wanted = math.ceil(math.log2(max(rows, cols) / LARGEST_THUMBNAIL)) if max(rows, cols) > LARGEST_THUMBNAIL else 0
    least = min(rows, cols, tile)
    if least >= _LEAST_SIDE:
        wanted = max(wanted, min(_GAINFUL_HALVINGS, int(math.log2(least / _LEAST_SIDE))))
    possible = int(math.log2(least))  # a tile must not shrink below one pixel
    options = {
        "BLOCKXSIZE": str(_JP2_TILE),
        "BLOCKYSIZE": str(_JP2_TILE),
        "RESOLUTIONS": str(1 + min(wanted, possible)),
    }
    if layout.metadata.nbits is not None and layout.metadata.nbits < 8 * np.dtype(layout.dtype).itemsize:
        options["NBITS"] = str(layout.metadata.nbits)
    return options


def reaches_thumbnail(shape: tuple[int, int], tile: int, resolutions: int) -> bool:
    """Tell whether the coarsest resolution of a JPEG 2000 is a thumbnail, or as coarse as its tiles let it be.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    tile
        Of its tiles, the lesser of both.
    resolutions
        How many there are, the image itself included.
    """
    halvings = resolutions - 1
    coarsest = math.ceil(max(shape) / 2**halvings)
    return coarsest <= LARGEST_THUMBNAIL or min(*shape, tile) >> halvings < 2 * _LEAST_SIDE


def _refuse_few_resolutions(layout: RasterLayout, options: Mapping[str, str]) -> None:
    """Resolutions are the overviews of a JPEG 2000."""
    tile, found = min(int(options["BLOCKXSIZE"]), int(options["BLOCKYSIZE"])), int(options["RESOLUTIONS"])
    if not reaches_thumbnail(layout.grid.shape, tile, found):
        rows, cols = layout.grid.shape
        raise UsageError(
            f"--co RESOLUTIONS={found}: leaves a JPEG2000 of {cols} x {rows} px without a thumbnail; leave it out"
        )


def _refuse_classic(layout: RasterLayout, options: Mapping[str, str]) -> None:
    """Tiles that are stored as they are tell before the job what they take."""
    if options["BIGTIFF"].upper() != "NO":
        return
    side = int(options["BLOCKSIZE"])
    shapes = level_shapes(layout.grid.shape, side)
    tiles = sum(math.ceil(rows / side) * math.ceil(cols / side) for rows, cols in shapes)
    taken = tiles * side**2 * layout.count * np.dtype(layout.dtype).itemsize
    if taken > _CLASSIC_BYTES:
        raise UsageError(
            f"--co BIGTIFF=NO: the tiles take {taken} bytes, and a file without BigTIFF holds {_CLASSIC_BYTES}; leave "
            "it out, or choose a codec with --profile"
        )


def _checked_options(given: Mapping[str, str], name: str, kind: _Kind, dtype: str) -> dict[str, str]:
    """Check the user's creation options; returns them under GDAL's own spelling."""
    known = {option.upper(): option for option in DRIVER_OPTIONS[kind.driver]}
    own = {option.upper(): value for option, value in kind.options}
    checked: dict[str, str] = {}
    for option, value in given.items():
        upper = option.upper()
        if upper in PROTECTED_OPTIONS and own.get(upper, "").upper() != value.upper():
            raise UsageError(f"--co {option}={value}: {PROTECTED_OPTIONS[upper]}")
        if upper in PROTECTED_OPTIONS:
            continue  # says what the profile says
        if upper not in known:
            close = get_close_matches(upper, known, n=1)
            hint = f"did you mean {known[close[0]]}? " if close else ""
            raise UsageError(
                f"--co {option}={value}: driver {kind.driver} has no such creation option; {hint}"
                f"it takes {', '.join(sorted(known.values()))}"
            )
        if kind.lossless and kind.driver == "JP2OpenJPEG" and upper == "QUALITY" and number(value) != _BEST_QUALITY:
            raise UsageError(f"--co {option}={value}: profile {name} keeps every sample; use --profile jp2 for less")
        if name == "htj2k" and upper not in HTJ2K_OPTIONS:
            raise UsageError(
                f"--co {option}={value}: HTJ2K tiles take {', '.join(sorted(HTJ2K_OPTIONS))} only; leave it out"
            )
        if kind.driver == "COG":
            refuse_idle(upper, value, name, own["COMPRESS"], given)
        limits = DRIVER_OPTIONS[kind.driver][upper]
        if kind.driver == "COG" and upper == "LEVEL":
            limits = LEVELS.get(own["COMPRESS"], limits)
        _check_value(upper, value, dtype)
        _check_number(upper, value, limits, kind.driver)
        checked[known[upper]] = value
    return checked


def _check_value(option: str, value: str, dtype: str) -> None:
    """Refuse a value that GDAL would take for another one, or find out about at the end of the job."""
    fault = ""
    if option in WORDS and value.upper() not in WORDS[option]:
        fault = f"it is {', '.join(sorted(WORDS[option]))}"
    elif option.endswith("PREDICTOR") and value.upper() in FLOATING_POINT and not dtype.startswith("float"):
        fault = f"is for floats, these are {dtype}; use YES"
    elif option == "NUM_THREADS" and value.upper() != "ALL_CPUS" and not value.isdecimal():
        fault = "it is ALL_CPUS or a whole number"
    elif option == "COMMENT" and not value.isascii():
        fault = "a comment in a JPEG2000 is plain ASCII"
    if fault:
        raise UsageError(f"--co {option}={value}: {fault}")


def _check_number(option: str, value: str, limits: tuple[float, float] | None, driver: str) -> None:
    if limits is None:
        return
    rates = option == "QUALITY" and driver == "JP2OpenJPEG"
    found = [number(part) for part in (value.split(",") if rates else [value])]
    if not all(limits[0] <= part <= limits[1] and math.isfinite(part) for part in found):
        wanted = f"of {limits[0]:g} or more" if math.isinf(limits[1]) else f"from {limits[0]:g} to {limits[1]:g}"
        raise UsageError(f"--co {option}={value}: needs a number {wanted}")
    whole = rates or option in FRACTIONS or value.isdecimal()
    multiple = MULTIPLES.get(option, 1)
    if not whole or (multiple > 1 and int(value) % multiple):
        what = f"a multiple of {multiple}" if multiple > 1 else "a whole number"
        raise UsageError(f"--co {option}={value}: it is {what} from {limits[0]:g} to {limits[1]:g}")


def _is_lossless(kind: _Kind, options: Mapping[str, str]) -> bool:
    if options.get("COMPRESS") == "WEBP":
        return number(options["QUALITY"]) == _BEST_QUALITY  # GDAL then switches WebP to lossless
    if options.get("COMPRESS") == "LERC":
        return number(options["MAX_Z_ERROR"]) == 0
    return kind.lossless
