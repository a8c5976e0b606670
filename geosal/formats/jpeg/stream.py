"""Marker segments around the coded blocks of a baseline JPEG (ITU-T T.81, annex B)."""

import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg.huffman import AC, DC, HuffmanTables
from geosal.native.jpeg import SIDES

MOST_RESTART_INTERVAL = 65535
"""Limit of a restart interval, in MCUs."""
START, END = b"\xff\xd8", b"\xff\xd9"
APP0, QUANTISATION, FRAME, HUFFMAN, RESTART_INTERVAL, SCAN = 0xE0, 0xDB, 0xC0, 0xC4, 0xDD, 0xDA
_JFIF = b"JFIF\0\1\2\0\0\1\0\1\0\0"
"""JFIF 1.02: square pixels, no resolution (units 0), no thumbnail."""
_PRECISION = 8
_FIRST_RESTART = 0xD0


class Tables(NamedTuple):
    """Quantisation tables."""

    steps: NDArray[np.uint16]
    """(2, 64): steps of luma and chroma, row by row, up to 255."""
    first: int = 0
    """Number of luma's, 0 or 2; that of chroma follows."""
    elsewhere: bool = False
    """Whether they stand outside of the stream, as in a tag of a TIFF."""


def head(
    shape: tuple[int, int],
    tables: Tables,
    huffman: HuffmanTables,
    *,
    bands: int,
    subsampling: str,
    restart_interval: int = 0,
    jfif: bool = True,
) -> bytes:
    """Return all that precedes the coded blocks.

    Parameters
    ----------
    shape
        Rows and columns, each 65535 at most.
    tables
        Quantisation tables.
    huffman
        Tables of the blocks.
    bands
        1 or 3.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    restart_interval
        MCUs between restart markers, `MOST_RESTART_INTERVAL` at most; 0 for none.
    jfif
        With the header of JFIF; a JPEG in a TIFF has none.
    """
    kinds = range(1 if bands == 1 else 2)
    parts = [START]
    if jfif:
        parts.append(segment(APP0, _JFIF))
    if not tables.elsewhere:
        parts.append(quantisation(tables, bands))
    parts.append(segment(FRAME, _frame(shape, bands, subsampling, tables.first)))
    for kind in kinds:
        for what, table in enumerate((DC[kind], AC[kind])):
            parts.append(segment(HUFFMAN, bytes([what << 4 | kind]) + huffman.listed(table)))
    if restart_interval:
        parts.append(segment(RESTART_INTERVAL, struct.pack(">H", restart_interval)))
    chosen = b"".join(bytes([number + 1, 0x11 * (number > 0)]) for number in range(bands))
    parts.append(segment(SCAN, bytes([bands]) + chosen + bytes([0, 63, 0])))
    return b"".join(parts)


def quantisation(tables: Tables, bands: int) -> bytes:
    """Return the segments of the quantisation tables of 1 or 3 bands."""
    each = enumerate(tables.steps[: 1 if bands == 1 else 2], tables.first)
    return b"".join(segment(QUANTISATION, bytes([number]) + _in_zigzag(table)) for number, table in each)


def segment(marker: int, body: bytes) -> bytes:
    """Make a segment: its marker, its length and its content."""
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def segments(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a JPEG at its markers; each segment comes with its marker, and the last is the scan and all behind it."""
    at = len(START)
    while True:
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker == SCAN:
            yield marker, stream[at:]
            return
        yield marker, stream[at : at + 2 + length]
        at += 2 + length


def restart(number: int) -> bytes:
    """Make the marker between two segments, `number` counted from 0 on."""
    return bytes([0xFF, _FIRST_RESTART + number % 8])


def _frame(shape: tuple[int, int], bands: int, subsampling: str, first_table: int) -> bytes:
    side = SIDES[subsampling] if bands > 1 else 1
    components = b"".join(
        bytes([number + 1, 0x11 if number else 0x11 * side, first_table + (number > 0)]) for number in range(bands)
    )
    return struct.pack(">BHHB", _PRECISION, *shape, bands) + components


def _in_zigzag(table: NDArray[np.uint16]) -> bytes:
    return bytes(table[zigzag()].tolist())


@cache
def zigzag() -> NDArray[np.intp]:
    """Return where each coefficient of the stream's order lies in a block, row by row (T.81, figure A.6)."""
    rows, cols = np.divmod(np.arange(64), 8)
    diagonal = rows + cols
    return np.lexsort((np.where(diagonal % 2, rows, cols), diagonal))
