"""Round each pixel by its level: no sample is off by more than its level allows, and a codec needs fewer bits.

The step of a level is the largest power of two whose half is not above its error. A sample goes to a multiple of twice
the step where one lies within the error, else to the nearest multiple of the step. So low bits are zero, the values of
a coarse level are among those of every finer one, for floats nothing is rounded, and each unit of error more saves
bytes. On 16-bit scenes lossless codecs make a tenth less of that than of multiples of 2 e + 1, which are coarser:
`tests/benchmarks/quality.py` has the figures.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import APART, is_nodata
from geosal.errors import UsageError
from geosal.native import quantise
from geosal.native.loops import QUANTISED
from geosal.smoothing.block import SampleRules

_NOTHING_SPECIAL = SampleRules()
_STRIP = 2**16
"""Number of pixels in work at once, so that they stay in the cache."""


_CELL = 16
"""Rows and columns of the cells that are rounded alike."""
_ALONG, _ACROSS, _WHOLE = 0xC13FA9A9, 0x91E10DA5, 2**32
"""Two fractions of a plane-filling sequence (Roberts' R2), and their scale: any share of the cells lies spread evenly,
in each window."""


@dataclass(frozen=True)
class Rounding:
    """A rule that rounds pixels by their levels; it pickles.

    Attributes
    ----------
    errors
        Largest error of each level, in the units of the samples; 0 leaves a level alone.
    finer
        Share of the cells of 16 x 16 pixels in which `fine` takes the place of `errors`. Their place in the image
        decides, so neither blocks nor workers do.
    fine
        Errors in those cells, none above `errors`; empty where `finer` is 0.
    rules
        Nodata code and alpha band.
    most
        Limit of rounded samples, as in data of 12 bits; None for the limits of the dtype.
    """

    errors: tuple[float, ...]
    finer: float = 0.0
    fine: tuple[float, ...] = ()
    rules: SampleRules = _NOTHING_SPECIAL
    most: int | None = None

    def __call__(
        self,
        pixels: NDArray[Any],
        levels: NDArray[np.uint8],
        valid: NDArray[np.bool_] | None,
        corner: tuple[int, int],
    ) -> NDArray[Any]:
        """Round pixels whose first one lies in row and column `corner` of the image; the rest as `bound_errors`.

        Raises
        ------
        UsageError
            A level has no error.
        """
        rounded = self._rounded(pixels, levels, valid, corner)
        if self.most is not None:
            np.minimum(rounded, np.maximum(pixels, rounded.dtype.type(self.most)), out=rounded)
        return rounded

    def _rounded(
        self,
        pixels: NDArray[Any],
        levels: NDArray[np.uint8],
        valid: NDArray[np.bool_] | None,
        corner: tuple[int, int],
    ) -> NDArray[Any]:
        if not self.finer:
            return bound_errors(pixels, levels, valid, self.errors, self.rules)
        count = len(self.errors)
        if levels.size and int(levels.max()) >= count:
            return bound_errors(pixels, levels, valid, self.errors, self.rules)  # refuses
        apart = levels + np.uint8(count) * _finer_cells(corner, levels.shape, self.finer)
        return bound_errors(pixels, apart, valid, (*self.errors, *self.fine), self.rules)


def _finer_cells(corner: tuple[int, int], shape: tuple[int, ...], share: float) -> NDArray[np.uint8]:
    """Return 1 in a share of the cells, (y, x)."""
    rows, cols = (
        np.arange(begin // _CELL, -(-(begin + length) // _CELL), dtype=np.uint64)
        for begin, length in zip(corner, shape, strict=True)
    )
    places = (rows[:, np.newaxis] * _ALONG + cols * _ACROSS) % _WHOLE
    chosen = (places < share * _WHOLE).astype(np.uint8)
    wide = chosen.repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    top, left = (begin % _CELL for begin in corner)
    return wide[top : top + shape[0], left : left + shape[1]]


def bound_errors(
    pixels: NDArray[Any],
    levels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    errors: tuple[float, ...],
    rules: SampleRules = _NOTHING_SPECIAL,
) -> NDArray[Any]:
    """Round each sample to a multiple of its level's step, or of twice the step if one lies within its error.

    Parameters
    ----------
    pixels
        (band, y, x), integer or float.
    levels
        (y, x), each below ``len(errors)``.
    valid
        (band, y, x), True where a sample counts; None when all do. Others keep their bits.
    errors
        Largest error of each level, in the units of the samples; 0 leaves a level alone.
    rules
        Nodata code and alpha band: no valid sample takes the one, the other is carried.

    Returns
    -------
    ndarray
        A new array like `pixels`.

    Raises
    ------
    UsageError
        A level without an error.
    """
    result = np.empty(pixels.shape, pixels.dtype.newbyteorder("="))
    highest = int(levels.max()) if levels.size else 0
    if highest >= len(errors):
        raise UsageError(f"level {highest} with errors for {len(errors)} levels; give one for each level of the ladder")
    exponents = np.array([step_exponent(error, result.dtype) for error in errors])
    if not levels.size or not (np.array(errors)[: highest + 1] > 0).any():
        result[...] = pixels
        return result
    largest = np.asarray(errors, np.float64)
    quantise_band = quantise if result.dtype.name in QUANTISED else quantise_slowly
    for number, band in enumerate(pixels):
        if number == rules.alpha:
            result[number] = band
        else:
            says = None if valid is None else valid[number]
            quantise_band(band, levels, says, result[number], exponents, largest, rules.nodata)
    return result


def quantise_slowly(
    pixels: NDArray[Any],
    levels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    out: NDArray[Any],
    exponents: NDArray[np.int_],
    errors: NDArray[np.float64],
    nodata: float | None,
) -> None:
    """Do what `geosal.native.quantise` does, to the bit, in NumPy: for rare dtypes, and to test it."""
    method = _quantise_floats if out.dtype.kind == "f" else _quantise_integers
    rows = max(1, _STRIP // levels.shape[1])
    for top in range(0, levels.shape[0], rows):
        strip = slice(top, top + rows)
        before = pixels[strip].astype(out.dtype, copy=False)
        after = method(before, levels[strip], exponents, errors)
        if nodata is not None:
            _keep_off_nodata(after, before, nodata)
        out[strip] = after if valid is None else np.where(valid[strip], after, before)


def step_exponent(error: float, dtype: np.dtype[Any]) -> int:
    """Return the exponent of the largest power of two whose half is not above `error`; for integers 0 without one."""
    if error <= 0:
        return 0 if dtype.kind != "f" else _NO_STEP
    exponent = math.frexp(2 * error)[1] - 1
    return exponent if dtype.kind == "f" else max(0, exponent)


_NO_STEP = -(2**20)
"""Exponent of a step so small that it changes no float."""


def _quantise_integers(
    samples: NDArray[Any], levels: NDArray[np.uint8], exponents: NDArray[np.int_], errors: NDArray[np.float64]
) -> NDArray[Any]:
    wide: Any = np.int32 if samples.dtype.itemsize <= 2 else np.int64
    steps = np.int64(1) << exponents
    shift: NDArray[Any] = exponents.astype(wide)[levels]
    # Half a step less one, and one more where the multiple below is odd: a tie goes to the even one.
    below: NDArray[Any] = np.maximum(steps // 2 - 1, 0).astype(wide)[levels]
    tie: NDArray[Any] = (steps > 1).astype(wide)[levels]
    before: NDArray[Any] = samples.astype(wide)
    near = ((before + below + (tie & (before >> shift))) >> shift) << shift
    coarse = ((before + (1 << shift)) >> (shift + 1)) << (shift + 1)
    values = np.where(np.abs(coarse - before) <= errors.astype(wide)[levels], coarse, near)
    limits = np.iinfo(samples.dtype)
    return np.asarray(np.clip(values, limits.min, limits.max).astype(samples.dtype))


def _quantise_floats(
    samples: NDArray[Any], levels: NDArray[np.uint8], exponents: NDArray[np.int_], errors: NDArray[np.float64]
) -> NDArray[Any]:
    wide = samples.astype(np.float64)
    exponent = exponents[levels]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        near, coarse = (
            np.ldexp(np.rint(np.ldexp(wide, -each)), each).astype(samples.dtype) for each in (exponent, exponent + 1)
        )
        within = np.abs(coarse.astype(np.float64) - wide) <= errors[levels]
        near = np.where(within, coarse, near)
    # Without a step, or where it is finer than the sample's own, nothing changes.
    fine = (exponent == _NO_STEP) | ~np.isfinite(near)
    return np.where(fine, samples, near)


def _keep_off_nodata(after: NDArray[Any], before: NDArray[Any], nodata: float) -> None:
    """Move samples that were rounded to the nodata code back towards their old values, by the least step."""
    hit = is_nodata(after, nodata) & (after != before)
    if not hit.any():
        return
    were = before[hit]
    if after.dtype.kind != "f":
        code = after.dtype.type(nodata)
        after[hit] = np.where(were > code, code + (were > code), code - (were < code))
        return
    code, wide = float(after.dtype.type(nodata)), were.astype(np.float64)
    apart = max(float(np.finfo(after.dtype).tiny), APART * abs(code))
    moved = (code + np.copysign(apart, wide - code)).astype(after.dtype)
    no_worse = np.abs(moved.astype(np.float64) - wide) <= np.abs(code - wide)
    after[hit] = np.where(no_worse & ~is_nodata(moved, nodata), moved, were)
