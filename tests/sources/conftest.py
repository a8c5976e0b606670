"""Masks made at run time, and a scene grid to lay them under."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning

from geosal.core.grid import Grid

MakeMask = Callable[..., str]
UNDER_GRID = Affine(100, 0, 399900, 0, -100, 5000100)


@pytest.fixture
def grid() -> Grid:
    """Scene of 300x400 pixels of 10 m in UTM zone 33."""
    return Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 300, 400)


@pytest.fixture
def make_mask(tmp_path: Path) -> MakeMask:
    """Write an array (y, x) or (band, y, x) as a GeoTIFF; by default under the whole of `grid` at 100 m."""

    def write(
        pixels: NDArray[Any],
        *,
        crs: Any = "EPSG:32633",
        transform: Affine | None = UNDER_GRID,
        valid: NDArray[np.bool_] | None = None,
        name: str = "mask.tif",
        **profile: Any,
    ) -> str:
        bands = pixels if pixels.ndim == 3 else pixels[np.newaxis]
        if transform is not None:
            profile |= {"transform": transform}
        count, height, width = bands.shape
        profile |= {"count": count, "height": height, "width": width, "dtype": bands.dtype, "crs": crs}
        with (
            warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(tmp_path / name, "w", driver="GTiff", **profile) as dataset,
        ):
            dataset.write(bands)
            if valid is not None:
                dataset.write_mask(valid)
        return str(tmp_path / name)

    return write


@pytest.fixture
def random_mask() -> NDArray[np.uint8]:
    """uint8 of 32x42 cells, 0 to 255: enough for `grid` at 100 m."""
    return np.random.default_rng(7).integers(0, 256, (32, 42), dtype=np.uint8)
