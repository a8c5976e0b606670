"""Read the directories of a TIFF without GDAL: all that it lists, whether or not GDAL can use it."""

import os
import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

SUBFILE, WIDTH = 254, 256
"""Tags of the kind and the width of an image; every image has a width."""
IS_OVERVIEW, IS_MASK = 1, 4
"""Bits of the tag `SUBFILE`."""
_MOST_TAGS, _MOST_VALUES = 4096, 2**28
"""Limits of tags in a directory, beyond which libtiff refuses it, and of values in a tag."""
_TEXT = 2
"""TIFF's number of the type of a text."""
_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""TIFF's numbers of integer types, and of undefined bytes -> format characters of struct."""
_BYTES = {_TEXT: 1, 5: 8, 10: 8, 11: 4, 12: 8} | {kind: struct.calcsize(f"={form}") for kind, form in _TYPES.items()}
"""TIFF's numbers of types -> bytes of a value."""
UNREADABLE = (struct.error, KeyError, IndexError, OverflowError, MemoryError)
"""Errors of a `TiffReader` over a damaged file, besides OSError; it raises ValueError for a file that is no TIFF."""


class Entry(NamedTuple):
    """Where the values of a tag lie."""

    kind: int
    """TIFF's number of their type."""
    length: int
    """Number of values."""
    place: int
    """Offset of the first one in the file."""


@dataclass(frozen=True, slots=True)
class TiffReader:
    """Reads numbers of a TIFF in its byte order and width."""

    file: BinaryIO
    order: str
    big: bool
    first: int
    """Offset of the first directory."""

    @classmethod
    def of(cls, file: BinaryIO) -> "TiffReader":
        """Read the head of a TIFF or BigTIFF."""
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        version = struct.unpack(f"{order}H", head[2:4])[0] if order else 0
        if order is None or version not in {42, 43}:
            raise ValueError("it is no TIFF")
        big = version == 43
        (first,) = struct.unpack(f"{order}Q", head[8:16]) if big else struct.unpack(f"{order}I", head[4:8])
        return cls(file, order, big, first)

    def directory(self, begin: int, wanted: Collection[int]) -> tuple[dict[int, NDArray[np.int64]], int]:
        """Read the wanted integer tags of the directory at `begin`, and the offset of the next one."""
        entries, after = self.entries(begin)
        return {tag: self.values(entry) for tag, entry in entries.items() if tag in wanted}, after

    def entries(self, begin: int) -> tuple[dict[int, Entry], int]:
        """Read where the values of each tag of the directory at `begin` lie, and the offset of the next one."""
        count_format, entry_format, inline = ("Q", "HHQQ", 8) if self.big else ("H", "HHII", 4)
        self._seek(begin)
        (count,) = self._take(count_format)
        if count > _MOST_TAGS:
            raise IndexError(f"a directory of {count} tags")
        found = {}
        for _ in range(count):
            tag, kind, length, place = self._take(entry_format)
            own = _BYTES.get(kind, 1) * length <= inline
            found[tag] = Entry(kind, length, self.file.tell() - inline if own else place)
        field = self.file.read(inline)
        after = 0  # libtiff, too, takes the end of the file for the end of the list
        if len(field) == inline:
            (after,) = struct.unpack(self.order + ("Q" if self.big else "I"), field)
        return found, after

    def values(self, entry: Entry) -> NDArray[np.int64]:
        """Read the values of a tag of integers."""
        dtype = self.dtype_of(entry)
        if entry.length > _MOST_VALUES:
            raise IndexError(f"a tag of {entry.length} values")
        size = entry.length * dtype.itemsize
        if entry.place + size > self.file.seek(0, os.SEEK_END):  # nothing is asked for that is not there
            raise IndexError("the file ends in a tag")
        self._seek(entry.place)
        field = self.file.read(size)
        return np.frombuffer(field, dtype).astype(np.int64)

    def dtype_of(self, entry: Entry) -> np.dtype[Any]:
        """Return the type of the integers of a tag, in the byte order of the file."""
        return np.dtype(self.order + _TYPES[entry.kind])

    def text_at(self, begin: int, tag: int) -> tuple[int, int] | None:
        """Find where the text of a tag of the directory at `begin` lies, and how long it is; None without one."""
        found = self.entries(begin)[0].get(tag)
        return None if found is None or found.kind != _TEXT else (found.place, found.length)

    def _seek(self, place: int) -> None:
        if place > (end := self.file.seek(0, os.SEEK_END)):  # no system seeks beyond its largest file
            raise IndexError(f"byte {place} of {end}")
        self.file.seek(place)

    def _take(self, form: str) -> tuple[Any, ...]:
        form = self.order + form
        return struct.unpack(form, self.file.read(struct.calcsize(form)))


def mask_pages(path: str) -> list[int]:
    """Number, from 1, the images of a local TIFF that say they are masks of an image that is no overview.

    Raises
    ------
    ValueError
        The file is no TIFF, or its directories cannot be followed, and one of a mask may be lost.
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            reader = TiffReader.of(file)
            kinds = [0]
            _, begin = reader.directory(reader.first, ())
            seen = {0, reader.first}
            while begin not in seen:
                seen.add(begin)
                tags, begin = reader.directory(begin, (SUBFILE, WIDTH))
                if WIDTH not in tags:
                    raise IndexError("an image without a width")
                kinds.append(int(tags[SUBFILE][0]) if SUBFILE in tags else 0)
        except UNREADABLE as error:
            raise ValueError(f"its directories cannot be read ({type(error).__name__}: {error})") from error
    return [number for number, kind in enumerate(kinds, 1) if kind & IS_MASK and not kind & IS_OVERVIEW]
