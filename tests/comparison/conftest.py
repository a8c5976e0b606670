"""A scene and what geosal made of it, to be compared."""

from pathlib import Path

import numpy as np
import pytest
from rasters import PLACE, save

import geosal


@pytest.fixture(scope="session")
def smoothed(rgb_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What geosal made of `rgb_scene` by a grid of saliency."""
    out = tmp_path_factory.mktemp("smoothed") / "out.tif"
    geosal.compress(str(rgb_scene), str(out), saliency="grid")
    return out


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Two bands of noise, uint16."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 4000, (2, 210, 230), dtype=np.uint16)
    return save(tmp_path / "scene.tif", pixels, **PLACE)
