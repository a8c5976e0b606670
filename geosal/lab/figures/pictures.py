"""Figures 2 to 4 and 14: kernels, masks and composites as pictures of one scene."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.ladder import Ladder
from geosal.core.raster import Samples
from geosal.errors import UsageError
from geosal.lab.datasets.conversion import of_any
from geosal.lab.figures.style import GREY
from geosal.scenes import AnyScene, Reading, open_input
from geosal.scenes.rgb import PAPER, as_rgb, limits_of
from geosal.smoothing.block import smooth_block
from geosal.sources import open_saliency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MASKS = ("half", "grid", "perlin")
"""The paper's masks."""
_SIDE, _ZOOM = 384, 96
"""Sides of the part that stands for an image, and of what is shown of it enlarged, in pixels."""
_PLACES = 8
"""Places looked at in each direction for a lively part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A part of a scene as an image of its own.

    Attributes
    ----------
    samples
        Its pixels, (band, y, x), one or three bands of uint8.
    grid
        Its grid.
    saliency
        Of the scene's SOURCEs, (y, x); None without any.
    """

    samples: Samples
    grid: Grid
    saliency: NDArray[np.float32] | None

    @classmethod
    def of(cls, path: str, sources: Sequence[str] = (), reading: Reading | None = None) -> Self:
        """Read the liveliest part of a scene, or the one in which its SOURCEs say most.

        Parameters
        ----------
        path
            A raster or a product.
        sources
            SOURCE texts.
        reading
            How it is read; by default as RGB of 8 bits.

        Raises
        ------
        SceneError
            The scene cannot be read.
        SaliencyError, UsageError
            A SOURCE does not fit it.
        """
        scene = open_input(path, reading or of_any(path))
        saliency = open_saliency(sources, scene.grid, scene=scene.original) if sources else None
        side = min(_SIDE, scene.grid.height, scene.grid.width)
        blocks = list(_places(scene.grid, side))
        if saliency is None:
            block = max(blocks, key=lambda one: _contrast(scene, one))
        else:
            shares = {one: float(np.mean(saliency.read(one) > 0)) for one in blocks}
            block = max(blocks, key=lambda one: shares[one] * (1 - shares[one]))
        place = scene.grid.transform @ Affine.translation(block.col_off, block.row_off)
        grid = replace(scene.grid, transform=place, height=block.height, width=block.width)
        return cls(samples=scene.read(block), grid=grid, saliency=None if saliency is None else saliency.read(block))

    def levels(self, mask: str) -> NDArray[np.float32]:
        """Return one of the paper's masks of this part, (y, x)."""
        return open_saliency([mask], self.grid).read(self.grid.whole())

    def smoothed(self, saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return colours (y, x, 3) of the part, smoothed by its saliency."""
        ladder = Ladder()
        valid = None if self.samples.valid.all() else self.samples.valid
        return _colours(smooth_block(self.samples.pixels, ladder.levels(saliency), valid, ladder))

    def by_kernel(self, width: int) -> NDArray[np.uint8]:
        """Return colours (y, x, 3) of the part, smoothed by one kernel."""
        steps = (width - 1) // 2
        return self.smoothed(np.full(self.grid.shape, 1 - steps / Ladder().steps, np.float32))


def _places(grid: Grid, side: int) -> Iterator[Block]:
    """Yield parts of a scene, evenly spread."""
    rows, cols = (
        np.unique(np.linspace(0, length - side, min(_PLACES, -(-length // side))).astype(int)) for length in grid.shape
    )
    for row in rows:
        for col in cols:
            yield Block(int(row), int(col), side, side)


def _contrast(scene: AnyScene, block: Block) -> float:
    """Return the mean step between neighbours where all counts."""
    samples = scene.read(block)
    steps = np.abs(np.diff(samples.pixels.astype(np.float32), axis=-1))
    return float(np.mean(steps)) * float(samples.valid.mean()) ** 4


def _colours(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    bands = pixels[: 3 if len(pixels) >= 3 else 1].astype(np.float64)
    return as_rgb(bands, [limits_of(band, str(pixels.dtype)) for band in bands], PAPER)


def kernels(figure: "Figure", view: View) -> None:
    """Figure 2: the same enlarged part, smoothed by each kernel of the ladder."""
    axes = figure.subplots(3, 3)
    side = min(_ZOOM, *view.grid.shape)
    row, col = ((length - side) // 2 for length in view.grid.shape)
    for axis, width in zip(axes.flat, Ladder().widths, strict=True):
        picture = view.by_kernel(width)[row : row + side, col : col + side]
        _show(axis, picture, f"K = {width}")


def masks(figure: "Figure", view: View) -> None:
    """Figure 3: the paper's masks; white is kept."""
    for axis, mask in zip(figure.subplots(1, len(MASKS)), MASKS, strict=True):
        axis.imshow(view.levels(mask), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        _plain(axis, mask)


def composites(figure: "Figure", view: View) -> None:
    """Figure 4: the part, smoothed by each of the paper's masks."""
    for axis, mask in zip(figure.subplots(1, len(MASKS)), MASKS, strict=True):
        _show(axis, view.smoothed(view.levels(mask)), mask)


def objects(figure: "Figure", view: View) -> None:
    """Figure 14: a saliency of objects, and the part smoothed by it.

    Raises
    ------
    UsageError
        The view has no saliency.
    """
    if view.saliency is None:
        raise UsageError("figure 14: needs to know where objects are; give a SOURCE: --saliency boxes.geojson")
    axes = figure.subplots(1, 3)
    everywhere = np.ones(view.grid.shape, np.float32)
    _show(axes[0], view.smoothed(everywhere), "original")
    axes[1].imshow(view.saliency, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _plain(axes[1], "saliency")
    _show(axes[2], view.smoothed(view.saliency), "smoothed")


def _show(axis: "Axes", picture: NDArray[np.uint8], title: str) -> None:
    axis.imshow(picture, interpolation="nearest")
    _plain(axis, title)


def _plain(axis: "Axes", title: str) -> None:
    axis.set(title=title, xticks=[], yticks=[])
    axis.spines[:].set(visible=True, color=GREY, linewidth=0.5)  # white lies on white
