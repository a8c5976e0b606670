"""What geosal made of a scene, to be looked at."""

from pathlib import Path

import pytest

import geosal


@pytest.fixture(scope="session")
def smoothed(rgb_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What geosal made of the half of `rgb_scene` that matters least."""
    out = tmp_path_factory.mktemp("smoothed") / "out.tif"
    geosal.compress(str(rgb_scene), str(out), saliency="half")
    return out
