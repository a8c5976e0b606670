"""What a saliency map does to a scene, drawn with matplotlib: the whole, the map, and a part before and after."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geosal.arrays.array_scene import ArrayScene
from geosal.arrays.compare import saliency_on
from geosal.arrays.forms import as_scene
from geosal.arrays.look import usual_bands
from geosal.comparison.window import Windows, contrast, telling_block
from geosal.core.grid import Block
from geosal.core.ladder import Ladder
from geosal.core.raster import RasterLayout
from geosal.core.shared_raster import close_shared_rasters
from geosal.core.tables import require_matplotlib
from geosal.errors import UsageError
from geosal.job.task import BlockTask
from geosal.maps.preview import small_saliency
from geosal.scenes import AnyScene, Reading, band_names
from geosal.scenes.decimate import decimate
from geosal.scenes.glance import factor_of
from geosal.scenes.rgb import PAPER, as_rgb, limits_of
from geosal.sources import Saliency

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 512
"""Rows and columns of the pictures of the whole at most."""
_PART = 160
"""Rows and columns of the part at real pixels at most."""
_KEPT = 0.999
"""Mean saliency from which a cell counts as kept."""
_FRAME = "#009e73"


class _Views(NamedTuple):
    """What is drawn."""

    scene: NDArray[np.uint8]
    """The whole, (y, x, 3)."""
    saliency: NDArray[np.float32]
    """Its mean saliency, (y, x)."""
    before: NDArray[np.uint8]
    """A part at real pixels, (y, x, 3)."""
    after: NDArray[np.uint8]
    block: Block
    shape: tuple[int, int]


def plot_before_after(
    array: xr.DataArray | xr.Dataset,
    saliency: object,
    bands: str | Sequence[str] | None = None,
    *,
    ladder: Ladder | None = None,
    at: tuple[int, int] | None = None,
    figure: Any = None,
) -> "dict[str, Axes]":
    """Draw a scene, its saliency, and a part of it before and after smoothing.

    The whole comes from the file's overviews where it has some; saliency is read once, block by block; the part alone
    is smoothed. Memory is that of a few blocks.

    Parameters
    ----------
    array
        Any scene; see `geosal.arrays.compress.compress`.
    saliency
        Anything that `geosal.saliency` takes, or what came of it.
    bands
        As `geosal.arrays.look.rgb`.
    ladder
        Widths of the kernels; see `geosal.Ladder`.
    at
        Row and column of the middle of the part; by default where smoothing takes most beside what matters.
    figure
        A figure of matplotlib, or a part of one, to draw in; by default a new one.

    Returns
    -------
    dict of matplotlib.axes.Axes
        ``scene``, ``saliency``, ``before`` and ``after``. Axes count pixels.

    Raises
    ------
    GeosalError
        matplotlib is not installed, there is no such band, or saliency or samples cannot be read.
    """
    require_matplotlib("plot")
    scene = ArrayScene.of(as_scene(array))
    opened = saliency_on(scene, saliency, array, Reading())
    if opened is None:
        raise UsageError("plot: no saliency to draw; give one: plot(saliency='detail')")
    shown = scene.having(*(usual_bands(scene) if bands is None else band_names(bands)))
    views = _views(shown, opened, ladder or Ladder(), at)
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(9, 8), layout="constrained")
    axes: dict[str, Axes] = figure.subplot_mosaic([["scene", "saliency"], ["before", "after"]])
    _draw(axes, views)
    return axes


def _views(scene: AnyScene, saliency: Saliency, ladder: Ladder, at: tuple[int, int] | None) -> _Views:
    layout, factor = scene.layout, factor_of(scene, _SIDE)
    try:
        small = decimate(scene, factor)
        values = np.where(small.valid, small.pixels.astype(np.float64), np.nan)
        heat = small_saliency(saliency, factor)
        block = _asked(at, scene.grid.shape) or telling_block(
            Windows(contrast(values) * (1 - heat), values, factor, scene.grid.shape, _PART), [heat >= _KEPT, heat]
        )
        before = scene.read(block)
        after = BlockTask(scene=scene, saliency=saliency, ladder=ladder)(block).pixels
    finally:
        close_shared_rasters()
    limits = [limits_of(band, layout.dtype) for band in values]
    part, treated = (_coloured(pixels, before.valid, limits, layout) for pixels in (before.pixels, after))
    return _Views(as_rgb(values, limits, PAPER), heat, part, treated, block, scene.grid.shape)


def _coloured(
    pixels: NDArray[Any], valid: NDArray[np.bool_], limits: list[tuple[float, float]], layout: RasterLayout
) -> NDArray[np.uint8]:
    return as_rgb(np.where(valid, pixels.astype(np.float64), np.nan), limits[: layout.count], PAPER)


def _asked(at: tuple[int, int] | None, shape: tuple[int, int]) -> Block | None:
    """Return the part around a pixel, cut to the scene.

    Raises
    ------
    UsageError
        The pixel lies outside.
    """
    if at is None:
        return None
    if not all(0 <= place < length for place, length in zip(at, shape, strict=True)):
        raise UsageError(
            f"at={at}: the scene has rows 0 to {shape[0] - 1} and columns 0 to {shape[1] - 1}; choose both"
        )
    sides = [min(_PART, length) for length in shape]
    row, col = (
        min(max(0, int(place) - side // 2), length - side) for place, side, length in zip(at, sides, shape, strict=True)
    )
    return Block(row, col, *sides)


def _draw(axes: "dict[str, Axes]", views: _Views) -> None:
    from matplotlib.patches import Rectangle

    block, (height, width) = views.block, views.shape
    whole = (-0.5, width - 0.5, height - 0.5, -0.5)
    part = (block.col_off - 0.5, block.col_stop - 0.5, block.row_stop - 0.5, block.row_off - 0.5)
    axes["scene"].imshow(views.scene, extent=whole)
    shown = axes["saliency"].imshow(views.saliency, extent=whole, vmin=0, vmax=1, cmap="viridis")
    axes["saliency"].figure.colorbar(shown, ax=axes["saliency"], shrink=0.8, label="1 = kept")
    for name in ("scene", "saliency"):
        axes[name].set_title(name)
        corner = (block.col_off - 0.5, block.row_off - 0.5)
        axes[name].add_patch(Rectangle(corner, block.width, block.height, fill=False, edgecolor=_FRAME, linewidth=2))
    for name in ("before", "after"):
        axes[name].imshow(getattr(views, name), extent=part, interpolation="nearest")
        axes[name].set_title(f"{name}, {block.width} x {block.height} px")
