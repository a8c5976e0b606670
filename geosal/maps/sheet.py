"""A sheet of pictures: columns with a caption, the whole above and a part of it magnified below, and legends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from geosal.scenes.rgb import PAPER

SIDE = 480
"""Pixels of a panel's longer side."""
FRAME = (0, 158, 115)
"""Of the magnified part: the bluish green of Okabe and Ito."""
_INK = (28, 28, 30)
_MARGIN, _CAPTION, _LEGEND, _FOOT, _BAR = 18, 52, 52, 30, 14
_TITLE, _TEXT = 20, 14
"""Sizes of letters in pixels."""


@dataclass(frozen=True, eq=False)
class Legend:
    """A bar of colours.

    Attributes
    ----------
    palette
        Colours of [0, 1].
    least, most
        What its ends mean.
    """

    palette: Callable[[NDArray[np.floating[Any]]], NDArray[np.uint8]]
    least: str
    most: str


@dataclass(frozen=True, eq=False)
class Panel:
    """One column.

    Attributes
    ----------
    title, note
        The two lines above it.
    whole, part
        Pictures (y, x, 3), uint8: all of it, and what is magnified. Those of all columns have the same shapes.
    legend
        Below the column.
    """

    title: str
    note: str
    whole: NDArray[np.uint8]
    part: NDArray[np.uint8]
    legend: Legend | None = None


def draw_sheet(panels: Sequence[Panel], frame: tuple[float, float, float, float], foot: str) -> NDArray[np.uint8]:
    """Draw columns side by side.

    Parameters
    ----------
    panels
        At least one.
    frame
        Where `part` lies in `whole`: top, left, height and width, in shares of its sides.
    foot
        The line below all.

    Returns
    -------
    numpy.ndarray
        (y, x, 3).
    """
    whole, part = (_fitted(picture).shape[:2] for picture in (panels[0].whole, panels[0].part))
    column = max(whole[1], part[1], SIDE // 2)
    below = _CAPTION + whole[0] + _MARGIN
    legends = below + part[0] + _MARGIN // 2
    size = (_MARGIN + len(panels) * (column + _MARGIN), legends + _LEGEND + _FOOT)
    canvas = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(canvas)
    for number, panel in enumerate(panels):
        left = _MARGIN + number * (column + _MARGIN)
        _write(draw, (left, 6), panel.title, _TITLE, column)
        _write(draw, (left, 31), panel.note, _TEXT, column)
        canvas.paste(Image.fromarray(_fitted(panel.whole)), (left, _CAPTION))
        canvas.paste(Image.fromarray(_fitted(panel.part)), (left, below))
        top, over, height, width = (round(share * side) for share, side in zip(frame, (*whole, *whole), strict=True))
        draw.rectangle(
            (left + over, _CAPTION + top, left + over + width, _CAPTION + top + height), outline=FRAME, width=2
        )
        draw.rectangle((left, below, left + part[1] - 1, below + part[0] - 1), outline=FRAME, width=2)
        if panel.legend is not None:
            _draw_legend(canvas, (left, legends), column, panel.legend)
    _write(draw, (_MARGIN, size[1] - _FOOT), foot, _TEXT, size[0] - 2 * _MARGIN)
    return np.asarray(canvas)


def strip(text: str, width: int, height: int, size: int = _TEXT) -> NDArray[np.uint8]:
    """Draw one line of text on paper, (height, width, 3); what does not fit is cut off with dots."""
    canvas = Image.new("RGB", (width, height), PAPER)
    _write(ImageDraw.Draw(canvas), (8, (height - size) // 2 - 2), text, size, width - 16)
    return np.asarray(canvas)


def legend_strip(legend: Legend, width: int) -> NDArray[np.uint8]:
    """Draw a legend on paper, (y, width, 3)."""
    canvas = Image.new("RGB", (width, _LEGEND), PAPER)
    _draw_legend(canvas, (8, 6), width - 16, legend)
    return np.asarray(canvas)


def _draw_legend(canvas: Image.Image, corner: tuple[int, int], width: int, legend: Legend) -> None:
    left, top = corner
    ramp = legend.palette(np.linspace(0, 1, width))
    canvas.paste(Image.fromarray(np.broadcast_to(ramp, (_BAR, width, 3)).copy()), (left, top))
    draw, room = ImageDraw.Draw(canvas), width // 2 - 4
    _write(draw, (left, top + _BAR + 3), legend.least, _TEXT, room)
    most = _cut(legend.most, _TEXT, room)
    _write(draw, (round(left + width - _length(most, _TEXT)), top + _BAR + 3), most, _TEXT, room)


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring the longer side of a picture to `SIDE`: made small by means, magnified by repeating pixels."""
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(picture).resize(size, way))


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, size: int, room: int) -> None:
    draw.text(corner, _cut(text, size, room), _INK, ImageFont.load_default(size))


def _cut(text: str, size: int, room: int) -> str:
    """Cut a text that is wider than `room` pixels, with dots in place of the rest."""
    if _length(text, size) <= room:
        return text
    while text and _length(f"{text}...", size) > room:
        text = text[:-1]
    return f"{text}..."


def _length(text: str, size: int) -> float:
    return ImageFont.load_default(size).getlength(text)
