"""Grids of arrays, against rioxarray's own reckoning and its own files."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin

import geosal
from geosal import SceneError
from geosal.array_grid import grid_of

HEIGHT, WIDTH = 24, 31
UTM, DEGREES = from_origin(500000, 4500000, 10, 10), Affine(1 / 3600, 0, 2.1, 0, -1 / 3600, 48.7)


def file_of(folder: Path, transform: Affine = UTM, crs: str = "EPSG:32631") -> Path:
    path = folder / "scene.tif"
    pixels = np.random.default_rng(1).integers(1, 255, (3, HEIGHT, WIDTH), np.uint8)
    profile = {"driver": "GTiff", "count": 3, "height": HEIGHT, "width": WIDTH, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform) as dataset:
        dataset.write(pixels)
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[xr.DataArray]:
    places = ((UTM, "EPSG:32631"), (DEGREES, "EPSG:4326"))
    return [geosal.open_scene(file_of(tmp_path_factory.mktemp("a"), t, crs)) for t, crs in places]


CHANGES: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "thinned": lambda a: a[:, ::2, ::3],
    "averaged": lambda a: a.coarsen(y=2, x=2, boundary="trim").mean().astype("uint8"),
    "south up": lambda a: a.sortby("y"),
    "turned": lambda a: a[:, ::-1, ::-1],
    "finer": lambda a: a.interp(x=np.linspace(float(a.x[2]), float(a.x[9]), 29)).astype("uint8"),
    "cut": lambda a: a[:, 5:, 7:20],
    "as it is": lambda a: a,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_array_lies_where_rioxarray_writes_it(
    scenes: list[xr.DataArray], change: str, tmp_path: Path
) -> None:
    for scene in scenes:
        array = CHANGES[change](scene)
        array.rio.to_raster(tmp_path / "theirs.tif")
        geosal.write(array, str(tmp_path / "ours.tif"), overwrite=True)
        with rasterio.open(tmp_path / "theirs.tif") as a, rasterio.open(tmp_path / "ours.tif") as b:
            assert b.transform.almost_equals(a.transform, 1e-9 * max(abs(a.transform.c), 1))
            assert b.crs == a.crs
            np.testing.assert_array_equal(a.read(), b.read())


@given(rows=st.slices(HEIGHT), cols=st.slices(WIDTH))
def test_any_slices(scenes: list[xr.DataArray], rows: slice, cols: slice) -> None:
    for scene in scenes:
        part = scene[:, rows, cols]
        if 0 in part.shape:
            continue
        found = grid_of(part)
        centres = [found.transform @ (col + 0.5, 0.5) for col in range(found.width)]
        step = abs(scene.rio.resolution()[0])
        np.testing.assert_allclose([x for x, _ in centres], part.x.values, rtol=0, atol=0.01 * step)
        if min(part.shape[1:]) > 1:
            assert found.transform.almost_equals(part.rio.transform(recalc=True), 0.001 * step)


def test_a_cut_keeps_the_files_exact_numbers(scenes: list[xr.DataArray]) -> None:
    part = scenes[1][:, 3:, 5:]
    assert grid_of(part).transform == DEGREES @ Affine.translation(5, 3)


def test_saliency_is_read_where_a_thinned_array_lies(scenes: list[xr.DataArray], tmp_path: Path) -> None:
    right = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    right[..., WIDTH // 2 :] = 1
    with rasterio.open(scenes[0].encoding["source"]) as scene:
        profile = scene.profile | {"count": 1, "driver": "GTiff", "photometric": None, "interleave": "band"}
    with rasterio.open(tmp_path / "mask.tif", "w", **profile) as dataset:
        dataset.write(right)
    found = geosal.saliency(str(tmp_path / "mask.tif"), like=scenes[0][:, ::2, ::2])
    np.testing.assert_array_equal(found.values, right[0, ::2, ::2])


def test_a_rotated_grid_is_followed_by_its_coordinates(tmp_path: Path) -> None:
    rotated = Affine(10, 1, 5e5, 1, -10, 45e5)
    scene = rioxarray.open_rasterio(file_of(tmp_path, rotated))
    assert grid_of(scene).transform == rotated
    part = grid_of(scene[:, 4:, ::2]).transform
    assert part.almost_equals(rotated @ Affine.translation(-0.5, 4) @ Affine.scale(2, 1), 1e-6)


@pytest.mark.parametrize(
    ("coords", "says"),
    [
        ({"x": np.array([0.0, 1.0, 5.0]), "y": np.arange(2.0)}, "x is not evenly spaced"),
        ({"x": np.array(["a", "b", "c"]), "y": np.arange(2.0)}, "numbers of its CRS"),
        ({"x": np.zeros(3), "y": np.arange(2.0)}, "x is not evenly spaced"),
    ],
)
def test_coordinates_that_are_no_grid_are_refused(coords: dict[str, np.ndarray], says: str, tmp_path: Path) -> None:
    array = xr.DataArray(np.zeros((2, 3), np.uint8), dims=("y", "x"), coords=coords)
    with pytest.raises(SceneError, match=says):
        geosal.write(array, str(tmp_path / "o.tif"))


def test_without_coordinates_the_transform_counts() -> None:
    array = xr.DataArray(np.zeros((2, 3), np.uint8), dims=("y", "x"))
    assert grid_of(array).transform == Affine.identity()
    assert grid_of(array.rio.write_transform(UTM)).transform == UTM


def test_a_session_that_opened_no_scene_has_rio_as_well() -> None:
    code = (
        "import numpy as np, xarray as xr, geosal\n"
        "a = xr.DataArray(np.zeros((40, 40), np.uint8), dims=('y', 'x'))\n"
        "geosal.smooth(a, geosal.saliency('half', like=a)).compute()\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("array", "mend"),
    [
        (xr.DataArray(np.zeros((2, 4, 4)), dims=("time", "y", "x")), r"isel\(time=0\)"),
        (xr.DataArray(np.zeros((2, 4, 4)), dims=("y", "x", "band")), "transpose"),
        (xr.DataArray(np.zeros((4, 4)), dims=("latitude", "longitude")), "'latitude': 'y', 'longitude': 'x'"),
        (xr.Dataset({"red": (("y", "x"), np.zeros((4, 4)))}), "choose one of its arrays"),
        (np.zeros((4, 4)), "make one"),
    ],
)
def test_what_is_no_scene_is_refused_with_the_way_to_one(array: xr.DataArray, mend: str, tmp_path: Path) -> None:
    for call in (
        lambda: geosal.write(array, str(tmp_path / "o.tif")),
        lambda: geosal.saliency("half", like=array),
        lambda: geosal.smooth(array, array),
    ):
        with pytest.raises(SceneError, match=mend):
            call()


def test_one_band_without_its_number_is_written(scenes: list[xr.DataArray], tmp_path: Path) -> None:
    for number, array in enumerate((scenes[0].isel(band=1, drop=True), scenes[0].to_dataset("band")[2])):
        geosal.write(array, str(tmp_path / f"{number}.tif"))
        with rasterio.open(tmp_path / f"{number}.tif") as dataset:
            np.testing.assert_array_equal(dataset.read(1), scenes[0].values[1])


def test_bands_named_by_text_keep_their_names(scenes: list[xr.DataArray], tmp_path: Path) -> None:
    named = scenes[0].assign_coords(band=["B04", "B03", "B02"])
    named.attrs.pop("long_name", None)
    geosal.write(named, str(tmp_path / "a.tif"))
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.descriptions == ("B04", "B03", "B02")


def test_saliency_that_is_no_source_is_told(scenes: list[xr.DataArray]) -> None:
    with pytest.raises(geosal.UsageError, match="name or a path, this is a DataArray"):
        geosal.saliency([scenes[0]], like=scenes[0])
