"""Check a PNG file by itself: its chunks, each with its checksum (ISO/IEC 15948, clause 5)."""

import os
import struct
import zlib
from collections.abc import Iterator

from rasterio.io import DatasetReader

from geosal.core.raster import RasterLayout
from geosal.formats.finished import Finished, missing_beside
from geosal.formats.readback import undecodable_rows
from geosal.formats.world_file import world_faults, world_file_due

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_READ = 2**20
"""Bytes that are read at once."""


class FinishedPng(Finished):
    """A finished PNG: all chunks, and the place beside it."""

    keeps_colours = False  # it knows grey, and red, green and blue
    valid = "valid PNG"
    coded_unit = "row"

    def complete_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Decode the whole image and its mask."""
        del path
        return list(undecodable_rows(dataset))

    def layout_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Check all chunks of a local file: they must be complete, in order, and end with IEND."""
        if not os.path.isfile(path):
            return []
        try:
            shape = _shape_of_whole(path)
        except (OSError, ValueError, struct.error) as error:
            return [str(error)]
        if shape != dataset.shape:
            return [f"its header has {shape[1]} x {shape[0]} px, not {dataset.width} x {dataset.height}"]
        return []

    def quick_faults(self, path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
        """Look at all of it: to decode it takes less than its making."""
        yield from self.layout_faults(path, dataset)
        yield from undecodable_rows(dataset)
        yield from world_faults(path, layout.grid.transform, needed=False)

    def beside_faults(self, path: str, found: RasterLayout, source: RasterLayout | None) -> list[str]:
        """Check that ``.aux.xml`` and the world file are there, and that the latter says the same."""
        transform = found.grid.transform if source is None else source.grid.transform
        return [
            *missing_beside(path, {".aux.xml": "CRS, transform and tags live"}),
            *world_faults(path, transform, needed=world_file_due(found.metadata.tags.get("", {}), transform)),
        ]


def _shape_of_whole(path: str) -> tuple[int, int]:
    """Read all chunks, and return the rows and columns of the header."""
    with open(path, "rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise ValueError("does not begin as a PNG")
        width, height, kind = 0, 0, b""
        while kind != b"IEND":
            start = file.tell()
            head = file.read(8)
            if len(head) < 8:
                raise ValueError(f"ends at byte {start} without IEND: the file is cut off")
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IHDR":
                width, height = struct.unpack(">II", file.read(8))
                file.seek(-8, os.SEEK_CUR)
            checksum = zlib.crc32(kind)
            while length:
                data = file.read(min(length, _READ))
                if not data:
                    raise ValueError(f"chunk {kind.decode('latin-1')} at byte {start} is cut off")
                checksum, length = zlib.crc32(data, checksum), length - len(data)
            if file.read(4) != struct.pack(">I", checksum):
                raise ValueError(f"chunk {kind.decode('latin-1')} at byte {start} is damaged: its checksum is another")
        if file.read(1):
            raise ValueError("goes on behind IEND")
    return height, width
