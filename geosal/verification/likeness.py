"""Check that two pictures are the same, as far as that shows after a lossy codec, smoothing or halving."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geosal.core.grid import Block
from geosal.core.ladder import Ladder
from geosal.core.open_raster import open_raster
from geosal.formats.coarseness import Coarseness
from geosal.formats.finished import Finished
from geosal.scenes import AnyScene
from geosal.smoothing.block import SampleRules, smooth_block
from geosal.verification.check import Check

_CELL = 16
"""Side, in pixels, of the cells whose means are compared: kernels are 17 px wide at most by default, and codecs keep
means best."""
_BLOCK = 1024
_LEAST_LIKENESS = 0.3
"""Correlation of means below which a picture is another one.

Of 184 lossy files of real rasters, at default qualities and at the worst ones (JPEG 5, WebP 1, JPEG 2000 1, LERC 50),
the least had 0.37, the rest but two more than 0.7.
"""
_ELSEWHERE = 2.0
"""Largest distance of the mean, in standard deviations of the source; codecs and kernels keep means."""
_FLATTENED = 0.25
"""Share of the source's variance below which a picture counts as flattened."""
_FEWEST = 16
"""Fewest cells that allow a judgement."""
_ROUNDING = 1e-6
"""Share of the mean that float32 and the sums may lose by rounding."""


@dataclass(slots=True)
class Likeness:
    """Sums over means of cells, of one band: add all blocks, then ask for the likeness."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(6))

    def add(self, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
        """Add means of the same cells; NaN where a cell is empty in one of the two."""
        both = np.isfinite(ours) & np.isfinite(theirs)
        a, b = ours[both], theirs[both]
        self.sums += [a.size, a.sum(), b.sum(), np.square(a).sum(), np.square(b).sum(), (a * b).sum()]

    def correlation(self, coarse: Coarseness) -> float | None:
        """Correlate the two pictures; 0 where one is much brighter.

        None where a correlation means nothing: with few cells, and for a picture that is faint or was flattened, if it
        differs no more than the codec may change it.
        """
        count, a, b, aa, bb, ab = self.sums
        if count < _FEWEST:
            return None
        ours, theirs, both = (x / count - (y / count) * (z / count) for x, y, z in ((aa, a, a), (bb, b, b), (ab, a, b)))
        contrast, shift = math.sqrt(max(theirs, 0.0)), abs(a - b) / count
        error, faint = (max(least, _ROUNDING * abs(b) / count) for least in coarse)
        found = float(both / math.sqrt(ours * theirs)) if ours > 0 and theirs > 0 else 0.0
        if shift > max(_ELSEWHERE * contrast, error):
            return 0.0
        unclear = ours < _FLATTENED * theirs or contrast < faint
        off = math.sqrt(max(ours + theirs - 2 * both + shift**2, 0.0))
        return None if found < _LEAST_LIKENESS and unclear and off <= error else found


def check_picture(found: AnyScene, source: AnyScene, finished: Finished, ladder: Ladder) -> Check:
    """Check that a file in a lossy codec shows the source and no other scene of its size.

    Parameters
    ----------
    found, source
        Two rasters of the same grid and dtype.
    finished
        Checks of the file's format.
    ladder
        Ladder of the job: where the file is not like the source, it may still be like the source after smoothing.

    Returns
    -------
    Check
        ``picture``; no proof of any single pixel.
    """
    with open_raster(found.path) as dataset:
        coarse = finished.coarseness(dataset, dataset)
    colours = _colours(found, source)
    likeness = [band.correlation(coarse) for band in _compare(found, source, colours, None)]
    if _worst(likeness) < _LEAST_LIKENESS:
        smoothed = [band.correlation(coarse) for band in _compare(found, source, colours, ladder)]
        likeness = [_better(one, other) for one, other in zip(likeness, smoothed, strict=True)]
    worst = _worst(likeness)
    faults = [f"shows another picture than the source: means of {_CELL} px correlate by {worst:.2f}"]
    return Check.of("picture", faults if worst < _LEAST_LIKENESS else [], _told(likeness))


def _compare(
    found: AnyScene, source: AnyScene, colours: list[tuple[int, int]], ladder: Ladder | None
) -> tuple[Likeness, ...]:
    """Compare band by band; with a `ladder`, with the source smoothed throughout by its widest kernel."""
    bands = tuple(Likeness() for _ in colours)
    rules = SampleRules(source.layout.nodata, source.layout.alpha)
    for block in source.grid.blocks(_BLOCK):
        outer = block if ladder is None else block.expand(ladder.halo, source.grid.shape)
        inner = block.slices_in(outer)
        ours, ours_valid, _ = found.read(block)
        theirs, theirs_valid, _ = source.read(outer)
        if ladder is not None:
            widest = np.full(outer.shape, ladder.steps, np.uint8)
            theirs = smooth_block(theirs, widest, theirs_valid, ladder, rules)
        for (our, their), band in zip(colours, bands, strict=True):
            counts = ours_valid[our] & theirs_valid[their][inner]
            band.add(*(means(picture, counts, (_CELL, _CELL)) for picture in (ours[our], theirs[their][inner])))
    return bands


def _better(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)


def _worst(likeness: Sequence[float | None]) -> float:
    return min((found for found in likeness if found is not None), default=1.0)


def _told(likeness: Sequence[float | None]) -> str:
    """Describe what was seen where nothing is wrong."""
    silent = likeness.count(None)
    if silent == len(likeness):
        return "not told: too little contrast is left, or too few pixels, to tell one picture from another"
    some = f"; {silent} of {len(likeness)} bands cannot be told" if silent else ""
    return f"shows the source's picture: means of {_CELL} px correlate by {_worst(likeness):.2f} and more{some}"


def check_overviews(dataset: DatasetReader, finished: Finished) -> Check | None:
    """Check that each overview of a GeoTIFF shows the picture of the level below it; None without overviews."""
    levels = len(dataset.overviews(1))
    if not levels:
        return None
    faults, silent = [], 0
    for level in range(levels):
        below = {} if level == 0 else {"OVERVIEW_LEVEL": level - 1}
        with (
            rasterio.open(dataset.name, driver="GTiff", OVERVIEW_LEVEL=level) as overview,
            rasterio.open(dataset.name, driver="GTiff", **below) as whole,
        ):
            found = _correlation_of(overview, whole, finished.coarseness(dataset, overview))
        silent += found is None
        if found is not None and found < _LEAST_LIKENESS:
            faults.append(f"overview {level + 1} shows another picture than the image: means correlate by {found:.2f}")
    some = f"; {silent} more cannot be told: too little contrast, or too few pixels" if silent else ""
    return Check.of("overviews", faults, f"{levels - silent} show the picture of the image{some}")


def _correlation_of(overview: DatasetReader, whole: DatasetReader, coarse: Coarseness) -> float | None:
    bands = [Likeness() for _ in overview.indexes]
    # All samples of alpha count, also those that have the nodata code: which do not, it is alpha that says.
    alpha = [colour is ColorInterp.alpha for colour in whole.colorinterp]
    # Other programs leave levels out; and a single column stays one column, however often rows are halved.
    down, across = (max(1, round(a / b)) for a, b in zip(whole.shape, overview.shape, strict=True))
    side = max(_BLOCK // max(down, across) // _CELL, 1) * _CELL
    for row in range(0, overview.height, side):
        for col in range(0, overview.width, side):
            small = Block(row, col, min(side, overview.height - row), min(side, overview.width - col))
            large = _below(small, (down, across), whole)
            for index, band, all_count in zip(overview.indexes, bands, alpha, strict=True):
                ours, theirs = (
                    means(data.read(index, window=window), _counts(data, index, window, all_count=all_count), cell)
                    for data, window, cell in (
                        (overview, small.window, (_CELL, _CELL)),
                        (whole, large, (down * _CELL, across * _CELL)),
                    )
                )
                rows, cols = (min(a, b) for a, b in zip(ours.shape, theirs.shape, strict=True))
                band.add(ours[:rows, :cols], theirs[:rows, :cols])
    return min((found for band in bands if (found := band.correlation(coarse)) is not None), default=None)


def _counts(data: DatasetReader, index: int, window: Window, *, all_count: bool) -> NDArray[np.bool_]:
    masks: NDArray[np.uint8] = data.read_masks(index, window=window)
    return np.ones(masks.shape, np.bool_) if all_count else masks > 0


def _below(small: Block, times: tuple[int, int], whole: DatasetReader) -> Window:
    """Return what a block of an overview was made of, on the level below, which has `times` its rows and columns."""
    top, left = times[0] * small.row_off, times[1] * small.col_off
    height, width = times[0] * small.height, times[1] * small.width
    return Window(left, top, max(min(width, whole.width - left), 1), max(min(height, whole.height - top), 1))


def means(picture: NDArray[Any], counts: NDArray[np.bool_], cell: tuple[int, int]) -> NDArray[np.float64]:
    """Average the valid samples of each cell of a band (y, x); NaN without any. Cells at the edge may be smaller."""
    rows, cols = (np.arange(0, length, step) for length, step in zip(picture.shape, cell, strict=True))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        weights, sums = (
            np.add.reduceat(np.add.reduceat(values, rows, axis=0), cols, axis=1)
            for values in (counts.astype(np.float64), np.where(counts, picture, 0).astype(np.float64))
        )
        return np.asarray(np.where(weights > 0, sums / weights, np.nan))


def _colours(found: AnyScene, source: AnyScene) -> list[tuple[int, int]]:
    """Pair the bands of two scenes, except alpha, by their order."""
    ours, theirs = (
        [number for number in range(scene.layout.count) if number != scene.layout.alpha] for scene in (found, source)
    )
    return list(zip(ours, theirs, strict=False))
