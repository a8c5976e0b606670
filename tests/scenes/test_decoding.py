"""What decoding takes, of files whose decoders are known for it."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasters import PLACE, save

from geosal import ResourceError, SceneError
from geosal.scenes import Scene
from geosal.scenes.decoding import damage_as_scene_error, rewinds

PIXELS = np.ones((1, 60, 50), np.uint8)


@pytest.mark.parametrize(
    ("name", "options", "again"),
    [
        ("s.png", {"driver": "PNG"}, True),
        ("s.jpg", {"driver": "JPEG"}, True),
        ("strip.tif", {"compress": "deflate", "blockysize": 60}, False),  # GDAL keeps a small strip whole
        ("strips.tif", {"compress": "deflate", "blockysize": 1}, False),
        ("tiles.tif", {"tiled": True, "blockxsize": 16, "blockysize": 16}, False),
    ],
)
def test_formats_that_are_decoded_from_their_top(
    name: str, options: dict[str, object], again: bool, tmp_path: Path
) -> None:
    path = save(tmp_path / name, PIXELS, **{**PLACE, **options})
    with rasterio.open(path) as dataset:
        assert rewinds(dataset) is again


@pytest.mark.parametrize("error", [ValueError("a\nb"), RuntimeError("a b")])
def test_damage_is_told_in_one_line_with_its_cause(error: Exception) -> None:
    says = r"^x\.tif cannot be read \(a b\); the file is damaged"
    with pytest.raises(SceneError, match=says) as caught, damage_as_scene_error("x.tif"):
        raise OSError("see previous exception") from error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [ResourceError("too much"), TypeError("ours"), MemoryError()])
def test_what_is_no_damage_passes(error: Exception) -> None:
    with pytest.raises(type(error)), damage_as_scene_error("x.tif"):
        raise error


def test_trial_18_a_header_that_claims_too_much_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    layout = {"driver": "GTiff", "count": 1, "dtype": "uint8", "sparse_ok": True, "tiled": True, "bigtiff": True}
    with rasterio.open(path, "w", width=400_000, height=400_000, **layout):
        pass
    with pytest.raises(
        ResourceError, match="400000 x 400000 = 160,000,000,000 pixels, the limit is [0-9,]+; raise it with --max-p"
    ):
        Scene.open(str(path))
    assert Scene.open(str(path), max_pixels=10**12).grid.width == 400_000


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
@pytest.mark.parametrize(("subsampling", "held"), [(0, 6), (1, 4), (2, 3)])
def test_coefficients_of_progressive_jpegs_are_counted(tmp_path: Path, subsampling: int, held: int) -> None:
    """Of 4:4:4, 4:2:2 and 4:2:0, two bytes each, until the last scan is read."""
    image = Image.fromarray(np.zeros((900, 800, 3), np.uint8))
    image.save(tmp_path / "p.jpg", progressive=True, subsampling=subsampling, icc_profile=b"x" * 70_000)
    assert Scene.open(str(tmp_path / "p.jpg")).tile_bytes == held * 900 * 800
    image.save(tmp_path / "b.jpg", subsampling=subsampling)
    assert Scene.open(str(tmp_path / "b.jpg")).tile_bytes == 3 * 800
