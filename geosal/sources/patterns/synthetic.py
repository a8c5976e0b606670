"""Sources that need no file: the seed paper's `half` and `grid`, and one value everywhere.

Each pixel is a function of its row and column in the whole scene and of the scene's size, so any block can be made
alone.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.sources.base import Kind, OpenContext
from geosal.sources.text import SourceText


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Base of sources without a file: they count as interest and say something everywhere."""

    kind: ClassVar[Kind] = "interest"
    fingerprint: ClassVar[None] = None

    text: str
    shape: tuple[int, int]
    """Rows and columns of the scene."""

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True everywhere."""
        return np.ones((rows.size, cols.size), dtype=bool)

    def __dask_tokenize__(self) -> Hashable:
        """Return the class and its parameters."""
        return type(self).__qualname__, repr(self)


@dataclass(frozen=True, kw_only=True)
class Half(Synthetic):
    """``half``: 1 in the left half, 0 in the right. K_e is 9.0 with 8 steps."""

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Take no parameters."""
        source.only()
        return cls(text=source.text, shape=context.grid.shape)

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x)."""
        cols = np.arange(block.col_off, block.col_stop)
        return np.tile((2 * cols < self.shape[1]).astype(np.float32), (block.height, 1))


@dataclass(frozen=True, kw_only=True)
class Checkers(Synthetic):
    """``grid``: 4x4 cells of 0, 0.33, 0.66, 1, each row turned by one cell. K_e is 8.5 with 8 steps."""

    VALUES: ClassVar[tuple[float, ...]] = (0.0, 0.33, 0.66, 1.0)

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Take no parameters."""
        source.only()
        return cls(text=source.text, shape=context.grid.shape)

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x)."""
        rows, cols = self.shape
        cell_rows = np.arange(block.row_off, block.row_stop) * 4 // rows
        cell_cols = np.arange(block.col_off, block.col_stop) * 4 // cols
        values = np.array(self.VALUES, dtype=np.float32)
        turned = np.stack([np.roll(values, row) for row in range(4)])
        return turned[:, cell_cols][cell_rows]


@dataclass(frozen=True, kw_only=True)
class Uniform(Synthetic):
    """``uniform:saliency=S``: the same value everywhere, 0.5 unless given."""

    saliency: float

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Take ``saliency=`` from 0 to 1."""
        source.only("saliency")
        return cls(text=source.text, shape=context.grid.shape, saliency=source.number("saliency", 0.5, 0, 1))

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x)."""
        return np.full(block.shape, self.saliency, dtype=np.float32)
