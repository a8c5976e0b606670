"""A file that changes while a job reads it: two of them are never mixed in one output."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

import geosal
from geosal import SceneError
from geosal.scenes import Scene


def put(path: Path, value: int) -> str:
    profile = {"driver": "GTiff", "count": 1, "height": 1100, "width": 1100, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10)) as dataset:
        pixels = np.full((1, 1100, 1100), value, np.uint8)
        pixels[:, :550] = 0
        dataset.write(pixels)
    return str(path)


@pytest.mark.parametrize("which", ["scene", "mask"])
def test_an_input_that_is_replaced_ends_the_job(which: str, tmp_path: Path) -> None:
    paths = {"scene": put(tmp_path / "scene.tif", 9), "mask": put(tmp_path / "mask.tif", 1)}
    other = put(tmp_path / "other.tif", 7)
    seen = []

    def replace(progress: Any) -> None:
        if not seen:
            os.replace(other, paths[which])
        seen.append(progress)

    with pytest.raises(SceneError, match="has changed since it was opened"):
        geosal.compress(
            paths["scene"], str(tmp_path / "o.tif"), saliency=paths["mask"], block=512, workers=1, progress=replace
        )
    assert not (tmp_path / "o.tif").exists()


def test_a_scene_that_was_replaced_between_plan_and_work(tmp_path: Path) -> None:
    path = put(tmp_path / "scene.tif", 9)
    scene = Scene.open(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(SceneError, match="cp -p"):
        scene.read(scene.grid.whole())
    shutil.copy2(put(tmp_path / "again.tif", 8), path)
    assert Scene.open(path).read(scene.grid.whole()).pixels.max() == 8


def put_masked(path: Path, *, first_valid: int) -> str:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
        put(path, 9)
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(np.arange(1100)[:, np.newaxis].repeat(1100, axis=1) >= first_valid)
    return str(path)


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_mask_beside_a_scene_that_changes(change: str, tmp_path: Path) -> None:
    """Without it every pixel would count, with another one others."""
    path = put_masked(tmp_path / "scene.tif", first_valid=600)
    scene = Scene.open(path)
    samples = scene.read(scene.grid.whole())
    assert not samples.valid[:, :600].any()
    assert samples.valid[:, 600:].all()
    if change == "removed":
        os.remove(f"{path}.msk")
    else:
        os.replace(f"{put_masked(tmp_path / 'other.tif', first_valid=300)}.msk", f"{path}.msk")
    with pytest.raises(SceneError, match=r"a mask beside it \(.msk\) has come, gone or changed"):
        scene.read(scene.grid.whole())
    again = Scene.open(path).read(scene.grid.whole())
    assert again.valid.mean() == (1 if change == "removed" else 800 / 1100)


def test_statistics_written_beside_a_scene_change_nothing(tmp_path: Path) -> None:
    path = put_masked(tmp_path / "scene.tif", first_valid=600)
    scene = Scene.open(path)
    Path(f"{path}.aux.xml").write_text("<PAMDataset></PAMDataset>")
    assert scene.read(scene.grid.whole()).valid.mean() == 500 / 1100
