"""A JPEG file that takes tiles in any order, and what lies beside it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import RasterLayout
from geosal.formats.format import Profile
from geosal.formats.jpeg.coder import coded_bytes
from geosal.formats.jpeg.sidecars import GdalSurroundings
from geosal.formats.jpeg.spool import MaskTrailer
from geosal.formats.jpeg.tiles import HUFFMAN_TABLES, SYMBOLS, JpegEncoder
from geosal.formats.spooled import SpooledContainer

_FILL = b"\xff"
"""Fill byte, which may stand before any marker (ITU-T T.81, B.1.1.2)."""
_SEGMENT_ROWS = 8
"""Most rows of MCUs in a segment. A row of tiles has several segments, so that several threads have work."""


class JpegContainer(SpooledContainer):
    """A JPEG file in the making.

    Tiles wait in a spool as quantised coefficients until all are there. Their symbols are counted then, so the whole
    image has one set of Huffman tables, the best for it. Rows of tiles are coded one after the other, cut in segments
    that several threads work on.

    Parameters
    ----------
    path, profile, layout
        See `SpooledContainer`.
    encoder
        Encoder of the tiles.
    threads
        Number of coding threads; None means the default of `ThreadPoolExecutor`.
    """

    def __init__(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: JpegEncoder, threads: int | None = None
    ) -> None:
        super().__init__(path, profile, layout, encoder.tile)
        self._encoder, self._threads = encoder, threads
        self._counts, self._counts_beside = np.zeros((2, HUFFMAN_TABLES, SYMBOLS), np.int64)

    def _noted(self, parts: Sequence[bytes]) -> None:
        counts = parts[1]
        self._counts += self._encoder.counts(counts)
        if self._encoder.beside is not None:
            self._counts_beside += self._encoder.counts_beside(counts)

    def _write(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> bytes:
        surroundings = GdalSurroundings.of(self.path, self._profile, self._layout, tags, band_statistics)
        with self.path.open("xb") as file, self._mask() as mask:
            self._write_image(file, surroundings.segments, mask)
            if mask is not None:
                mask.copy_to(file)
            if self._encoder.beside is not None:
                self.plain_bytes = file.tell() + coded_bytes(self._counts_beside) - coded_bytes(self._counts)
        return surroundings.xml

    def _write_image(self, file: BinaryIO, segments: bytes, mask: MaskTrailer | None) -> None:
        coder, shape = self._encoder.coder(self._counts), self._layout.grid.shape
        across = -(-shape[1] // self._encoder.mcu)
        rows = min(_SEGMENT_ROWS, coder.MOST_MCUS // across)
        rows = 1 << (rows.bit_length() - 1)  # so that a row of tiles is made of whole segments
        file.write(coder.head(shape, rows * across, segments))
        number = 0
        with ThreadPoolExecutor(self._threads, thread_name_prefix="geosal-jpeg") as pool:
            for row in range(self._spool.rows):
                parts = self._spool.row(row)
                units = self._units(pool, row, [part[0] for part in parts], across)
                for data in pool.map(coder.code, [units[at : at + rows] for at in range(0, len(units), rows)]):
                    if number:
                        file.write(coder.restart(number - 1))
                    file.write(data)
                    number += 1
                if mask is not None:
                    mask.add(self._mask_row(row, [part[2] if len(part) > 2 else None for part in parts]))
        behind = 0 if mask is None else mask.finish()
        file.write(_FILL * max(0, behind - file.tell()))
        file.write(coder.END)

    def _units(self, pool: ThreadPoolExecutor, row: int, parts: list[bytes], across: int) -> NDArray[np.int16]:
        """Read the coefficients (row, column, block, 64) of the MCUs of a row of tiles."""
        encoder, height, width = self._encoder, self._height(row), self._layout.grid.width
        units = np.empty((-(-height // encoder.mcu), across, encoder.blocks, 64), np.int16)
        side = encoder.tile // encoder.mcu

        def unpack(col: int) -> None:
            shape = height, min(encoder.tile, width - col * encoder.tile)
            units[:, col * side : (col + 1) * side] = encoder.coefficients(parts[col], shape)

        for _ in pool.map(unpack, range(len(parts))):
            pass
        return units

    def _mask_row(self, row: int, parts: list[bytes | None]) -> NDArray[np.bool_]:
        height, width, side = self._height(row), self._layout.grid.width, self._encoder.tile
        mask = np.ones((height, width), np.bool_)
        for col, part in enumerate(parts):
            if part is not None:
                inside = mask[:, col * side : (col + 1) * side]
                inside[:] = self._encoder.mask_of(part, inside.shape)
        return mask

    def _height(self, row: int) -> int:
        """Return the rows of pixels in a row of tiles."""
        side = self._encoder.tile
        return min(side, self._layout.grid.height - row * side)

    @contextlib.contextmanager
    def _mask(self) -> Iterator[MaskTrailer | None]:
        if not self._layout.has_mask and self._layout.alpha is None:
            yield None
            return
        place = self.path.with_name(f"{self.path.name}.mask")
        with contextlib.closing(MaskTrailer(place, self._layout.grid.shape)) as mask:
            yield mask
