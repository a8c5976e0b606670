"""Divide the crossings of a scene's rows and columns on another grid into parts that take little memory."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.sources.masks.alignment import Alignment, coarse
from geosal.sources.masks.interpolation import Footprint, footprint_bounds

Ints = NDArray[np.int64]

MAX_PIXELS = 2**17
"""Scene pixels resampled at once: their positions take 16 bytes each."""
_MAX_WINDOW = 2**22
"""Pixels of the raster held at once."""


class Patch(NamedTuple):
    """A rectangle of the places, and the window of the raster that it needs."""

    place: tuple[slice, slice]
    footprint: Footprint


def patches(alignment: Alignment, shape: tuple[int, int], rows: Ints, cols: Ints) -> Iterator[Patch]:
    """Cut the places where `rows` and `cols` cross in halves until each is small; those off the raster are left out.

    Parameters
    ----------
    alignment
        Maps scene pixels to the raster's.
    shape
        Rows and columns of the raster.
    rows, cols
        Rows and columns of the scene.
    """
    probes = alignment.positions(coarse(rows, alignment.step), coarse(cols, alignment.step))
    if footprint_bounds(*probes, shape) is not None:
        yield from _halved(alignment, shape, (rows, cols), (slice(0, rows.size), slice(0, cols.size)))


def covered(alignment: Alignment, shape: tuple[int, int], rows: Ints, cols: Ints) -> NDArray[np.bool_]:
    """Return whether the places where `rows` and `cols` cross lie on the raster, (rows, cols)."""
    footprint = Footprint.of(*alignment.positions(rows, cols), shape)
    if footprint is None:
        return np.zeros((rows.size, cols.size), np.bool_)
    return np.ones((rows.size, cols.size), np.bool_) if footprint.outside is None else ~footprint.outside


def _halved(
    alignment: Alignment, shape: tuple[int, int], places: tuple[Ints, Ints], part: tuple[slice, slice]
) -> Iterator[Patch]:
    rows, cols = places[0][part[0]], places[1][part[1]]
    size, footprint = rows.size * cols.size, None
    if size <= MAX_PIXELS:
        footprint = Footprint.of(*alignment.positions(rows, cols), shape)
        if footprint is None:
            return
        if footprint.window.height * footprint.window.width <= _MAX_WINDOW or size <= 1:
            yield Patch(part, footprint)
            return
    by_rows = rows.size > 1 and (footprint is None or rows.size >= cols.size)
    axis = 0 if by_rows else 1
    start, stop = part[axis].start, part[axis].stop
    middle = start + (stop - start) // 2
    for half in (slice(start, middle), slice(middle, stop)):
        yield from _halved(alignment, shape, places, (half, part[1]) if by_rows else (part[0], half))
