"""Encode tiles of a JPEG to quantised coefficients; their bits depend on the whole image, and are coded at the end."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg.coder import Coder
from geosal.formats.jpeg.first import once_coded
from geosal.formats.jpeg.huffman import HuffmanTables
from geosal.formats.jpeg.shaping import shaped
from geosal.formats.jpeg.tables import steps
from geosal.formats.quality import ANNEX_K, FLAT
from geosal.native.jpeg import SAMPLES, SIDES, mcu_side, quantised, symbols

TILE = 512
"""Rows and columns of a tile: whole MCUs, and whole bytes in a row of a mask."""
HUFFMAN_TABLES, SYMBOLS = 4, 256
"""Shape of the counts: Huffman tables, and symbols of each."""


@dataclass(frozen=True, kw_only=True)
class JpegEncoder:
    """Transforms and quantises a tile, and counts its Huffman symbols.

    Attributes
    ----------
    quality
        Quality of the quantisation tables, 1 to 100, perhaps with a fraction.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    bands
        1 or 3: those of the JPEG.
    alpha_as_mask
        Whether one more band is alpha, which becomes the mask.
    tile
        Rows and columns of a tile.
    overviews
        False: a JPEG has none.
    tables
        Kind of the quantisation tables, `FLAT` or `ANNEX_K`.
    by_level
        Qualities of blocks whose least level of saliency is 0, 1 …, at most `quality`; empty where all are alike.
    first_pass
        Qualities at which pixels of level 0, 1 … are encoded and decoded before the tile is encoded: the two passes of
        Prakash et al. Empty for none.
    beside
        Quality of a plain JPEG, as libjpeg makes it, whose symbols are counted too; None for none.
    """

    quality: float
    subsampling: str = "420"
    bands: int = 3
    alpha_as_mask: bool = False
    tile: int = TILE
    overviews: bool = False
    tables: str = FLAT
    by_level: tuple[float, ...] = ()
    first_pass: tuple[float, ...] = ()
    beside: float | None = None

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Quantise (band, y, x), perhaps cropped at the right and lower edge, and pack its mask (y, x), True = valid.

        `levels` are the (y, x) levels of saliency of its pixels; None stands for the last.

        Returns
        -------
        tuple of bytes
            Coefficients, for `coefficients`; counts of symbols, for `counts` and `counts_beside`; and with a mask its
            bits row by row, deflated.
        """
        if self.alpha_as_mask:
            opaque = pixels[self.bands] > 0
            pixels, mask = pixels[: self.bands], opaque if mask is None else opaque & mask
        given = pixels
        if self.first_pass:
            pixels = self.once_coded(pixels, levels)
        by_level = self.by_level or (self.quality,)
        found = shaped(pixels, levels, by_level, self.quality, self.subsampling, self.tables)
        from imagecodecs import lz4_encode  # loads its library

        counted = symbols(found).tobytes()
        if self.beside is not None:
            counted += symbols(quantised(given, steps(self.beside, ANNEX_K), self.subsampling)).tobytes()
        parts = bytes(lz4_encode(found.tobytes(), header=True)), counted  # fast: soon they are read again
        return parts if mask is None else (*parts, zlib.compress(np.packbits(mask, axis=1).tobytes(), 1))

    def coefficients(self, part: bytes, shape: tuple[int, int]) -> NDArray[np.int16]:
        """Unpack the coefficients of a tile of some rows and columns: (MCU rows, MCUs, blocks, 64)."""
        from imagecodecs import lz4_decode

        rows, cols = (-(-length // self.mcu) for length in shape)
        return np.frombuffer(lz4_decode(part, header=True), np.int16).reshape(rows, cols, self.blocks, SAMPLES)

    @staticmethod
    def counts(part: bytes) -> NDArray[np.uint32]:
        """Unpack the counts of a tile's symbols: (4, 256), as `symbols` counts them."""
        return np.frombuffer(part, np.uint32).reshape(-1, SYMBOLS)[:HUFFMAN_TABLES]

    @staticmethod
    def counts_beside(part: bytes) -> NDArray[np.uint32]:
        """Unpack those of the plain JPEG `beside`."""
        return np.frombuffer(part, np.uint32).reshape(-1, SYMBOLS)[HUFFMAN_TABLES:]

    def once_coded(self, pixels: NDArray[np.uint8], levels: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """Encode and decode the bands of a tile, each pixel at the quality that the first pass has for its level."""
        return once_coded(pixels, levels, self.first_pass, self.subsampling)

    @property
    def _steps(self) -> NDArray[np.uint16]:
        return steps(self.quality, self.tables)

    @property
    def mcu(self) -> int:
        """Return the rows and columns of an MCU."""
        return mcu_side(self.bands, self.subsampling)

    @property
    def blocks(self) -> int:
        """Blocks of an MCU."""
        return 1 if self.bands == 1 else SIDES[self.subsampling] ** 2 + 2

    def coder(self, counts: NDArray[np.integer[Any]]) -> Coder:
        """Make the coder of an image, from the symbols of all its tiles."""
        return Coder(self._steps, HuffmanTables.of_tiles(counts), self.bands, self.subsampling)

    def row_bytes(self, width: int) -> int:
        """Return the bytes that the coefficients of a row of tiles take."""
        return -(-width // self.mcu) * (self.tile // self.mcu) * self.blocks * SAMPLES * np.dtype(np.int16).itemsize

    @staticmethod
    def mask_of(part: bytes, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Unpack the mask of a tile of some rows and columns."""
        bits = np.frombuffer(zlib.decompress(part), np.uint8).reshape(shape[0], -1)
        return np.unpackbits(bits, axis=1, count=shape[1]).astype(np.bool_)
