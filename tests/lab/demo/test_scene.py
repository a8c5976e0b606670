from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from geosal.errors import OutputError, UsageError
from geosal.lab.demo.scene import draw_scene, grade, make_demo_scene

SIZE = 256


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_demo_scene(tmp_path_factory.mktemp("demo"), SIZE)


def test_scene_is_what_it_says(files: tuple[Path, Path]) -> None:
    with rasterio.open(files[0]) as scene:
        assert (scene.shape, scene.count, scene.dtypes[0], scene.nodata) == ((SIZE, SIZE), 3, "uint8", 0)
        assert scene.crs == CRS.from_epsg(32631)
        assert scene.res == (10, 10)
        assert scene.descriptions == ("B04", "B03", "B02")
        assert scene.colorinterp == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        assert "no satellite" in scene.tags()["TIFFTAG_IMAGEDESCRIPTION"]
        pixels = scene.read()
    nodata = (pixels == 0).all(axis=0)
    assert ((pixels == 0).any(axis=0) == nodata).all()  # no valid sample has the nodata code
    assert 0.05 < nodata.mean() < 0.1
    assert nodata[0, 0]
    assert not nodata[-1].any()


def test_mask_lies_on_the_scene(files: tuple[Path, Path]) -> None:
    with rasterio.open(files[0]) as scene, rasterio.open(files[1]) as mask:
        assert mask.shape == (SIZE // 2, SIZE // 2)
        assert mask.bounds == scene.bounds
        assert mask.crs == scene.crs
        values, counts = np.unique(mask.read(1), return_counts=True)
    assert values.tolist() == [0, 85, 170, 255]
    assert counts[-1] / counts.sum() < 0.2  # most of the scene may be smoothed


def test_mask_of_an_odd_size_still_covers_the_scene(tmp_path: Path) -> None:
    paths = make_demo_scene(tmp_path, 257)
    with rasterio.open(paths[0]) as scene, rasterio.open(paths[1]) as mask:
        assert mask.bounds == pytest.approx(scene.bounds)


def test_same_seed_same_pixels() -> None:
    first, second, other = (draw_scene(SIZE, seed)[0] for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).mean() > 0.5


@pytest.mark.parametrize("seed", range(4))
def test_every_seed_has_land_sea_and_something_salient(seed: int) -> None:
    pixels, salient = draw_scene(SIZE, seed)
    red, _, blue = pixels.astype(int)
    sea = blue > red + 15
    assert 0.05 < sea.mean() < 0.6
    assert 0.01 < salient.mean() < 0.25
    # What is salient is full of detail: that is why it is kept.
    detail = np.abs(np.diff(pixels[1].astype(int), axis=1))
    assert detail[salient[:, 1:]].mean() > 1.5 * detail[~salient[:, 1:]].mean()


def test_grades_fall_with_the_distance() -> None:
    salient = np.zeros((768, 768), dtype=bool)
    salient[400, 400] = True
    row = grade(salient)[400, 400:]
    assert row[0] == 255
    assert set(row[1:9]) == {170}
    assert set(row[9:23]) == {85}
    assert not row[23:].any()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="128 or more"):
        make_demo_scene(tmp_path, 64)
    with pytest.raises(OutputError, match="cannot write"):
        make_demo_scene(tmp_path / "missing", SIZE)
