"""What is counted on the way through the pixels of a pair: how far samples are off, and which levels a tile holds."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.judge import error_sizes
from geosal.comparison.pair import Samples
from geosal.core.grid import Block

BINS = 40
"""Bins of errors: none, up to one unit, up to 2, up to 4, and so on."""
KEPT, REST = 0, 1
"""Rows of the histogram: samples at level 0, and all others."""
SIZES, LEVELS = "sizes", "levels"


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """Counts errors by size, and pixels by tile and level.

    Attributes
    ----------
    unit
        Upper end of the first bin of errors above 0.
    tile
        Rows and columns of a tile of the file; None where it has none.
    shape
        Rows and columns of tiles.
    levels
        Number of levels.
    """

    unit: float
    tile: tuple[int, int] | None
    shape: tuple[int, int]
    levels: int

    def __call__(
        self, block: Block, samples: Samples, levels: NDArray[np.uint8] | None
    ) -> dict[str, NDArray[np.int64]]:
        """Count in a block: `SIZES` (2, `BINS`), and `LEVELS` (tile rows, tile columns, levels) of each band group."""
        found = {SIZES: self._sizes(samples, levels)}
        if levels is not None and self.tile is not None:
            found[LEVELS] = self._tiles(block, levels, samples.valid)
        return found

    def _sizes(self, samples: Samples, levels: NDArray[np.uint8] | None) -> NDArray[np.int64]:
        errors, valid = error_sizes(samples.original, samples.candidate), samples.valid
        rest = np.uint8(0) if levels is None else np.where(levels > 0, np.uint8(BINS), np.uint8(0))
        found = np.zeros(2 * BINS, np.int64)
        for band, sizes in enumerate(errors):
            places = self._bins(sizes) + rest
            counts = None if valid is None else valid[band]
            if sizes.dtype.kind == "f" and (unknown := np.isnan(sizes)).any():  # by how much is not known
                counts = ~unknown if counts is None else counts & ~unknown
            counting = places.ravel() if counts is None else places[counts]
            found += np.bincount(counting, minlength=2 * BINS)
        return found.reshape(2, BINS)

    def _bins(self, sizes: NDArray[Any]) -> NDArray[np.uint8]:
        """Bin of each error: 0 for none, 1 up to a unit, 2 up to two, 3 up to four."""
        if sizes.dtype.kind == "u" and sizes.dtype.itemsize <= 2:
            return np.asarray(_table(self.unit, sizes.dtype.itemsize)[sizes])
        return _bin(sizes, self.unit)

    def _tiles(self, block: Block, levels: NDArray[np.uint8], valid: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Count pixels that hold something: those without data take hardly a byte."""
        (high, wide), (rows, cols) = self.tile or (1, 1), self.shape
        down = (block.row_off + np.arange(block.height)) // high
        over = (block.col_off + np.arange(block.width)) // wide
        places = (down[:, np.newaxis] * cols + over) * self.levels + levels
        counting = places.ravel() if valid is None else places[valid.any(axis=0)]
        return np.bincount(counting, minlength=rows * cols * self.levels).reshape(rows, cols, self.levels)


@cache
def _table(unit: float, itemsize: int) -> NDArray[np.uint8]:
    return _bin(np.arange(2 ** (8 * itemsize)), unit)


def _bin(sizes: NDArray[Any], unit: float) -> NDArray[np.uint8]:
    scaled = np.nan_to_num(np.asarray(sizes, np.float64), posinf=np.finfo(np.float64).max) / unit
    mantissa, exponent = np.frexp(scaled)
    power = np.where(mantissa == 0.5, exponent - 1, exponent)  # the least whole power of two that reaches it
    return np.where(scaled == 0, 0, np.clip(1 + power, 1, BINS - 1)).astype(np.uint8)


def half_of(sizes: NDArray[np.int64], unit: float) -> tuple[float, float]:
    """Return the end of the bin in which the median of the errors lies, and the share of the samples up to it.

    Parameters
    ----------
    sizes
        Samples by the size of their errors, (`BINS`); at least one.
    unit
        Upper end of the first bin above 0.
    """
    share = np.cumsum(sizes) / sizes.sum()
    place = int(np.argmax(share >= 0.5))
    return ends_of_bins(unit)[place], float(share[place])


def unit_of(dtype: str, data_range: float) -> float:
    """Return the width of the first bin: 1 for integers, some 65536th of the range of values for floats."""
    if np.dtype(dtype).kind != "f":
        return 1.0
    return float(2.0 ** math.floor(math.log2(data_range / 65536)))


def ends_of_bins(unit: float) -> list[float]:
    """Upper ends of the bins, 0 first."""
    return [0.0, *(unit * 2.0**power for power in range(BINS - 1))]
