"""The boxes around the codestream in a JP2 file: GDAL writes them for a tiny image, here they get the true size."""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

from affine import Affine

from geosal.core.grid import Grid
from geosal.core.jpeg2000 import BOX_HEAD, CODESTREAM, END, LONG, SIGNATURE, walk

_SUPERBOX = b"asoc"
_HEADER = b"jp2h"
_TYPE = b"ftyp"
_REQUIREMENTS = b"rreq"
_XML = b"xml "
_SIZE_IN_HEADER = 8
"""Offset of rows and columns in jp2h: they follow the head of its first box, ihdr."""
_JPH = b"jph "
_CORNERS = re.compile(rb"(<gml:lowerCorner>)([^<]*)(</gml:lowerCorner>\s*<gml:upperCorner>)([^<]*)(</gml:upperCorner>)")
_HIGH = re.compile(rb"(<gml:high>)[^<]*(</gml:high>)")


class Box(NamedTuple):
    """A box of a JP2 file, without its head."""

    kind: bytes
    content: bytes

    def encode(self) -> bytes:
        """Write it as it stands in a file."""
        return BOX_HEAD.pack(BOX_HEAD.size + len(self.content), self.kind) + self.content


@dataclass(frozen=True, kw_only=True)
class Wrapping:
    """All boxes of a file but its codestream.

    Attributes
    ----------
    before, after
        Bytes on either side.
    """

    before: bytes
    after: bytes

    @classmethod
    def of(cls, sample: bytes, sample_grid: Grid, grid: Grid, *, part_15: bool) -> "Wrapping":
        """Make the boxes from those of another file.

        Parameters
        ----------
        sample
            A JP2 file that GDAL wrote for an image that is the same but for its size.
        sample_grid, grid
            Grids of the small image, and of the image that is wanted.
        part_15
            Whether the codestream will be HTJ2K: the file then is a JPH.
        """
        found = list(read_boxes(sample))
        place = next(index for index, box in enumerate(found) if box.kind == CODESTREAM)
        before, after = (
            b"".join(_resize(box, sample_grid, grid).encode() for box in (_as_jph(part) if part_15 else part))
            for part in (found[:place], found[place + 1 :])
        )
        return cls(before=before, after=after)


def read_boxes(content: bytes) -> Iterator[Box]:
    """Parse a file, or the content of a superbox."""
    for span in walk(BytesIO(content), len(content)):
        yield Box(span.kind, content[span.begin : span.end])


def codestream_ends(path: str | os.PathLike[str]) -> bool:
    """Return whether the codestream of a local JPEG 2000, with or without boxes, is there up to its last marker."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        end: int | None = size
        if file.read(len(SIGNATURE)) == SIGNATURE:
            end = next((span.end for span in walk(file, size) if span.kind == CODESTREAM), None)
        if end is None or not len(END) <= end <= size:
            return False
        file.seek(end - len(END))
        return file.read(len(END)) == END


def resize_gml(text: bytes, sample: Grid, grid: Grid) -> bytes:
    """Change the size in GMLJP2, in a box as well as in ``.aux.xml``, where GDAL repeats it.

    Parameters
    ----------
    text
        GML that GDAL wrote for an image of grid `sample`. It may hold other things, and no GMLJP2 at all.
    sample, grid
        Grids of the small image, and of the image that is wanted.
    """
    text = _HIGH.sub(rf"\g<1>{grid.width - 1} {grid.height - 1}\g<2>".encode(), text)
    return _CORNERS.sub(lambda match: _envelope(match, sample, grid), text)


def codestream_head(length: int, *, long: bool) -> bytes:
    """Write the head of the codestream's box.

    Parameters
    ----------
    length
        Length of the codestream, in bytes.
    long
        Whether the box may have 4 GB and more; its head is longer then.
    """
    if long:
        return BOX_HEAD.pack(LONG, CODESTREAM) + struct.pack(">Q", 2 * BOX_HEAD.size + length)
    return BOX_HEAD.pack(BOX_HEAD.size + length, CODESTREAM)


def _resize(box: Box, sample: Grid, grid: Grid) -> Box:
    if box.kind == _HEADER:
        size = struct.pack(">II", *grid.shape)
        content = box.content[:_SIZE_IN_HEADER] + size + box.content[_SIZE_IN_HEADER + len(size) :]
        return Box(box.kind, content)
    if box.kind == _SUPERBOX:
        return Box(box.kind, b"".join(_resize(inner, sample, grid).encode() for inner in read_boxes(box.content)))
    if box.kind == _XML:
        return Box(box.kind, resize_gml(box.content, sample, grid))
    return box


def _envelope(match: re.Match[bytes], sample: Grid, grid: Grid) -> bytes:
    """Replace the corners of `sample` by those of `grid`, in the order of axes that GDAL chose."""
    were, are = _corners(sample), _corners(grid)
    swapped = match[2] == _pair(were[0][::-1]) and match[4] == _pair(were[1][::-1])
    lower, upper = (_pair(corner[::-1] if swapped else corner) for corner in are)
    return match[1] + lower + match[3] + upper + match[5]


def _pair(numbers: tuple[float, float]) -> bytes:
    return f"{numbers[0]:.15g} {numbers[1]:.15g}".encode()


def _corners(grid: Grid) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return least and greatest x and y."""
    found = [_place(grid.transform, col, row) for col in (0, grid.width) for row in (0, grid.height)]
    xs, ys = zip(*found, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))


def _place(transform: Affine, col: int, row: int) -> tuple[float, float]:
    """Apply a transform with GDAL's order of operations, so that the last digit agrees."""
    return (
        transform.c + col * transform.a + row * transform.b,
        transform.f + col * transform.d + row * transform.e,
    )


def _as_jph(boxes: list[Box]) -> Iterator[Box]:
    """Declare a file with HTJ2K as JPH and nothing else: readers of Part 1 and Part 2 must not try it."""
    for box in boxes:
        if box.kind == _TYPE:
            yield Box(box.kind, _JPH + bytes(4) + _JPH)
        elif box.kind != _REQUIREMENTS:  # it belongs to Part 2, and would say that the codestream is one of Part 1
            yield box
