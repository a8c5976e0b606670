"""Draw the demo's picture: original, saliency and result side by side, whole and magnified."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rasterio.enums import Resampling
from rasterio.windows import Window
from scipy import ndimage

from geosal.core.gdal_env import gdal_env
from geosal.core.open_raster import open_raster
from geosal.errors import OutputError

SIDE = 480
"""Side of a panel, in pixels."""
ZOOM_SHARE = 240 / 1536
"""Side of the magnified square as a share of the scene's side; in the demo each of its pixels is 2 x 2."""
_MARGIN = 18
_CAPTION = 50
_INK, _PAPER, _FRAME = (28, 28, 30), (250, 250, 248), (255, 196, 0)


@dataclass(frozen=True)
class Panel:
    """One column of the picture.

    Attributes
    ----------
    title, note
        The two lines above it.
    raster
        Raster to show: a grey band or red, green, blue, uint8.
    """

    title: str
    note: str
    raster: Path


@dataclass(frozen=True)
class Square:
    """A square part of a raster, in shares of the raster's sides: corner and side."""

    top: float
    left: float
    side: float

    def pixels(self, height: int, width: int) -> Window:
        """Return the window of the square in a raster of that size."""
        return Window(
            round(self.left * width), round(self.top * height), round(self.side * width), round(self.side * height)
        )


def write_picture(path: Path, panels: Sequence[Panel], zoom: Square) -> None:
    """Write a PNG: one column per panel, the whole raster above, the part in `zoom` below.

    Raises
    ------
    SceneError
        A raster cannot be read.
    OutputError
        The PNG cannot be written.
    """
    width = _MARGIN + len(panels) * (SIDE + _MARGIN)
    canvas = Image.new("RGB", (width, _CAPTION + 2 * (SIDE + _MARGIN)), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for column, panel in enumerate(panels):
        left = _MARGIN + column * (SIDE + _MARGIN)
        draw.text((left, 6), panel.title, _INK, ImageFont.load_default(20))
        draw.text((left, 29), panel.note, _INK, ImageFont.load_default(14))
        canvas.paste(_read(panel.raster), (left, _CAPTION))
        corner = left + round(zoom.left * SIDE), _CAPTION + round(zoom.top * SIDE)
        side = round(zoom.side * SIDE)
        draw.rectangle((*corner, corner[0] + side, corner[1] + side), outline=_FRAME, width=2)
        below = _CAPTION + SIDE + _MARGIN
        canvas.paste(_read(panel.raster, zoom), (left, below))
        draw.rectangle((left, below, left + SIDE - 1, below + SIDE - 1), outline=_FRAME, width=2)
    try:
        canvas.save(path)
    except OSError as error:
        raise OutputError(f"{path}: the picture cannot be written: {error.strerror or error}") from error


def _read(raster: Path, part: Square | None = None) -> Image.Image:
    """Read a raster, or a part of it magnified without smoothing, as a picture of SIDE x SIDE pixels."""
    with gdal_env(), open_raster(str(raster)) as dataset:
        window = part.pixels(dataset.height, dataset.width) if part else None
        resampling = Resampling.nearest if part else Resampling.average
        indexes = [1, 2, 3] if dataset.count >= 3 else [1, 1, 1]
        shape = (len(indexes), SIDE, SIDE)
        pixels = dataset.read(indexes, window=window, out_shape=shape, resampling=resampling)
    return Image.fromarray(np.ascontiguousarray(np.moveaxis(pixels, 0, -1)))


def busiest_square(salient: NDArray[np.bool_], grey: NDArray[np.uint8], side: float = ZOOM_SHARE) -> Square:
    """Find the square that shows best what saliency does: partly salient, and with much to see.

    Parameters
    ----------
    salient
        Shape (y, x), True = salient.
    grey
        The scene in the same shape.
    side
        Side of the square, as a share of the scene's sides.
    """
    height, width = salient.shape
    rows, columns = max(1, round(side * height)), max(1, round(side * width))

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        means = ndimage.uniform_filter(values.astype(np.float64), (rows, columns), mode="constant")
        return np.asarray(means[rows // 2 :, columns // 2 :][: height - rows + 1, : width - columns + 1])

    share, brightness = mean(salient), mean(grey)
    variance = mean(grey.astype(np.float64) ** 2) - brightness**2
    score = share * (1 - share) * np.sqrt(np.maximum(variance, 0))
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    return Square(int(row) / height, int(column) / width, side)
