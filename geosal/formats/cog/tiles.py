"""Compress tiles of a TIFF where their pixels are."""

import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import RasterLayout
from geosal.formats.format import ByGdal, Profile
from geosal.formats.options import number
from geosal.formats.quality import FLAT
from geosal.native import interleave

if TYPE_CHECKING:
    from geosal.formats.jpeg.stream import Tables

_HANDLED = {
    "COMPRESS", "LEVEL", "QUALITY", "PREDICTOR", "MAX_Z_ERROR", "BLOCKSIZE", "BIGTIFF", "NUM_THREADS",
    "GEOTIFF_VERSION", "TABLES",
}  # fmt: skip
_SAME_AS_OURS = {"OVERVIEW_RESAMPLING": {"AVERAGE"}, "RESAMPLING": {"AVERAGE"}, "STATISTICS": {"NO", "AUTO"}}
"""Options -> the values that ask for what our encoder does anyway."""
_DEFAULT_LEVEL = {"DEFLATE": 5, "ZSTD": 9, "LZMA": 6, "JXL": 5}
_HIGHEST_LEVEL = {"DEFLATE": 12, "ZSTD": 22, "LZMA": 9, "JXL": 9}
_RGBA = 4
_SUBSAMPLING = "420"
NO_PREDICTOR, _DIFFERENCES, _FLOATING_POINT = 1, 2, 3
"""TIFF's numbers of the predictors."""
_TRANSFORMS = frozenset({"WEBP"})
"""Codecs of `_COMPRESS` in which a sharp step at the edge of the image costs bytes and shows."""
_LZMA_MODELS, _LZMA_WINDOW = 4, 2**21
"""Limit of lc + lp in LZMA2, and of the bytes that it looks back: it takes some 12 times as much memory."""
_LZMA_DISTANCE = 256
"""Largest distance of the bytes of which xz takes differences."""


@dataclass(frozen=True, kw_only=True)
class TiffEncoder:
    """Compresses a tile and its mask as they lie in a pixel-interleaved TIFF.

    Attributes
    ----------
    compression
        GDAL's name.
    level
        Effort of DEFLATE (libdeflate's, 1 to 12), ZSTD, LZMA and JXL, quality of JPEG and WEBP, or largest error of
        LERC.
    predictor
        1 for none, 2 for differences, 3 for floating point.
    tile
        Rows and columns of a tile.
    bands
        Number of bands in a compressed tile.
    alpha_as_mask
        The fourth band is alpha and becomes the mask: JPEG holds no alpha.
    tables
        Kind of a JPEG's quantisation tables, `FLAT` or `ANNEX_K`.
    by_level
        Values in place of `level` for a tile whose least level of saliency is 0, 1 …; empty where all tiles are
        alike. In a tile of JPEG with several levels, each block has the quality of its own least level.
    finer
        Share of the tiles whose largest error in LERC is one less than `level`: integers have whole ones, and between
        two of them lies up to a fifth of the bytes. A tile's own samples decide, so neither blocks nor workers do.
    fine_by_level
        Values in place of `by_level` in that share of the tiles.
    """

    compression: str
    level: float
    predictor: int
    tile: int
    alpha_as_mask: bool = False
    bands: int = 1
    overviews: bool = True
    tables: str = FLAT
    by_level: tuple[float, ...] = ()
    finer: float = 0.0
    fine_by_level: tuple[float, ...] = ()

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Compress (band, y, x), padded to a whole tile, and its mask (y, x), True = valid.

        `levels` are the (y, x) levels of saliency of its pixels; None stands for the last.

        Returns
        -------
        tuple of bytes
            The tile; and its mask when there is one, a bit a pixel, deflated.
        """
        if self.alpha_as_mask:
            opaque = pixels[_RGBA - 1] > 0
            pixels, mask = pixels[: _RGBA - 1], opaque if mask is None else opaque & mask
        data = self._jpeg(pixels, levels) if self.compression == "JPEG" else self._by_library(pixels, levels)
        return (data,) if mask is None else (data, self._compressed_mask(mask))

    def _by_library(self, pixels: NDArray[Any], levels: NDArray[np.uint8] | None) -> bytes:
        samples = interleave(pixels, self.tile, delta=self.predictor == _DIFFERENCES)
        if self.compression not in _TRANSFORMS and self.predictor != _DIFFERENCES:
            # Samples beyond the image are never seen: other codecs need bytes for repeated samples, least for zeros.
            samples[pixels.shape[1] :] = 0
            samples[:, pixels.shape[2] :] = 0
        if self.predictor == _FLOATING_POINT:
            from imagecodecs import floatpred_encode  # loads its library

            samples = floatpred_encode(samples, axis=-2)
        return bytes(self._compress(samples, levels))

    def _compress(self, samples: NDArray[Any], levels: NDArray[np.uint8] | None) -> Any:
        if not self.by_level:
            return _COMPRESS[self.compression](samples, self._level_of(samples))
        settings = self.fine_by_level if self.finer and self._is_finer(samples) else self.by_level
        return _COMPRESS[self.compression](samples, settings[-1 if levels is None else levels.min()])

    def _jpeg(self, pixels: NDArray[Any], levels: NDArray[np.uint8] | None) -> bytes:
        """Compress (band, y, x); the tables of the last level stand in the tag JPEGTables, others in the tile."""
        from geosal.formats.jpeg.shaping import shaped  # other codecs need nothing of a JPEG
        from geosal.formats.jpeg.stream import Tables
        from geosal.formats.jpeg.tables import steps
        from geosal.formats.jpeg.whole import whole_jpeg

        by_level = self.by_level or (self.level,)
        levels = levels if self.by_level else None
        quality = by_level[-1 if levels is None else levels.min()]
        edges = ((0, 0), *((0, self.tile - length) for length in pixels.shape[1:]))
        whole = np.pad(pixels, edges, "edge") if pixels.shape[1:] != (self.tile, self.tile) else pixels
        tables = self._shared_tables if quality == by_level[-1] else Tables(steps(quality, self.tables))
        found = shaped(whole, levels, by_level, quality, _SUBSAMPLING, self.tables)
        return whole_jpeg(found, whole.shape[1:], tables, _SUBSAMPLING, jfif=False)

    @property
    def _shared_tables(self) -> "Tables":
        """Those of the last level, in the tag. No tile redefines their numbers, since a decoder keeps its tables."""
        from geosal.formats.jpeg.stream import Tables
        from geosal.formats.jpeg.tables import steps

        quality = self.by_level[-1] if self.by_level else self.level
        return Tables(steps(quality, self.tables), first=2 if self.by_level else 0, elsewhere=True)

    def _level_of(self, samples: NDArray[Any]) -> float:
        return self.level - 1 if self.finer and self._is_finer(samples) else self.level

    def _is_finer(self, samples: NDArray[Any]) -> bool:
        return zlib.crc32(samples.tobytes()) < self.finer * 2**32

    @property
    def jpeg_tables(self) -> bytes | None:
        """Return the value of the tag JPEGTables: the quantisation tables of every tile; None for other codecs.

        Where tiles have a quality of their own, it holds the tables of the last level.
        """
        if self.compression != "JPEG":
            return None
        from geosal.formats.jpeg.stream import END, START, quantisation

        return START + quantisation(self._shared_tables, self.bands) + END

    def _compressed_mask(self, mask: NDArray[np.bool_]) -> bytes:
        if mask.shape == (self.tile, self.tile) and mask.all():
            return _all_valid(self.tile)
        whole = np.zeros((self.tile, self.tile), np.bool_)
        whole[: mask.shape[0], : mask.shape[1]] = mask
        return _deflated_bits(whole)


@cache
def _all_valid(tile: int) -> bytes:
    """Most tiles' mask."""
    return _deflated_bits(np.ones((tile, tile), np.bool_))


def _deflated_bits(mask: NDArray[np.bool_]) -> bytes:
    from imagecodecs import deflate_encode  # loads its library

    return bytes(deflate_encode(np.packbits(mask, axis=1), 6))


def tiff_encoder(profile: Profile, layout: RasterLayout) -> TiffEncoder | ByGdal:
    """Make the encoder of a COG's tiles, or tell what keeps us from it.

    Parameters
    ----------
    profile
        A profile of the driver COG.
    layout
        Layout of the output.
    """
    options = profile.options
    for name, value in options.items():
        if name not in _HANDLED and value.upper() not in _SAME_AS_OURS.get(name, set()):
            return ByGdal(f"{name}={value} is GDAL's")
    compression = options["COMPRESS"]
    predictor = _predictor(options.get("PREDICTOR", "NO"), layout.dtype)
    level = _level(compression, options)
    if predictor is None or level is None:
        return ByGdal(f"{compression} with these options is GDAL's")
    if compression == "LERC" and layout.dtype.startswith("float"):
        return ByGdal("LERC of floats is GDAL's: it marks NaN in a way of its own")
    if compression == "WEBP" and profile.lossless and layout.count == _RGBA:
        return ByGdal("lossless WEBP with alpha is GDAL's: it keeps the colours under alpha 0")
    tile = number(options.get("BLOCKSIZE", "512"))
    alpha_as_mask = compression == "JPEG" and layout.count == _RGBA
    return TiffEncoder(
        compression=compression,
        level=level,
        predictor=predictor,
        tile=int(tile),
        bands=layout.count - alpha_as_mask,
        alpha_as_mask=alpha_as_mask,
        tables=options.get("TABLES", FLAT).upper(),
    )


def _predictor(text: str, dtype: str) -> int | None:
    """Return TIFF's number of a predictor; None for a predictor that the encoder does not have."""
    wish, floats = text.upper(), dtype.startswith("float")
    if wish in {"YES", "TRUE", "ON", "1"}:
        return _FLOATING_POINT if floats else _DIFFERENCES
    if wish in {"STANDARD", "2"}:
        return _DIFFERENCES
    if wish in {"FLOATING_POINT", "3"}:
        return _FLOATING_POINT if floats else None
    return NO_PREDICTOR if wish in {"NO", "FALSE", "OFF", "0"} else None


def _level(compression: str, options: dict[str, str]) -> float | None:
    """Return level, quality or largest error, by default GDAL's except for DEFLATE; None where the encoder has none."""
    if compression in _DEFAULT_LEVEL:
        level = number(options.get("LEVEL", str(_DEFAULT_LEVEL[compression])))
        return level if level == int(level) and 1 <= level <= _HIGHEST_LEVEL[compression] else None
    if compression in {"JPEG", "WEBP"}:
        return number(options.get("QUALITY", "75"))
    return number(options.get("MAX_Z_ERROR", "0")) if compression == "LERC" else 0


def _deflate(samples: NDArray[Any], level: float) -> Any:
    from imagecodecs import deflate_encode  # libdeflate; GDAL's level 6 is its 7

    return deflate_encode(samples, int(level))


def _zstd(samples: NDArray[Any], level: float) -> Any:
    from imagecodecs import zstd_encode

    return zstd_encode(samples, int(level))


def _lzw(samples: NDArray[Any], _: float) -> Any:
    from imagecodecs import lzw_encode

    return lzw_encode(samples)


def _lzma(samples: NDArray[Any], level: float) -> bytes:
    """Compress to a stream of xz, whose models know which byte of an integer is next: 1 to 2 % less than without.

    Differences are xz's own, byte by byte, which every reader undoes. GDAL does not undo TIFF's predictor in LZMA where
    it reads in threads (`findings/gdal-lzma-predictor-in-threads.sh`).
    """
    place = 0 if samples.dtype.kind == "f" else samples.dtype.itemsize.bit_length() - 1
    models = {"lc": min(3, _LZMA_MODELS - place), "lp": place, "pb": place}
    window = min(max(samples.nbytes, 4096), _LZMA_WINDOW)  # 4096 is the least that there is
    filters: list[dict[str, Any]] = [{"id": lzma.FILTER_LZMA2, "preset": int(level), "dict_size": window, **models}]
    distance = samples.shape[-1] * samples.itemsize
    if samples.dtype.kind != "f" and distance <= _LZMA_DISTANCE:
        filters.insert(0, {"id": lzma.FILTER_DELTA, "dist": distance})
    return lzma.compress(samples.tobytes(), format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)


def _raw(samples: NDArray[Any], _: float) -> bytes:
    return samples.tobytes()


def _lerc(samples: NDArray[Any], level: float) -> Any:
    from imagecodecs import lerc_encode

    return lerc_encode(samples if samples.shape[2] > 1 else samples[..., 0], level, planar=False, version=4)


def _jxl(samples: NDArray[Any], level: float) -> bytes:
    from geosal.formats.cog.jxl import jxl_tile

    return jxl_tile(samples, int(level))


def _webp(samples: NDArray[Any], level: float) -> Any:
    from imagecodecs import webp_encode

    lossless = level == 100  # by GDAL's rule
    return webp_encode(samples, level, lossless=lossless, method=4 if not lossless else None, numthreads=1)


_COMPRESS: dict[str, Callable[[NDArray[Any], float], Any]] = {
    "DEFLATE": _deflate,
    "ZSTD": _zstd,
    "LZW": _lzw,
    "LZMA": _lzma,
    "NONE": _raw,
    "LERC": _lerc,
    "JXL": _jxl,
    "WEBP": _webp,
}
