"""Grids of arrays, against rioxarray's own reckoning and its own files."""

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
from geosal import GeosalWarning, SceneError
from geosal.arrays.coordinates import grid_of

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


def rotated_by_coordinates(kept: Affine, told: Affine, shape: tuple[int, int] = (300, 400)) -> xr.DataArray:
    cols, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    xs, ys = told.a * cols + told.b * rows + told.c, told.d * cols + told.e * rows + told.f
    array = xr.DataArray(np.zeros(shape, np.uint8), dims=("y", "x"), coords={"xc": (("y", "x"), xs)})
    return array.assign_coords(yc=(("y", "x"), ys)).rio.write_transform(kept)


def test_rotated_coordinates_a_little_coarser_than_the_transform_count() -> None:
    kept = Affine(10, 3, 5e5, 3, -10, 45e5)
    told = Affine(10.05, 3.015, 5e5, 3.015, -10.05, 45e5)
    found = grid_of(rotated_by_coordinates(kept, told)).transform
    corners = [(0, 0), (400, 0), (0, 300), (400, 300)]
    np.testing.assert_allclose([found @ corner for corner in corners], [told @ corner for corner in corners], atol=1e-3)
    assert grid_of(rotated_by_coordinates(kept, kept)).transform == kept


def test_curved_coordinates_are_no_rotated_grid() -> None:
    kept = Affine(10, 3, 5e5, 3, -10, 45e5)
    array = rotated_by_coordinates(kept, kept)
    for bad in (array.xc + 50 * np.sin(np.arange(400) / 40), array.xc.where(array.xc > array.xc[5, 5])):
        with pytest.raises(SceneError, match="xc"):
            grid_of(array.assign_coords(xc=bad))


@pytest.mark.parametrize("longitude", [12.1, 99.7, 179.3])
@pytest.mark.parametrize("first", [0, 700])
def test_degrees_in_float32_are_evenly_spaced(longitude: float, first: int) -> None:
    true = Affine(0.0001, 0, longitude, 0, -0.0001, 45.1)
    x = (longitude + 0.0001 * (np.arange(2000) + 0.5)).astype(np.float32)
    y = (45.1 - 0.0001 * (np.arange(1500) + 0.5)).astype(np.float32)
    array = xr.DataArray(np.zeros((1500, 2000), np.uint8), dims=("y", "x"), coords={"y": y, "x": x})
    part = array[first:, first:]
    found = grid_of(part).transform
    expected = true @ Affine.translation(first, first)
    ulp = np.spacing(np.float32(max(longitude, 45.1)))
    np.testing.assert_allclose(found @ (0, 0), expected @ (0, 0), rtol=0, atol=ulp)
    np.testing.assert_allclose(found @ part.shape[::-1], expected @ part.shape[::-1], rtol=0, atol=2 * ulp)
    assert grid_of(array.rio.write_transform(true)[first:, first:]).transform == expected


def test_gaps_in_float32_are_found() -> None:
    x = np.delete((12.1 + 0.0001 * np.arange(2000)).astype(np.float32), 1000)
    with pytest.raises(SceneError, match="x is not evenly spaced"):
        grid_of(xr.DataArray(np.zeros((2, x.size), np.uint8), dims=("y", "x"), coords={"y": [0, 1], "x": x}))


def numbered(shape: tuple[int, int] = (100, 140), dtype: str = "int64", half: float = 0) -> xr.DataArray:
    coords = {"y": (np.arange(shape[0]) + half).astype(dtype), "x": (np.arange(shape[1]) + half).astype(dtype)}
    return xr.DataArray(np.zeros(shape, np.uint8), dims=("y", "x"), coords=coords).rio.write_crs(32631)


@pytest.mark.parametrize("place", [UTM, DEGREES, Affine(0.25, 0, -180, 0, -0.25, 90), from_origin(-8e6, 5e6, 1, 1)])
@pytest.mark.parametrize(("dtype", "half"), [("int64", 0), ("float64", 0), ("float32", 0.5)])
def test_numbers_of_pixels_leave_the_place_to_the_transform(place: Affine, dtype: str, half: float) -> None:
    array = numbered(dtype=dtype, half=half).rio.write_transform(place)
    with pytest.warns(GeosalWarning, match="number its pixels"):
        assert grid_of(array).transform == place
    assert grid_of(array.drop_vars(["x", "y"])).transform == place


def test_a_part_of_numbers_of_pixels_is_refused() -> None:
    array = numbered().rio.write_transform(UTM)
    for part in (array[3:], array[:, ::2], array[::-1]):
        with pytest.raises(SceneError, match=r"look like numbers of pixels.*drop_vars"):
            grid_of(part)


def test_numbers_that_may_be_of_pixels_or_of_the_map_are_refused() -> None:
    array = numbered((50, 60)).rio.write_transform(Affine(0.25, 0, -180, 0, -0.25, 90))
    with pytest.raises(SceneError, match="look like numbers of pixels"):
        grid_of(array)


def test_small_numbers_that_are_coordinates_stay_so() -> None:
    near = numbered().rio.write_transform(Affine(1, 0, -20.5, 0, 1, -30.5))
    assert grid_of(near).transform == Affine(1, 0, -0.5, 0, 1, -0.5)
    degrees = numbered((50, 60), "float64").rio.write_transform(Affine(0.25, 0, -180, 0, -0.25, 90))
    assert grid_of(degrees).transform == Affine(1, 0, -0.5, 0, 1, -0.5)
    finer = numbered()[5:, 7:].rio.write_transform(Affine(10, 0, -20, 0, 10, -30))
    assert grid_of(finer).transform == Affine(1, 0, 6.5, 0, 1, 4.5)
    assert grid_of(numbered()).transform == Affine(1, 0, -0.5, 0, 1, -0.5)
    metres = numbered().assign_coords(x=500005 + np.arange(140), y=4499995 - np.arange(100)).rio.write_transform(UTM)
    assert grid_of(metres).transform.almost_equals(Affine(1, 0, 500004.5, 0, -1, 4499995.5))


@pytest.mark.parametrize("said", ["0 0 0 0 0 0", "500000, 10, 0, 4600000, 0, -10", "5e5 10 0", "nan 10 0 0 0 -10", 7])
def test_a_transform_that_is_none_is_refused(said: object) -> None:
    array = numbered().rio.write_transform(UTM)
    array.spatial_ref.attrs["GeoTransform"] = said
    for one in (array, array.drop_vars(["x", "y"])):
        with pytest.raises(SceneError, match=r"GeoTransform of the array's spatial_ref is .*write_transform"):
            grid_of(one)


def test_no_pixels_are_refused(tmp_path: Path) -> None:
    array = xr.DataArray(np.zeros((1, 4, 4), np.uint8), dims=("band", "y", "x"))
    for empty in (array[:, :0], array[:, :, :0], array[:0]):
        for call in (
            lambda a: geosal.write(a, str(tmp_path / "o.tif")),
            lambda a: geosal.saliency("half", like=a),
            lambda a: geosal.smooth(a, a),
        ):
            with pytest.raises(SceneError, match="no pixels"):
                call(empty)


def test_one_row_has_square_pixels() -> None:
    x, y = 500005 + 10.0 * np.arange(9), 4499995 - 10.0 * np.arange(9)
    array = xr.DataArray(np.zeros((9, 9), np.uint8), dims=("y", "x"), coords={"y": y, "x": x})
    assert grid_of(array[2:3]).transform == UTM @ Affine.translation(0, 2)
    assert grid_of(array[:, 2:3]).transform == UTM @ Affine.translation(2, 0)


def test_coordinates_of_one_axis_are_refused_where_they_contradict() -> None:
    y = 4499995 - 10.0 * np.arange(9)
    array = xr.DataArray(np.zeros((9, 9), np.uint8), dims=("y", "x"), coords={"y": y}).rio.write_crs(32631)
    with pytest.raises(SceneError, match="none of x to tell its place"):
        grid_of(array)
    assert grid_of(array.rio.write_transform(UTM)).transform == UTM
    with pytest.raises(SceneError, match="none of x to tell its place"):
        grid_of(array.rio.write_transform(UTM)[2:])


def test_coordinates_of_other_names_are_told() -> None:
    array = xr.DataArray(np.zeros((4, 5), np.uint8), dims=("y", "x"), coords={"lat": ("y", np.arange(4.0))})
    with pytest.warns(GeosalWarning, match="called lat and lon, its dimensions y and x"):
        grid_of(array.assign_coords(lon=("x", np.arange(5.0))))


@pytest.mark.parametrize("key", ["spatial:transform", "transform"])
def test_a_transform_among_the_attributes_counts(key: str, tmp_path: Path) -> None:
    array = xr.DataArray(np.zeros((40, 50), np.uint8), dims=("y", "x"), attrs={"crs": "EPSG:32631"})
    placed = array.assign_attrs({key: tuple(UTM)[:6]})
    for one in (placed, geosal.saliency("half", like=placed)):
        geosal.write(one, str(tmp_path / "o.tif"), overwrite=True)
        with rasterio.open(tmp_path / "o.tif") as dataset:
            assert (dataset.transform, dataset.crs.to_epsg()) == (UTM, 32631)
    for nonsense in ("north", 7, (0, 0, 0, 0, 0, 0), (1, 2)):
        assert grid_of(array.assign_attrs({key: nonsense})).transform == Affine.identity()


def test_a_grid_mapping_of_another_name_goes_into_the_saliency(tmp_path: Path) -> None:
    array = numbered().drop_vars("spatial_ref").rio.write_crs(32631, grid_mapping_name="crs")
    found = geosal.saliency("half", like=array)
    assert found.rio.crs == array.rio.crs
    geosal.write(found, str(tmp_path / "o.tif"))
    with rasterio.open(tmp_path / "o.tif") as dataset:
        assert dataset.crs == array.rio.crs


@pytest.mark.parametrize(
    ("coords", "says"),
    [
        ({"x": np.array([0.0, 1.0, 5.0]), "y": np.arange(2.0)}, "x is not evenly spaced"),
        ({"x": np.array(["a", "b", "c"]), "y": np.arange(2.0)}, "numbers of its CRS"),
        ({"x": np.zeros(3), "y": np.arange(2.0)}, "x is not evenly spaced"),
        ({"x": np.array([0, np.nan, 2]), "y": np.arange(2.0)}, "x holds NaN or infinity in 1 of 3"),
        ({"x": np.array([0, 1, np.nan]), "y": np.arange(2.0)}, "x holds NaN"),
        ({"x": np.arange(3.0), "y": np.full(2, np.inf)}, "y holds NaN or infinity in 2 of 2"),
        ({"x": np.arange(3).astype("M8[D]"), "y": np.arange(2.0)}, "numbers of its CRS, these are datetime64"),
    ],
)
def test_coordinates_that_are_no_grid_are_refused(coords: dict[str, np.ndarray], says: str, tmp_path: Path) -> None:
    array = xr.DataArray(np.zeros((2, 3), np.uint8), dims=("y", "x"), coords=coords)
    for known in (array, array.rio.write_transform(UTM)):
        with pytest.raises(SceneError, match=says):
            geosal.write(known, str(tmp_path / "o.tif"))


def test_without_coordinates_the_transform_counts() -> None:
    array = xr.DataArray(np.zeros((2, 3), np.uint8), dims=("y", "x"))
    assert grid_of(array).transform == Affine.identity()
    assert grid_of(array.rio.write_transform(UTM)).transform == UTM


@pytest.mark.parametrize(
    ("array", "mend"),
    [
        (xr.DataArray(np.zeros((4, 4)), dims=("row", "col")), "'row': 'y', 'col': 'x'"),
        (xr.Dataset({"red": (("time",), np.zeros(4))}), "no variable with rows and columns; it has red"),
        (xr.DataArray(np.zeros((0, 4)), dims=("y", "x")), "no pixels"),
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
    with pytest.raises(geosal.SaliencyError, match=r"3 bands, and a saliency has one; choose it: array.isel\(band=0\)"):
        geosal.saliency([scenes[0]], like=scenes[0])
    with pytest.raises(geosal.UsageError, match="an array, a GeoDataFrame or a geometry, not int"):
        geosal.saliency(5, like=scenes[0])


def stackstac_like(corner: float = 0.0) -> xr.DataArray:
    """As stackstac 0.5 makes it: time of one step, names of bands, corners or centres, a transform in attributes."""
    pixels = np.random.default_rng(1).integers(1, 9000, (1, 2, HEIGHT, WIDTH)).astype(np.uint16)
    coords = {
        "time": np.array(["2024-05-01T10:00"], "datetime64[ns]"), "id": ("time", ["a"]), "band": ["red", "nir"],
        "y": 4500000 - 10.0 * (np.arange(HEIGHT) + corner), "x": 500000 + 10.0 * (np.arange(WIDTH) + corner),
        "epsg": 32631, "raster:bands": ((), {"nodata": 0}), "proj:shape": ((), {HEIGHT}),
    }  # fmt: skip
    attrs = {"spec": object(), "crs": "epsg:32631", "transform": UTM, "resolution": 10}
    return xr.DataArray(pixels, dims=("time", "band", "y", "x"), coords=coords, attrs=attrs)


@pytest.mark.parametrize("corner", [0.0, 0.5], ids=["topleft", "center"])
def test_corners_of_stackstac_are_no_centres(corner: float, tmp_path: Path) -> None:
    array = stackstac_like(corner)
    geosal.write(array.geosal.smooth("half"), tmp_path / "whole.tif")
    geosal.write(array[..., 5:, 7:20], tmp_path / "cut.tif")
    with rasterio.open(tmp_path / "whole.tif") as whole, rasterio.open(tmp_path / "cut.tif") as cut:
        assert (whole.transform, whole.crs, whole.descriptions) == (UTM, "EPSG:32631", ("red", "nir"))
        assert cut.transform == UTM @ Affine.translation(7, 5)


def test_thinned_arrays_of_stackstac_are_told_of() -> None:
    with pytest.warns(GeosalWarning, match="xy_coords='center'"):
        grid_of(stackstac_like()[0, :, ::2, ::2])
