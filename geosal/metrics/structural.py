"""Structural similarity: SSIM of Wang et al. (2004), and MS-SSIM of Wang, Simoncelli and Bovik (2003).

A window is 11 x 11 pixels under a Gaussian of sigma 1.5. With means m, variances v and the covariance c of the two
images under it,

    similarity = (2 m1 m2 + C1) / (m1^2 + m2^2 + C1) * (2 c + C2) / (v1 + v2 + C2),   C1 = (.01 L)^2, C2 = (.03 L)^2

(equation 13 of 2004; L is the data range; population variances). Only windows that lie in the image whole and hold no
invalid sample count; SSIM is their mean. For MS-SSIM both images are halved four times by the mean of 2 x 2 pixels;
it is the product over the scales of the mean second factor (contrast and structure), at the coarsest of the mean of
both, each to the power of `WEIGHTS` (equation 7 of 2003). A mean below 0 counts as 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.native import pool, sum_windows
from geosal.native.differences import REACH, Window, Windows

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, the finest first: section 3.2 of Wang, Simoncelli and Bovik (2003)."""
SCALES = len(WEIGHTS)
ALIGNMENT = 2 ** (SCALES - 1)
"""Blocks begin at multiples of this many pixels, so that pixels of the coarsest scale are not cut."""
HALO = REACH * ALIGNMENT
"""Pixels around a block that windows of the coarsest scale reach."""
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03
_LEAST_RANGE, _LARGEST_RANGE = 1e-150, 1e150
_TAPS = np.exp(-(np.arange(REACH + 1) ** 2) / (2 * _SIGMA**2))
_TAPS /= 2 * _TAPS.sum() - _TAPS[0]


@dataclass(frozen=True, slots=True)
class StructureSums:
    """Sums over the windows of each of the five scales; ``a + b`` is of both together.

    A window of a coarser scale counts once for each pixel of the full resolution that its centre covers. So the levels
    of a block have their share of each, and add up to the whole.

    Attributes
    ----------
    windows
        Pixels whose windows count, the finest scale first.
    similarity
        Sum of luminance, contrast and structure over them.
    contrast
        Sum of contrast and structure alone.
    """

    windows: tuple[int, ...] = (0,) * SCALES
    similarity: tuple[float, ...] = (0.0,) * SCALES
    contrast: tuple[float, ...] = (0.0,) * SCALES

    @classmethod
    def of(
        cls,
        reference: NDArray[Any],
        candidate: NDArray[Any],
        data_range: float,
        *,
        valid: NDArray[np.bool_] | None = None,
        where: NDArray[np.bool_] | None = None,
    ) -> "StructureSums":
        """Compare two images of one band.

        Parameters
        ----------
        reference, candidate
            (y, x) of one dtype: uint8, uint16, int16, uint32, int32, float32 or float64.
        data_range
            L above: width of the range of values that a sample may take.
        valid
            (y, x): a window that holds a sample that is not valid does not count. All are when None.
        where
            (y, x): windows count whose centre is in it; all when None.

        Raises
        ------
        UsageError
            The arrays differ in shape or dtype, no loop knows their dtype, or the range is not above 0.
        """
        levels = None if where is None else np.asarray(~where).view(np.uint8)
        everywhere = slice(0, reference.shape[0]), slice(0, reference.shape[1])
        return sum_structure(reference, candidate, data_range, everywhere, valid=valid, levels=levels, count=1)[0]

    def __add__(self, other: Self) -> "StructureSums":
        return StructureSums(
            tuple(a + b for a, b in zip(self.windows, other.windows, strict=True)),
            tuple(a + b for a, b in zip(self.similarity, other.similarity, strict=True)),
            tuple(a + b for a, b in zip(self.contrast, other.contrast, strict=True)),
        )

    @property
    def ssim(self) -> float:
        """Mean structural similarity; NaN where no window counts."""
        return self.similarity[0] / self.windows[0] if self.windows[0] else math.nan

    @property
    def ms_ssim(self) -> float:
        """Structural similarity over five scales; NaN where a scale has no window, as in an image below 161 pixels."""
        if not all(self.windows):
            return math.nan
        factors = [*self.contrast[:-1], self.similarity[-1]]
        means = [max(0.0, factor / count) for factor, count in zip(factors, self.windows, strict=True)]
        return math.prod(math.pow(mean, weight) for mean, weight in zip(means, WEIGHTS, strict=True))


def ssim(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    data_range: float,
    *,
    valid: NDArray[np.bool_] | None = None,
    where: NDArray[np.bool_] | None = None,
) -> float:
    """Return the mean structural similarity of two images, over bands the mean of each band's; see `StructureSums.of`.

    Parameters
    ----------
    reference, candidate
        (y, x) or (band, y, x).
    data_range
        Width of the range of values that a sample may take.
    valid
        (y, x) or (band, y, x), samples that count.
    where
        (y, x), centres of the windows that count.

    Raises
    ------
    UsageError
        See `StructureSums.of`.
    """
    return mean_of_known([sums.ssim for sums in _of_bands(reference, candidate, data_range, valid, where)])


def ms_ssim(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    data_range: float,
    *,
    valid: NDArray[np.bool_] | None = None,
    where: NDArray[np.bool_] | None = None,
) -> float:
    """Structural similarity of two images over five scales, over bands the mean of each band's; as `ssim`."""
    return mean_of_known([sums.ms_ssim for sums in _of_bands(reference, candidate, data_range, valid, where)])


def sum_structure(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    data_range: float,
    inside: tuple[slice, slice],
    *,
    valid: NDArray[np.bool_] | None,
    levels: NDArray[np.uint8] | None,
    count: int,
) -> tuple[StructureSums, ...]:
    """Compare one band of a block with its halo, and sum up by the level of each window's centre.

    Parameters
    ----------
    reference, candidate
        (y, x) of the block and `HALO` pixels around it, cut at the edge of the scene.
    data_range
        Width of the range of values that a sample may take.
    inside
        Rows and columns of the block in these arrays. They begin at multiples of `ALIGNMENT`, and so does the array in
        the scene; they end at such, or at the edge of the scene.
    valid
        (y, x) as `reference`, or None when all samples count.
    levels
        (y, x) of the block, or None when all pixels are of level 0. Those from `count` on are left out.
    count
        Number of levels.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, the block is not aligned, the range is not above 0, or
        its square exceeds float64.
    """
    if not (data_range > 0 and math.isfinite(data_range)):
        raise UsageError(f"a data range of {data_range}; it must be above 0: say what range the samples have")
    if not _LEAST_RANGE <= data_range <= _LARGEST_RANGE:
        raise UsageError(
            f"a data range of {data_range:g}; its square fits into no float64: scale the samples, so that it lies from "
            f"{_LEAST_RANGE:g} to {_LARGEST_RANGE:g}"
        )
    if reference.ndim != 2:
        raise UsageError(f"a band of shape {reference.shape}; it must be (y, x)")
    for extent, size in zip(inside, reference.shape, strict=True):
        if extent.start % ALIGNMENT or (extent.stop % ALIGNMENT and extent.stop != size):
            raise UsageError(f"a block at {inside}; it must begin and end at multiples of {ALIGNMENT} pixels")
    extents = tuple(extent.stop - extent.start for extent in inside)
    if levels is not None and levels.shape != extents:
        raise UsageError(f"levels of {levels.shape} for a block of {extents}; they must be of one shape")
    constants = ((_K1 * data_range) ** 2, (_K2 * data_range) ** 2)
    pivot, found = _pivot(reference, valid), list[Windows]()
    for scale in (2**step for step in range(SCALES)):
        if scale > 1:
            reference, candidate = pool(reference, valid), pool(candidate, valid)
            valid = None if valid is None else _pool_valid(valid)
        coarse = tuple(slice(extent.start // scale, -(-extent.stop // scale)) for extent in inside)
        window = Window(_TAPS, constants, scale, pivot)
        found.append(sum_windows(reference, candidate, valid, (coarse[0], coarse[1]), window, levels, count))
    return tuple(_at(found, level) for level in range(count))


def _pivot(band: NDArray[Any], valid: NDArray[np.bool_] | None) -> float:
    """Return a sample that counts; of integers 0, whose squares float64 holds well enough."""
    if band.dtype.kind != "f" or band.size == 0:
        return 0.0
    sample = float(band[np.unravel_index(int(np.argmax(valid)) if valid is not None else 0, band.shape)])
    return sample if math.isfinite(sample) else 0.0


def _at(found: Sequence[Windows], level: int) -> StructureSums:
    return StructureSums(
        tuple(int(windows.pixels[level]) for windows in found),
        tuple(float(windows.similarity[level]) for windows in found),
        tuple(float(windows.contrast[level]) for windows in found),
    )


def _pool_valid(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where all of 2 x 2 samples are valid, of those that exist."""
    rows = valid[::2].copy()
    rows[: valid.shape[0] // 2] &= valid[1::2]
    both = rows[:, ::2].copy()
    both[:, : valid.shape[1] // 2] &= rows[:, 1::2]
    return both


def _of_bands(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    data_range: float,
    valid: NDArray[np.bool_] | None,
    where: NDArray[np.bool_] | None,
) -> list[StructureSums]:
    if reference.ndim not in {2, 3} or reference.shape != candidate.shape:
        raise UsageError(
            f"images of {reference.shape} and {candidate.shape}; they must be (y, x) or (band, y, x) of one shape"
        )
    shape = (-1, *reference.shape[-2:])
    bands = zip(reference.reshape(shape), candidate.reshape(shape), strict=True)
    counts = None if valid is None else np.broadcast_to(valid, reference.shape).reshape(shape)
    return [
        StructureSums.of(first, second, data_range, valid=None if counts is None else counts[band], where=where)
        for band, (first, second) in enumerate(bands)
    ]


def mean_of_known(values: Sequence[float]) -> float:
    """Return the mean of the values that are numbers; NaN without any."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
