"""Find the faults of a local TIFF as a COG from its directories: tiles, overviews, masks, order and frames.

No pixel is decoded, so that it is quick at any size. The reader is `geosal.core.tiff` and not the writer's own: two
eyes see more.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from geosal.core.tiff import IS_MASK, IS_OVERVIEW, SUBFILE, UNREADABLE, WIDTH, TiffReader

_HEAD_BYTES = 300
"""Bytes to read for GDAL's ghost area. It lies between the header and the first directory; where it is longer, the
first directory is elsewhere."""
_GHOST_LEADER, _GHOST_TRAILER = b"BLOCK_LEADER=SIZE_AS_UINT4", b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED"
_GHOST_IS_STALE = b"KNOWN_INCOMPATIBLE_EDITION=YES"
"""GDAL's mark of a ghost area that an edit made stale: the tiles that the edit appended have no frame."""
_FRAME = 4
"""Bytes of a tile's leader, and of its trailer."""
_MOST_DIRECTORIES = 200
_HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _SIZES = (
    257, 258, 259, 277, 284, 322, 323, 324, 325
)  # fmt: skip
_TAGS = SUBFILE, WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _SIZES
_READ = 2**20
"""Bytes that are read, or inflated, at once."""
_DEFLATE = (8, 32946)
"""TIFF's numbers of Deflate: Adobe's, and the older one."""
_SEPARATE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """One image in a TIFF: the scene, an overview, or the mask of one of them.

    Attributes
    ----------
    name
        Its name in messages; empty for the scene itself.
    begin
        Offset of its directory in the file, in bytes.
    shape, tile
        Rows and columns; `tile` is None where the image is not tiled.
    planes
        Bands that have tiles of their own.
    pixel_bits
        Bits of a pixel in a tile, of all bands in it.
    compression
        TIFF's number for it.
    is_overview, is_mask
        What its tag says.
    offsets, sizes
        Offsets and sizes of its tiles in bytes, int64; 0 where a tile is missing.
    """

    name: str
    begin: int
    shape: tuple[int, int]
    tile: tuple[int, int] | None
    planes: int
    pixel_bits: int
    compression: int
    is_overview: bool
    is_mask: bool
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def __post_init__(self) -> None:
        least = (*self.shape, *(self.tile or ()), self.planes, self.pixel_bits)
        if min(least) < 1 or min(self.offsets.min(initial=0), self.sizes.min(initial=0)) < 0:
            rows, cols = self.tile or self.shape
            raise ValueError(
                f"{self.name or 'the image'} cannot be: {self.shape[1]} x {self.shape[0]} px, tiles of {cols} x {rows}"
            )

    def tile_name(self, number: int) -> str:
        """Return which tile of which band the entry `number` is, in words."""
        tile_rows, tile_cols = self.tile or self.shape
        rows, cols = -(-self.shape[0] // tile_rows), -(-self.shape[1] // tile_cols)
        band, place = divmod(number, rows * cols)
        return f"{self.name}{', ' if self.name else ''}tile {place % cols}, {place // cols} of band {band + 1}"

    @property
    def tile_bytes(self) -> int:
        """Return how many bytes a tile has that is not compressed."""
        rows, cols = self.tile or self.shape
        return rows * -(-cols * self.pixel_bits // 8)

    @property
    def tiles(self) -> int:
        """Return how many tiles it should have."""
        rows, cols = self.tile or self.shape
        return -(-self.shape[0] // rows) * -(-self.shape[1] // cols) * self.planes


def read_directories(path: str) -> list[Directory]:
    """Read every directory of a local TIFF or BigTIFF.

    Raises
    ------
    ValueError
        The file is no TIFF, or its directories cannot be followed.
    OSError
        The file cannot be read.
    """
    found: list[Directory] = []
    with open(path, "rb") as file:
        try:
            reader = TiffReader.of(file)
            begin = reader.first
            while begin:
                if len(found) == _MOST_DIRECTORIES:
                    raise ValueError("its directories never end")
                tags, after = reader.directory(begin, _TAGS)
                found.append(_directory(tags, begin, found))
                begin = after
        except UNREADABLE as error:
            raise ValueError(f"its directories cannot be read ({type(error).__name__}: {error})") from error
    return found


def tile_faults(path: str, directories: Sequence[Directory]) -> Iterator[str]:
    """Report tiles, of all images of a local TIFF, that are missing, cut off or lie in each other."""
    for one in directories:
        if len(one.offsets) != one.tiles or len(one.sizes) != one.tiles:
            yield f"{one.name or 'the image'} lists {len(one.offsets)} tiles, not {one.tiles}"
            return
        for number in np.flatnonzero((one.offsets == 0) | (one.sizes == 0)):
            yield f"{one.tile_name(int(number))} is missing"
    firsts = np.cumsum([0, *(one.tiles for one in directories)])
    offsets = np.concatenate([one.offsets for one in directories] or [np.empty(0, np.int64)])
    sizes = np.concatenate([one.sizes for one in directories] or [np.empty(0, np.int64)])
    there = np.flatnonzero((offsets != 0) & (sizes != 0))
    order = there[np.argsort(offsets[there], kind="stable")]
    ends = offsets[order] + sizes[order]
    for position in np.flatnonzero(ends > np.append(offsets[order][1:], _end_of_tiles(path))):
        which = int(np.searchsorted(firsts, order[position], side="right")) - 1
        yield f"{directories[which].tile_name(int(order[position] - firsts[which]))} is cut off"


def checksum_faults(path: str, directories: Sequence[Directory]) -> Iterator[str]:
    """Report tiles in Deflate, of all images of a local TIFF, whose checksum is not that of what they hold.

    libtiff has all samples before the Adler-32 at the end (RFC 1950), and may not check it.
    """
    with open(path, "rb") as file:
        for one in directories:
            if one.compression not in _DEFLATE:
                continue
            for number, (offset, size) in enumerate(zip(one.offsets.tolist(), one.sizes.tolist(), strict=True)):
                if offset > file.seek(0, os.SEEK_END):
                    yield f"{one.tile_name(number)} is cut off"
                    continue
                file.seek(offset)
                fault = _fault_of_stream(file, size, one.tile_bytes)
                if fault:
                    yield f"{one.tile_name(number)} {fault}"


def _fault_of_stream(file: BinaryIO, size: int, most: int) -> str:
    """Inflate `size` bytes of a file, some at once, until there are more than `most`: a tile may be a bomb."""
    stream, length, left = zlib.decompressobj(), 0, size
    try:
        while not stream.eof:
            data = stream.unconsumed_tail or file.read(min(_READ, left))
            left -= 0 if stream.unconsumed_tail else len(data)
            found = len(stream.decompress(data, _READ))
            length += found
            if length > most:
                return f"unpacks to more than the {most} bytes of a tile"
            if not found and not data:
                return "is cut off"
    except zlib.error as error:
        return f"is damaged ({error})"
    return ""


def _end_of_tiles(path: str) -> int:
    """Return where the last tile may end: before its trailer, if it has one."""
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    framed = _GHOST_TRAILER in head and _GHOST_IS_STALE not in head
    return Path(path).stat().st_size - _FRAME * framed


def directory_faults(path: str, directories: Sequence[Directory]) -> Iterator[str]:
    """Report what keeps a local TIFF from being a COG as geosal promises it, overviews down to one tile and all."""
    images = [one for one in directories if not one.is_mask]
    masks = [one for one in directories if one.is_mask]
    if not images:
        yield "holds no image"
        return
    yield from (f"{one.name or 'the image'} is not tiled" for one in directories if one.tile is None)
    yield from _pyramid_faults(images)
    if masks and [one.shape for one in masks] != [one.shape for one in images]:
        yield f"{len(masks)} masks do not fit its {len(images)} images"
    yield from _order_faults(images, directories)
    yield from _ghost_faults(path, directories)


def _pyramid_faults(images: Sequence[Directory]) -> Iterator[str]:
    for finer, coarser in pairwise(images):
        halves = all(abs(2 * new - old) <= 1 for new, old in zip(coarser.shape, finer.shape, strict=True))
        if not halves or not coarser.is_overview:
            yield f"{coarser.name} has {coarser.shape[1]} x {coarser.shape[0]} px, not half of the level above"
    coarsest, tile = max(images[-1].shape), max(images[0].tile or (1,))
    if coarsest > tile:
        ratio = max(images[0].shape) / coarsest
        yield f"overviews reach 1:{ratio:.0f} only, {coarsest} px, a tile has {tile}"


def _order_faults(images: Sequence[Directory], directories: Sequence[Directory]) -> Iterator[str]:
    begins = [one.begin for one in directories]
    if begins[0] > _HEAD_BYTES or begins != sorted(begins):
        yield "its directories do not stand in order at the head of the file"
    data = np.concatenate([one.offsets[one.offsets > 0] for one in directories])
    if data.size and data.min() < begins[-1]:
        yield "pixels stand before the last directory"
    firsts = [int(one.offsets[0]) for one in images if len(one.offsets)]
    if firsts != sorted(firsts, reverse=True):
        yield "pixels of overviews do not stand before those of the level above"


def _ghost_faults(path: str, directories: Sequence[Directory]) -> Iterator[str]:
    """Check that tiles are framed as GDAL's ghost area says, by the first and the last tile of each image."""
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
        for one in directories:
            whole = len(one.offsets) == len(one.sizes) > 0
            for number in sorted({0, len(one.offsets) - 1}) if whole else ():
                fault = _frame_fault(file, head, int(one.offsets[number]), int(one.sizes[number]))
                if fault:
                    yield f"{one.tile_name(number)} {fault}"


def _frame_fault(file: BinaryIO, head: bytes, offset: int, size: int) -> str:
    if offset < _FRAME or size < _FRAME:
        return ""
    if offset + size > file.seek(0, os.SEEK_END):
        return "is cut off"
    file.seek(offset - _FRAME)
    leader = file.read(_FRAME)
    file.seek(offset + size - _FRAME)
    last, trailer = file.read(_FRAME), file.read(_FRAME)
    if _GHOST_LEADER in head and leader != struct.pack("<I", size & 0xFFFFFFFF):
        return "is not led by its size"
    return "is not followed by its last bytes" if _GHOST_TRAILER in head and trailer != last else ""


def _directory(tags: dict[int, NDArray[np.int64]], begin: int, before: Sequence[Directory]) -> Directory:
    def number(tag: int, default: int) -> int:
        return int(tags[tag][0]) if tag in tags else default

    kind = number(SUBFILE, 0)
    is_mask = bool(kind & IS_MASK)
    level = sum(one.is_mask == is_mask for one in before)
    names = [f"overview {level}" if level else "", "mask" if is_mask else ""]
    nothing = np.empty(0, np.int64)
    samples, apart = number(_SAMPLES, 1), number(_PLANAR, 1) == _SEPARATE
    return Directory(
        name=" ".join(filter(None, names)),
        begin=begin,
        shape=(number(_HEIGHT, 0), number(WIDTH, 0)),
        tile=(number(_TILE_HEIGHT, 1), number(_TILE_WIDTH, 1)) if _TILE_WIDTH in tags else None,
        planes=samples if apart else 1,
        pixel_bits=int(tags[_BITS].max()) * (1 if apart else samples) if _BITS in tags else 1,
        compression=number(_COMPRESSION, 1),
        is_overview=bool(kind & IS_OVERVIEW),
        is_mask=is_mask,
        offsets=tags.get(_OFFSETS, nothing),
        sizes=tags.get(_SIZES, nothing),
    )
