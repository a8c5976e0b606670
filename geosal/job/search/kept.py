"""Blocks of a scene and their saliency, which all trials of a search share and which are read only once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.raster import QualityBand, RasterLayout, Samples
from geosal.scenes import AnyScene
from geosal.sources.base import AnySaliency, Coded


@dataclass(frozen=True, eq=False)
class Kept:
    """A scene with blocks that were read before."""

    scene: AnyScene
    blocks: Sequence[tuple[Block, Samples]]

    @property
    def path(self) -> str:
        """Name of the scene."""
        return self.scene.path

    @property
    def layout(self) -> RasterLayout:
        """Layout of the scene."""
        return self.scene.layout

    @property
    def quality(self) -> tuple[QualityBand, ...]:
        """Quality bands of the scene."""
        return self.scene.quality

    def having(self, *bands: str) -> Self:
        """The scene with other bands, without the blocks that were read."""
        return type(self)(self.scene.having(*bands), ())

    def read(self, block: Block) -> Samples:
        """Read a block that lies in one of those that were read."""
        for outer, samples in self.blocks:
            if _contains(outer, block):
                inside = block.slices_in(outer)
                mask = None if samples.mask is None else samples.mask[inside]
                return Samples(samples.pixels[:, *inside], samples.valid[:, *inside], mask)
        return self.scene.read(block)


@dataclass(frozen=True, eq=False)
class KeptSaliency:
    """A saliency that reads each block once and keeps it: a network, say, takes longer than all later steps."""

    inner: AnySaliency
    _coded: dict[Block, Coded | None] = field(default_factory=dict, repr=False)
    _known: dict[Block, tuple[NDArray[np.float32], NDArray[np.bool_]]] = field(default_factory=dict, repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the saliency."""
        return self.inner.grid

    @property
    def label(self) -> str:
        """Text of the saliency."""
        return self.inner.label

    def read(self, block: Block) -> NDArray[np.float32]:
        """See `geosal.sources.Saliency.read`; nobody may write into the result."""
        return self.read_known(block)[0]

    def read_known(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """See `geosal.sources.Saliency.read_known`; nobody may write into the result."""
        if block not in self._known:
            self._known[block] = self.inner.read_known(block)
        return self._known[block]

    def read_coded(self, block: Block) -> Coded | None:
        """See `geosal.sources.Saliency.read_coded`."""
        if block not in self._coded:
            self._coded[block] = self.inner.read_coded(block)
        return self._coded[block]


def _contains(outer: Block, inner: Block) -> bool:
    return (
        outer.row_off <= inner.row_off
        and outer.col_off <= inner.col_off
        and inner.row_stop <= outer.row_stop
        and inner.col_stop <= outer.col_stop
    )
