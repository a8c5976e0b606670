"""What results look like where people look at them: pictures and a table in a notebook, the same as text."""

import base64
import html
import io
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from geosal.errors import GeosalError, UsageError

_LEFT = ' style="text-align:left"'
"""Notebooks have numbers in mind."""
_SMALL = 192
"""Pixels of a screen that the longer side of a picture takes at least."""


@dataclass(frozen=True, slots=True)
class Table:
    """A small table.

    Attributes
    ----------
    title
        Caption.
    header
        Names of the columns; empty for none.
    rows
        Cells; None is an empty one, floats get four significant digits.
    said
        Options that a file told and nobody gave, for the caption.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    said: Mapping[str, object] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """Return the title, with what was said."""
        if not self.said:
            return self.title
        return f"{self.title}; read as the file says: {', '.join(f'{name}={v!r}' for name, v in self.said.items())}"

    def as_html(self) -> str:
        """Write it in HTML."""
        head = "".join(f"<th{_LEFT}>{html.escape(name)}</th>" for name in self.header)
        lines = ("".join(f"<td{_LEFT}>{html.escape(_cell(value))}</td>" for value in row) for row in self.rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return (
            f"<table><caption{_LEFT}>{html.escape(self.caption)}</caption>"
            f"{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
        )

    def as_text(self) -> str:
        """Write it in lines, its columns below one another."""
        lines = [[*map(_cell, row)] for row in ((self.header, *self.rows) if self.header else self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        laid = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join([self.caption, *(line.rstrip() for line in laid)])


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A small picture.

    Attributes
    ----------
    title
        What it shows.
    pixels
        Colours (y, x, 3), uint8.
    """

    title: str
    pixels: NDArray[np.uint8]

    def as_html(self) -> str:
        """Write it in HTML, with the pixels in it as a PNG."""
        from PIL import Image  # noqa: PLC0415  who shows no picture needs none

        file, told = io.BytesIO(), html.escape(self.title)
        Image.fromarray(self.pixels).save(file, "PNG")
        width = round(self.pixels.shape[1] * max(1.0, _SMALL / max(self.pixels.shape[:2])))
        data = base64.b64encode(file.getvalue()).decode("ascii")
        return (
            '<figure style="display:inline-block;margin:0 1em 0.5em 0">'
            f'<img src="data:image/png;base64,{data}" alt="{told}" width="{width}" style="image-rendering:pixelated"/>'
            f"<figcaption>{told}</figcaption></figure>"
        )


class Tabled:
    """A result that is shown as pictures and a table by a notebook, as text by ``print``, in a line by ``repr``."""

    __slots__ = ()

    @abstractmethod
    def _table(self) -> Table:
        """Return what people look at first."""

    def _pictures(self) -> Sequence[Picture]:
        """Return what there is to see, where that costs little."""
        return ()

    def _repr_html_(self) -> str:
        try:
            pictures = self._pictures()
        except (GeosalError, OSError):  # a file that is gone or changed; the figures are as true as before
            pictures = ()
        shown = f"<div>{''.join(picture.as_html() for picture in pictures)}</div>" if pictures else ""
        return f"<div>{shown}{self._table().as_html()}</div>"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._table().caption}>"

    def __str__(self) -> str:
        return self._table().as_text()


def require_matplotlib(what: str) -> None:
    """Refuse to draw without matplotlib, which comes with an extra.

    Raises
    ------
    UsageError
        It is not installed.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(f"{what}: needs matplotlib, which is not installed; add it: pip install 'geosal[figures]'")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
