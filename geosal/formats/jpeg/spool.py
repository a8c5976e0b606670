"""A spool for the bits of a JPEG's mask."""

import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_OFFSET = 4
"""Bytes after a mask that tell where it begins."""
_MOST_OFFSET = 2**32 - 1
_COPY = 2**20


class MaskTrailer:
    """The mask of a JPEG in GDAL's form: after the image, a bit a pixel, the least bit first, deflated.

    GDAL looks for it where the last four bytes of the file say, and only if it is shorter than the image.

    Parameters
    ----------
    path
        A file for what is deflated; one that a killed job has left is replaced.
    shape
        Rows and columns of the image.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.path = path
        self._file: BinaryIO = path.open("w+b")
        self._deflate = zlib.compressobj()
        height, width = shape
        # GDAL reserves whole bytes for each row, although the bits of rows follow each other without gaps.
        self._left = height * -(-width // 8)

    def add(self, mask: NDArray[np.bool_]) -> None:
        """Take the next rows (y, x), True = valid; all but the last rows come in multiples of eight."""
        bits = np.packbits(mask.ravel(), bitorder="little").tobytes()
        self._left -= len(bits)
        self._file.write(self._deflate.compress(bits))

    def finish(self) -> int:
        """Complete the mask; return the number of bytes after the image."""
        while self._left > 0:
            self._file.write(self._deflate.compress(bytes(min(self._left, _COPY))))
            self._left -= _COPY
        self._file.write(self._deflate.flush())
        return self._file.tell() + _OFFSET

    def copy_to(self, file: BinaryIO) -> None:
        """Put the mask at the end of a finished image.

        Raises
        ------
        OSError
            The disk is full, or the image is too large for GDAL to find the mask after it.
        """
        begin = file.tell()
        if begin > _MOST_OFFSET:
            raise OSError("the image takes 4 GiB, and GDAL finds no mask behind it; write a .tif")
        self._file.seek(0)
        while data := self._file.read(_COPY):
            file.write(data)
        file.write(begin.to_bytes(_OFFSET, "little"))

    def close(self) -> None:
        """Close and delete the file."""
        try:
            self._file.close()
        finally:
            self.path.unlink(missing_ok=True)
