from pathlib import Path

import numpy as np
import pytest
import rasterio

import geosal
from geosal import SceneError


def test_a_scene_opens_lazily_with_its_place_and_names(rgb_scene: Path) -> None:
    scene = geosal.open_scene(str(rgb_scene), bands=[3, 1], chunks=256)
    assert scene.dims == ("band", "y", "x")
    assert scene.chunks == ((2,), (256, 256, 188), (256, 256, 256, 132))
    assert scene.attrs["long_name"] == ("B02", "B04")
    assert list(scene.colorinterp.values) == ["blue", "red"]
    with rasterio.open(rgb_scene) as dataset:
        assert scene.rio.crs == dataset.crs
        assert scene.rio.transform() == dataset.transform
        assert scene.rio.nodata == dataset.nodata
        np.testing.assert_array_equal(scene.values, dataset.read([3, 1]))


def test_an_internal_mask_comes_as_a_coordinate(tmp_path: Path, rgb_scene: Path) -> None:
    path = tmp_path / "masked.tif"
    with rasterio.open(rgb_scene) as source:
        profile, pixels = source.profile | {"nodata": None}, source.read()
    mask = np.full(pixels.shape[1:], 255, np.uint8)
    mask[:, :300] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
        dataset.write_mask(mask)
    scene = geosal.open_scene(str(path), chunks=256)
    np.testing.assert_array_equal(scene.valid.values, mask > 0)
    assert scene[:, :10, 250:350].valid.shape == (10, 100)


def test_what_compress_refuses_is_refused_here_too(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no such file"):
        geosal.open_scene(str(tmp_path / "none.tif"))
