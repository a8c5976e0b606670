from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from rio_cogeo.cogeo import cog_validate

import geosal
from geosal import OutputError, SceneError


def test_a_smoothed_scene_is_written_with_all_that_its_file_carried(rgb_scene: Path, tmp_path: Path) -> None:
    whole, lazy = tmp_path / "whole.tif", tmp_path / "lazy.tif"
    geosal.compress(str(rgb_scene), str(whole), saliency="grid", profile="zstd")
    scene = geosal.open_scene(str(rgb_scene), chunks=256)
    assert scene.geosal.smooth(scene.geosal.saliency("grid")).geosal.write(str(lazy), profile="zstd") == str(lazy)
    assert cog_validate(lazy, strict=True)[0]
    with rasterio.open(whole) as a, rasterio.open(lazy) as b:
        np.testing.assert_array_equal(a.read(), b.read())
        assert (a.crs, a.transform, a.nodata, a.descriptions) == (b.crs, b.transform, b.nodata, b.descriptions)
        assert a.colorinterp == b.colorinterp
        assert a.tags(ns="PROVENANCE") == b.tags(ns="PROVENANCE")
        tags = {key: value for key, value in a.tags().items() if not key.startswith("GEOSAL")}
        assert b.tags() == tags | {"GEOSAL_VERSION": geosal.__version__}
    assert all(check.ok for check in geosal.verify(str(lazy), against=str(rgb_scene)))


def test_a_part_of_a_scene_keeps_what_the_array_itself_knows(rgb_scene: Path, tmp_path: Path) -> None:
    part = geosal.open_scene(str(rgb_scene), bands=[2])[:, 100:300, 50:250]
    geosal.write(part, str(tmp_path / "part.tif"))
    with rasterio.open(rgb_scene) as a, rasterio.open(tmp_path / "part.tif") as b:
        np.testing.assert_array_equal(b.read(1), a.read(2)[100:300, 50:250])
        assert b.transform == a.transform @ a.transform.translation(50, 100)
        assert b.crs == a.crs
        assert b.nodata == 0
        assert b.descriptions == ("B03",)


def test_a_plain_array_is_written_too(tmp_path: Path) -> None:
    array = xr.DataArray(np.arange(2000, dtype=np.int16).reshape(40, 50), dims=("y", "x"))
    geosal.write(array, str(tmp_path / "a.jp2"))
    with rasterio.open(tmp_path / "a.jp2") as dataset:
        np.testing.assert_array_equal(dataset.read(1), array.values)


def test_saliency_is_lazy_on_the_scenes_chunks(rgb_scene: Path) -> None:
    scene = geosal.open_scene(str(rgb_scene), chunks=256)
    saliency = geosal.saliency("half", like=scene)
    assert saliency.dims == ("y", "x")
    assert saliency.chunks == scene.chunks[1:]
    assert saliency.dtype == np.float32
    assert saliency.rio.crs == scene.rio.crs
    assert saliency.values.mean() == 0.5


def test_masks_travel_with_parts(tmp_path: Path) -> None:
    source = tmp_path / "m.tif"
    mask = np.full((90, 80), 255, np.uint8)
    mask[:, :33] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(source, "w", driver="GTiff", count=1, height=90, width=80, dtype="uint8") as dataset,
    ):
        dataset.write(np.full((1, 90, 80), 9, np.uint8))
        dataset.write_mask(mask)
    scene = geosal.open_scene(str(source))
    geosal.write(scene[:, 10:], str(tmp_path / "out.tif"))
    with rasterio.open(tmp_path / "out.tif") as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), mask[10:])


def test_refusals(rgb_scene: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(str(rgb_scene))
    with pytest.raises(OutputError, match="input"):
        geosal.write(scene, str(rgb_scene), overwrite=True)
    with pytest.raises(SceneError, match="dimensions"):
        geosal.write(scene.transpose("y", "x", "band"), str(tmp_path / "a.tif"))
