"""What of an array is decoded at once: strips of a chunk where its parts can be decoded, else whole chunks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from geosal.core.grid import Block
from geosal.core.zarr.coding import Coding
from geosal.core.zarr.nodes import Node
from geosal.core.zarr.parts import blosc_unit, in_shard
from geosal.errors import SceneError

_STRIP_BYTES = 6 * 2**20
"""Bytes of a strip at most, where the rows of a chunk can be cut so."""
_ROWS_KEPT = 2
"""Rows of whole chunks that a row of blocks reads: blocks seldom end where chunks do."""


@dataclass(frozen=True, slots=True)
class Planes:
    """An array of N dimensions as bands (y, x): its dimensions but for rows and columns, the last one fastest.

    Attributes
    ----------
    shape
        Of the array.
    rows, cols
        Positions of these dimensions.
    """

    shape: tuple[int, ...]
    rows: int
    cols: int

    @property
    def lead(self) -> tuple[int, ...]:
        """Positions of the dimensions that are bands."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in {self.rows, self.cols})

    @property
    def count(self) -> int:
        """Number of bands."""
        return math.prod(self.shape[axis] for axis in self.lead)

    @property
    def size(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.shape[self.rows], self.shape[self.cols]

    def index(self, band: int) -> tuple[int, ...]:
        """Return the place of a band, from 0, along each of `lead`."""
        return (
            tuple(int(n) for n in np.unravel_index(band, [self.shape[axis] for axis in self.lead])) if self.lead else ()
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """How a plane is cut into tiles."""

    shape: tuple[int, int]
    tile: tuple[int, int]

    @property
    def across(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.shape[0] // self.tile[0]), -(-self.shape[1] // self.tile[1])

    def block(self, number: int) -> Block:
        """Return the pixels of a tile."""
        row, col = divmod(number, self.across[1])
        top, left = row * self.tile[0], col * self.tile[1]
        return Block(top, left, min(self.tile[0], self.shape[0] - top), min(self.tile[1], self.shape[1] - left))


def tile_of(coding: Coding, planes: Planes) -> tuple[int, int]:
    """Return rows and columns of what is decoded at once: a chunk, or a strip of one."""
    rows, cols = coding.chunks[planes.rows], coding.chunks[planes.cols]
    line = cols * coding.dtype.itemsize
    if not in_strips(coding, planes) or 2 * coding.unit > rows * line:
        return rows, cols
    wanted = min(rows, max(1, max(_STRIP_BYTES, 2 * coding.unit) // line))  # of two units one at most is cut
    if rows >= planes.size[0]:
        return wanted, cols
    fitting = next(n for n in range(wanted, 0, -1) if rows % n == 0)
    return (fitting if 4 * fitting >= wanted else rows), cols


def bands_at_once(coding: Coding, planes: Planes) -> int:
    """Return the number of bands that are decoded together."""
    return 1 if in_strips(coding, planes) else math.prod(coding.chunks[axis] for axis in planes.lead)


def in_strips(coding: Coding, planes: Planes) -> bool:
    """Return whether a band is decoded without the others of its chunk."""
    last = len(planes.shape) - 1
    return bool(coding.plain) and (planes.rows, planes.cols) == (last - 1, last)


def tile_bytes(coding: Coding, planes: Planes) -> int:
    """Return the bytes of what is decoded at once, in all bands that are decoded together."""
    rows, cols = tile_of(coding, planes)
    return rows * cols * bands_at_once(coding, planes) * coding.dtype.itemsize


def kept_bytes(coding: Coding, planes: Planes) -> int:
    """Return the bytes that have to stay decoded, so that no large chunk is decoded twice; 0 where tiles are small.

    That is of one band, or of the bands that are decoded together.
    """
    each = tile_bytes(coding, planes)
    if each <= 2 * _STRIP_BYTES:
        return 0
    down, across = Cut(planes.size, tile_of(coding, planes)).across
    return min(_ROWS_KEPT, down) * across * each


def as_stored(node: Node, coding: Coding, planes: Planes) -> Coding:
    """Return a coding with what only a chunk tells: how much of it has to be decoded for a part.

    A Blosc chunk may be one block; and a zip may have compressed it once more, so that there are no parts.
    """
    if not in_strips(coding, planes):
        return coding
    for index in _some_chunks(coding, planes):
        named, within = coding.file_of(index)
        key = f"{node.path}/{named}".lstrip("/")
        try:
            span = node.store.span(key, in_parts=bool(coding.index))
            if span is None and node.store.has(key):
                return replace(coding, plain="")
            if span is not None and coding.index:
                span = in_shard(span, within, coding.per_shard, coding.index)
            unit = 1 if coding.plain == "raw" else None if span is None else blosc_unit(span)
        except (OSError, ValueError, SceneError):  # who reads it tells what is wrong with it
            return coding
        if unit is not None:
            of_band = math.prod(coding.chunks[axis] for axis in (planes.rows, planes.cols)) * coding.dtype.itemsize
            return replace(coding, unit=unit) if unit <= of_band else replace(coding, plain="")
    return coding


def _some_chunks(coding: Coding, planes: Planes) -> Iterator[tuple[int, ...]]:
    """Yield the first chunk, the middle one and the last one: one of them is there, also where empty ones are not."""
    counts = [-(-n // chunk) for n, chunk in zip(planes.shape, coding.chunks, strict=True)]
    yield (0,) * len(counts)
    yield tuple(count // 2 for count in counts)
    yield tuple(count - 1 for count in counts)
