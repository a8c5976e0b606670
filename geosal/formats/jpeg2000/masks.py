"""Write the mask of a raster whose format cannot hold one: a GeoTIFF beside it, as GDAL writes and reads it."""

import errno
import math
import shutil
import warnings
import zlib
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block
from geosal.formats.gdal.completeness import missing_tiles
from geosal.sizes import as_bytes

_PER_DATASET = "2"
"""GDAL's GMF_PER_DATASET: one mask for all bands."""
_VALID = 255


class MaskFile:
    """A ``.msk`` file, written tile by tile in any order.

    Parameters
    ----------
    path
        A new file.
    shape
        Rows and columns.
    tile
        Rows and columns of a tile.
    count
        Bands of the raster.
    """

    def __init__(self, path: Path, shape: tuple[int, int], tile: int, count: int) -> None:
        self.path = path
        flags = {f"INTERNAL_MASK_FLAGS_{band}": _PER_DATASET for band in range(1, count + 1)}
        with gdal_env(), _unplaced():
            self._dataset = rasterio.open(
                path, "w", driver="GTiff", height=shape[0], width=shape[1], count=1, dtype="uint8", tiled=True,
                blockxsize=tile, blockysize=tile, compress="DEFLATE", bigtiff="IF_SAFER",
            )  # fmt: skip
            self._dataset.update_tags(**flags)

    def write(self, block: Block, packed: bytes) -> None:
        """Write a tile.

        Parameters
        ----------
        block
            Position of the tile.
        packed
            One bit a pixel, row by row, 1 = valid; deflated.

        Raises
        ------
        OSError
            The disk is full.
        """
        free = shutil.disk_usage(self.path.parent).free
        if free < math.prod(block.shape):  # GDAL would report a full disk late
            raise OSError(errno.ENOSPC, f"no space left on device, {as_bytes(free)} are free")
        bits = np.frombuffer(zlib.decompress(packed), np.uint8)
        mask = np.unpackbits(bits, count=math.prod(block.shape)).reshape(block.shape)
        with gdal_env():
            self._dataset.write(mask * np.uint8(_VALID), 1, window=block.window)

    def abandon(self) -> None:
        """Close the file, whole or not."""
        with gdal_env():
            self._dataset.close()

    def close(self) -> None:
        """Complete the file.

        Raises
        ------
        OSError
            A tile did not reach the disk.
        """
        self.abandon()
        with gdal_env(), _unplaced(), rasterio.open(self.path) as written:
            fault = next(missing_tiles(written), None)
        if fault is not None:
            raise OSError(errno.ENOSPC, fault)


def _unplaced() -> AbstractContextManager[object]:
    """Suppress the warning that the mask has no georeferencing: it has the place of its raster."""
    return warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning)
