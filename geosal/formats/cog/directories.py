"""Image file directories as bytes: TIFF 6.0, section 2, and BigTIFF as libtiff writes it."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IMAGE_WIDTH, IMAGE_LENGTH = 256, 257
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS = 322, 323, 324, 325
SUBFILE_TYPE = 254
REDUCED, MASK = 1, 4
"""Bits of SUBFILE_TYPE."""
COMPRESSION, PLANAR_CONFIGURATION, PREDICTOR, JPEG_TABLES = 259, 284, 317, 347
GDAL_METADATA = 42112
ASCII, SHORT, LONG, UNDEFINED, LONG8 = 2, 3, 4, 7, 16
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""TIFF's number of a type -> bytes of a value."""
OF_THE_PIXELS = frozenset({
    SUBFILE_TYPE, IMAGE_WIDTH, IMAGE_LENGTH, 258, COMPRESSION, 262, 277, PLANAR_CONFIGURATION, PREDICTOR, 320,
    TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS, 338, 339, JPEG_TABLES, 530, 532, 42113, 50674,
})  # fmt: skip
"""Tags that tell how pixels are stored, and the nodata code. An overview has these and no others."""


class Tag(NamedTuple):
    """The value of one tag."""

    kind: int
    """TIFF's number of the type."""
    length: int
    """Number of values."""
    data: bytes
    """The values, little-endian."""

    @classmethod
    def of_shorts(cls, *values: int) -> "Tag":
        """Make a tag of 16-bit numbers."""
        return cls(SHORT, len(values), struct.pack(f"<{len(values)}H", *values))

    @classmethod
    def of_longs(cls, *values: int) -> "Tag":
        """Make a tag of 32-bit numbers."""
        return cls(LONG, len(values), struct.pack(f"<{len(values)}I", *values))


Directory = Mapping[int, Tag]


def read_directories(data: bytes) -> list[dict[int, Tag]]:
    """Read all directories of a little-endian TIFF or BigTIFF."""
    big = data[2] == 43
    at = int.from_bytes(data[8:16] if big else data[4:8], "little")
    count_size, entry_size, inline = (8, 20, 8) if big else (2, 12, 4)
    found = []
    while at:
        entries = int.from_bytes(data[at : at + count_size], "little")
        directory = {}
        for begin in range(at + count_size, at + count_size + entries * entry_size, entry_size):
            tag, kind = struct.unpack_from("<HH", data, begin)
            number = int.from_bytes(data[begin + 4 : begin + 4 + inline], "little")
            place, length = begin + 4 + inline, number * _SIZES[kind]
            if length > inline:
                place = int.from_bytes(data[place : place + inline], "little")
            directory[tag] = Tag(kind, number, data[place : place + length])
        found.append(directory)
        end = at + count_size + entries * entry_size
        at = int.from_bytes(data[end : end + inline], "little")
    return found


@dataclass(frozen=True, eq=False)
class Image:
    """A directory and the places of its tiles."""

    tags: Directory
    """All tags but the offsets and byte counts of tiles."""
    offsets: NDArray[np.int64]
    byte_counts: NDArray[np.int64]


def write_directories(images: Sequence[Image], ghost: bytes, *, big: bool) -> bytes:
    """Make all that precedes the tiles: header, ghost area, directories with their values.

    Parameters
    ----------
    images
        All images, in the order of their directories.
    ghost
        GDAL's ghost area, which follows the header.
    big
        BigTIFF; otherwise no offset may need more than 32 bits.

    Returns
    -------
    bytes
        The bytes; their number does not depend on the offsets.
    """
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0) if big else struct.pack("<2sHI", b"II", 42, 0)
    out = bytearray(header + ghost)
    link = len(header) - (8 if big else 4)
    for image in images:
        _pad(out)
        struct.pack_into("<Q" if big else "<I", out, link, len(out))
        link = _append(out, image, big=big)
    _pad(out)
    return bytes(out)


def _append(out: bytearray, image: Image, *, big: bool) -> int:
    """Append one directory and its values; return where the offset of the next one must be written."""
    offset_type, offset_kind = ("<u8", LONG8) if big else ("<u4", LONG)
    tags = dict(image.tags)
    tags[TILE_OFFSETS] = Tag(offset_kind, image.offsets.size, image.offsets.astype(offset_type).tobytes())
    tags[TILE_BYTE_COUNTS] = Tag(LONG, image.byte_counts.size, image.byte_counts.astype("<u4").tobytes())
    inline, word = (8, "<Q") if big else (4, "<I")
    entries = bytearray()
    values = bytearray()
    values_at = len(out) + (8 if big else 2) + len(tags) * (20 if big else 12) + inline
    values_at += values_at % 2
    for number in sorted(tags):
        tag = tags[number]
        entries += struct.pack("<HH", number, tag.kind) + struct.pack(word, tag.length)
        if len(tag.data) <= inline:
            entries += tag.data.ljust(inline, b"\0")
        else:
            entries += struct.pack(word, values_at + len(values))
            values += tag.data
            _pad(values)
    out += struct.pack("<Q" if big else "<H", len(tags)) + entries
    link = len(out)
    out += bytes(inline)
    out += bytes(values_at - len(out)) + values
    return link


def _pad(out: bytearray) -> None:
    """Pad to an even offset, where values must begin."""
    if len(out) % 2:
        out += b"\0"
