"""The stage: a temporary tiled GeoTIFF that takes finished blocks in any order."""

import errno
import shutil
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetWriter

from geosal.core.gdal_env import GDAL_CACHE_BYTES, gdal_env
from geosal.core.grid import Block
from geosal.core.metadata import apply_metadata
from geosal.core.raster import RasterLayout
from geosal.errors import OutputError, cause_of
from geosal.files.publish import visible_parent
from geosal.formats.gdal.completeness import missing_tiles
from geosal.sizes import as_bytes

TILE = 512
_LOWEST_TILE = 16
"""TIFF has no lower ones."""
_MOST_BANDS_BY_PIXEL = 4
"""Largest number of bands that are interleaved by pixel. More are staged band by band: a tile of all would be large."""
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


class Stage:
    """One temporary GeoTIFF, written block by block; use it as a context manager.

    Blocks may come in any order, from one thread: workers hand theirs over. They are best cut at multiples of 512
    pixels: then no tile is compressed twice. Tiles of a wide image that is read by line are lower: GDAL's cache holds a
    row of them, else it would decode the whole row again for each line.

    Parameters
    ----------
    path
        A new file.
    layout
        Grid, dtype, nodata, mask and metadata.
    by_line
        Whether GDAL will read it line by line.
    """

    def __init__(self, path: str | Path, layout: RasterLayout, *, by_line: bool = False) -> None:
        self.path = Path(path)
        self._layout = layout
        self._tile_rows = _rows_in_cache(layout) if by_line else TILE
        self._dataset: DatasetWriter | None = None

    def __enter__(self) -> Self:
        """Open the file."""
        layout = self._layout
        with gdal_env(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            try:
                self._dataset = rasterio.open(self.path, "w", **_creation(layout, self._tile_rows))
                apply_metadata(self._dataset, layout.metadata)
            except (RasterioError, OSError, ValueError) as error:
                self._discard()
                raise self._failure(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file if it is still open."""
        self._discard()

    def write(self, block: Block, pixels: NDArray[Any], mask: NDArray[np.bool_] | None) -> None:
        """Write one block.

        Parameters
        ----------
        block
            Position of the block.
        pixels
            (band, y, x) of the layout's dtype.
        mask
            (y, x), True = valid; None when the layout has no mask.

        Raises
        ------
        OutputError
            The disk is full, or GDAL cannot write.
        """
        dataset = self._open_dataset()
        free = shutil.disk_usage(self.path.parent).free
        if free < pixels.nbytes:  # GDAL would report a full disk late
            raise self._failure(OSError(errno.ENOSPC, f"no space left on device, {as_bytes(free)} are free"))
        try:
            with gdal_env():
                dataset.write(pixels, window=block.window)
                if self._layout.has_mask and mask is not None:
                    dataset.write_mask(mask, window=block.window)
        except (RasterioError, OSError) as error:
            raise self._failure(error) from error

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        """Add what is known only after the work, and close the file.

        Parameters
        ----------
        tags
            Provenance, for the default domain.
        band_statistics
            ``STATISTICS_*`` tags of each band, when the source had some.

        Raises
        ------
        OutputError
            The disk is full, or GDAL cannot write.
        """
        dataset = self._open_dataset()
        self._dataset = None
        try:
            with gdal_env():
                if tags:
                    dataset.update_tags(**tags)
                for index, statistics in enumerate(band_statistics or (), start=1):
                    dataset.update_tags(index, **statistics)
                dataset.close()
                with rasterio.open(self.path) as written:
                    fault = next(missing_tiles(written), None)
        except (RasterioError, OSError) as error:
            raise self._failure(error) from error
        if fault is not None:
            raise self._failure(OSError(fault))

    def _open_dataset(self) -> DatasetWriter:
        if self._dataset is None:
            raise OutputError(f"{self.path}: the stage is not open; use it in a with statement, and finish it once")
        return self._dataset

    def _discard(self) -> None:
        """Close after a failure, which makes the file useless."""
        if self._dataset is not None:
            with suppress(RasterioError, OSError), gdal_env():
                self._dataset.close()
        self._dataset = None

    def _failure(self, error: Exception) -> OutputError:
        if isinstance(error, OutputError):
            return error
        place = visible_parent(self.path)
        cause = cause_of(error).replace(str(self.path.parent), str(place))
        return OutputError(
            f"{place}: the working copy cannot be written ({cause}); see that the disk is not full, or write elsewhere"
        )


def _rows_in_cache(layout: RasterLayout) -> int:
    """Return the rows of a tile with which a row of tiles takes at most half of GDAL's cache, if possible."""
    line = layout.raw_bytes // layout.grid.height
    rows = TILE
    while rows > _LOWEST_TILE and 2 * rows * line > GDAL_CACHE_BYTES:
        rows //= 2
    return rows


def _creation(layout: RasterLayout, tile_rows: int) -> dict[str, Any]:
    """Collect rasterio's keywords for the stage: quick to write, quick to read back, never sparse."""
    grid = layout.grid
    colours = tuple(band.colorinterp for band in layout.metadata.bands)
    options: dict[str, Any] = {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": layout.count,
        "dtype": layout.dtype,
        "nodata": layout.nodata,
        "crs": grid.rasterio_crs,
        "tiled": True,
        "blockxsize": TILE,
        "blockysize": tile_rows,
        "interleave": "pixel" if layout.count <= _MOST_BANDS_BY_PIXEL else "band",
        "photometric": "RGB" if colours[:3] == _RGB else "MINISBLACK",
        "compress": "ZSTD",
        "zstd_level": 1,
        "bigtiff": "IF_SAFER",
        # More threads would compress in parallel, but GDAL then does not report a full disk.
        "num_threads": 1,
    }
    if not grid.transform.is_identity:
        options["transform"] = grid.transform
    return options
