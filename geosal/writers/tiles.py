"""Whether a file holds all that its header promises.

GDAL's compressing threads keep silent when the disk is full: the file closes without an error, and reads as zeros where
tiles are missing.
"""

import os
import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from rasterio.io import DatasetReader

_END_OF_CODESTREAM = b"\xff\xd9"
_SIGNATURE = b"\0\0\0\x0cjP  "
_BOX_HEAD = 8
_TO_THE_END, _LONG = 0, 1
"""What the length of a box says when it is no length."""


def missing_tiles(dataset: DatasetReader) -> Iterator[str]:
    """Tell of each tile of a TIFF that is not, or not wholly, in the file; nothing for other formats."""
    if dataset.driver != "GTiff":
        return
    begins, ends, numbers = array("q"), array("q"), array("q")
    for number, (band, row, col) in enumerate(_tiles(dataset)):
        offset, length = (
            dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE")
        )
        if offset and length:
            begins.append(int(offset))
            ends.append(int(offset) + int(length))
            numbers.append(number)
        else:
            yield f"tile {col}, {row} of band {band} is missing"
    if not numbers:
        return
    end_of_file = os.path.getsize(dataset.name) if os.path.isfile(dataset.name) else max(ends)
    order = np.argsort(np.frombuffer(begins, np.int64), kind="stable")
    limits = np.append(np.frombuffer(begins, np.int64)[order[1:]], end_of_file)
    cut = set(np.frombuffer(numbers, np.int64)[order[np.frombuffer(ends, np.int64)[order] > limits]].tolist())
    for number, (band, row, col) in enumerate(_tiles(dataset) if cut else ()):
        if number in cut:
            yield f"tile {col}, {row} of band {band} is cut off"


def codestream_ends(path: str | os.PathLike[str]) -> bool:
    """Whether the codestream of a local JPEG2000 file is there up to its last marker."""
    with open(path, "rb") as file:
        end = _end_of_codestream(file, os.path.getsize(path))
        if end is None or end < len(_END_OF_CODESTREAM):
            return False
        file.seek(end - len(_END_OF_CODESTREAM))
        return file.read(len(_END_OF_CODESTREAM)) == _END_OF_CODESTREAM


def _end_of_codestream(file: BinaryIO, size: int) -> int | None:
    """Where the codestream should end: at the end of its box, or of a file without boxes; None when it is not there."""
    if file.read(_BOX_HEAD) != _SIGNATURE:
        return size
    begin = 0
    while begin + _BOX_HEAD <= size:
        file.seek(begin)
        length, kind = struct.unpack(">I4s", file.read(_BOX_HEAD))
        if length == _LONG:
            length = int.from_bytes(file.read(_BOX_HEAD), "big")
        end = size if length == _TO_THE_END else begin + length
        if kind == b"jp2c":
            return end if end <= size else None
        if end < begin + _BOX_HEAD:
            return None
        begin = end
    return None


def _tiles(dataset: DatasetReader) -> Iterator[tuple[int, int, int]]:
    """Band, row and column of each tile; band 1 stands for all where they share tiles."""
    height, width = dataset.block_shapes[0]
    planar = dataset.interleaving is not None and dataset.interleaving.name == "band"
    for band in dataset.indexes if planar else (1,):
        for row in range(-(-dataset.height // height)):
            for col in range(-(-dataset.width // width)):
                yield band, row, col
