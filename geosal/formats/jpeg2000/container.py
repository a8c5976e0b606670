"""A JPEG 2000 file that takes encoded tiles in any order, and the files beside it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from geosal.core.grid import Block
from geosal.core.jpeg2000 import END, CodestreamError
from geosal.core.raster import RasterLayout
from geosal.errors import OutputError
from geosal.files.journal import Growing
from geosal.files.swap import beside
from geosal.formats.container import Claim, Container, TileIndex
from geosal.formats.format import Profile
from geosal.formats.gdal.sample import Sample, gdal_sample
from geosal.formats.jpeg2000.boxes import Wrapping, codestream_head, resize_gml
from geosal.formats.jpeg2000.codestream import PROFILE_1, Frame
from geosal.formats.jpeg2000.masks import MaskFile
from geosal.formats.jpeg2000.tiles import J2kEncoder
from geosal.formats.pyramid import Tile
from geosal.formats.spool import Spool

_SIZES = frozenset({"BLOCKXSIZE", "BLOCKYSIZE", "RESOLUTIONS", "PRECINCTS", "TILEPARTS", "PROFILE"})
"""Creation options that the small image does not need."""
_LONG_FROM = 3 * 2**30
"""Bytes of pixels from which the box of the codestream gets a 64-bit length; noise takes a little more than raw."""


class Jp2Container(Container):
    """A JPEG 2000 file that is being written.

    Tiles go straight to the end of the file, whatever their order; only the bits of a mask are spooled. GDAL writes a
    tiny file with the same metadata, whose boxes and ``.aux.xml`` are copied.

    Parameters
    ----------
    path
        See `Container`.
    profile, layout
        Profile and layout of the output.
    encoder
        Encoder of the tiles.
    """

    in_order = True

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, encoder: J2kEncoder) -> None:
        super().__init__(path, layout, TileIndex([layout.grid.shape], encoder.tile))
        self._profile, self._encoder = profile, encoder
        self._lengths: list[tuple[int, int]] = []
        self._long = math.prod(layout.grid.shape) * layout.count * np.dtype(layout.dtype).itemsize >= _LONG_FROM
        self._mask: Spool | None = None
        self._fresh: list[list[int]] = []
        """Number, and lengths of the tile-parts, of the tiles that came since the last claim."""

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
        self._file = Growing(self.path, kept=self._kept)
        self._closing.callback(self._file.leave)
        self._head = before + header
        if layout.has_mask:
            place = self.path.with_name(self.data[1])
            self._mask = Spool(place, *self._index.counts[0], kept=self._kept)
            self._closing.callback(self._mask.close)
        if not self._kept:
            self._file.write(self._head)

    def _take(self, tile: Tile, number: int) -> None:
        parts = list(self._frame.tile_parts_of(tile.parts[0], number))
        for part in parts:
            self._file.write(part)
        self._note(number, list(map(len, parts)))
        if self._mask is not None:
            self._mask.append(number, tile.parts[1:])

    def _note(self, number: int, lengths: Sequence[int]) -> None:
        self._lengths += [(number, length) for length in lengths]
        self._fresh.append([number, *lengths])

    @property
    def data(self) -> tuple[str, ...]:
        """Names of the file itself, and of the spool of a mask."""
        return self.path.name, f"{self.path.name}.mask"

    def _restore(self, claims: Sequence[Claim]) -> list[bool]:
        """Take over tiles up to the first that is not whole: behind it, others would lie elsewhere than they do."""
        whole: list[Claim] = []
        end = len(self._head)
        for claim in claims:
            if claim["at"][0] != end or not self._file.holds(claim["at"]):  # a block that is missing leaves a gap
                break
            whole.append(claim)
            end += claim["at"][1]
        if self._mask is not None:
            held = self._mask.restore([claim["mask"] for claim in whole])
            if not all(held):
                whole = whole[: held.index(False)]
                self._mask.restore([claim["mask"] for claim in whole])
        for claim in whole:
            self._adopt(self._index.place(0, number) for number, *_ in claim["tiles"])
            for number, *lengths in claim["tiles"]:
                self._note(number, lengths)
        self._fresh = []
        self._file.patch(0, self._head)  # which was completed perhaps
        self._file.cut(sum(whole[-1]["at"][:2]) if whole else len(self._head))
        return [index < len(whole) for index in range(len(claims))]

    def _claim(self) -> Claim:
        tiles, self._fresh = self._fresh, []
        mask = {} if self._mask is None else {"mask": self._mask.claim()}
        return {"at": self._file.claim(), "tiles": tiles, **mask}

    def sync(self) -> None:
        """Flush the file, and the spool of a mask."""
        self._file.sync()
        if self._mask is not None:
            self._mask.sync()

    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        file = self._file
        file.write(END)
        head = codestream_head(file.end - self._codestream_at, long=self._long)
        file.write(self._wrapping.after)
        file.patch(self._codestream_at - len(head), head)
        file.patch(self._index_at, self._frame.index(self._lengths))
        file.leave()
        if self._mask is not None:
            self._write_mask(self._mask)
        self._write_sidecar(tags, band_statistics)

    def _write_mask(self, spool: Spool) -> None:
        """Write the mask, which no JPEG 2000 of GDAL's holds, tile by tile."""
        layout, side = self._layout, self._encoder.tile
        mask = MaskFile(beside(self.path, ".msk"), layout.grid.shape, side, layout.count)
        self._closing.callback(mask.abandon)
        for row in range(spool.rows):
            for col, (bits,) in enumerate(spool.row(row)):
                mask.write(self._block(row, col), bits)
        mask.close()

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

    def _block(self, tile_row: int, tile_col: int) -> Block:
        side, (height, width) = self._encoder.tile, self._layout.grid.shape
        row, col = tile_row * side, tile_col * side
        return Block(row, col, min(side, height - row), min(side, width - col))

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Do so, and name a tile that does not fit."""
        with super().failing():
            try:
                yield
            except CodestreamError as error:
                raise OutputError(
                    f"{self.path.name}: tiles cannot be put together ({error}); write a .tif, and report this as a "
                    "fault of geosal"
                ) from error
