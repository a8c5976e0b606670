"""Parts of a scene that show best what was done to it, found on a small picture of the scene."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geosal.core.grid import Block


@dataclass(eq=False)
class Windows:
    """All windows of one size over the cells of a scene, by their upper left corners.

    Attributes
    ----------
    loss
        What was lost in each cell of the scene, (y, x); NaN where nothing counts.
    bands
        The scene made small, (band, y, x).
    factor
        Rows and columns of pixels of a cell.
    shape
        Rows and columns of the scene.
    side
        Rows and columns of a window at most, in pixels.
    free
        Windows that share few pixels with those that were taken.
    """

    loss: NDArray[np.floating[Any]]
    bands: NDArray[np.floating[Any]]
    factor: int
    shape: tuple[int, int]
    side: int
    free: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        sides = zip((min(self.side, length) for length in self.shape), self.loss.shape, strict=True)
        self._window = [min(-(-side // self.factor), length) for side, length in sides]
        corners = (length - side + 1 for length, side in zip(self.loss.shape, self._window, strict=True))
        self.free = np.ones(tuple(corners), np.bool_)

    @property
    def lost(self) -> NDArray[np.float64]:
        """Roots of the mean squared losses."""
        return np.sqrt(self.means(np.nan_to_num(self.loss) ** 2))

    @property
    def contrast(self) -> NDArray[np.float64]:
        """Mean steps between neighbours."""
        return self.means(contrast(self.bands))

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Means of all windows that lie inside; what rounding left of nothing is nothing."""
        values = np.asarray(values, np.float64)
        means = ndimage.uniform_filter(values, self._window, mode="constant")
        rows, cols = self.free.shape
        inside = np.asarray(means[self._window[0] // 2 :, self._window[1] // 2 :][:rows, :cols])
        return np.where(inside > 1e-9 * max(float(np.abs(values).max()), 1e-300), inside, 0)

    def block(self, score: NDArray[np.float64]) -> Block:
        """Pixels of the window of the greatest score."""
        corner = np.unravel_index(int(np.argmax(score)), score.shape)
        sides = [min(self.side, length) for length in self.shape]
        row, col = (
            min(int(place) * self.factor, length - side)
            for place, length, side in zip(corner, self.shape, sides, strict=True)
        )
        return Block(row, col, *sides)

    def take(self, block: Block) -> None:
        """Keep later windows away from a part by three quarters of its sides."""
        row, col = block.row_off // self.factor, block.col_off // self.factor
        high, wide = (max(1, 3 * side // 4) for side in self._window)
        self.free[max(0, row - high) : row + high + 1, max(0, col - wide) : col + wide + 1] = False


def telling_block(windows: Windows, matters: Sequence[NDArray[Any] | None]) -> Block:
    """Find the part that shows best what was lost: much loss, and both what matters and what does not.

    A part is ``sqrt(mean squared loss) * sqrt(m * (1 - m))`` worth, m the share of it that matters. Where that is 0
    everywhere the loss alone counts, and without any the contrast.

    Parameters
    ----------
    windows
        All that it may be.
    matters
        Shares of each cell that matter, (y, x); the first with which any part is worth something counts.
    """
    lost = windows.lost
    score = np.zeros(lost.shape)
    for known in matters:
        if known is not None and not score.any():
            share = np.clip(windows.means(known), 0, 1)
            score = lost * np.sqrt(share * (1 - share))
    for other in (lost, windows.contrast):
        score = score if score.any() else other
    return windows.block(score)


def contrast(bands: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Steps between neighbours in the first band, (y, x); 0 where one of them does not count."""
    steps = np.abs(np.diff(bands[0], axis=1, append=np.nan))
    return np.asarray(np.nan_to_num(steps), np.float64)
