"""Whether two pictures are the same one, as far as a lossy codec, smoothing and halving leave that to be seen."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geosal.grid import Block
from geosal.scenes import Scene
from geosal.verification.check import Check

_CELL = 16
"""Pixels whose mean is compared: kernels are 17 px wide at most by default, and codecs keep means best."""
_BLOCK = 1024
_LEAST_LIKENESS = 0.3
"""Correlation of means below which a picture is another one.

Of 184 lossy files of real rasters, at default qualities and at the worst ones (JPEG 5, WebP 1, JPEG 2000 1, LERC 50),
the least had 0.37, the rest but two more than 0.7.
"""
_ELSEWHERE = 2.0
"""Standard deviations of the source by which another picture's mean is off; codecs and kernels keep means."""
_OF_ITS_OWN = 0.25
"""Share of the source's variance that a picture must have to be another one: what a codec has flattened is none."""
_FEWEST = 16
"""Cells; of fewer nothing is said."""


@dataclass(slots=True)
class Likeness:
    """Sums over means of cells, of one band: add blocks, then ask."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(6))

    def add(self, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
        """Take means of the same cells; NaN where a cell holds nothing in one of the two."""
        both = np.isfinite(ours) & np.isfinite(theirs)
        a, b = ours[both], theirs[both]
        self.sums += [a.size, a.sum(), b.sum(), np.square(a).sum(), np.square(b).sum(), (a * b).sum()]

    def correlation(self, own: float = _OF_ITS_OWN) -> float:
        """Correlate the two pictures; 0 where one is much brighter.

        1 where it would say nothing: of few cells, of no contrast, of a picture with a smaller share of the variance
        than `own`, which was flattened.
        """
        count, a, b, aa, bb, ab = self.sums
        if count < _FEWEST:
            return 1.0
        ours, theirs, both = (x / count - (y / count) * (z / count) for x, y, z in ((aa, a, a), (bb, b, b), (ab, a, b)))
        if theirs < 1:
            return 1.0
        if abs(a - b) / count > _ELSEWHERE * math.sqrt(theirs):
            return 0.0
        if ours < own * theirs:
            return 1.0
        if ours <= 0:
            return 0.0
        return float(both / math.sqrt(ours * theirs))


def check_picture(found: Scene, source: Scene, colours: list[tuple[int, int]]) -> Check:
    """See that a file in a lossy codec shows the source and no other scene of its size.

    Parameters
    ----------
    found, source
        Of the same grid and dtype.
    colours
        Positions of a band in each of the two, without alpha.

    Returns
    -------
    Check
        ``picture``; no proof of any single pixel.
    """
    bands = [Likeness() for _ in colours]
    scale = _unit(source.layout.dtype)
    for block in source.grid.blocks(_BLOCK):
        ours, ours_valid, _ = found.read(block)
        theirs, theirs_valid, _ = source.read(block)
        for (our, their), band in zip(colours, bands, strict=True):
            counts = ours_valid[our] & theirs_valid[their]
            band.add(*(means(picture * scale, counts, _CELL) for picture in (ours[our], theirs[their])))
    worst = min((band.correlation() for band in bands), default=1.0)
    faults = [f"shows another picture than the source: means of {_CELL} px correlate by {worst:.2f}"]
    fine = f"shows the source's picture: means of {_CELL} px correlate by {worst:.2f} and more"
    return Check.of("picture", faults if worst < _LEAST_LIKENESS else [], fine)


def check_overviews(path: str, dataset: DatasetReader) -> Check | None:
    """See that each overview of a GeoTIFF shows the picture of the level below it; None without overviews."""
    levels = len(dataset.overviews(1))
    if not levels:
        return None
    faults = []
    for level in range(levels):
        below = {} if level == 0 else {"OVERVIEW_LEVEL": level - 1}
        with (
            rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL=level) as overview,
            rasterio.open(path, driver="GTiff", **below) as whole,
        ):
            found = _correlation_of(overview, whole)
        if found < _LEAST_LIKENESS:
            faults.append(f"overview {level + 1} shows another picture than the image: means correlate by {found:.2f}")
    return Check.of("overviews", faults, f"{levels} show the picture of the image")


def _correlation_of(overview: DatasetReader, whole: DatasetReader) -> float:
    bands = [Likeness() for _ in overview.indexes]
    side, scale = _BLOCK // 2, _unit(overview.dtypes[0])
    for row in range(0, overview.height, side):
        for col in range(0, overview.width, side):
            small = Block(row, col, min(side, overview.height - row), min(side, overview.width - col))
            large = Window(2 * col, 2 * row, *_twice(small, whole))
            for index, band in zip(overview.indexes, bands, strict=True):
                ours, theirs = (
                    means(data.read(index, window=window) * scale, data.read_masks(index, window=window) > 0, cell)
                    for data, window, cell in ((overview, small.window, _CELL), (whole, large, 2 * _CELL))
                )
                rows, cols = (min(a, b) for a, b in zip(ours.shape, theirs.shape, strict=True))
                band.add(ours[:rows, :cols], theirs[:rows, :cols])
    return min(band.correlation(own=0.0) for band in bands)


def _twice(small: Block, whole: DatasetReader) -> tuple[int, int]:
    """Columns and rows of the level below that a block of an overview was made of."""
    return (
        min(2 * small.width, whole.width - 2 * small.col_off),
        min(2 * small.height, whole.height - 2 * small.row_off),
    )


def _unit(dtype: str) -> float:
    """Brings samples of floats to numbers of which 1 is a small difference: reflectances lie between 0 and 1."""
    return 1e4 if np.dtype(dtype).kind == "f" else 1.0


def means(picture: NDArray[Any], counts: NDArray[np.bool_], cell: int) -> NDArray[np.float64]:
    """Average what counts in each cell of a band (y, x); NaN where nothing does. Cells at the edge may be smaller."""
    rows, cols = (np.arange(0, length, cell) for length in picture.shape)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        weights, sums = (
            np.add.reduceat(np.add.reduceat(values, rows, axis=0), cols, axis=1)
            for values in (counts.astype(np.float64), np.where(counts, picture, 0).astype(np.float64))
        )
        return np.asarray(np.where(weights > 0, sums / weights, np.nan))


def colours_of(found: Scene, source: Scene) -> list[tuple[int, int]]:
    """Pair the bands of two scenes that are no alpha, by their order."""
    ours, theirs = (
        [number for number in range(scene.layout.count) if number != scene.layout.alpha] for scene in (found, source)
    )
    return list(zip(ours, theirs, strict=False))
