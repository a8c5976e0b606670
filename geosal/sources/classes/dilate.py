"""Grow marked pixels by a disc, in pixels or in metres; with a halo, the result does not depend on the blocks."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Grid
from geosal.errors import UsageError
from geosal.sources.length import middle_metres, parse_length
from geosal.sources.masks.nearest import strips

MAX_RADIUS = 512
"""Largest radius, in pixels."""
_GUARD = 1e-6
"""Tolerance in pixels: a radius of 6 pixels is six of them, however it is rounded."""
_LONGER = 1.001
"""Largest factor of a projection's metres to those on the ground: 60 m is six pixels of 10 m in UTM too."""


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc (an ellipse, where pixels are not square) as rows of pixels.

    Attributes
    ----------
    reach
        Reach to either side, in pixels, for each row from the middle on.
    """

    reach: tuple[int, ...]

    @classmethod
    def of(cls, down: float, across: float) -> Self:
        """Make a disc of a radius that is `down` pixels high and `across` pixels wide."""
        down, across = down + _GUARD, across + _GUARD
        rows = range(int(down) + 1)
        return cls(tuple(int(across * math.sqrt(max(0.0, 1 - (row / down) ** 2))) for row in rows))

    @property
    def halo(self) -> int:
        """Pixels around a block that growing needs."""
        return max(len(self.reach) - 1, self.reach[0])

    def grow(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mark all pixels within the radius of a marked one.

        Parameters
        ----------
        marked
            (y, x); with `halo` pixels around what is wanted, except at the edge of the scene.
        """
        if self.halo == 0 or not marked.any():
            return marked
        distance = _to_nearest_in_row(marked, self.reach[0])
        grown = distance <= self.reach[0]
        height = len(marked)
        for row, reach in enumerate(self.reach[1:], start=1):
            if row >= height:
                break
            near = distance <= reach
            grown[row:] |= near[:-row]
            grown[:-row] |= near[row:]
        return grown


def _to_nearest_in_row(marked: NDArray[np.bool_], limit: int) -> NDArray[np.int16]:
    """Return the distance to the nearest marked pixel of the row, at most `limit` + 1; int16."""
    cols = np.arange(marked.shape[1], dtype=np.int32)
    far = np.int32(limit + 1)
    distance = np.empty(marked.shape, np.int16)
    for rows in strips(marked.shape):
        left = np.maximum.accumulate(np.where(marked[rows], cols, -far), axis=1)
        right = np.minimum.accumulate(np.where(marked[rows], cols, cols[-1] + far)[:, ::-1], axis=1)[:, ::-1]
        distance[rows] = np.minimum(np.minimum(cols - left, right - cols), far)
    return distance


def parse_radius(text: str, key: str, value: str | None, grid: Grid) -> Disc:
    """Read a radius: pixels of the scene (``5px``) or metres on the ground (``60m``, ``0.5km``).

    A pixel has the size that it has in the middle of the scene, so all blocks have the same disc.

    Parameters
    ----------
    text, key, value, grid
        See `parse_length`.

    Raises
    ------
    UsageError
        See `parse_length`; or the radius is more than `MAX_RADIUS` pixels.
    """
    radius = parse_length(text, key, value, grid, bare=False)
    down = across = radius.amount
    if radius.amount > 0 and not radius.pixels:
        width, height = middle_metres(grid)
        down, across = radius.amount * _LONGER / height, radius.amount * _LONGER / width
    if max(down, across) > MAX_RADIUS:
        raise UsageError(
            f"{text}: {key}={value} is {max(down, across):.0f} pixels of the scene, more than {MAX_RADIUS}; "
            "make a raster mask of it"
        )
    return Disc.of(down, across)
