"""Interpolate values of a mask at positions between its pixels; arrays only, each pixel by itself."""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block

Floats = NDArray[np.float64]
Sample = TypeVar("Sample", bound=np.generic)

_GUARD = 1e-6
"""Tolerance in mask pixels. Positions on the border of two pixels, off by rounding, go to the right or lower one."""


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Positions of a block's pixels in a mask.

    Attributes
    ----------
    x, y
        Positions in mask pixels, each (rows or 1, cols or 1); 0 outside the mask.
    outside
        (rows, cols), True where the centre of the scene's pixel lies off the mask; None when none does.
    window
        The needed pixels of the mask, and one more on each side for `bilinear`.
    """

    x: Floats
    y: Floats
    outside: NDArray[np.bool_] | None
    window: Block

    @classmethod
    def of(cls, x: Floats, y: Floats, shape: tuple[int, int]) -> Self | None:
        """Cut positions (see `Alignment.positions`) to a mask of `shape` (rows, columns); None when all lie off it."""
        on_x = (x >= -_GUARD) & (x < shape[1] - _GUARD)
        on_y = (y >= -_GUARD) & (y < shape[0] - _GUARD)
        outside = None
        if not (on_x.all() and on_y.all()):
            inside = on_x & on_y
            if not inside.any():
                return None
            outside = ~inside
            # Positions off the mask may be infinite: they enter the arithmetic below, but not its result.
            on_x, on_y = (on if on.shape != inside.shape else inside for on in (on_x, on_y))
            x, y = np.where(on_x, x, x[on_x][0]), np.where(on_y, y, y[on_y][0])
        (left, right), (top, bottom) = _extent(x, shape[1]), _extent(y, shape[0])
        return cls(x, y, outside, Block(top, left, bottom - top, right - left))

    def nearest(self, pixels: NDArray[Sample]) -> NDArray[Sample]:
        """Return the mask pixel at each position, (rows, cols); an arbitrary pixel where it lies off the mask.

        Parameters
        ----------
        pixels
            The mask's in `window`, (y, x).
        """
        # Convert to whole numbers first: a sum with the window's offset would be rounded differently in each block.
        rows, cols = (self.y + _GUARD).astype(np.intp), (self.x + _GUARD).astype(np.intp)
        return _gather(pixels, rows - self.window.row_off, cols - self.window.col_off)

    def bilinear(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean of the four nearest mask pixels by distance, (rows, cols); NaN where the mask says nothing.

        Pixels that say nothing get no weight; beyond the edge of the mask its last pixel is repeated. The value is
        arbitrary where a position lies off the mask.

        Parameters
        ----------
        values
            Values of the mask's pixels in `window`, (y, x); NaN = says nothing.
        """
        top, left = np.floor(self.y - 0.5), np.floor(self.x - 0.5)
        down, across = self.y - 0.5 - top, self.x - 0.5 - left
        rows = [self._clip(top + row - self.window.row_off, self.window.height) for row in (0, 1)]
        cols = [self._clip(left + col - self.window.col_off, self.window.width) for col in (0, 1)]
        corners = [_gather(values, row, col).astype(np.float64) for row in rows for col in cols]
        upper, lower = _between(corners[0], corners[1], across), _between(corners[2], corners[3], across)
        mean = _between(upper, lower, down)
        if np.isnan(mean).any():
            weights = ((1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across)
            mean = np.where(np.isnan(mean), _mean_of_known(corners, weights), mean)
        return mean.astype(np.float32)

    @staticmethod
    def _clip(places: Floats, size: int) -> NDArray[np.intp]:
        return np.clip(places, 0, size - 1).astype(np.intp)


def _gather(pixels: NDArray[Sample], rows: NDArray[np.intp], cols: NDArray[np.intp]) -> NDArray[Sample]:
    """Return pixels at rows and columns that broadcast to (rows, cols)."""
    if rows.shape[1] == 1 and cols.shape[0] == 1:
        return pixels[rows[:, 0]][:, cols[0]]
    flat: NDArray[Sample] = np.take(pixels.ravel(), rows * pixels.shape[1] + cols)
    return flat


def _extent(positions: Floats, size: int) -> tuple[int, int]:
    """Return first and stop of the mask pixels around positions, one more on each side, within the mask."""
    first, last = int(np.floor(positions.min() + _GUARD)), int(np.floor(positions.max() + _GUARD))
    return max(0, first - 1), min(size, last + 2)


def _between(start: Floats, stop: Floats, part: Floats) -> Floats:
    return start + part * (stop - start)


def _mean_of_known(corners: list[Floats], weights: tuple[Floats, ...]) -> Floats:
    """Return the weighted mean of values that are not NaN; NaN without any."""
    total, total_weight = np.zeros_like(corners[0]), np.zeros_like(corners[0])
    for corner, weight in zip(corners, weights, strict=True):
        counted = np.where(np.isnan(corner), 0.0, weight)
        total += counted * np.nan_to_num(corner)
        total_weight += counted
    with np.errstate(invalid="ignore"):
        return total / total_weight


def footprint_bounds(x: Floats, y: Floats, shape: tuple[int, int]) -> Block | None:
    """Return the rectangle of mask pixels that may be touched between the given places, one step wider on each side.

    Parameters
    ----------
    x, y
        Positions of some rows and columns of the scene, the outermost among them; see `Alignment.positions`.
    shape
        Rows, columns of the mask.

    Returns
    -------
    Block or None
        None when the rectangle does not meet the mask. The whole mask when some position is not finite: then the pixels
        between the places are unknown.
    """
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Block(0, 0, *shape)
    across, down = _span(x, shape[1]), _span(y, shape[0])
    if across is None or down is None:
        return None
    return Block(down[0], across[0], down[1] - down[0], across[1] - across[0])


def _span(positions: Floats, size: int) -> tuple[int, int] | None:
    """Return first and stop of the mask pixels along one axis."""
    margin = 2 + max(float(np.max(np.abs(np.diff(positions, axis=axis)), initial=0.0)) for axis in (0, 1))
    first, stop = max(0.0, np.floor(positions.min() - margin)), min(float(size), np.ceil(positions.max() + margin))
    return (int(first), int(stop)) if first < stop else None
