"""Grow what is marked by a disc, in pixels or in metres: the same bits whatever the blocking, given a halo."""

import math
import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform

from geosal.errors import UsageError
from geosal.gdal_env import gdal_env
from geosal.grid import Grid
from geosal.sources.sampling import strips

MAX_RADIUS = 512
"""In pixels."""
_GUARD = 1e-6
"""Part of a pixel: a radius of 60 m over pixels of 10 m is six of them, however it rounds."""
_MAJOR_AXIS, _FLATTENING = 6378137.0, 1 / 298.257223563
"""Of WGS 84, in metres."""
_LENGTH = re.compile(r"(\d+\.?\d*|\.\d+)(px|m|km)?")


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc (an ellipse, where pixels are not square) as rows of pixels.

    Attributes
    ----------
    reach
        For each row from the middle on: how many pixels it reaches to either side.
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
        """Pixels around a block that must be known to grow into it."""
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
    """Pixels from each pixel to the nearest marked one of its row, `limit` + 1 where that is farther; int16."""
    cols = np.arange(marked.shape[1], dtype=np.int32)
    far = np.int32(limit + 1)
    distance = np.empty(marked.shape, np.int16)
    for rows in strips(marked.shape):
        left = np.maximum.accumulate(np.where(marked[rows], cols, -far), axis=1)
        right = np.minimum.accumulate(np.where(marked[rows], cols, cols[-1] + far)[:, ::-1], axis=1)[:, ::-1]
        distance[rows] = np.minimum(np.minimum(cols - left, right - cols), far)
    return distance


def parse_radius(text: str, key: str, value: str, grid: Grid) -> Disc:
    """Read a radius: pixels of the scene (``5``, ``5px``) or metres (``60m``, ``0.5km``).

    Parameters
    ----------
    text, key
        SOURCE and its parameter, for messages.
    value
        As written.
    grid
        Of the scene.

    Raises
    ------
    UsageError
        It is no length, is in metres where the scene has none, or is beyond `MAX_RADIUS` pixels.
    """
    match = _LENGTH.fullmatch(value)
    if match is None:
        raise UsageError(f"{text}: {key}={value}; {key} is pixels of the scene such as 5, or metres such as 60m")
    radius, unit = float(match[1]), match[2]
    down = across = radius
    if unit in {"m", "km"}:
        if not grid.georeferenced:
            raise UsageError(f"{text}: {key}={value}, but the scene has no place on the map; write pixels, such as 5px")
        height, width = pixel_metres(grid)
        metres = radius * (1000 if unit == "km" else 1)
        down, across = metres / height, metres / width
    if max(down, across) > MAX_RADIUS:
        raise UsageError(
            f"{text}: {key}={value} is {max(down, across):.0f} pixels of the scene, more than {MAX_RADIUS}; "
            "make a raster mask of it"
        )
    return Disc.of(down, across)


def pixel_metres(grid: Grid) -> tuple[float, float]:
    """Height and width of a pixel in metres: by the CRS's own unit, and in degrees at the middle of the scene.

    Degrees by the radii of curvature of the ellipsoid WGS 84 (Snyder, Map Projections, 1987, equations 4-18, 4-20).
    """
    crs, t = grid.rasterio_crs, grid.transform
    if crs is None:
        return 1.0, 1.0
    if not crs.is_geographic:
        metre = crs.linear_units_factor[1]
        return math.hypot(t.b, t.e) * metre, math.hypot(t.a, t.d) * metre
    row, col = grid.height / 2, grid.width / 2
    x, y = t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f
    with gdal_env():
        latitude = math.radians(transform(crs, "EPSG:4326", [x], [y])[1][0])
    squared = _FLATTENING * (2 - _FLATTENING)
    bend = 1 - squared * math.sin(latitude) ** 2
    degree = crs.units_factor[1]
    north = _MAJOR_AXIS * (1 - squared) / bend**1.5 * degree
    east = _MAJOR_AXIS / math.sqrt(bend) * math.cos(latitude) * degree
    return math.hypot(t.b * east, t.e * north), math.hypot(t.a * east, t.d * north)
