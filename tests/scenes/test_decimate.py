import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.shutil import copy

from geosal.scenes import Scene
from geosal.scenes.decimate import SAMPLE, decimate, sample

SIZE = 3000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bands, 3000 x 2100, smooth from corner to corner, with a nodata corner; striped, without overviews."""
    row, col = np.mgrid[:SIZE, : int(0.7 * SIZE)]
    ramp = 1 + row + col
    ramp[row + col < 600] = 0
    path = tmp_path_factory.mktemp("large") / "large.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=SIZE, width=col.shape[1], dtype="uint16", nodata=0
    ) as dataset:
        dataset.write(np.stack([ramp, 2 * ramp]).astype(np.uint16))
    return path


@pytest.fixture(scope="module")
def with_overviews(large: Path) -> Path:
    """The same with overviews."""
    path = large.with_name("overviews.tif")
    copy(large, path, driver="COG", overview_resampling="nearest", overview_compress="deflate", compress="deflate")
    return path


@pytest.mark.parametrize("factor", [1, 2, 7, 1000, 4000])
def test_one_pixel_of_each_cell(large: Path, factor: int) -> None:
    scene = Scene.open(large)
    pixels = scene.read(scene.grid.whole()).pixels
    rows, cols = (np.minimum(np.arange(0, length, factor) + factor // 2, length - 1) for length in scene.grid.shape)
    small = decimate(scene, factor)
    np.testing.assert_array_equal(small.pixels, pixels[:, rows[:, None], cols])
    np.testing.assert_array_equal(small.valid, small.pixels > 0)


def test_overviews_give_nearly_the_same(large: Path, with_overviews: Path) -> None:
    small, of_overviews = decimate(Scene.open(large), 8), decimate(Scene.open(with_overviews), 8)
    assert of_overviews.pixels.shape == small.pixels.shape
    both = small.valid & of_overviews.valid
    assert both.mean() > 0.9 * small.valid.mean()
    assert np.abs(small.pixels.astype(int) - of_overviews.pixels)[both].max() <= 2 * 2 * 16


@pytest.mark.parametrize("kind", ["large", "with_overviews"])
def test_a_sample_has_the_scenes_percentiles(kind: str, request: pytest.FixtureRequest) -> None:
    scene = Scene.open(request.getfixturevalue(kind))
    whole = scene.read(scene.grid.whole()).pixels
    pixels, valid = sample(scene)
    assert pixels.shape == valid.shape
    assert pixels.shape[1] <= SAMPLE * SAMPLE
    for number, band in enumerate(whole):
        expected = np.percentile(band[band > 0], (2, 50, 98))
        found = np.percentile(pixels[number][valid[number]], (2, 50, 98))
        np.testing.assert_allclose(found, expected, atol=0.05 * band.max())


def test_a_mask_beside_overviews_counts(tmp_path: Path, with_overviews: Path) -> None:
    masked = tmp_path / "masked.tif"
    with rasterio.open(with_overviews) as source:
        profile: dict[str, Any] = source.profile | {"driver": "GTiff", "nodata": None}
        mask = np.zeros(source.shape, np.uint8)
        mask[: SIZE // 2] = 255
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "w", **profile) as dataset:
            dataset.write(source.read())
            dataset.write_mask(mask)
            dataset.build_overviews([2, 4, 8], Resampling.nearest)
    small = decimate(Scene.open(masked), 8)
    assert small.valid[:, :187].all()
    assert not small.valid[:, 188:].any()


def test_overviews_in_a_file_beside_it_are_left_alone(tmp_path: Path, large: Path) -> None:
    scene = tmp_path / "scene.tif"
    shutil.copy(large, scene)
    with rasterio.open(scene) as dataset:
        profile = dataset.profile | {"height": 1500, "width": 1050}
    with rasterio.open(tmp_path / "scene.tif.ovr", "w", **profile) as dataset:
        dataset.write(np.full((2, 1500, 1050), 7, np.uint16))
    np.testing.assert_array_equal(decimate(Scene.open(scene), 2).pixels, decimate(Scene.open(large), 2).pixels)
