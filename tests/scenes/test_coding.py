"""What headers tell of how pixels were coded."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from geosal.scenes import Reading, open_input
from geosal.scenes.coding import coding_of


@pytest.mark.parametrize(
    ("driver", "options", "name", "is_lossy"),
    [
        ("GTiff", {}, "none", False),
        ("GTiff", {"compress": "deflate"}, "DEFLATE", False),
        ("GTiff", {"compress": "jpeg"}, "JPEG", True),
        ("GTiff", {"compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel"}, "JPEG", True),
        ("GTiff", {"compress": "webp", "webp_level": 50}, "WEBP", True),
        ("GTiff", {"compress": "webp", "webp_lossless": True}, "WEBP", False),
        ("GTiff", {"compress": "lerc", "max_z_error": 4}, "LERC", True),
        ("GTiff", {"compress": "lerc"}, "LERC", False),
        ("JPEG", {}, "JPEG", True),
        ("PNG", {}, "PNG", False),
        ("JP2OpenJPEG", {"quality": 20, "reversible": "no"}, "JPEG 2000", True),
        ("JP2OpenJPEG", {"quality": 100, "reversible": "yes"}, "JPEG 2000", False),
    ],
)
def test_codings(driver: str, options: dict[str, object], name: str, is_lossy: bool, tmp_path: Path) -> None:
    path = tmp_path / f"a{'.jp2' if driver.startswith('JP2') else '.tif'}"
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    profile = {"driver": driver, "dtype": "uint8", "count": 3, "width": 64, "height": 64}
    with rasterio.open(path, "w", **profile, **options) as dataset:
        dataset.write(pixels)
    coding = coding_of(open_input(str(path), Reading()))
    assert coding is not None
    assert (coding.name, coding.is_lossy) == (name, is_lossy)
