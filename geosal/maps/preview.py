"""Draw a small picture (PNG) of a saliency map over its scene, to look at before and after a job."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.scheduler import THREADS
from geosal.core.grid import Block, Grid
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import UsageError, redact
from geosal.maps.palettes import PALETTES, USUAL
from geosal.maps.png import check_png, write_png
from geosal.scenes import AnyScene
from geosal.scenes.decimate import decimate
from geosal.scenes.rgb import OUTLINE, PAPER, as_rgb, limits_of, outline_of, shown_bands

SIZE = 1200
"""Rows and columns of a picture at most, without its title and legend."""
_BLOCK = 2048
_OPACITY = 0.55
_DARKEST = 64
"""Of 255, in the picture of the scene: below, colours laid over it are hard to tell apart."""
_KEPT = 0.999
"""Mean saliency from which a cell counts as kept."""
_NARROWEST = 160
"""Columns that a title and a legend take at least."""
_TITLE = 28
"""Rows of the title."""


class Map(Protocol):
    """Saliency on a grid: `geosal.sources.Saliency`, or one derived from it."""

    @property
    def grid(self) -> Grid:
        """Grid of the scene."""

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x) in [0, 1]; any thread may call it."""


def check_preview(path: str, *, overwrite: bool, palette: str = USUAL, inputs: Sequence[str] = ()) -> None:
    """Refuse a preview that could not be written, before any work.

    Raises
    ------
    UsageError
        The path is no PNG, or there is no such palette.
    OutputError
        It cannot be written there.
    """
    if palette not in PALETTES:
        raise UsageError(f"palette={palette}: no such palette; use {' or '.join(PALETTES)}")
    check_png(path, "preview", overwrite=overwrite, inputs=inputs)


def write_preview(
    path: str,
    scene: AnyScene,
    saliency: Map,
    *,
    palette: str = USUAL,
    size: int = SIZE,
    overwrite: bool = False,
    workers: int | None = None,
) -> dict[str, Any]:
    """Write the saliency of a scene as a heat map over a picture of it, both made small.

    Each pixel shows the mean saliency of ``factor`` x ``factor`` pixels of the scene over one of them. Pixels without
    data are transparent. Memory is that of a few blocks, whatever the scene.

    Parameters
    ----------
    path
        ``.png``.
    scene, saliency
        Scene and saliency on one grid.
    palette
        ``viridis``, ``magma`` or ``jet``.
    size
        Rows and columns at most.
    overwrite
        Whether a file may be replaced.
    workers
        Blocks at once; by default one per core.

    Returns
    -------
    dict
        JSON-ready: preview, palette, factor, width, height (the rows of title and legend with it).

    Raises
    ------
    UsageError, OutputError
        See `check_preview`.
    SceneError
        Scene or saliency cannot be decoded.
    """
    check_preview(path, overwrite=overwrite, palette=palette, inputs=[scene.path])
    return draw(scene, saliency, palette=palette, size=size, workers=workers).write(path, overwrite=overwrite)


@dataclass(frozen=True, eq=False)
class Preview:
    """A picture of a saliency map over its scene, not yet written.

    Attributes
    ----------
    image
        (y, x, 4), with its title and legend.
    palette
        Its colours.
    factor
        Rows and columns of the scene in one of its pixels.
    """

    image: NDArray[np.uint8]
    palette: str
    factor: int

    def write(self, path: str, *, overwrite: bool = False) -> dict[str, Any]:
        """Write it as a PNG, and return what `write_preview` returns.

        Raises
        ------
        OutputError
            It cannot be written there.
        """
        write_png(path, self.image, overwrite=overwrite)
        return {
            "preview": path,
            "palette": self.palette,
            "factor": self.factor,
            "width": self.image.shape[1],
            "height": self.image.shape[0],
        }


def draw(
    scene: AnyScene, saliency: Map, *, palette: str = USUAL, size: int = SIZE, workers: int | None = None
) -> Preview:
    """Draw the picture of `write_preview`.

    Raises
    ------
    SceneError
        Scene or saliency cannot be decoded.
    """
    factor = max(1, -(-max(scene.grid.shape) // size))
    try:
        heat = small_saliency(saliency, factor, workers)
        picture, shown = picture_of(scene, factor)
    finally:
        close_shared_rasters()
    title = f"saliency of {os.path.basename(redact(scene.path).rstrip('/'))}"
    return Preview(_with_captions(_overlay(picture, shown, heat, palette), title, palette), palette, factor)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Return means of a block's cells of `factor` x `factor` pixels; those at the edge are smaller."""

    saliency: Map
    factor: int

    def __call__(self, block: Block) -> tuple[Block, NDArray[np.float32]]:
        values = self.saliency.read(block).astype(np.float64)
        starts = [np.arange(0, length, self.factor) for length in block.shape]
        sums = np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
        rows, cols = (np.diff(np.append(start, length)) for start, length in zip(starts, block.shape, strict=True))
        return block, (sums / np.outer(rows, cols)).astype(np.float32)


def small_saliency(saliency: Map, factor: int, workers: int | None = None) -> NDArray[np.float32]:
    """Return the mean saliency of cells of `factor` x `factor` pixels, (ceil(rows / factor), ceil(columns / factor)).

    Raises
    ------
    SceneError
        A mask cannot be decoded.
    """
    small = np.empty([-(-length // factor) for length in saliency.grid.shape], np.float32)
    blocks = saliency.grid.blocks(factor * max(1, _BLOCK // factor))
    with open_pool(THREADS, workers) as pool:
        for block, cells in pool.map_unordered(_Cells(saliency, factor), blocks):
            row, col = block.row_off // factor, block.col_off // factor
            small[row : row + cells.shape[0], col : col + cells.shape[1]] = cells
    return small


def picture_of(scene: AnyScene, factor: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Colours (y, x, 3) of a scene made small, or its first band in grey, and where it shows anything, (y, x)."""
    bands = shown_bands(scene.layout)
    small = decimate(scene, factor, bands)
    values = np.where(small.valid, small.pixels.astype(np.float64), np.nan)
    picture = as_rgb(values, [limits_of(band, scene.layout.dtype) for band in values], PAPER)
    return picture, np.asarray(small.valid.any(axis=0))


def _overlay(
    picture: NDArray[np.uint8], shown: NDArray[np.bool_], heat: NDArray[np.float32], palette: str
) -> NDArray[np.uint8]:
    """Lay colours and outlines of saliency over a picture: (y, x, 4), transparent where nothing is shown."""
    image = np.zeros((*heat.shape, 4), np.uint8)
    colours = PALETTES[palette](heat)
    image[..., :3] = np.rint(_OPACITY * colours + (1 - _OPACITY) * (_DARKEST + (1 - _DARKEST / 255) * picture))
    image[outline_of(heat >= _KEPT), :3] = OUTLINE
    image[..., 3] = 255
    image[~shown] = 0
    return image


def _with_captions(image: NDArray[np.uint8], title: str, palette: str) -> NDArray[np.uint8]:
    """Put a title above a picture (y, x, 4) and a legend below it; pictures too narrow stay without."""
    from geosal.maps.sheet import Legend, legend_strip, strip  # Pillow, which a map without a picture does not need

    width = image.shape[1]
    if width < _NARROWEST:
        return image
    legend = Legend(
        PALETTES[palette], "0: may lose most", "1 = kept" + (", outlined" if width >= 2 * _NARROWEST else "")
    )
    return np.concatenate([_opaque(strip(title, width, _TITLE)), image, _opaque(legend_strip(legend, width))])


def _opaque(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
