"""A spool of encoded tiles: one file that grows, and an index of what is where."""

import errno
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geosal.formats.spool import TileFile

EDGE = 4
"""Bytes of GDAL's leader (the size of a tile), and of its trailer (the last four bytes again)."""
_COPY_BYTES = 8 * 2**20
_NOT_HERE = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}
"""Errors by which a kernel refuses to copy between two files."""


class Level:
    """Index of the tiles of one level, row by row."""

    def __init__(self, rows: int, cols: int) -> None:
        self.place = np.zeros(rows * cols, np.int64)
        """Offset of each leader in the spool."""
        self.sizes = np.zeros((2, rows * cols), np.int64)
        """Bytes of each tile, and of its mask."""

    def lengths(self, *, masked: bool) -> NDArray[np.int64]:
        """Return the bytes of each tile in the file, with leader and trailer, and with its mask."""
        return np.asarray(self.sizes.sum(axis=0) + (4 if masked else 2) * EDGE)


class Spool(TileFile):
    """Tiles in the order in which they came, each as it will lie in the file.

    Parameters
    ----------
    path
        A new file.
    levels
        Rows and columns of tiles of each level.
    kept
        See `Growing`.
    """

    def __init__(self, path: Path, levels: list[tuple[int, int]], *, kept: bool = False) -> None:
        super().__init__(path, kept=kept)
        self.path = path
        self.levels = [Level(rows, cols) for rows, cols in levels]

    def append(self, level: int, number: int, parts: Sequence[bytes]) -> None:
        """Keep a tile that has not come before.

        Parameters
        ----------
        level, number
            Its place: 0 for the image, and counted row by row from 0.
        parts
            The tile, and its mask if it has one.

        Raises
        ------
        OSError
            The disk is full.
        """
        self._note(level, number, self._file.end, list(map(len, parts)))
        for data in parts:
            self._file.write(len(data).to_bytes(EDGE, "little"))
            self._file.write(data)
            self._file.write(data[-EDGE:].rjust(EDGE, b"\0"))
        self._fresh.append([level, number, *map(len, parts)])

    def _take_over(self, tile: list[int], place: int) -> int:
        level, number, *sizes = tile
        self._note(level, number, place, sizes)
        return place + sum(sizes) + 2 * EDGE * len(sizes)

    def _note(self, level: int, number: int, place: int, sizes: Sequence[int]) -> None:
        known = self.levels[level]
        known.place[number] = place
        known.sizes[: len(sizes), number] = sizes

    def copy_to(self, target: FileIO, *, masked: bool) -> None:
        """Append all tiles to a file: coarsest level first, each level row by row."""
        self._file.claim()
        with FileIO(self.path, "r") as source:
            for begin, length in self._extents(masked=masked):
                _copy(source, target, begin, length)

    def _extents(self, *, masked: bool) -> Iterator[tuple[int, int]]:
        """Yield pieces of the spool in the order of the file; tiles that follow each other are one piece."""
        for level in reversed(self.levels):
            lengths = level.lengths(masked=masked)
            ends = level.place + lengths
            begins = np.flatnonzero(np.r_[True, level.place[1:] != ends[:-1]])
            stops = np.r_[begins[1:], level.place.size] - 1
            for first, last in zip(begins.tolist(), stops.tolist(), strict=True):
                yield int(level.place[first]), int(ends[last] - level.place[first])


def _copy(source: FileIO, target: FileIO, begin: int, length: int) -> None:
    """Copy within the kernel, where some file systems only make a note; otherwise through memory."""
    while length and hasattr(os, "copy_file_range"):
        try:
            done = os.copy_file_range(source.fileno(), target.fileno(), length, begin)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            break
        if done == 0:
            break
        begin, length = begin + done, length - done
    source.seek(begin)
    while length:
        data = source.read(min(length, _COPY_BYTES))
        if not data:
            raise OSError("the spool is shorter than it was")
        write_all(target, data)
        length -= len(data)


def write_all(target: FileIO, data: bytes) -> None:
    """Write every byte to a file without a buffer."""
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]
