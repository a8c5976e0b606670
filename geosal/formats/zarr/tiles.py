"""Encode tiles as chunks of a Zarr v3 array.

Of the codecs that zarr-python, xarray and GDAL all read (gzip, Zstandard, Blosc), Blosc with byte-shuffled Zstandard
makes 16-bit scenes some 15 % smaller than Zstandard alone, in less time. A chunk holds one band: a reader of two
bands out of twelve decodes two, and GDAL, which reads band by band, decodes nothing twice. With tiles of 1024, a scene
of 10980 x 10980 x 3 has some 500 files.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import RasterLayout
from geosal.formats.format import Profile

TILE = 1024
DEFAULT_LEVEL = 3
_COMPRESSOR = "zstd"
_BLOCK_BYTES = 2**18
"""Bytes of a Blosc block. Blosc's own choice is smaller, and costs a tenth of the size at low levels."""
_BYTE_SHUFFLE = 1


@dataclass(frozen=True, kw_only=True)
class ZarrEncoder:
    """Makes the chunks of a tile: one of each band, then one of the mask (uint8, 1 = valid) when there is one.

    Attributes
    ----------
    fill
        Value of an edge chunk beyond the image, as Zarr demands: the nodata code, or else 0 (NaN for
        floats).
    level
        Compression level of Blosc, 1 to 9.
    tile
        Rows and columns of a chunk.
    overviews
        Overviews are tiles as well.
    shards
        Chunks along each side of a shard; 1 for none.
    groups
        Every level has a group of its own, also the full resolution.
    """

    fill: float
    level: int = DEFAULT_LEVEL
    tile: int = TILE
    overviews: bool = True
    shards: int = 1
    groups: bool = False

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Encode (band, y, x) and its mask (y, x), both perhaps cropped at the right and lower edge."""
        del levels  # all chunks are alike
        parts = [self.compress(self._padded(band, self.fill)) for band in pixels]
        if mask is not None:
            parts.append(self.compress(self._padded(mask.astype(np.uint8), 0)))
        return tuple(parts)

    def compress(self, chunk: NDArray[Any]) -> bytes:
        """Encode a whole chunk of any shape and dtype."""
        from imagecodecs import blosc_encode  # slow to import

        # The array is passed, and not its bytes, from which Blosc would not know the size of a sample.
        little: Any = np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<"))
        # One thread: chunks are encoded in parallel anyway, and with more threads the bytes would vary.
        return bytes(
            blosc_encode(
                little,
                level=self.level,
                compressor=_COMPRESSOR,
                shuffle=_BYTE_SHUFFLE,
                typesize=little.itemsize,
                blocksize=_BLOCK_BYTES,
                numthreads=1,
            )
        )

    def codecs(self, dtype: str) -> list[dict[str, Any]]:
        """Name what `compress` does in the terms of Zarr v3's metadata, for chunks of `dtype`."""
        size = np.dtype(dtype).itemsize
        endian = {"name": "bytes", "configuration": {"endian": "little"}} if size > 1 else {"name": "bytes"}
        blosc = {
            "cname": _COMPRESSOR,
            "clevel": self.level,
            "shuffle": "shuffle",
            "typesize": size,
            "blocksize": _BLOCK_BYTES,
        }
        return [endian, {"name": "blosc", "configuration": blosc}]

    def compressor(self) -> dict[str, Any]:
        """Name what `compress` does in the terms of Zarr v2's metadata."""
        return {
            "id": "blosc",
            "cname": _COMPRESSOR,
            "clevel": self.level,
            "shuffle": _BYTE_SHUFFLE,
            "blocksize": _BLOCK_BYTES,
        }

    def _padded(self, samples: NDArray[Any], fill: float) -> NDArray[Any]:
        if samples.shape == (self.tile, self.tile):
            return samples
        whole = np.full((self.tile, self.tile), fill, samples.dtype)
        whole[: samples.shape[0], : samples.shape[1]] = samples
        return whole


def zarr_encoder(profile: Profile, layout: RasterLayout) -> ZarrEncoder:
    """Make the encoder of a profile of the driver Zarr; its creation options are LEVEL, SHARDS and LEVELS."""
    fill = layout.nodata
    if fill is None:
        fill = np.nan if layout.dtype.startswith("float") else 0.0
    return ZarrEncoder(
        fill=fill,
        level=int(profile.options.get("LEVEL", DEFAULT_LEVEL)),
        shards=int(profile.options.get("SHARDS", 1)),
        groups=profile.options.get("LEVELS", "ROOT").upper() == "GROUPS",
    )
