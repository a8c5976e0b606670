"""Let a copy stand in for what GDAL cannot decode: a BPG, and a TIFF in JPEG XL where GDAL has no codec for it.

rasterio's wheels have none. A BPG becomes a TIFF without compression. Of a TIFF in JPEG XL the copy is in Deflate: it
has the bytes of the file, with other numbers for compression, offsets and sizes in its directories, and behind them the
tiles anew. So all that GDAL does with a GeoTIFF works, and each tile has been decoded before GDAL opens it.
"""

import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from geosal.core.bpg.head import MAGIC, Head
from geosal.core.tiff import UNREADABLE, Entry, TiffReader

_JPEG_XL = frozenset({50002, 52546})
"""TIFF's numbers of JPEG XL: GDAL's own, and that of DNG 1.7, which GDAL writes since 3.11."""
_DEFLATE, _LEVEL, _TOGETHER = 8, 1, 1
"""TIFF's number of Deflate, how hard it tries here, and TIFF's number for bands that share their tiles."""
_BITS, _COMPRESSION, _SAMPLES, _PLANAR, _WIDTH, _HEIGHT, _OFFSETS, _SIZES = 258, 259, 277, 284, 322, 323, 324, 325
_TAGS = frozenset({_BITS, _COMPRESSION, _SAMPLES, _PLANAR, _WIDTH, _HEIGHT, _OFFSETS, _SIZES})
_SAMPLE_BYTES = {8: 1, 16: 2}
"""Bits of a sample -> its bytes."""
_FRAME = 4
"""Bytes of GDAL's leader before a tile, and of its trailer."""
_HEAD_BYTES = 300
_INTERLEAVED, _APART = b"MASK_INTERLEAVED_WITH_IMAGERY=YES\n", b"MASK_INTERLEAVED_WITH_IMAGERY=NO \n"
"""In GDAL's ghost area: the new tiles do not lie beside their masks."""
_BESIDE = (".aux.xml", ".msk", ".ovr")
_WORLD_OF_BPG = ".bgw"
"""Suffix of a BPG's world file."""
_AT_ONCE = 64
"""Number of tiles in work at once."""


class _Copy:
    """A copy, which is deleted with the last of its handles."""

    def __init__(self, path: str, *, is_bpg: bool, whole: bool) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="geosal-")
        self.path = Path(self._folder.name, os.path.basename(path))
        self.structure: dict[str, str] = {}
        if is_bpg:
            from geosal.core.bpg.copy import write_copy  # noqa: PLC0415  few inputs are BPGs

            self.structure = write_copy(path, self.path, whole=whole)
            world = os.path.splitext(path)[0] + _WORLD_OF_BPG
            if os.path.exists(world):
                os.symlink(os.path.abspath(world), self.path.with_suffix(_WORLD_OF_BPG))
        else:
            _transcode(path, self.path)
        for suffix in _BESIDE:
            if os.path.exists(path + suffix):
                os.symlink(os.path.abspath(path + suffix), f"{self.path}{suffix}")


_copies: "weakref.WeakValueDictionary[tuple[object, ...], _Copy]" = weakref.WeakValueDictionary()
_lock = threading.Lock()
_ROUGHLY: ContextVar[bool] = ContextVar("_ROUGHLY", default=False)
_newest: list[_Copy] = []
"""One copy outlives its handles: a file is opened several times, one after the other."""


@contextmanager
def roughly() -> Iterator[None]:
    """Let a BPG be opened in the body without decoding all of it: of many tiles only the last row shows."""
    token = _ROUGHLY.set(True)
    try:
        yield
    finally:
        _ROUGHLY.reset(token)


class _OfBpg(DatasetReader):  # type: ignore[misc]  # rasterio has no types
    """A copy that says what it is a copy of."""

    def __init__(self, path: str, structure: dict[str, str]) -> None:
        super().__init__(path, driver=["GTiff"])
        self._structure = structure

    @property
    def driver(self) -> str:
        """The name of the format."""
        return "BPG"

    def tags(self, bidx: int = 0, ns: str | None = None) -> dict[str, str]:
        """Return tags; those of the structure are the BPG's."""
        if ns == "IMAGE_STRUCTURE" and bidx == 0:
            return dict(self._structure)
        found: dict[str, str] = super().tags(bidx, ns)
        return found


def is_bpg(path: str) -> bool:
    """Return whether a local file begins as a BPG."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def claimed_shape(path: str) -> tuple[int, int] | None:
    """Return the rows and columns that a BPG claims, before it is decoded; None of another file, or a damaged one."""
    try:
        with open(path, "rb") as file:
            return Head.read(file).shape
    except (OSError, ValueError):
        return None


def open_stand_in(path: str) -> DatasetReader | None:
    """Open a copy of a local BPG, or of a TIFF whose tiles are JPEG XL; None for another file.

    The copy lies in the folder for temporary files, and goes with its last handle or with the process.

    Raises
    ------
    RasterioError, OSError, ValueError
        It is one, and cannot be copied: a tile cannot be decoded, or the disk is full.
    """
    if not os.path.isfile(path):
        return None
    bpg = is_bpg(path)
    try:
        with open(path, "rb") as file:
            if not bpg and not _packed_images(TiffReader.of(file)):
                return None
    except (OSError, ValueError, *UNREADABLE):
        return None
    stat, whole = os.stat(path), not _ROUGHLY.get()
    key = (os.path.abspath(path), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, whole)
    with _lock:
        copy = _copies.get(key)
        if copy is None:
            _newest.clear()
            copy = _copies[key] = _Copy(path, is_bpg=bpg, whole=whole)
            _newest.append(copy)
    dataset = _OfBpg(str(copy.path), copy.structure) if bpg else DatasetReader(str(copy.path), driver=["GTiff"])
    weakref.finalize(dataset, id, copy)  # holds the copy
    return dataset


@dataclass(frozen=True, eq=False)
class _Image:
    """One image in JPEG XL: where it is told of, and its tiles."""

    entries: dict[int, Entry]
    dtype: np.dtype[Any]
    """Type of samples, in the byte order of the file; whether they have a sign makes no difference here."""
    shape: tuple[int, int, int]
    """Rows, columns and bands of a tile."""
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]


def _packed_images(reader: TiffReader) -> list[_Image]:
    """Find the tiled images of a TIFF that are JPEG XL."""
    found, begin, seen = [], reader.first, {0}
    while begin not in seen:
        seen.add(begin)
        entries, begin = reader.entries(begin)
        tags = {tag: reader.values(entries[tag]) for tag in _TAGS & entries.keys()}
        if int(tags.get(_COMPRESSION, [0])[0]) not in _JPEG_XL or _OFFSETS not in tags:
            continue
        bits = {int(each) for each in tags[_BITS]}
        if len(bits) > 1 or not bits <= _SAMPLE_BYTES.keys():
            raise ValueError(f"its samples of JPEG XL have {sorted(bits)} bits, and 8 or 16 can be read")
        together = int(tags.get(_PLANAR, [_TOGETHER])[0]) == _TOGETHER
        bands = int(tags.get(_SAMPLES, [1])[0]) if together else 1
        shape = (int(tags[_HEIGHT][0]), int(tags[_WIDTH][0]), bands)
        dtype = np.dtype(f"{reader.order}u{_SAMPLE_BYTES[bits.pop()]}")
        found.append(_Image(entries, dtype, shape, tags[_OFFSETS], tags[_SIZES]))
    return found


def _transcode(path: str, copy: Path) -> None:
    copyfile(path, copy)
    with open(path, "rb") as source, copy.open("r+b") as target:
        reader = TiffReader.of(source)
        for image in reversed(_packed_images(reader)):  # a COG has the tiles of overviews first
            _write(reader, image, target)
        target.seek(0)
        at = target.read(_HEAD_BYTES).find(_INTERLEAVED)
        if at >= 0:
            target.seek(at)
            target.write(_APART)


def _write(reader: TiffReader, image: _Image, target: BinaryIO) -> None:
    """Append the tiles of an image, framed as GDAL's ghost area may say, and tell of them in its directory."""
    offsets, sizes = np.zeros_like(image.offsets), np.zeros_like(image.sizes)
    target.seek(0, os.SEEK_END)
    for number, data in _deflated(reader.file, image):
        offsets[number], sizes[number] = target.tell() + _FRAME, len(data)
        target.write(len(data).to_bytes(_FRAME, "little") + data + data[-_FRAME:])
    for tag, values in ((_COMPRESSION, np.array([_DEFLATE])), (_OFFSETS, offsets), (_SIZES, sizes)):
        entry = image.entries[tag]
        kind = reader.dtype_of(entry)
        if values.max() > np.iinfo(kind).max:
            raise ValueError("it is no BigTIFF, and a copy of it that can be read would have to be one")
        target.seek(entry.place)
        target.write(values.astype(kind).tobytes())


def _deflated(file: BinaryIO, image: _Image) -> Iterator[tuple[int, bytes]]:
    """Decode and deflate the tiles that are there, in their order."""
    there = np.flatnonzero((image.offsets > 0) & (image.sizes > 0))

    def read(number: int) -> bytes:
        file.seek(int(image.offsets[number]))
        return file.read(int(image.sizes[number]))

    with ThreadPoolExecutor() as pool:
        for first in range(0, len(there), _AT_ONCE):
            numbers = there[first : first + _AT_ONCE].tolist()
            parts = [read(number) for number in numbers]
            done = pool.map(lambda number, part: _deflate(image, number, part), numbers, parts)
            yield from zip(numbers, done, strict=True)


def _deflate(image: _Image, number: int, data: bytes) -> bytes:
    from imagecodecs import JpegxlError, deflate_encode, jpegxl_decode  # noqa: PLC0415  loads its library

    try:
        samples = jpegxl_decode(data)
    except (JpegxlError, ValueError) as error:
        raise ValueError(f"tile {number} is no JPEG XL ({error})") from error
    if samples.dtype.itemsize != image.dtype.itemsize or samples.size != np.prod(image.shape):
        raise ValueError(f"tile {number} holds {samples.shape} of {samples.dtype}, not {image.shape}")
    return bytes(deflate_encode(samples.astype(image.dtype).tobytes(), _LEVEL))
