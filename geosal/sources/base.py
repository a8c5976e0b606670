"""The interface of a saliency source."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.raster import Pixels
from geosal.sources.text import SourceText

Kind = Literal["interest", "exclusion"]
"""*interest*: what the source names counts. *exclusion*: 0 where it takes interest away, 1 elsewhere."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenContext:
    """The grid that a source is opened for, and the scene that it may look at.

    Attributes
    ----------
    grid
        Grid of the scene.
    drivers
        GDAL drivers trusted for files beyond the usual ones, such as ``("VRT",)``.
    background
        Saliency where vectors and classes name nothing.
    scene
        The scene's pixels and quality bands; None when only a grid is known.
    """

    grid: Grid
    drivers: tuple[str, ...] = ()
    background: float = 0.0
    scene: Pixels | None = None


class Coded(NamedTuple):
    """Saliency of a block as codes with a table, where it has few values and no gaps."""

    codes: NDArray[np.uint8]
    """Codes of the pixels, (y, x)."""
    table: NDArray[np.float32]
    """Saliency of each code, (256,), in [0, 1]."""


@runtime_checkable
class CodedSource(Protocol):
    """A source that may know its blocks by codes; looking levels up then takes a fifth of the time."""

    def read_coded(self, block: Block) -> Coded | None:
        """Return what `Source.read` returns for a block, as codes; None where that is impossible."""


class AnySaliency(Protocol):
    """The interface for readers of a scene's saliency; `geosal.sources.Saliency` is the one that opens sources."""

    @property
    def grid(self) -> Grid:
        """Grid of the scene."""

    @property
    def label(self) -> str:
        """One line for people and provenance."""

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x), each value in [0, 1]."""

    def read_known(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return saliency, and where a source says what matters; both (y, x)."""

    def read_coded(self, block: Block) -> Coded | None:
        """Return saliency as codes, where it is known so; else None."""


class Source(Protocol):
    """One saliency source, opened on a scene's grid.

    A frozen dataclass that pickles (it holds paths, not handles) and whose `read` depends on nothing but the global
    pixel position, so that any cutting into blocks gives the same bits.
    """

    @property
    def kind(self) -> Kind:
        """Return how it enters the combination."""

    @property
    def text(self) -> str:
        """The source as the user wrote it."""

    @property
    def fingerprint(self) -> str | None:
        """Hash of the content that the source reads; None where there is no content, or it is not available."""

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x) in [0, 1], NaN where unknown; the caller may write into it."""

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether the source says something, (rows, cols), where these rows and columns of the scene cross."""

    def __dask_tokenize__(self) -> Hashable:
        """Return all that its pixels depend on."""


class SourceClass(Source, Protocol):
    """A class of sources that texts name: in the table, or in another package."""

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Open a source, and check everything once, before any work."""
