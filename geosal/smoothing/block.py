"""The NumPy kernel: one block of pixels, smoothed by level and composited."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.grid import Block
from geosal.ladder import Ladder
from geosal.raster import is_nodata
from geosal.smoothing.engine import convolve, convolve_valid
from geosal.smoothing.weights import Taps, taps_for

_CELL = 256
"""Levels are looked for in cells of this many pixels: small enough that few hold many levels and that a cell in float64
stays in the second-level cache, large enough that the widest halo adds an eighth."""


@dataclass(frozen=True, slots=True)
class SampleRules:
    """What is special about some samples.

    Attributes
    ----------
    nodata
        Code that a smoothed valid sample must not take; it is moved one step away.
    alpha
        Position of a band that is carried over untouched.
    """

    nodata: float | None = None
    alpha: int | None = None


def smooth_block(
    pixels: NDArray[Any],
    levels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    ladder: Ladder,
    rules: SampleRules = SampleRules(),
) -> NDArray[Any]:
    """Smooth each pixel by the kernel of its level.

    A pixel of level n takes the value that the *original* image, convolved with the ladder's kernel n, has there.
    Level 0 and invalid samples keep their bits. At the border of the array the image is mirrored; where that is not the
    scene's border, pass a halo of `ladder.halo` pixels and cut it off the result.

    Parameters
    ----------
    pixels
        (band, y, x), integer or float.
    levels
        (y, x), 0 to ``ladder.steps``.
    valid
        (band, y, x), True where a sample counts; None when all do. Invalid samples lend no weight to valid ones.
    ladder
        Widths and sigmas.
    rules
        Nodata code and alpha band.

    Returns
    -------
    ndarray
        A new array like `pixels`. Integers are rounded half up.
    """
    result = pixels.copy()
    for cell, present in _cells_to_smooth(levels):
        for level in present:
            chosen = levels[cell.slices_in(_whole(levels))] == level
            box = _bounding_box(chosen, cell)
            chosen = chosen[box.slices_in(cell)]
            width = ladder.widths[level]
            taps = taps_for(pixels.dtype, width, ladder.sigma_of(width))
            for number in range(len(pixels)):
                if number != rules.alpha:
                    band = _Band(pixels[number], None if valid is None else valid[number], result[number])
                    _smooth_box(band, box, chosen, taps, rules.nodata)
    return result


class _Band(NamedTuple):
    samples: NDArray[Any]
    valid: NDArray[np.bool_] | None
    result: NDArray[Any]


def _whole(array: NDArray[Any]) -> Block:
    return Block(0, 0, array.shape[0], array.shape[1])


def _cells_to_smooth(levels: NDArray[np.uint8]) -> Iterator[tuple[Block, list[int]]]:
    """Cells that hold a level above 0, and which."""
    rows, cols = levels.shape
    for row in range(0, rows, _CELL):
        for col in range(0, cols, _CELL):
            cell = Block(row, col, min(_CELL, rows - row), min(_CELL, cols - col))
            inside = levels[cell.slices_in(_whole(levels))]
            low, high = int(inside.min()), int(inside.max())
            if high > 0:
                yield cell, [level for level in range(max(1, low), high + 1) if low == high or (inside == level).any()]


def _bounding_box(chosen: NDArray[np.bool_], cell: Block) -> Block:
    """The smallest block inside `cell` that holds all the chosen pixels."""
    rows, cols = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
    row, col = int(rows[0]), int(cols[0])
    return Block(cell.row_off + row, cell.col_off + col, int(rows[-1]) - row + 1, int(cols[-1]) - col + 1)


def _smooth_box(band: _Band, box: Block, chosen: NDArray[np.bool_], taps: Taps, nodata: float | None) -> None:
    """Write the values of one kernel into the chosen pixels of `box` of the band's result."""
    outer = box.expand(len(taps.values) // 2, band.samples.shape[:2])
    around = outer.slices_in(_whole(band.samples))
    inner = box.slices_in(outer)
    image = band.samples[around].astype(np.float64)
    valid = None if band.valid is None else band.valid[around]
    if valid is None or valid.all():
        values = convolve(image, taps.values)[inner]
    else:
        chosen = chosen & valid[inner]
        if not chosen.any():
            return
        values = convolve_valid(image, valid, taps)[inner]
    target = band.result[box.slices_in(_whole(band.samples))]
    target[chosen] = _to_dtype(values[chosen], band.samples.dtype, nodata)


def _to_dtype(values: NDArray[np.float64], dtype: np.dtype[Any], nodata: float | None) -> NDArray[Any]:
    """Round half up to `dtype`, and step off the nodata code."""
    rounded = values.astype(dtype) if dtype.kind == "f" else np.floor(values + 0.5).astype(dtype)
    if nodata is not None and not np.isnan(nodata):
        rounded[is_nodata(rounded, nodata)] = _beside(dtype.type(nodata))
    return rounded


def _beside(nodata: Any) -> Any:
    """A value next to `nodata` that is told apart from it: upwards from 0 and from the least value, else towards 0."""
    if isinstance(nodata, np.floating):
        limits = np.finfo(nodata.dtype)
        return nodata * (1 - 8 * limits.eps) if nodata != 0 else limits.tiny
    return nodata + 1 if nodata <= 0 else nodata - 1
