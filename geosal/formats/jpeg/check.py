"""Check a JPEG file by itself: its markers, and the mask after the image."""

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader

from geosal.core.gdal_env import with_options
from geosal.core.provenance import read_treatment
from geosal.core.raster import RasterLayout
from geosal.core.treatment import SMOOTH, Treatment
from geosal.formats.coarseness import Coarseness, error_of_jpeg
from geosal.formats.digest import digest_faults
from geosal.formats.finished import Finished, missing_beside
from geosal.formats.readback import undecodable_rows
from geosal.formats.world_file import world_faults, world_file_due

_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAME, _SCAN, _INTERVAL = 0xC0, 0xDA, 0xDD
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of a frame of any kind (ITU-T T.81, table B.1)."""
_RESTART, _RESTARTS = 0xD0, 8
_CHUNK = 2**24
_OFFSET = 4
_HEAD_BYTES = 2**16
"""Bytes at the head of a file that hold all quantisation tables."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The header before the coded blocks.

    Attributes
    ----------
    frame
        Marker of the frame: how the image is coded.
    shape
        Rows and columns.
    mcu
        Rows and columns of an MCU.
    interval
        MCUs between restart markers; 0 for none.
    scan
        Offset of the first coded block.
    """

    frame: int
    shape: tuple[int, int]
    mcu: tuple[int, int]
    interval: int
    scan: int

    @classmethod
    def read(cls, path: str) -> "Head":
        """Read the head of a file.

        Raises
        ------
        ValueError
            The bytes are no header of a JPEG, or they are cut off.
        """
        with open(path, "rb") as file:
            if file.read(2) != _START:
                raise ValueError("does not begin with SOI")
            frame, interval, body = 0, 0, b""
            while True:
                lead = file.read(4)
                if len(lead) < 4 or lead[0] != 0xFF:
                    raise ValueError(f"no marker at byte {file.tell() - len(lead)}")
                text = file.read(int.from_bytes(lead[2:], "big") - 2)
                if lead[1] in _FRAMES:
                    frame, body = lead[1], text
                elif lead[1] == _INTERVAL:
                    interval = int.from_bytes(text, "big")
                elif lead[1] == _SCAN:
                    break
            scan = file.tell()
        if len(body) < 9:
            raise ValueError("no frame before the scan")
        sampling = [divmod(body[at], 16) for at in range(7, len(body), 3)]
        if min(map(min, sampling)) < 1:
            raise ValueError("a component without samples")
        across, down = (max(each) for each in zip(*sampling, strict=True))
        mcu = (8 * down, 8 * across) if len(sampling) > 1 else (8, 8)
        shape = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        return cls(frame=frame, shape=shape, mcu=mcu, interval=interval, scan=scan)

    @property
    def restarts(self) -> int:
        """Return the number of restart markers that the file should have."""
        rows, cols = (-(-side // unit) for side, unit in zip(self.shape, self.mcu, strict=True))
        return -(-rows * cols // self.interval) - 1 if self.interval else 0


class FinishedJpeg(Finished):
    """A finished baseline JPEG: all blocks, the mask after the image, and the place beside it."""

    keeps_colours = False  # its bands are red, green and blue
    valid = "valid baseline JPEG"
    coded_unit = "block"

    def complete_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Decode the whole image and its mask; warnings of libjpeg are faults."""
        del path
        return list(_undecodable(dataset))

    def layout_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Check all markers of a local file, and the mask after the image."""
        if not os.path.isfile(path):
            return []
        try:
            head = Head.read(path)
            end, size = _end_of_image(path), os.path.getsize(path)
        except (OSError, ValueError) as error:
            return [str(error)]
        faults = []
        if head.frame != _FRAME:
            faults.append(f"is no baseline JPEG: its frame is SOF{head.frame - _FRAME}")
        if head.shape != dataset.shape:
            faults.append(f"its frame has {head.shape[1]} x {head.shape[0]} px, not {dataset.width} x {dataset.height}")
        if end is None:
            return [*faults, "does not end in EOI: the file is cut off"]
        faults += _marker_faults(path, head, end)
        if end < size:
            faults += _mask_faults(path, head, end)
        return faults

    def quick_faults(self, path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
        """Decode all of it: that takes less time than writing it."""
        yield from self.layout_faults(path, dataset)
        yield from _undecodable(dataset)
        yield from world_faults(path, layout.grid.transform, needed=False)

    def beside_faults(self, path: str, found: RasterLayout, source: RasterLayout | None) -> list[str]:
        """Check that ``.aux.xml`` is there and notes the digest of the image, and that the world file says the same."""
        tags = found.metadata.tags.get("", {})
        transform = found.grid.transform if source is None else source.grid.transform
        return [
            *missing_beside(path, {".aux.xml": "tags and nodata live"}),
            *world_faults(path, transform, needed=world_file_due(tags, transform)),
            *digest_faults(path, tags),
        ]

    def holds_every_sample(self, structure: Mapping[str, str], treatment: Treatment) -> bool:
        """No JPEG does."""
        del structure, treatment
        return False

    def coarseness(self, dataset: DatasetReader, shown: DatasetReader) -> Coarseness:
        """Decide by the quantisation tables."""
        try:
            with open(shown.name, "rb") as file:
                head = file.read(_HEAD_BYTES)
        except OSError:
            head = b""
        return Coarseness.of_largest(error_of_jpeg(head, read_treatment(dataset.tags()) or SMOOTH))


def _undecodable(dataset: DatasetReader) -> Iterator[str]:
    """Decode the whole image and its mask, once and from top to bottom; warnings of libjpeg are faults."""
    with with_options(GDAL_ERROR_ON_LIBJPEG_WARNING=True):
        yield from undecodable_rows(dataset)


def _end_of_image(path: str) -> int | None:
    """Return where the image ends: at the end of the file, or where its last four bytes say that a mask begins."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        file.seek(max(0, size - _OFFSET))
        tail = file.read(_OFFSET)
        for end in (size, int.from_bytes(tail, "little")):
            if len(_END) <= end <= size:
                file.seek(end - len(_END))
                if file.read(len(_END)) == _END:
                    return end
    return None


def _marker_faults(path: str, head: Head, end: int) -> Iterator[str]:
    """Check that every restart marker is there and in order, and no other marker among the coded blocks."""
    count = 0
    with open(path, "rb") as file:
        place = head.scan
        while place < end - len(_END):
            file.seek(place)
            chunk = np.frombuffer(file.read(min(_CHUNK, end - len(_END) - place)), np.uint8)
            if len(chunk) < 2:
                break
            leads = np.flatnonzero(chunk[:-1] == 0xFF)
            markers = chunk[leads + 1]
            markers = markers[(markers != 0) & (markers != 0xFF)].astype(np.int64)
            turns = _RESTART + np.arange(count, count + len(markers)) % _RESTARTS
            if (markers != turns).any():
                number = count + int(np.flatnonzero(markers != turns)[0])
                yield f"restart marker {number} of {head.restarts} is not in its turn: coded blocks are damaged"
                return
            count += len(markers)
            place += len(chunk) - 1  # its last byte may be the first of a marker
    if count != head.restarts:
        yield f"{count} restart markers, not {head.restarts}: coded blocks are lost"


def _mask_faults(path: str, head: Head, end: int) -> Iterator[str]:
    height, width = head.shape
    inflate, length, most = zlib.decompressobj(), 0, height * -(-width // 8)
    try:
        with open(path, "rb") as file:
            file.seek(end)
            left = os.path.getsize(path) - _OFFSET - end
            while left > 0 and length <= most and (data := file.read(min(left, _CHUNK))):
                left -= len(data)
                while data and length <= most:
                    length += len(inflate.decompress(data, _CHUNK))
                    data = inflate.unconsumed_tail
    except zlib.error as error:
        yield f"the mask behind the image is damaged ({error})"
        return
    if not inflate.eof or length != most:
        yield "the mask behind the image is cut off"
