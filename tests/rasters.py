"""Small rasters, written and read in a line."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

PLACE: dict[str, Any] = {"crs": "EPSG:32631", "transform": from_origin(399960, 4900020, 10, 10)}


def read(path: Path) -> NDArray[Any]:
    """All bands, (band, y, x)."""
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read())


def save(path: Path, pixels: NDArray[Any], driver: str = "GTiff", **profile: Any) -> Path:
    """Write bands (band, y, x); it lies nowhere unless `PLACE`, or another, is given."""
    layout = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": pixels.dtype}
    with rasterio.open(path, "w", driver=driver, **layout, **profile) as dataset:
        dataset.write(pixels)
    return path
