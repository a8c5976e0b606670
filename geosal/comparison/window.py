"""The part of a scene that shows best what was done to it, found on a small picture of the scene."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geosal.core.grid import Block


def telling_block(
    loss: NDArray[np.float64],
    matters: Sequence[NDArray[Any] | None],
    bands: NDArray[np.float64],
    factor: int,
    shape: tuple[int, int],
    side: int,
) -> Block:
    """Find the part that shows best what was lost: much loss, and both what matters and what does not.

    A part is ``sqrt(mean squared loss) * sqrt(m * (1 - m))`` worth, m the share of it that matters. Where that is 0
    everywhere the loss alone counts, and without any the contrast.

    Parameters
    ----------
    loss
        What was lost in each cell of the scene, (y, x); NaN where nothing counts.
    matters
        Shares of each cell that matter, (y, x); the first with which any part is worth something counts.
    bands
        The scene made small, (band, y, x).
    factor
        Rows and columns of pixels of a cell.
    shape
        Rows and columns of the scene.
    side
        Rows and columns of the part at most.
    """
    sides = [min(side, length) for length in shape]
    window = [min(-(-side // factor), length) for side, length in zip(sides, loss.shape, strict=True)]
    lost = np.sqrt(_means(np.nan_to_num(loss) ** 2, window))
    score = np.zeros(lost.shape)
    for known in matters:
        if known is not None and not score.any():
            share = np.clip(_means(known, window), 0, 1)
            score = lost * np.sqrt(share * (1 - share))
    for other in (lost, _means(contrast(bands), window)):
        score = score if score.any() else other
    corner = np.unravel_index(int(np.argmax(score)), score.shape)
    row, col = (
        min(int(place) * factor, length - side) for place, length, side in zip(corner, shape, sides, strict=True)
    )
    return Block(row, col, *sides)


def contrast(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps between neighbours in the first band, (y, x); 0 where one of them does not count."""
    steps = np.abs(np.diff(bands[0], axis=1, append=np.nan))
    return np.asarray(np.nan_to_num(steps))


def _means(values: NDArray[Any], window: list[int]) -> NDArray[np.float64]:
    """Means of all windows that lie inside, at their upper left corners; what rounding left of nothing is nothing."""
    means = ndimage.uniform_filter(np.asarray(values, np.float64), window, mode="constant")
    rows, cols = (length - side + 1 for length, side in zip(values.shape, window, strict=True))
    inside = np.asarray(means[window[0] // 2 :, window[1] // 2 :][:rows, :cols])
    return np.where(inside > 1e-9 * max(float(np.abs(values).max()), 1e-300), inside, 0)
