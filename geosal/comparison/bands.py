"""Divide bands into groups that are compared together, and make scenes with only those bands.

The memory of a comparison grows with the bands: rows over the width of the scene, and blocks in work. Bands are
independent, so those of a wide scene are compared one group after the other, and all figures are the same.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from geosal.comparison.pair import Pair, colours
from geosal.comparison.seams import KEPT
from geosal.core.raster import RasterLayout

_BYTES = 100 * 2**20
"""Bytes for each worker: with two of them, libraries and GDAL's cache, a comparison takes 512 MiB."""


def groups_of(pair: Pair, block: int, workers: int) -> list[list[int]]:
    """Return the positions of a pair's bands, in the groups in which they are compared.

    Parameters
    ----------
    pair
        A pair of scenes.
    block
        Rows and columns of a block.
    workers
        Blocks worked on at once.
    """
    count = len(pair.bands)
    most = max(1, int(_BYTES * max(2, workers) / _band_bytes(pair, block, workers)))
    even = -(-count // -(-count // most))
    return [list(range(start, min(start + even, count))) for start in range(0, count, even)]


def _band_bytes(pair: Pair, block: int, workers: int) -> int:
    """Return the bytes that a band takes: rows that are kept, blocks as read, and blocks joined with their seams."""
    height, width = pair.grid.shape
    both = 2 * np.dtype(pair.original.layout.dtype).itemsize
    seams = both + any(_has_gaps(scene.layout) for scene in (pair.original, pair.candidate))
    read = min(block, height) * min(block, width) * (both + 2)  # each with its validity
    joined = min(block + KEPT, height) * min(block + KEPT, width) * seams
    return int(KEPT * width * seams + (workers + 1) * read + (workers + 3) * joined)


def _has_gaps(layout: RasterLayout) -> bool:
    return layout.nodata is not None or layout.has_mask or layout.alpha is not None or layout.dtype.startswith("float")


def of_bands(pair: Pair, positions: Sequence[int]) -> Pair:
    """Make a pair of some of the bands that are compared, counted from 0."""
    if len(positions) == len(pair.bands):
        return pair
    original, candidate = (
        scene.select([colours(scene.layout)[position] for position in positions])
        for scene in (pair.original, pair.candidate)
    )
    return replace(pair, original=original, candidate=candidate)
