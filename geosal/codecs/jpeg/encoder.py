"""Tiles of a JPEG file: quantised where their pixels are, coded when all are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.codecs.jpeg.coder import Coder, blocks_of, coded_bytes, pack
from geosal.codecs.jpeg.huffman import HuffmanTables
from geosal.codecs.jpeg.passes import first_pass
from geosal.codecs.jpeg.tables import steps
from geosal.codecs.options import number
from geosal.native.jpeg import mcu_side, quantised, symbols
from geosal.raster import RasterLayout

if TYPE_CHECKING:
    from geosal.codecs.profiles import Profile

TILE = 512
"""Whole MCUs, whatever their size."""
_RGB, _RGBA = 3, 4


@dataclass(frozen=True, kw_only=True)
class JpegEncoder:
    """Transforms and quantises a tile, and counts its Huffman symbols.

    Attributes
    ----------
    quality
        Of the quantisation tables, 1 to 100, with a fraction.
    bands
        1 or 3, without alpha.
    subsampling
        Of chroma.
    alpha_as_mask
        The fourth band is alpha and becomes the mask.
    by_level
        Qualities of the levels of saliency; empty where all are alike.
    passes
        1: what a level's quality throws away more than the tables do is left out of the tile. 2: pixels are encoded at
        the quality of their level and decoded first.
    """

    quality: float
    bands: int
    subsampling: str = "420"
    alpha_as_mask: bool = False
    by_level: tuple[float, ...] = ()
    passes: int = 1
    tile: int = TILE
    overviews: bool = False

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Quantise (band, y, x), perhaps cropped at the right and lower edge.

        Returns
        -------
        tuple of bytes
            Coefficients; how many symbols there are, (4, 256) uint32; and the mask when there is one.
        """
        if self.alpha_as_mask:
            pixels, mask = pixels[:_RGB], pixels[_RGB] > 0
        if self.by_level and levels is None:
            levels = np.full(pixels.shape[1:], len(self.by_level) - 1, np.uint8)
        weights = None
        if levels is not None and self.passes == 2 and self.by_level:
            pixels = first_pass(pixels, levels, self.by_level, self.subsampling)
        coefficients = quantised(pixels, steps(self.quality), self.subsampling, weights)
        parts = pack(coefficients), symbols(coefficients).tobytes()
        return parts if mask is None else (*parts, _packed_mask(mask))

    def coder(self, histogram: NDArray[np.integer[Any]]) -> Coder:
        """Make what codes the tiles of an image, by the symbols of them all."""
        huffman = HuffmanTables.optimal(histogram, complete=True)
        return Coder(steps(self.quality), huffman, self.bands, self.subsampling)

    def mask_of(self, part: bytes, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Take up the mask of a tile."""
        from imagecodecs import zstd_decode  # noqa: PLC0415  loads its library

        bits = np.frombuffer(zstd_decode(part), np.uint8)
        return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(np.bool_)

    def bytes_of(self, tiles: Sequence[tuple[bytes, ...]]) -> int:
        """Bytes that tiles take in a file together: their symbols with the tables that are the best for them all."""
        histogram = np.zeros((4, 256), np.int64)
        for _, counts, *_mask in tiles:
            histogram += np.frombuffer(counts, np.uint32).reshape(histogram.shape)
        return coded_bytes(histogram) + sum(len(part) for tile in tiles for part in tile[2:])

    def row_bytes(self, width: int) -> int:
        """Memory that the coefficients of a row of tiles take."""
        mcu = mcu_side(self.bands, self.subsampling)
        return -(-width // mcu) * (self.tile // mcu) * blocks_of(self.bands, self.subsampling) * 2 * 64


def _packed_mask(mask: NDArray[np.bool_]) -> bytes:
    from imagecodecs import zstd_encode  # noqa: PLC0415  loads its library

    return bytes(zstd_encode(np.packbits(mask), 1))


def jpeg_encoder(profile: "Profile", layout: RasterLayout) -> JpegEncoder:
    """Make the encoder of a profile of the driver JPEG."""
    options = {name.upper(): value for name, value in profile.creation_options}
    quality = profile.treatment.quality
    alpha = layout.alpha is not None
    return JpegEncoder(
        quality=number(options["QUALITY"]) if quality is None or quality.high is None else quality.high,
        bands=layout.count - alpha,
        subsampling=options.get("SUBSAMPLING", "420"),
        alpha_as_mask=alpha,
        passes=1 if profile.treatment.twopass is None else 2,
    )
