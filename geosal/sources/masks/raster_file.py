"""Read a mask file: its header, its pixels by window, and the range of its values."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block, Grid
from geosal.core.open_raster import open_raster
from geosal.core.raster import is_nodata
from geosal.core.shared_raster import FileState, file_state, read_bands, shared_raster
from geosal.core.zarr.files import is_zarr
from geosal.core.zarr.raster import only_raster
from geosal.errors import ResourceError, SceneError, UsageError
from geosal.files.addresses import absolute
from geosal.sources.files import digest

_SCAN_PIXELS = 2**22


@dataclass(frozen=True, slots=True)
class Values:
    """Result of a scan of the pixels that are not nodata.

    Attributes
    ----------
    low, high
        Smallest and largest value, as the file has them; NaN when there is none.
    gaps
        Whether some pixels say nothing: nodata, masked, or alpha 0.
    nan
        Whether some are NaN although that is not the nodata value.
    """

    low: float
    high: float
    gaps: bool
    nan: bool

    @property
    def empty(self) -> bool:
        """Whether no pixel says anything."""
        return math.isnan(self.low) and not self.nan


@dataclass(frozen=True, slots=True)
class RasterFile:
    """One band of a raster file; holds a path, not a handle.

    Attributes
    ----------
    path
        Or URL.
    band
        Number of the band, from 1.
    grid
        Grid of the file.
    dtype
        NumPy's name.
    block_shape
        Rows and columns of a tile in the file.
    all_valid
        Whether every pixel says something: there is no nodata, no mask and no alpha.
    paletted
        Whether its values are numbers of colours.
    drivers
        GDAL drivers trusted beyond the usual ones.
    alone
        Whether files beside it are ignored.
    seen
        State of the file when its header was read; pixels of another one are refused.
    nodata, in_store, kept_bytes
        Of an array in a Zarr store: its nodata code, the path by which it was named, and the bytes of large chunks that
        stay decoded.
    """

    path: str
    band: int
    grid: Grid
    dtype: str
    block_shape: tuple[int, int]
    all_valid: bool
    paletted: bool
    drivers: tuple[str, ...] = ()
    alone: bool = False
    seen: FileState | None = None
    nodata: float | None = None
    in_store: str = ""
    kept_bytes: int = 0

    @classmethod
    def open(cls, path: str, band: int, drivers: tuple[str, ...] = (), *, alone: bool = False) -> Self:
        """Read the header.

        Raises
        ------
        SceneError
            The file is missing or cannot be opened.
        UsageError
            It has no such band.
        """
        seen = file_state(path, alone=alone)
        if not os.path.isfile(path) and is_zarr(path):
            return cls._of_array(path, band)
        with gdal_env(), open_raster(path, drivers, alone=alone) as dataset:
            if band > dataset.count:
                bands = "1 band" if dataset.count == 1 else f"{dataset.count} bands"
                raise UsageError(f"{path}: band={band}, but it has {bands}; bands are counted from 1")
            colour = dataset.colorinterp[band - 1]
            return cls(
                # Workers may run elsewhere; what the user typed stays in the label.
                path=os.path.abspath(path) if os.path.exists(path) else path,
                band=band,
                grid=Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width),
                dtype=str(dataset.dtypes[band - 1]),
                block_shape=dataset.block_shapes[band - 1],
                all_valid=MaskFlags.all_valid in dataset.mask_flag_enums[band - 1],
                paletted=colour == ColorInterp.palette,
                drivers=drivers,
                alone=alone,
                seen=seen,
            )

    @classmethod
    def _of_array(cls, path: str, band: int) -> Self:
        """Read the header of an array in a Zarr store, or of the only one in a group."""
        found = only_raster(path)
        if band > found.planes.count:
            raise UsageError(f"{path}: band={band}, but it has {found.planes.count}; bands are counted from 1")
        return cls(
            path=found.path,
            band=band,
            grid=found.grid,
            dtype=found.dtype,
            block_shape=found.block_shape,
            all_valid=found.nodata is None,
            paletted=False,
            alone=True,
            seen=file_state(found.path, alone=True),
            nodata=found.nodata,
            in_store=absolute(path),
            kept_bytes=found.kept_bytes((band,)),
        )

    def read(self, window: Block) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read pixels as they are, (y, x), and which of them are valid, None when all are.

        Raises
        ------
        SceneError
            The pixels cannot be decoded.
        """
        if self.in_store:
            pixels = read_bands(self.path, (self.band,), window, alone=True, seen=self.seen)[0]
            return pixels, None if self.nodata is None else ~is_nodata(pixels, self.nodata)
        try:
            with shared_raster(self.path, self.drivers, alone=self.alone, seen=self.seen) as dataset:
                pixels = dataset.read(self.band, window=window.window)
                valid = None if self.all_valid else dataset.read_masks(self.band, window=window.window) > 0
        except SceneError:
            raise
        except (RasterioError, OSError, ValueError) as error:
            cause = " ".join(str(error.__cause__ or error).split())
            raise SceneError(
                f"{self.path}: {window} of the mask cannot be read ({cause}); the file is damaged or cut off, "
                "copy it again"
            ) from error
        return pixels, valid

    def scan(self, area: Block) -> Values:
        """Scan every pixel of an area of the mask, in pieces of bounded size."""
        low, high, gaps, nan = math.inf, -math.inf, False, False
        for piece in self.pieces(area):
            pixels, valid = self.read(piece)
            if valid is not None:
                gaps = gaps or not valid.all()
                pixels = pixels[valid]
            if pixels.dtype.kind == "f":
                holes = np.isnan(pixels)
                nan = nan or bool(holes.any())
                pixels = pixels[~holes]
            if pixels.size:
                low, high = min(low, float(pixels.min())), max(high, float(pixels.max()))
        if low > high:
            low = high = math.nan
        return Values(low, high, gaps, nan)

    def first_outside(self, low: float, high: float, most: int) -> float | None:
        """Look for a value of the whole file below `low` or above `high`, in pieces of bounded size.

        Returns
        -------
        float | None
            The first such value, or None.

        Raises
        ------
        SceneError
            A piece cannot be decoded.
        ResourceError
            There is no such value among the first `most` pixels, and the file has more pixels.
        """
        looked = 0
        for piece in self.pieces(Block(0, 0, *self.grid.shape)):
            if looked >= most:
                raise ResourceError(f"{self.path}: has more than {most} pixels; cut the mask to its scene")
            values = self.scan(piece)
            if values.low < low:
                return values.low
            if values.high > high:
                return values.high
            looked += piece.height * piece.width
        return None

    def fingerprint(self) -> str | None:
        """SHA-256 of the file, or of the files of an array; None when it is not a local file."""
        path = self.in_store or self.path
        return digest(path) if os.path.isfile(path) or os.path.isdir(path) else None

    def pieces(self, area: Block) -> Iterator[Block]:
        """Cut an area of the mask along the file's tiles."""
        tile_rows, tile_cols = self.block_shape
        cols = max(1, min(area.width, _SCAN_PIXELS // tile_rows) // tile_cols) * tile_cols
        rows = max(1, _SCAN_PIXELS // cols // tile_rows) * tile_rows
        for top in range(area.row_off // rows * rows, area.row_stop, rows):
            for left in range(area.col_off // cols * cols, area.col_stop, cols):
                row, col = max(top, area.row_off), max(left, area.col_off)
                stop_row, stop_col = min(top + rows, area.row_stop), min(left + cols, area.col_stop)
                yield Block(row, col, stop_row - row, stop_col - col)
