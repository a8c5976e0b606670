"""Files of one band each as one scene; rasterio's own reading is the oracle."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC
from rasterio.transform import from_origin
from rasters import PLACE, save

import geosal
from geosal.core.grid import Block
from geosal.errors import OutputError, SceneError, UsageError
from geosal.scenes import Reading, open_input

SIZE = (70, 90)


@pytest.fixture
def bands(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(5)
    paths = []
    for name in ("S2_x_B04", "S2_x_B03", "S2_x_B02"):
        path = save(tmp_path / f"{name}.tif", rng.integers(1, 4000, (1, *SIZE), dtype=np.uint16), nodata=0, **PLACE)
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(SCENE="one", FILE=name)
        paths.append(str(path))
    return paths


def _open(paths: list[str], **wish: object):
    return open_input(paths[0], Reading(stack=tuple(paths[1:]), **wish))


def test_bands_follow_each_other(bands: list[str]) -> None:
    scene = _open(bands)
    expected = np.concatenate([rasterio.open(path).read() for path in bands])
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, expected)
    np.testing.assert_array_equal(scene.read(Block(10, 20, 30, 40)).pixels, expected[:, 10:40, 20:60])
    layout = scene.layout
    assert [band.description for band in layout.metadata.bands] == ["B04", "B03", "B02"]
    assert (layout.nodata, layout.dtype) == (0, "uint16")
    assert layout.metadata.tags[""]["SCENE"] == "one"
    assert "FILE" not in layout.metadata.tags[""]
    with rasterio.open(bands[0]) as dataset:
        assert layout.grid.transform == dataset.transform
    assert set(scene.files) == set(bands)


def test_some_of_all_bands(bands: list[str]) -> None:
    for wish in ({"bidx": (3, 1)}, {"bands": ("B02", "B04")}):
        scene = _open(bands, **wish)
        assert [band.description for band in scene.layout.metadata.bands] == ["B02", "B04"]
        with rasterio.open(bands[2]) as dataset:
            np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels[0], dataset.read(1))


def test_a_file_of_several_bands_and_one_without_a_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    two = save(tmp_path / "two.tif", rng.integers(0, 255, (2, *SIZE), dtype=np.uint8))
    one = save(tmp_path / "one.tif", rng.integers(0, 255, (1, *SIZE), dtype=np.uint8))
    scene = _open([str(two), str(one)])
    assert [band.description for band in scene.layout.metadata.bands] == ["two.1", "two.2", "one"]
    assert scene.layout.nodata is None
    expected = np.concatenate([rasterio.open(path).read() for path in (two, one)])
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, expected)


def test_a_job_its_check_and_its_comparison(bands: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out.tif")
    geosal.compress(bands[0], out, saliency="half", stack=bands[1:])
    with rasterio.open(out) as made:
        assert made.descriptions == ("B04", "B03", "B02")
        np.testing.assert_array_equal(
            made.read()[:, :, : SIZE[1] // 2],
            np.concatenate([rasterio.open(path).read() for path in bands])[:, :, : SIZE[1] // 2],
        )
    assert all(check.ok for check in geosal.verify(out, against=bands[0], saliency="half", stack=tuple(bands[1:])))
    assert geosal.compare(bands[0], out, "half", stack=tuple(bands[1:])).scores("salient").max_error == 0


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"transform": from_origin(399970, 4900020, 10, 10)}, r"cannot be stacked on S2_x_B04.tif: .*gdalwarp -te 39"),
        ({"crs": "EPSG:32632"}, "gdalwarp -te"),
        ({"nodata": 7}, "its nodata is 7"),
        ({"dtype": "int16"}, "it holds int16, not uint16"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_mend(
    change: dict[str, object], cause: str, bands: list[str], tmp_path: Path
) -> None:
    layout = {"nodata": 0, **PLACE, **{key: value for key, value in change.items() if key != "dtype"}}
    pixels = np.ones((1, *SIZE), change.get("dtype", "uint16"))
    with pytest.raises(SceneError, match=cause):
        _open([*bands[:2], str(save(tmp_path / "odd.tif", pixels, **layout))])


def test_refusals(bands: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names a file twice"):
        _open([bands[0], bands[1], bands[1]])
    with pytest.raises(SceneError, match="missing.tif"):
        _open([bands[0], str(tmp_path / "missing.tif")])
    with pytest.raises(OutputError, match="also an input"):
        geosal.compress(bands[0], bands[1], saliency="half", stack=bands[1:], overwrite=True)
    alpha = save(tmp_path / "alpha.tif", np.ones((2, *SIZE), np.uint16), nodata=0, **PLACE)
    with rasterio.open(alpha, "r+") as dataset:
        dataset.colorinterp = (ColorInterp.gray, ColorInterp.alpha)
    with pytest.raises(SceneError, match="has a mask or alpha"):
        _open([bands[0], str(alpha)])


@pytest.mark.parametrize("of", ["3 control points", "RPCs"])
@pytest.mark.parametrize("last", [True, False])
def test_a_place_that_is_no_grid_would_be_lost(of: str, tmp_path: Path, *, last: bool) -> None:
    paths = [str(save(tmp_path / f"{name}.tif", np.ones((1, *SIZE), np.uint16))) for name in "ab"]
    with rasterio.open(paths[last], "r+") as dataset:
        if of == "RPCs":
            lines = [0.0] * 20
            dataset.rpcs = RPC(0, 1, 0, 1, lines, lines, 0, 1, 0, 1, lines, lines, 0, 1)
        else:
            corners = ((0, 0), (0, 90), (70, 0))
            dataset.gcps = [GroundControlPoint(row, col, col, -row) for row, col in corners], "EPSG:32633"
    with pytest.raises(SceneError, match=f"has {of}, .*: gdalwarp {paths[last]} {paths[last][:-4]}-warped.tif"):
        _open(paths)
