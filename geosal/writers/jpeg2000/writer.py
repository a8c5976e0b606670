"""A JPEG 2000 file that takes encoded tiles in any order, and the files beside it."""

import contextlib
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np
from rasterio.errors import RasterioError

from geosal.errors import OutputError
from geosal.grid import Block, Grid
from geosal.raster import RasterLayout
from geosal.writers.convert import convert
from geosal.writers.jpeg2000.boxes import Wrapping, codestream_head, resize_gml
from geosal.writers.jpeg2000.codestream import END, PROFILE_1, CodestreamError, Frame
from geosal.writers.jpeg2000.masks import MaskFile
from geosal.writers.publish import cannot_write
from geosal.writers.pyramid import Tile
from geosal.writers.stage import Stage

if TYPE_CHECKING:
    from geosal.codecs.jpeg2000 import J2kEncoder  # families know each other's types only

logger = logging.getLogger(__name__)

_SAMPLE_SIDE = 64
_SIZES = frozenset({"BLOCKXSIZE", "BLOCKYSIZE", "RESOLUTIONS", "PRECINCTS", "TILEPARTS", "PROFILE"})
"""Creation options that a tiny image need not bear."""
_LONG_FROM = 3 * 2**30
"""Bytes of pixels from which the codestream's box is made a long one: noise takes a little more than its pixels."""


class Jp2Container:
    """A JPEG 2000 file in the making; use it as a context manager.

    Tiles go straight to the end of the file, whatever their order; nothing is spooled. GDAL writes a tiny file with the
    same metadata: its boxes and its ``.aux.xml`` are taken over.

    Parameters
    ----------
    path
        A new file, in a directory that is ours: small files are made beside it and deleted.
    layout
        Grid, dtype, nodata, mask and metadata.
    encoder
        Of the tiles.
    """

    def __init__(self, path: Path, layout: RasterLayout, encoder: "J2kEncoder") -> None:
        self.path = path
        self._layout = layout
        self._encoder = encoder
        self._rows, self._cols = (-(-side // encoder.tile) for side in layout.grid.shape)
        self._missing = set(range(self._rows * self._cols))
        self._lengths: list[tuple[int, int]] = []
        self._long = math.prod(layout.grid.shape) * layout.count * np.dtype(layout.dtype).itemsize >= _LONG_FROM
        self._file: BinaryIO | None = None
        self._mask: MaskFile | None = None

    def __enter__(self) -> Self:
        """Open the file and write all that stands before the tiles."""
        try:
            with self._failing():
                self._begin()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file, and delete it when it is not whole."""
        self._discard()

    def append(self, tile: Tile) -> None:
        """Take a tile.

        Parameters
        ----------
        tile
            Of level 0, with what `J2kEncoder` returned.

        Raises
        ------
        OutputError
            The disk is full, or the tile cannot be one of this image, or it was there before.
        """
        file, number = self._opened(), tile.row * self._cols + tile.col
        if tile.level or not 0 <= tile.col < self._cols or number not in self._missing:
            raise OutputError(
                f"{self.path.name}: tile {tile.col}, {tile.row} of level {tile.level} came twice, or has no place in "
                f"{self._cols} x {self._rows} tiles; report this as a fault of geosal"
            )
        with self._failing():
            for part in self._frame.tile_parts_of(tile.parts[0], number):
                file.write(part)
                self._lengths.append((number, len(part)))
            if self._mask is not None:
                self._mask.write(self._block(tile), tile.parts[1])
        self._missing.discard(number)

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        """Complete the file, and write the ``.aux.xml`` beside it.

        Parameters
        ----------
        tags
            Provenance, for the default domain.
        band_statistics
            ``STATISTICS_*`` tags of each band, when the source had some.

        Raises
        ------
        OutputError
            A tile is missing, or the disk is full.
        """
        file = self._opened()
        if self._missing:
            first = min(self._missing)
            raise OutputError(
                f"{self.path.name}: {len(self._missing)} of {self._rows * self._cols} tiles are missing, the first is "
                f"{first % self._cols}, {first // self._cols}; report this as a fault of geosal"
            )
        with self._failing():
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
        self._file = None

    def _begin(self) -> None:
        layout, encoder = self._layout, self._encoder
        shape = tuple(min(side, encoder.tile) for side in layout.grid.shape)
        blank = encoder(np.zeros((layout.count, *shape), layout.dtype), None)  # so that its header is always the same
        self._frame = Frame.of(blank[0], layout.grid.shape, encoder.tile)
        with self._sample({}, None) as (path, grid):
            self._wrapping = Wrapping.of(path.read_bytes(), grid, layout.grid, part_15=encoder.high_throughput)
        header, index_at = self._frame.main_header()
        before = self._wrapping.before + codestream_head(0, long=self._long)
        self._codestream_at = len(before)
        self._index_at = len(before) + index_at
        self._file = self.path.open("xb")
        self._file.write(before + header)
        if layout.has_mask:
            self._mask = MaskFile(_beside(self.path, ".msk"), layout.grid.shape, encoder.tile, layout.count)

    def _write_sidecar(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        with self._sample(tags, band_statistics) as (path, grid):
            sidecar = _beside(path, ".aux.xml")
            if sidecar.exists():
                text = resize_gml(sidecar.read_bytes(), grid, self._layout.grid)
                _beside(self.path, ".aux.xml").write_bytes(text)

    @contextlib.contextmanager
    def _sample(
        self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None
    ) -> Iterator[tuple[Path, Grid]]:
        """Let GDAL write a small image with the same metadata; gone at the end."""
        grid = replace(self._layout.grid, height=_SAMPLE_SIDE, width=_SAMPLE_SIDE)
        layout = replace(self._layout, grid=grid, has_mask=False)
        profile = self._encoder.profile
        options = [item for item in profile.creation_options if item[0].upper() not in _SIZES]
        if self._frame.profile != PROFILE_1:
            options.append(("PROFILE", "UNRESTRICTED"))  # the boxes tell of it
        profile = replace(profile, creation_options=tuple(options))
        staged, sample = (_beside(self.path, f".sample{suffix}") for suffix in (".tif", ".jp2"))
        blank = np.zeros((layout.count, *grid.shape), layout.dtype)
        try:
            with Stage(staged, layout) as stage:
                stage.write(grid.whole(), blank, None)
                stage.finish(tags, band_statistics)
            convert(staged, sample, profile, layout, 1)
            yield sample, grid
        finally:
            for path in (staged, sample):
                for suffix in ("", ".aux.xml", ".msk"):
                    _beside(path, suffix).unlink(missing_ok=True)

    def _discard(self) -> None:
        """Close and delete what is not whole; after a failure it may not even close."""
        if self._file is None:
            return
        with contextlib.suppress(OSError, RasterioError):
            self._file.close()
        if self._mask is not None:
            with contextlib.suppress(OSError, RasterioError):
                self._mask.abandon()
        self._file = self._mask = None
        for path in (self.path, _beside(self.path, ".msk"), _beside(self.path, ".aux.xml")):
            path.unlink(missing_ok=True)

    def _block(self, tile: Tile) -> Block:
        side, (height, width) = self._encoder.tile, self._layout.grid.shape
        row, col = tile.row * side, tile.col * side
        return Block(row, col, min(side, height - row), min(side, width - col))

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise OutputError(f"{self.path}: is not open; use it in a with statement, and finish it once")
        return self._file

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what goes wrong into an error in one line."""
        try:
            yield
        except OutputError:
            raise
        except CodestreamError as error:
            raise OutputError(
                f"{self.path.name}: tiles cannot be put together ({error}); write a .tif, and report this as a "
                "fault of geosal"
            ) from error
        except (OSError, RasterioError) as error:
            raise cannot_write(self.path, error) from error


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
