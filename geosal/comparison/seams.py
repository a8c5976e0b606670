"""Join blocks with the pixels that their windows reach in earlier blocks, so that no tile of a file is decoded twice.

A window of the coarsest scale reaches 80 pixels. Blocks that were read with such a halo would make GDAL decode most
tiles of a JPEG2000 two or three times. Instead blocks are read without a halo, row by row, and the judged pixels are
moved up and to the left by the halo: their surroundings come from the block itself, from the one on its left, and from
the row above, of which 160 rows are kept over the width of the scene. In wide scenes that is much, and `bands` divides
it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.pair import Samples
from geosal.core.grid import Block
from geosal.metrics import HALO

KEPT = 2 * HALO
"""Rows and columns of a block that are kept for later ones; no block has fewer."""


class Ready(NamedTuple):
    """Pixels that can be judged."""

    block: Block
    """Position of the judged pixels in the scene."""
    inside: tuple[slice, slice]
    """Position of the judged pixels in these arrays."""
    original: NDArray[Any]
    """Pixels of the original, (band, y, x), with the surroundings that windows reach, cut at the edge of the scene."""
    candidate: NDArray[Any]
    """Pixels of the candidate, alike."""
    valid: NDArray[np.bool_] | None
    """Samples that count in both, alike; None when all do."""


class Seams:
    """Joins the blocks of a grid, which must come in the order of `Grid.blocks`.

    Parameters
    ----------
    shape
        Rows, columns of the scene.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._original, self._candidate, self._valid = (_Seam(shape[1]) for _ in range(3))

    def join(self, block: Block, samples: Samples) -> Ready:
        """Join a block with the pixels kept from earlier ones.

        Parameters
        ----------
        block
            Position of the block as read: at least `KEPT` rows and columns, except at the edge of the scene.
        samples
            Samples of the block.
        """
        top, left = (KEPT if offset else 0 for offset in (block.row_off, block.col_off))
        outer = Block(block.row_off - top, block.col_off - left, block.height + top, block.width + left)
        row, row_stop = _judged(block.row_off, block.row_stop, self._shape[0])
        col, col_stop = _judged(block.col_off, block.col_stop, self._shape[1])
        judged = Block(row, col, row_stop - row, col_stop - col)
        valid, everywhere = samples.valid, None
        if valid is not None or self._valid.used:
            everywhere = self._valid.join(block, np.ones(samples.original.shape, np.bool_) if valid is None else valid)
        return Ready(
            judged,
            judged.slices_in(outer),
            self._original.join(block, samples.original),
            self._candidate.join(block, samples.candidate),
            None if everywhere is None or everywhere.all() else everywhere,
        )


class _Seam:
    """Pixels of one array that are kept: rows above, as wide as the scene, and columns on the left."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._above: NDArray[Any] | None = None
        self._left: NDArray[Any] | None = None

    @property
    def used(self) -> bool:
        return self._above is not None

    def join(self, block: Block, own: NDArray[Any]) -> NDArray[Any]:
        if self._above is None:  # of validity: all earlier samples counted
            self._above = np.ones((len(own), KEPT, self._width), own.dtype)
        columns = slice(block.col_off, block.col_stop)
        if block.row_off:
            own = np.concatenate([self._above[:, :, columns], own], axis=1)
        self._above[:, -min(KEPT, own.shape[1]) :, columns] = own[:, -KEPT:]
        if block.col_off:
            left = self._left
            if left is None:
                left = np.ones((*own.shape[:2], KEPT), own.dtype)
            own = np.concatenate([left, own], axis=2)
        self._left = own[:, :, -KEPT:].copy()
        return own


def _judged(start: int, stop: int, length: int) -> tuple[int, int]:
    """Return the rows that can be judged when those from `start` to `stop` have come."""
    return start - HALO if start else 0, stop if stop == length else stop - HALO
