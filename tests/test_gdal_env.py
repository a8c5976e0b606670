import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.env import getenv

from geosal import SceneError, UsageError
from geosal import gdal_env as module
from geosal.gdal_env import (
    GDAL_CACHE_BYTES,
    allowed_drivers,
    close_shared_rasters,
    gdal_env,
    open_raster,
    shared_raster,
)
from geosal.scenes import Scene


def test_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with gdal_env():
        assert getenv()["GDAL_CACHEMAX"] == GDAL_CACHE_BYTES
    monkeypatch.setenv("GDAL_CACHEMAX", "64")
    with gdal_env():
        assert "GDAL_CACHEMAX" not in getenv() or getenv()["GDAL_CACHEMAX"] != GDAL_CACHE_BYTES


def test_drivers_that_follow_links_need_the_users_word() -> None:
    assert {"GTiff", "JP2OpenJPEG", "PNG"} <= set(allowed_drivers())
    assert not {"VRT", "WMS", "MRF", "HTTP", "MEM"} & set(allowed_drivers())
    assert "VRT" in allowed_drivers(("vrt",))
    with pytest.raises(UsageError, match="did you mean ISIS3"):
        allowed_drivers(("ISIS",))


def test_threads_share_one_handle_and_never_use_it_at_once(rgb_scene: Path) -> None:
    seen, inside, clashes = set(), [], []

    def read() -> None:
        for _ in range(20):
            with shared_raster(str(rgb_scene)) as dataset:
                inside.append(1)
                clashes.append(len(inside) > 1)
                seen.add(id(dataset))
                dataset.read(1, window=((0, 8), (0, 8)))
                inside.pop()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1
    assert len(clashes) == 80
    assert not any(clashes)
    close_shared_rasters()
    with shared_raster(str(rgb_scene)) as dataset:
        assert not dataset.closed


def test_handles_in_use_are_never_closed_and_idle_ones_are_few(rgb_scene: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.tif" for number in range(12)]
    for path in paths:
        path.write_bytes(rgb_scene.read_bytes())
    failures = []

    def read(path: Path) -> None:
        try:
            for _ in range(10):
                with shared_raster(str(path)) as dataset:
                    dataset.read(1, window=((0, 64), (0, 64)))
        except Exception as error:  # noqa: BLE001  any failure is what is looked for
            failures.append(error)

    threads = [threading.Thread(target=read, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with shared_raster(str(paths[0])):
        assert len(module._handles) <= module._MAX_HANDLES
        close_shared_rasters()
        assert len(module._handles) == 1


VRT = (
    '<VRTDataset rasterXSize="900" rasterYSize="700"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    '<SourceFilename relativeToVRT="0">{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
)


@pytest.mark.parametrize("suffix", [".msk", ".ovr", ".MSK", ".ovr.msk"])
def test_what_lies_beside_a_raster_is_a_tiff_or_refused(rgb_scene: Path, tmp_path: Path, suffix: str) -> None:
    """GDAL opens a mask or an overview with any driver, and a VRT reads any file."""
    scene = tmp_path / "scene.tif"
    shutil.copy(rgb_scene, scene)
    beside = tmp_path / f"scene.tif{suffix}"
    beside.write_text(VRT.format(rgb_scene))
    with gdal_env(), pytest.raises(SceneError, match="no TIFF"):
        open_raster(str(scene))
    with pytest.raises(SceneError, match="no TIFF"), shared_raster(str(scene)):
        pass
    with shared_raster(str(scene), alone=True) as dataset:
        assert dataset.files == [str(scene)]
    shutil.copy(rgb_scene, beside)
    with gdal_env(), open_raster(str(scene)) as dataset:
        assert dataset.count == 3


def test_masks_that_gdal_makes_beside_a_raster_are_taken(rgb_scene: Path, tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    with rasterio.open(rgb_scene) as source:
        profile, pixels = source.profile | {"nodata": None}, source.read()
    mask = np.zeros(pixels.shape[1:], np.uint8)
    mask[:300] = 255
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(scene, "w", **profile) as dataset:
        dataset.write(pixels)
        dataset.write_mask(mask)
    assert scene.with_name("scene.tif.msk").is_file()
    with shared_raster(str(scene)) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), mask)
    with shared_raster(str(scene), alone=True) as dataset:  # another handle
        assert dataset.dataset_mask().all()
    with shared_raster(str(scene)) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), mask)


def test_overviews_that_a_raster_names_elsewhere_are_refused(rgb_scene: Path, tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    shutil.copy(rgb_scene, scene)
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(rgb_scene))
    with gdal_env(), pytest.raises(SceneError, match="overviews are in"):
        open_raster(str(scene))


def test_a_png_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """GDAL's fast way to read a whole PNG hands out zeros for what is missing, and says nothing."""
    path = tmp_path / "cut.png"
    noise = np.random.default_rng(5).integers(0, 256, (200, 240, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:40000])
    scene = Scene.open(path)
    with pytest.raises(SceneError, match=r"cut.png.*damaged or cut off"):
        scene.read(scene.grid.whole())
