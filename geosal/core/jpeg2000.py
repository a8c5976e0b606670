"""The boxes and markers of a JPEG 2000 (ISO/IEC 15444-1, annexes A and I), and its tiles found without GDAL.

A tile is decoded by whatever decodes a codestream: its tile-parts behind a main header whose image is that one tile, at
the place that it has in the whole image. So wavelets, precincts and code-blocks lie as they did, and so do the samples.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, NamedTuple

from geosal.core.grid import Block

SOC, SOT, SOD, EOC = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9
SIZ, TLM, PLM, PPM = 0xFF51, 0xFF55, 0xFF57, 0xFF60
LOCATED = frozenset({TLM, PLM})
"""Markers of the main header that hold positions: they are wrong once the tile-parts have moved."""
SOT_LENGTH = 12
END = struct.pack(">H", EOC)
MOST_TILES = 65535
CODESTREAM = b"jp2c"
SIGNATURE = b"\0\0\0\x0cjP  "
"""First bytes of a file with boxes."""
BOX_HEAD = struct.Struct(">I4s")
TO_THE_END, LONG, _LENGTH = 0, 1, 8
"""Two special lengths of a box (to the end of the file; 64 bits follow), and the bytes of those 64 bits."""
_SIZE = struct.Struct(">H8IH")
"""Begin of SIZ: capabilities, lower right and upper left corner of the image, size and place of the first tile, and the
number of components."""
_MOST_HEADER = 2**20
"""Bytes of the longest main header that is read, and of the longest box of headers."""
_MOST_PARTS = 10**6
_PLAIN_COLOURS = frozenset({16, 17})
"""Colour spaces whose samples GDAL leaves alone: sRGB and grey."""
_BY_NUMBER, _OPACITY = 1, 1
"""How a box ``colr`` may name a colour space, and the kind of an alpha channel in ``cdef``."""


class CodestreamError(ValueError):
    """A codestream is broken, or cannot be a tile of the image."""


class Segment(NamedTuple):
    """A marker and its segment."""

    marker: int
    body: bytes
    """The segment without marker and length."""

    def encode(self) -> bytes:
        """Write it as it stands in a codestream."""
        return struct.pack(">HH", self.marker, len(self.body) + 2) + self.body


class Span(NamedTuple):
    """Where the content of a box lies in a file."""

    kind: bytes
    begin: int
    end: int


def walk(file: BinaryIO, size: int) -> Iterator[Span]:
    """Find the boxes of a file, or of the content of a superbox, one after the other.

    Parameters
    ----------
    file
        Its first box begins at 0.
    size
        Size of the file; a box may claim to end beyond it.
    """
    place = 0
    while place + BOX_HEAD.size <= size:
        file.seek(place)
        length, kind = BOX_HEAD.unpack(file.read(BOX_HEAD.size))
        if length == LONG:
            length = int.from_bytes(file.read(_LENGTH), "big")
        begin, end = file.tell(), size if length == TO_THE_END else place + length
        if end < begin:
            return
        yield Span(kind, begin, end)
        place = end


def marker_at(view: memoryview | bytes, place: int) -> int:
    """Return the two bytes at a place as a marker."""
    return int(struct.unpack_from(">H", view, place)[0])


def segments(view: memoryview, place: int, ends: frozenset[int]) -> tuple[tuple[Segment, ...], int]:
    """Parse the segments of a header from a place on; also return where one of the markers `ends` stands.

    Raises
    ------
    CodestreamError
        There is no marker where one should be.
    struct.error
        The header is cut off.
    """
    found: list[Segment] = []
    while (marker := marker_at(view, place)) not in ends:
        (length,) = struct.unpack_from(">H", view, place + 2)
        if marker < SOC or length < 2 or place + 2 + length > len(view):
            raise CodestreamError(f"no marker at byte {place} of the codestream")
        found.append(Segment(marker, bytes(view[place + 4 : place + 2 + length])))
        place += 2 + length
    return tuple(found), place


@dataclass(frozen=True, slots=True)
class Sizes:
    """Segment SIZ of an image whose components are alike.

    Attributes
    ----------
    head
        Numbers of `_SIZE`.
    components
        Rest of the segment: precision and subsampling of each component.
    """

    head: tuple[int, ...]
    components: bytes

    @classmethod
    def of(cls, body: bytes) -> "Sizes":
        """Parse SIZ.

        Raises
        ------
        CodestreamError
            The first tile is cut, or components have signs, several precisions, or fewer samples than the image.
        """
        if len(body) < _SIZE.size:
            raise CodestreamError("no size in the main header")
        sizes = cls(_SIZE.unpack_from(body), body[_SIZE.size :])
        _, x1, y1, x0, y0, width, height, tile_x, tile_y, count = sizes.head
        alike = sizes.components == bytes((sizes.components[0], 1, 1)) * count if sizes.components else False
        if not alike or sizes.components[0] >= 16:  # the highest bit is the sign
            raise CodestreamError("components of several kinds, with signs, or of more than 16 bits")
        if (x0, y0) != (tile_x, tile_y) or not (x0 < x1 and y0 < y1 and width and height):
            raise CodestreamError("no image, or its first tile is cut")
        return sizes

    @property
    def shape(self) -> tuple[int, int, int]:
        """Components, rows, columns."""
        _, x1, y1, x0, y0, *_, count = self.head
        return count, y1 - y0, x1 - x0

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and columns of a tile."""
        return self.head[6], self.head[5]

    @property
    def dtype(self) -> str:
        """NumPy's name of the type that GDAL gives the samples."""
        return "uint8" if self.components[0] < 8 else "uint16"

    @property
    def across(self) -> tuple[int, int]:
        """Tiles in a column and in a row."""
        _, *sides = self.shape
        rows, cols = (-(-side // length) for side, length in zip(sides, self.tile, strict=True))
        return rows, cols

    def block(self, number: int) -> Block:
        """Pixels of a tile."""
        (_, height, width), (rows, cols) = self.shape, self.tile
        row, col = (place * length for place, length in zip(divmod(number, self.across[1]), self.tile, strict=True))
        return Block(row, col, min(rows, height - row), min(cols, width - col))

    def only(self, number: int) -> Segment:
        """SIZ of an image that is one tile of this one, where it is."""
        block, (kind, _, _, x0, y0, width, height, _, _, count) = self.block(number), self.head
        left, top = x0 + block.col_off, y0 + block.row_off
        head = (kind, left + block.width, top + block.height, left, top, width, height, left, top, count)
        return Segment(SIZ, _SIZE.pack(*head) + self.components)


@dataclass(frozen=True)
class TilePlaces:
    """The tiles of a local JPEG 2000.

    Attributes
    ----------
    path
        The file.
    sizes
        Sizes of the image and of its tiles.
    header
        Segments of the main header but for those with positions.
    parts
        Offset and length of the tile-parts of each tile.
    """

    path: str
    sizes: Sizes
    header: tuple[Segment, ...]
    parts: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, path: str) -> "TilePlaces":
        """Read the headers of a file, and of its tile-parts.

        Raises
        ------
        CodestreamError
            It is no JPEG 2000, is cut off or damaged, or its samples are not those of the codestream: they have a
            palette, another order or colour space.
        OSError
            It cannot be read.
        """
        try:
            with open(path, "rb") as file:
                begin, end = _codestream(file, os.fstat(file.fileno()).st_size)
                file.seek(begin)
                head = file.read(min(_MOST_HEADER, end - begin))
                if head[:2] != struct.pack(">H", SOC):
                    raise CodestreamError("no JPEG 2000 codestream")
                header, length = segments(memoryview(head), 2, frozenset({SOT}))
                if not header or header[0].marker != SIZ or any(segment.marker == PPM for segment in header):
                    raise CodestreamError("packed packet headers, or no size in the main header")
                sizes = Sizes.of(header[0].body)
                return cls(path, sizes, header, _tile_parts(file, begin + length, end, sizes))
        except struct.error as error:
            raise CodestreamError("the codestream is cut off") from error

    def codestream(self, number: int) -> bytes:
        """Read a tile as a codestream of its own.

        Raises
        ------
        OSError
            It cannot be read.
        """
        header = (self.sizes.only(number), *(one for one in self.header[1:] if one.marker not in LOCATED))
        text = [struct.pack(">H", SOC), *(segment.encode() for segment in header)]
        with open(self.path, "rb") as file:
            for place, length in self.parts[number]:
                file.seek(place)
                part = file.read(length)
                text += part[:4], b"\0\0", part[6:]  # it is tile 0 of its image
        return b"".join((*text, END))


def _codestream(file: BinaryIO, size: int) -> tuple[int, int]:
    """Find the codestream of a file, with boxes around it or without."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return 0, size
    for span in walk(file, size):
        if span.kind == CODESTREAM:
            return span.begin, min(span.end, size)
        if span.kind == b"jp2h":
            file.seek(span.begin)
            _refuse_changes(file.read(min(span.end - span.begin, _MOST_HEADER)))
    raise CodestreamError("no codestream in the file")


def _refuse_changes(headers: bytes) -> None:
    """Refuse boxes by which samples of the codestream become others: palettes, orders of channels, colour spaces."""
    for span in walk(BytesIO(headers), len(headers)):
        body = headers[span.begin : span.end]
        if span.kind in {b"pclr", b"cmap"}:
            raise CodestreamError("it has a palette")
        named = span.kind == b"colr" and body[:1] == bytes((_BY_NUMBER,))
        if named and int.from_bytes(body[3:7], "big") not in _PLAIN_COLOURS:
            raise CodestreamError("it has a colour space of its own")
        if span.kind == b"cdef":
            for number, kind, place in struct.iter_unpack(">3H", body[2 : 2 + 6 * ((len(body) - 2) // 6)]):
                if kind != _OPACITY and place not in {0, number + 1}:
                    raise CodestreamError("its channels have another order")


def _tile_parts(file: BinaryIO, place: int, end: int, sizes: Sizes) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Find the tile-parts of each tile."""
    rows, cols = sizes.across
    if rows * cols > MOST_TILES:
        raise CodestreamError(f"{rows * cols} tiles, JPEG 2000 has {MOST_TILES} at most")
    found: list[list[tuple[int, int]]] = [[] for _ in range(rows * cols)]
    for _ in range(_MOST_PARTS):
        file.seek(place)
        head = file.read(SOT_LENGTH)
        if head[: len(END)] == END:
            break
        marker, _, tile, length, number, _ = struct.unpack(">HHHIBB", head)
        length = length or end - len(END) - place
        if marker != SOT or tile >= len(found) or number != len(found[tile]) or length < SOT_LENGTH + 2:
            raise CodestreamError(f"no tile-part at byte {place}")
        found[tile].append((place, length))
        place += length
    if place + len(END) > end or not all(found):
        raise CodestreamError("the codestream is cut off")
    return tuple(map(tuple, found))
