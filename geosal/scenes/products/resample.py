"""Resample from one grid to another, axis by axis, with the same bits in every block.

Both grids have the axes of one CRS. Pixel ``i`` of the target lies at ``x = (i + 0.5) * ratio + shift`` in the source,
0 at the outer edge of its first pixel. All is a function of ``i`` counted from the grid's edge, and sums run over the
taps of a pixel in their order.

- ``nearest``: the source pixel that holds ``x``; on an edge the later one.
- ``bilinear``: linear between the two nearest centres; beyond the last centre its value.
- ``average``: mean of the source under the target pixel, by the share of area.

For the last two, samples that do not count have no weight, and a pixel counts when half of its weight does.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Grid
from geosal.errors import SceneError

_GUARD = 1e-9
"""Tolerance in pixels: an edge that two grids share is the same edge, whatever the last bit."""
_WHOLE = 1 - 1e-6


class Taps(NamedTuple):
    """Source pixels and weights of each target pixel of a row or column."""

    source: NDArray[np.int64]
    """Source pixels of each target pixel, (n, taps)."""
    weight: NDArray[np.float64]
    """Weights of those pixels, (n, taps), of sum 1."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Position of one axis of the target on that of the source.

    Attributes
    ----------
    ratio
        Size of a target pixel in source pixels.
    shift
        Position of the target's outer edge, in source pixels.
    length
        Source pixels.
    """

    ratio: float
    shift: float
    length: int

    def taps(self, first: int, stop: int, method: str) -> Taps:
        """Return the taps of target pixels `first` to `stop` - 1."""
        place = np.arange(first, stop, dtype=np.float64)
        if method == "bilinear":
            centre = (place + 0.5) * self.ratio + self.shift - 0.5
            low = np.floor(centre + _GUARD)
            part = np.maximum(centre - low, 0.0)
            index, weight = np.stack([low, low + 1], axis=1), np.stack([1 - part, part], axis=1)
        elif method == "average":
            start = place * self.ratio + self.shift
            start, end = np.clip(start, 0, self.length), np.clip(start + self.ratio, 0, self.length)
            index = np.floor(start + _GUARD)[:, None] + np.arange(math.ceil(self.ratio - _GUARD) + 1)
            weight = np.minimum(end[:, None], index + 1) - np.maximum(start[:, None], index)
            weight[weight < _GUARD] = 0
            beyond = weight.sum(axis=1) == 0
            weight[beyond, 0] = 1
            weight /= weight.sum(axis=1, keepdims=True)
        else:
            index = np.floor((place + 0.5) * self.ratio + self.shift + _GUARD)[:, None]
            weight = np.ones_like(index)
        return Taps(np.clip(index, 0, self.length - 1).astype(np.int64), weight)


def axes_between(target: Grid, source: Grid) -> tuple[Axis, Axis]:
    """Return the axes of rows and columns of `target` on `source`, both without rotation.

    Raises
    ------
    SceneError
        Rows or columns of the grids do not run in the same direction.
    """
    to, of = target.transform, source.transform
    if not (to.a * of.a > 0 and to.e * of.e > 0):
        raise SceneError(
            f"pixels of {to.a:g} x {to.e:g} and of {of.a:g} x {of.e:g} map units do not run the same way; "
            "warp the bands to one grid: gdalwarp"
        )
    rows = Axis(to.e / of.e, (to.f - of.f) / of.e, source.height)
    return rows, Axis(to.a / of.a, (to.c - of.c) / of.a, source.width)


def resample(
    pixels: NDArray[Any], valid: NDArray[np.bool_], rows: Taps, cols: Taps
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Weigh samples (y, x) to the pixels that `rows` and `cols` describe, counted from the edge of `pixels`.

    Returns
    -------
    pixels
        Pixels of the same dtype; integers are rounded half up. What does not count is 0.
    valid
        Which count.
    """
    if rows.source.shape[1] == cols.source.shape[1] == 1:
        there = np.ix_(rows.source[:, 0], cols.source[:, 0])
        return pixels[there], valid[there]
    whole = bool(valid.all())
    total = _weigh(np.where(valid, pixels, 0).astype(np.float64), rows, cols)
    counts = np.ones(total.shape, np.bool_)
    if not whole:
        share = _weigh(valid.astype(np.float64), rows, cols)
        counts = share >= 0.5 - _GUARD
        # Where all samples count, the mean is the sum itself, as in a block without gaps.
        np.divide(total, share, out=total, where=counts & (share < _WHOLE))
        total[~counts] = 0
    if pixels.dtype.kind in "ui":
        limits = np.iinfo(pixels.dtype)
        total = np.clip(np.floor(total + 0.5), limits.min, limits.max)
    return total.astype(pixels.dtype), counts


def _weigh(samples: NDArray[np.float64], rows: Taps, cols: Taps) -> NDArray[np.float64]:
    down = samples[rows.source[:, 0]] * rows.weight[:, 0, None]
    for tap in range(1, rows.source.shape[1]):
        down += samples[rows.source[:, tap]] * rows.weight[:, tap, None]
    across: NDArray[np.float64] = down[:, cols.source[:, 0]] * cols.weight[:, 0]
    for tap in range(1, cols.source.shape[1]):
        across += down[:, cols.source[:, tap]] * cols.weight[:, tap]
    return across
