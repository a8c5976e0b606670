"""A pair of scenes made small: means of cells, and what was lost in each of them, from every pixel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.comparison import Pair
from geosal.comparison.bands import groups_of, of_bands
from geosal.comparison.pair import Samples
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.scheduler import THREADS
from geosal.core.grid import Block
from geosal.core.machine import cpu_count
from geosal.core.progress import Progress, ProgressCallback
from geosal.core.shared_raster import close_shared_rasters

_BLOCK = 1024
"""Rows and columns of a block: a multiple of most files' tiles."""
_COUNTS = " counts"
"""After the name of a sum: how many samples it has."""
_Sums = dict[str, NDArray[np.float64]]
Count = Callable[[Block, Samples, NDArray[np.uint8] | None], Mapping[str, NDArray[np.int64]]]
"""Counts something in a block, by its samples and its levels; arrays of one name add up."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of `factor` x `factor` pixels; NaN where nothing counts.

    Attributes
    ----------
    factor
        Rows and columns of pixels of a cell; those at the edge are smaller.
    original, candidate
        Means of the bands that are shown, (band, y, x).
    error
        Root of the mean squared error over all bands that are compared, (y, x).
    saliency, kept
        Mean saliency, and the share of pixels at level 0, (y, x); None without a saliency.
    counted
        What was counted on the way, over all blocks.
    """

    factor: int
    original: NDArray[np.float32]
    candidate: NDArray[np.float32]
    error: NDArray[np.float32]
    saliency: NDArray[np.float32] | None
    kept: NDArray[np.float32] | None
    counted: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, pair: Pair, bands: Sequence[int], factor: int, report: ProgressCallback, count: Count | None = None
    ) -> Self:
        """Read both scenes once, block by block.

        Parameters
        ----------
        pair
            What is compared.
        bands
            Positions, among the bands that are compared, of those that are shown.
        factor
            See the attributes.
        report
            Called in this thread after each block.
        count
            Called in the workers with each block, once for each group of bands that is read; without levels where the
            pair has no saliency.

        Raises
        ------
        SceneError
            A block cannot be decoded.
        """
        shape = tuple(-(-length // factor) for length in pair.grid.shape)
        sums: dict[str, NDArray[Any]] = {}
        counted: dict[str, NDArray[np.int64]] = {}
        blocks = list(pair.grid.blocks(_BLOCK))
        groups = groups_of(pair, _BLOCK, cpu_count())
        try:
            with open_pool(THREADS, None) as pool:
                for number, group in enumerate(groups):
                    task = _Summing(of_bands(pair, group), tuple(group), tuple(bands), factor, not number, count)
                    for done, (block, found, counts) in enumerate(pool.map_unordered(task, blocks), start=1):
                        _add(sums, block, found, factor, shape, len(pair.bands))
                        for name, more in counts.items():
                            counted[name] = counted[name] + more if name in counted else more
                        report(Progress("map", number * len(blocks) + done, len(groups) * len(blocks), "blocks"))
        finally:
            close_shared_rasters()
        original, candidate = (
            np.stack([_mean(sums, f"{name} {band}") for band in bands]) for name in ("original", "candidate")
        )
        known = pair.saliency is not None
        return cls(
            factor=factor,
            original=original,
            candidate=candidate,
            error=np.sqrt(_mean(sums, "error")).astype(np.float32),
            saliency=_mean(sums, "saliency") if known else None,
            kept=_mean(sums, "kept") if known else None,
            counted=counted,
        )


@dataclass(frozen=True, eq=False)
class _Summing:
    """Sums over the cells of a block, each with the number of its samples."""

    pair: Pair
    group: tuple[int, ...]
    """Positions of the bands of `pair` among all that are compared."""
    shown: tuple[int, ...]
    factor: int
    with_saliency: bool
    count: Count | None

    def __call__(self, block: Block) -> tuple[Block, _Sums, Mapping[str, NDArray[np.int64]]]:
        samples = self.pair.read(block)
        found: _Sums = {}
        squares, counts = np.zeros(block.shape), np.zeros(block.shape, np.uint16)
        for place, band in enumerate(self.group):
            error, both = samples.squared_error(place)
            squares += error
            counts += both
            if band in self.shown:
                for name, pixels, valid in (
                    ("original", samples.original, samples.original_valid),
                    ("candidate", samples.candidate, samples.candidate_valid),
                ):
                    counting = np.ones(block.shape, np.bool_) if valid is None else valid[place]
                    values = np.where(counting, pixels[place], pixels.dtype.type(0))
                    self._take(found, f"{name} {band}", block, values, counting)
        self._take(found, "error", block, squares, counts)
        saliency, levels = self.pair.saliency, self.pair.levels_of(block) if self.with_saliency or self.count else None
        if saliency is not None and levels is not None and self.with_saliency:
            every = np.ones(block.shape, np.bool_)
            self._take(found, "saliency", block, saliency.read(block), every)
            self._take(found, "kept", block, levels == 0, every)
        return block, found, self.count(block, samples, levels) if self.count else {}

    def _take(self, found: _Sums, name: str, block: Block, values: NDArray[Any], counts: NDArray[Any]) -> None:
        found[name], found[f"{name}{_COUNTS}"] = (self._cells(block, array) for array in (values, counts))

    def _cells(self, block: Block, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum up (y, x) over the parts of cells that lie in a block."""
        rows, cols = (
            np.flatnonzero(np.diff((offset + np.arange(length)) // self.factor, prepend=-1))
            for offset, length in zip((block.row_off, block.col_off), block.shape, strict=True)
        )
        return np.asarray(np.add.reduceat(np.add.reduceat(values, rows, axis=0, dtype=np.float64), cols, axis=1))


def _add(
    sums: dict[str, NDArray[Any]], block: Block, found: _Sums, factor: int, shape: tuple[int, ...], bands: int
) -> None:
    """Add sums of a block; single precision is enough for a picture, but squares of large errors go beyond it."""
    top, left = block.row_off // factor, block.col_off // factor
    for name, part in found.items():
        kind = np.dtype(np.float64 if name == "error" else np.float32)
        if name.endswith(_COUNTS):
            kind = np.min_scalar_type(factor * factor * bands)
        whole = sums.setdefault(name, np.zeros(shape, kind))
        whole[top : top + part.shape[0], left : left + part.shape[1]] += part.astype(kind)


def _mean(sums: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Divide sums by their counts, in place; both are used up."""
    means, counts = sums.pop(name), sums.pop(f"{name}{_COUNTS}")
    np.divide(means, counts, out=means, where=counts > 0)
    means[counts == 0] = np.nan
    return means
