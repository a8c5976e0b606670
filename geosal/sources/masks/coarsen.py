"""Take the largest value of a mask's pixels that touch a pixel of the scene: what a finer mask names is never lost."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.errors import UsageError
from geosal.sources.masks.alignment import AffineAlignment, Alignment

Ints = NDArray[np.int64]

_GUARD = 1e-6
"""Tolerance in mask pixels: an edge of the scene that is one of the mask's but for rounding has one side."""
_MAX_WINDOW = 2**22
"""Pixels of the mask held at once."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The mask's pixels that touch each of some rows, or columns, of a scene: from `first` to before `stop`.

    Attributes
    ----------
    first, stop
        One of each for a row, at least one pixel apart, within the mask.
    off
        Whether the row lies off the mask, so that both mean nothing.
    """

    first: Ints
    stop: Ints
    off: NDArray[np.bool_]

    @classmethod
    def of(cls, places: Ints, scale: float, shift: float, size: int) -> Self:
        """Find what touches rows or columns `places` by ``place * scale + shift``, on an axis of `size` pixels."""
        edges = np.stack([places * scale + shift, (places + 1) * scale + shift])
        first = np.floor(edges.min(axis=0) + _GUARD).astype(np.int64)
        stop = np.maximum(np.ceil(edges.max(axis=0) - _GUARD).astype(np.int64), first + 1)
        off = (stop <= 0) | (first >= size)
        first = np.clip(first, 0, size - 1)
        return cls(first, np.maximum(np.clip(stop, 1, size), first + 1), off)

    def part(self, part: slice) -> Self:
        """Return some of the rows."""
        return type(self)(self.first[part], self.stop[part], self.off[part])

    def largest(self, values: NDArray[np.float32], start: int, axis: int) -> NDArray[np.float32]:
        """Return the largest value that touches each row, along an axis that begins with pixel `start`."""
        bounds = np.stack([self.first, self.stop], axis=1).ravel() - start
        padding = np.full_like(np.take(values, [0], axis=axis), np.nan)  # so that the last stop is a place, too
        found = np.fmax.reduceat(np.concatenate([values, padding], axis=axis), bounds, axis=axis)
        return np.asarray(np.take(found, np.arange(0, bounds.size, 2), axis=axis))


def check_even(text: str, alignment: Alignment) -> AffineAlignment:
    """Return the alignment of a mask whose rows and columns are parallel to the scene's.

    Raises
    ------
    UsageError
        It lies otherwise.
    """
    if (
        isinstance(alignment, AffineAlignment)
        and alignment.period is None
        and alignment.matrix.b == alignment.matrix.d == 0
    ):
        return alignment
    raise UsageError(
        f"{text}: resampling=max is for a mask in the CRS of the scene, and parallel to it; warp it first: gdalwarp "
        "-r max"
    )


def largest(
    alignment: AffineAlignment,
    shape: tuple[int, int],
    places: tuple[Ints, Ints],
    read: Callable[[Block], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return the largest saliency that touches each place where rows and columns of a scene cross, (rows, cols).

    Parameters
    ----------
    alignment
        Maps the scene to the mask, see `check_even`.
    shape
        Rows and columns of the mask.
    places
        Rows and columns of the scene, both ascending.
    read
        Reads a window of the mask: its saliency, NaN where it says nothing.

    Returns
    -------
    numpy.ndarray
        NaN where no pixel that says something touches.
    """
    m = alignment.matrix
    rows, cols = Reach.of(places[0], m.e, m.f, shape[0]), Reach.of(places[1], m.a, m.c, shape[1])
    out = np.full((rows.off.size, cols.off.size), np.nan, np.float32)
    on = touched(alignment, shape, *places)
    parts = [(slice(0, rows.off.size), slice(0, cols.off.size))] if on.any() else []
    while parts:
        down, across = parts.pop()
        own_rows, own_cols = rows.part(down), cols.part(across)
        top, left = int(own_rows.first.min()), int(own_cols.first.min())
        window = Block(top, left, int(own_rows.stop.max()) - top, int(own_cols.stop.max()) - left)
        if window.height * window.width > _MAX_WINDOW and own_rows.off.size * own_cols.off.size > 1:
            parts += _halves(down, across)
            continue
        narrow = own_cols.largest(read(window), left, axis=1)
        out[down, across] = own_rows.largest(narrow, top, axis=0)
    out[~on] = np.nan
    return out


def touched(alignment: AffineAlignment, shape: tuple[int, int], rows: Ints, cols: Ints) -> NDArray[np.bool_]:
    """Return whether any pixel of a mask touches these places of a scene, (rows, cols); none is read."""
    m = alignment.matrix
    return ~(Reach.of(rows, m.e, m.f, shape[0]).off[:, None] | Reach.of(cols, m.a, m.c, shape[1]).off)


def _halves(down: slice, across: slice) -> list[tuple[slice, slice]]:
    by_rows = down.stop - down.start >= across.stop - across.start
    longer = down if by_rows else across
    middle = longer.start + math.ceil((longer.stop - longer.start) / 2)
    halves = (slice(longer.start, middle), slice(middle, longer.stop))
    return [(half, across) if by_rows else (down, half) for half in halves]
