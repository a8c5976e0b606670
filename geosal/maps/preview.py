"""Draw a small picture (PNG) of a saliency map over its scene, to look at before and after a job."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from geosal.core.cluster import open_pool
from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block, Grid
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import OutputError, UsageError, cause_of
from geosal.files.publish import WorkDirectory, check_output
from geosal.scenes import AnyScene
from geosal.scenes.decimate import decimate

SIZE = 1200
"""Most rows and columns of a picture, without its legend."""
_BLOCK = 2048
_OPACITY = 0.55
_DARKEST = 0.25
"""Darkest value of the grey picture, as a share: below, colours are hard to tell apart."""
_PAPER = 0.6
"""Grey behind the legend's colours, as a share."""
_INK = 2
"""Pixels of a dot in the legend's digits."""
_PERCENTILES = (2, 98)
_VIRIDIS = (
    (68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141), (44, 114, 142),
    (38, 130, 142), (33, 145, 140), (31, 159, 136), (39, 173, 129), (61, 188, 116), (92, 200, 99), (129, 211, 77),
    (170, 220, 50), (213, 226, 26), (253, 231, 37),
)  # fmt: skip
"""Seventeen colours, at equal distances, of the palette that Smith and van der Walt made for matplotlib (CC0)."""
_LEGEND = 36
_BAR = (12, 12)
"""Margin and height of the legend's bar."""
_GLYPHS = {
    "0": "01110 10001 10001 10001 10001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    ".": "00000 00000 00000 00000 00000 01100 01100",
}


def jet(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return colours (…, 3) of saliency (…): blue, cyan, yellow, red, as in most heat maps of the literature.

    Each channel is ``1.5 - |4 s - c|`` cut to [0, 1], with c of 3, 2 and 1 for red, green and blue.
    """
    channels = 1.5 - np.abs(4 * np.asarray(values, np.float64)[..., np.newaxis] - (3, 2, 1))
    return np.asarray(np.rint(255 * np.clip(channels, 0, 1)).astype(np.uint8))


def viridis(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return colours (…, 3) of saliency (…): dark violet to yellow, of even lightness, safe for the colour-blind."""
    stops = np.linspace(0, 1, len(_VIRIDIS))
    channels = [np.interp(values, stops, channel) for channel in zip(*_VIRIDIS, strict=True)]
    return np.asarray(np.rint(np.stack(channels, axis=-1)).astype(np.uint8))


JET = "jet"
PALETTES = {JET: jet, "viridis": viridis}


class Map(Protocol):
    """Saliency on a grid: `geosal.sources.Saliency`, or one derived from it."""

    @property
    def grid(self) -> Grid:
        """Grid of the scene."""

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x) in [0, 1]; any thread may call it."""


def check_preview(path: str, *, overwrite: bool, palette: str = JET, inputs: Sequence[str] = ()) -> None:
    """Refuse a preview that could not be written, before any work.

    Raises
    ------
    UsageError
        The path is no PNG, or there is no such palette.
    OutputError
        It cannot be written there.
    """
    if Path(path).suffix.lower() != ".png":
        raise UsageError(f"preview {path}: previews are PNG files; give a name that ends in .png")
    if palette not in PALETTES:
        raise UsageError(f"palette={palette}: no such palette; use {' or '.join(PALETTES)}")
    check_output(path, overwrite=overwrite, inputs=inputs)


def write_preview(
    path: str,
    scene: AnyScene,
    saliency: Map,
    *,
    palette: str = JET,
    size: int = SIZE,
    overwrite: bool = False,
    workers: int | None = None,
) -> dict[str, Any]:
    """Write the saliency of a scene as a heat map over a grey picture of it, both reduced.

    Each pixel shows the mean saliency of ``factor`` x ``factor`` pixels of the scene over one of them. Pixels without
    data are transparent. Memory is that of a few blocks, whatever the scene.

    Parameters
    ----------
    path
        ``.png``.
    scene, saliency
        Scene and saliency on one grid.
    palette
        ``jet`` or ``viridis``.
    size
        Rows and columns at most.
    overwrite
        Whether a file may be replaced.
    workers
        Blocks at once; by default one per core.

    Returns
    -------
    dict
        JSON-ready: preview, palette, factor, width, height (the legend's rows with it).

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
        (y, x, 4), with its legend.
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
        _write_png(path, self.image, overwrite=overwrite)
        return {
            "preview": path,
            "palette": self.palette,
            "factor": self.factor,
            "width": self.image.shape[1],
            "height": self.image.shape[0],
        }


def draw(
    scene: AnyScene, saliency: Map, *, palette: str = JET, size: int = SIZE, workers: int | None = None
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
        grey, shown = _grey(scene, factor)
    finally:
        close_shared_rasters()
    return Preview(_with_legend(_overlay(grey, shown, PALETTES[palette](heat)), palette), palette, factor)


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
    with open_pool("threads", workers) as pool:
        for block, cells in pool.map_unordered(_Cells(saliency, factor), blocks):
            row, col = block.row_off // factor, block.col_off // factor
            small[row : row + cells.shape[0], col : col + cells.shape[1]] = cells
    return small


def _grey(scene: AnyScene, factor: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return lightness (y, x) in [0, 1] of a reduced scene, from its first three bands, and where it has data."""
    bands = [band for band in range(scene.layout.count) if band != scene.layout.alpha][:3] or [0]
    small = decimate(scene, factor, bands)
    shown = np.asarray(small.valid.any(axis=0))
    total, count = np.zeros(shown.shape), np.zeros(shown.shape)
    for samples, valid in zip(small.pixels, small.valid, strict=True):
        band = samples.astype(np.float64)
        if not valid.any():
            continue
        low, high = np.percentile(band[valid], _PERCENTILES)
        light = np.clip((band - low) / (high - low), 0, 1) if high > low else np.full(band.shape, 0.5)
        total[valid] += light[valid]
        count += valid
    light = total / np.maximum(count, 1)
    return _DARKEST + (1 - _DARKEST) * np.sqrt(light), shown


def _overlay(grey: NDArray[np.float64], shown: NDArray[np.bool_], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay colours over grey: (y, x, 4), transparent where nothing is shown."""
    image = np.zeros((*grey.shape, 4), np.uint8)
    image[..., :3] = np.rint(_OPACITY * colours + (1 - _OPACITY) * 255 * grey[..., np.newaxis])
    image[..., 3] = 255
    image[~shown] = 0
    return image


def _with_legend(image: NDArray[np.uint8], palette: str) -> NDArray[np.uint8]:
    """Put a bar with the colours of 0, 0.5 and 1 below a picture (y, x, 4); pictures too narrow stay without."""
    margin, height = _BAR
    width = image.shape[1]
    if width < 10 * margin:
        return image
    legend = np.full((_LEGEND, width, 4), 255, np.uint8)
    ramp = PALETTES[palette](np.linspace(0, 1, width - 2 * margin))[np.newaxis]
    paper = np.full(ramp.shape[:2], _PAPER)
    legend[4 : 4 + height, margin : width - margin] = _overlay(paper, paper > 0, ramp)
    for place, text in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        ink = np.concatenate([np.pad(_glyph(letter), ((0, 0), (0, _INK))) for letter in text], axis=1)
        top, left = height + 7, round(margin + place * (width - 2 * margin) - ink.shape[1] / 2)
        legend[top : top + ink.shape[0], left : left + ink.shape[1], :3][ink] = 0
    return np.concatenate([image, legend])


def _glyph(letter: str) -> NDArray[np.bool_]:
    dots = np.array([[bit == "1" for bit in row] for row in _GLYPHS[letter].split()])
    return dots.repeat(_INK, axis=0).repeat(_INK, axis=1)


def _write_png(path: str, image: NDArray[np.uint8], *, overwrite: bool) -> None:
    height, width, count = image.shape
    with WorkDirectory(path, overwrite=overwrite) as work:
        made = work.path("preview.png")
        try:
            with (
                warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
                gdal_env(),
                rasterio.open(made, "w", driver="PNG", dtype="uint8", count=count, height=height, width=width) as file,
            ):
                file.write(np.moveaxis(image, -1, 0))
        except Exception as error:  # rasterio raises a private type where closing fails
            cause = cause_of(error).replace(str(made), path)
            raise OutputError(f"{path}: cannot be written ({cause}); write it elsewhere") from error
        work.publish(made)
