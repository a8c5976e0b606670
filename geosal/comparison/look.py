"""A look at a compared pair that reads little: both made small where that is cheap, and a part at real pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.pair import Pair, colours
from geosal.comparison.window import Windows, telling_block
from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters
from geosal.scenes.base import layout_of_bands
from geosal.scenes.glance import factor_of, made_small
from geosal.scenes.rgb import PAPER, as_rgb, limits_of, shown_bands

_PLACES = 32
"""Rows and columns of places where the saliency is looked at."""
_REACH = 4
"""Pixels around the middle of such a place."""


@dataclass(frozen=True, eq=False)
class Look:
    """What there is to see of a pair.

    Attributes
    ----------
    shape
        Rows and columns of the scene.
    block
        The part of it that is shown at real pixels.
    whole
        The original made small, (y, x, 3); None of a large one without overviews.
    original, candidate
        The part, (y, x, 3), stretched alike.
    error
        Root of the mean squared error over the compared bands in the part, (y, x); NaN where nothing counts.
    """

    shape: tuple[int, int]
    block: Block
    whole: NDArray[np.uint8] | None
    original: NDArray[np.uint8]
    candidate: NDArray[np.uint8]
    error: NDArray[np.float64]


def look_at(pair: Pair, *, side: int, part: int) -> Look:
    """Look at a pair: its overviews, or all of a scene of 4 million pixels at most, some of the saliency, and one part.

    Parameters
    ----------
    pair
        What is compared.
    side
        Rows and columns of the small picture at most.
    part
        Rows and columns of the part at most: where most was lost near what matters, as far as the small pictures tell.

    Raises
    ------
    SceneError
        A part of a scene cannot be decoded.
    """
    layout = pair.original.layout
    chosen = colours(layout)
    shown = shown_bands(layout_of_bands(layout, chosen))
    try:
        whole, block = _whole(pair, [chosen[band] for band in shown], side, part)
        samples = pair.read(block)
    finally:
        close_shared_rasters()
    squares, counts = np.zeros(block.shape), np.zeros(block.shape)
    for band in range(len(pair.bands)):
        error, both = samples.squared_error(band)
        squares += error
        counts += both
    parts = [
        np.where(True if valid is None else valid[shown], pixels[shown].astype(np.float64), np.nan)
        for pixels, valid in (
            (samples.original, samples.original_valid),
            (samples.candidate, samples.candidate_valid),
        )
    ]
    limits = [limits_of(band, layout.dtype) for band in (parts[0] if whole is None else whole)]
    return Look(
        shape=pair.grid.shape,
        block=block,
        whole=None if whole is None else as_rgb(whole, limits, PAPER),
        original=as_rgb(parts[0], limits, PAPER),
        candidate=as_rgb(parts[1], limits, PAPER),
        error=np.sqrt(np.divide(squares, counts, out=np.full(block.shape, np.nan), where=counts > 0)),
    )


def _whole(pair: Pair, bands: Sequence[int], side: int, part: int) -> tuple[NDArray[np.float64] | None, Block]:
    """Return the original made small, (band, y, x), and the part to look at: the middle where nothing tells better."""
    shape, factor = pair.grid.shape, factor_of(pair.original, side)
    others = colours(pair.candidate.layout)
    at = colours(pair.original.layout)
    small = made_small(pair.original, factor, bands)
    other = None if small is None else made_small(pair.candidate, factor, [others[at.index(band)] for band in bands])
    if small is None or other is None:
        rows, cols = (min(part, length) for length in shape)
        return small, Block((shape[0] - rows) // 2, (shape[1] - cols) // 2, rows, cols)
    loss = np.sqrt(np.nan_to_num((small - other) ** 2).mean(axis=0))
    return small, telling_block(Windows(loss, small, factor, shape, part), [_kept(pair, loss.shape)])


def _kept(pair: Pair, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return the share of pixels at level 0, (y, x), as some places of the scene tell; None without a saliency."""
    if pair.saliency is None:
        return None
    middles = [np.unique(((np.arange(_PLACES) + 0.5) * length / _PLACES).astype(int)) for length in pair.grid.shape]
    kept = np.empty([middle.size for middle in middles])
    for (row, top), (col, left) in product(*map(enumerate, middles)):
        levels = pair.levels_of(Block(int(top), int(left), 1, 1).expand(_REACH, pair.grid.shape))
        kept[row, col] = np.mean(levels == 0)
    rows, cols = (np.arange(length) * count // length for length, count in zip(shape, kept.shape, strict=True))
    return kept[np.ix_(rows, cols)]
