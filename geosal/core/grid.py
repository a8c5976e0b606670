"""Positions of pixels: the grid of a raster, and the blocks that work is cut into.

A *block* is a unit of work, a rectangle of the grid; a *tile* is a unit in a file; a *chunk* is a part of a dask array.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from affine import Affine
from rasterio.coords import BoundingBox
from rasterio.crs import CRS
from rasterio.transform import array_bounds
from rasterio.windows import Window


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of pixels of a grid, in rows and columns of that grid."""

    row_off: int
    col_off: int
    height: int
    width: int

    @property
    def row_stop(self) -> int:
        """First row below the block."""
        return self.row_off + self.height

    @property
    def col_stop(self) -> int:
        """First column right of the block."""
        return self.col_off + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.height, self.width

    @property
    def window(self) -> Window:
        """The same rectangle as rasterio writes it."""
        return Window(self.col_off, self.row_off, self.width, self.height)

    def expand(self, halo: int, shape: tuple[int, int]) -> "Block":
        """Grow by `halo` pixels on each side, cut at the edge of a grid of `shape` (rows, columns)."""
        row_off, col_off = max(0, self.row_off - halo), max(0, self.col_off - halo)
        row_stop, col_stop = min(shape[0], self.row_stop + halo), min(shape[1], self.col_stop + halo)
        return Block(row_off, col_off, row_stop - row_off, col_stop - col_off)

    def slices_in(self, outer: "Block") -> tuple[slice, slice]:
        """Return rows and columns of this block inside an array that holds `outer`."""
        row, col = self.row_off - outer.row_off, self.col_off - outer.col_off
        return slice(row, row + self.height), slice(col, col + self.width)

    def __str__(self) -> str:
        return f"rows {self.row_off}-{self.row_stop - 1}, columns {self.col_off}-{self.col_stop - 1}"


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid of pixels: where it lies, and how many pixels it has.

    Attributes
    ----------
    crs
        CRS as WKT, so that a grid pickles and hashes; None when the raster has none.
    transform
        Maps (column, row) of a pixel's upper left corner to map coordinates; may be rotated.
    height, width
        Size in pixels.
    """

    crs: str | None
    transform: Affine
    height: int
    width: int

    @classmethod
    def from_crs(cls, crs: CRS | None, transform: Affine, height: int, width: int) -> Self:
        """Make a grid from rasterio's CRS object, which does not hash."""
        return cls(crs.to_wkt() if crs else None, transform, height, width)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.height, self.width

    @property
    def georeferenced(self) -> bool:
        """Return whether pixels have a place on the map, each one of its own."""
        place = self.transform
        sound = all(map(math.isfinite, place)) and not place.is_degenerate
        return self.crs is not None and sound and not place.is_identity

    @property
    def placing(self) -> str:
        """Command that gives a raster on this grid what it lacks: a CRS, a transform, or both."""
        crs = "" if self.crs is not None else " --crs EPSG:CODE"
        transform = "" if not self.transform.is_identity else " --transform '[A, B, C, D, E, F]'"
        return f"rio edit-info{crs}{transform} SCENE"

    @property
    def bounds(self) -> BoundingBox:
        """Left, bottom, right, top in map units; of the enclosing rectangle when rotated."""
        return BoundingBox(*array_bounds(self.height, self.width, self.transform))

    @property
    def rasterio_crs(self) -> CRS | None:
        """The CRS as rasterio's object."""
        return CRS.from_wkt(self.crs) if self.crs else None

    def whole(self) -> Block:
        """The block that is the whole grid."""
        return Block(0, 0, self.height, self.width)

    def blocks(self, size: int) -> Iterator[Block]:
        """Cut into squares of `size` pixels, row by row; those at the right and lower edge are smaller."""
        for row in range(0, self.height, size):
            for col in range(0, self.width, size):
                yield Block(row, col, min(size, self.height - row), min(size, self.width - col))


def level_shapes(shape: tuple[int, int], tile: int) -> tuple[tuple[int, int], ...]:
    """Return the shapes of an image and of its overviews, each half the one before (rounded up), down to one tile.

    Parameters
    ----------
    shape
        Rows, columns of the image; level 0.
    tile
        Rows and columns of a tile; the last level is the first that fits in one.
    """
    shapes = [shape]
    while max(shapes[-1]) > tile:
        shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
    return tuple(shapes)
