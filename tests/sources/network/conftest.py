"""Scenes for networks to look at."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geosal.scenes import Scene


@pytest.fixture
def make_scene(tmp_path: Path) -> Callable[..., Scene]:
    def make(pixels: np.ndarray, metres: float = 10, scale: float = 1, **profile) -> Scene:
        count, height, width = pixels.shape
        place = {"crs": "EPSG:32633", "transform": Affine(metres, 0, 400000, 0, -metres, 5000000)}
        shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
        with rasterio.open(tmp_path / "scene.tif", "w", driver="GTiff", **(place | shape | profile)) as dataset:
            dataset.write(pixels)
            dataset.scales = (scale,) * count
        return Scene.open(tmp_path / "scene.tif")

    return make
