"""A JPEG 2000 file that takes encoded tiles in any order, and the files beside it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from geosal.core.grid import Block
from geosal.core.jpeg2000 import END, CodestreamError
from geosal.core.raster import RasterLayout
from geosal.errors import OutputError
from geosal.files.swap import beside
from geosal.formats.container import Container, TileIndex
from geosal.formats.format import Profile
from geosal.formats.gdal.sample import Sample, gdal_sample
from geosal.formats.jpeg2000.boxes import Wrapping, codestream_head, resize_gml
from geosal.formats.jpeg2000.codestream import PROFILE_1, Frame
from geosal.formats.jpeg2000.masks import MaskFile
from geosal.formats.jpeg2000.tiles import J2kEncoder
from geosal.formats.pyramid import Tile

_SIZES = frozenset({"BLOCKXSIZE", "BLOCKYSIZE", "RESOLUTIONS", "PRECINCTS", "TILEPARTS", "PROFILE"})
"""Creation options that the small image does not need."""
_LONG_FROM = 3 * 2**30
"""Bytes of pixels from which the box of the codestream gets a 64-bit length; noise takes a little more than raw."""


class Jp2Container(Container):
    """A JPEG 2000 file that is being written.

    Tiles go straight to the end of the file, whatever their order; nothing is spooled. GDAL writes a tiny file with the
    same metadata, whose boxes and ``.aux.xml`` are copied.

    Parameters
    ----------
    path
        See `Container`.
    profile, layout
        Profile and layout of the output.
    encoder
        Encoder of the tiles.
    """

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, encoder: J2kEncoder) -> None:
        super().__init__(path, layout, TileIndex([layout.grid.shape], encoder.tile))
        self._profile, self._encoder = profile, encoder
        self._lengths: list[tuple[int, int]] = []
        self._long = math.prod(layout.grid.shape) * layout.count * np.dtype(layout.dtype).itemsize >= _LONG_FROM
        self._mask: MaskFile | None = None

    def _begin(self) -> None:
        layout, encoder = self._layout, self._encoder
        shape = tuple(min(side, encoder.tile) for side in layout.grid.shape)
        blank = encoder(np.zeros((layout.count, *shape), layout.dtype), None)  # so that its header is always the same
        self._frame = Frame.of(blank[0], layout.grid.shape, encoder.tile)
        with self._sample({}, None) as sample:
            boxes = sample.path.read_bytes()
            self._wrapping = Wrapping.of(boxes, sample.grid, layout.grid, part_15=encoder.high_throughput)
        header, index_at = self._frame.main_header()
        before = self._wrapping.before + codestream_head(0, long=self._long)
        self._codestream_at = len(before)
        self._index_at = len(before) + index_at
        self._file: BinaryIO = self.path.open("xb")
        self._closing.callback(self._file.close)
        self._file.write(before + header)
        if layout.has_mask:
            self._mask = MaskFile(beside(self.path, ".msk"), layout.grid.shape, encoder.tile, layout.count)
            self._closing.callback(self._mask.abandon)

    def _take(self, tile: Tile, number: int) -> None:
        for part in self._frame.tile_parts_of(tile.parts[0], number):
            self._file.write(part)
            self._lengths.append((number, len(part)))
        if self._mask is not None:
            self._mask.write(self._block(tile), tile.parts[1])

    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        file = self._file
        file.write(END)
        head = codestream_head(file.tell() - self._codestream_at, long=self._long)
        file.write(self._wrapping.after)
        file.seek(self._codestream_at - len(head))
        file.write(head)
        file.seek(self._index_at)
        file.write(self._frame.index(self._lengths))
        file.close()
        if self._mask is not None:
            self._mask.close()
        self._write_sidecar(tags, band_statistics)

    def _write_sidecar(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        with self._sample(tags, band_statistics) as sample:
            if sample.sidecar.exists():
                text = resize_gml(sample.sidecar.read_bytes(), sample.grid, self._layout.grid)
                beside(self.path, ".aux.xml").write_bytes(text)

    def _sample(
        self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None
    ) -> AbstractContextManager[Sample]:
        options = [item for item in self._profile.creation_options if item[0].upper() not in _SIZES]
        if self._frame.profile != PROFILE_1:
            options.append(("PROFILE", "UNRESTRICTED"))  # the boxes declare the profile
        profile = replace(self._profile, creation_options=tuple(options))
        return gdal_sample(self.path, ".jp2", profile, replace(self._layout, has_mask=False), tags, band_statistics)

    def _block(self, tile: Tile) -> Block:
        side, (height, width) = self._encoder.tile, self._layout.grid.shape
        row, col = tile.row * side, tile.col * side
        return Block(row, col, min(side, height - row), min(side, width - col))

    @contextmanager
    def _failing(self) -> Iterator[None]:
        with super()._failing():
            try:
                yield
            except CodestreamError as error:
                raise OutputError(
                    f"{self.path.name}: tiles cannot be put together ({error}); write a .tif, and report this as a "
                    "fault of geosal"
                ) from error
