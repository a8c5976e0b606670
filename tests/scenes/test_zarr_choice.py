"""Stores of others are scenes: which arrays are bands, and which step of a time or a level is read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401  registers `.rio`
import xarray as xr
import zarr

import geosal
from geosal.errors import SceneError, UsageError
from geosal.scenes import Reading, describe, open_input, zarr_choice
from geosal.scenes.zarr_choice import Plane, choose

RNG = np.random.default_rng(7)
SERIES = RNG.integers(1, 9000, (4, 3, 40, 50)).astype("uint16")
X, Y = 6e5 + 10 * np.arange(50) + 5, 5e6 - 10 * np.arange(40) - 5


def series(**more: object) -> xr.DataArray:
    """(time, band, y, x) with names of bands, as stackstac and xarray have it."""
    times = np.array(["2024-05-01", "2024-05-02T10:30", "2024-05-02T22:00", "2024-06-01"], "datetime64[ns]")
    coords = {"time": times, "band": ["red", "green", "blue"], "y": Y, "x": X, **more}
    made = xr.DataArray(SERIES, dims=("time", "band", "y", "x"), coords=coords, name="refl")
    return made.rio.write_crs(32632)


@pytest.fixture(scope="module", params=[2, 3])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("series") / "series.zarr"
    series().to_dataset().chunk({"time": 1, "y": 16, "x": 16}).to_zarr(
        path, zarr_format=request.param, consolidated=False
    )
    return str(path)


@pytest.mark.parametrize(
    ("select", "step"),
    [
        ("time=2024-05-01", 0), ("time=2024-05-02T10:30", 1), ("time=#2", 2), ("time=#-1", 3), ("time=2024-06", 3),
        ("time=~2024-05-20", 3), ("time=~2024-05-02T12", 1), ("time=~9999-01-01", 3), ("time=~0001-01-01", 0),
        ("time=2024-05-02T22:00:00Z", 2),
    ],
)  # fmt: skip
def test_one_time_is_chosen(store: str, select: str, step: int) -> None:
    scene = open_input(store, Reading(select=(select,)))
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, SERIES[step])
    assert [band.role for band in scene.layout.metadata.bands] == ["red", "green", "blue"]
    assert scene.layout.metadata.tags[""]["TIME"].startswith("2024-0")


def test_bands_are_named_by_their_labels(store: str) -> None:
    scene = open_input(store, Reading(select=("time=#0",), bands=("blue", "red")))
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, SERIES[0, [2, 0]])
    again = scene.having("2").select([0])
    np.testing.assert_array_equal(again.read(scene.grid.whole()).pixels, SERIES[0, 1:2])


def test_a_job_on_a_step_tells_and_repeats_it(store: str, tmp_path: Path) -> None:
    output, again = str(tmp_path / "out.tif"), str(tmp_path / "again.tif")
    geosal.compress(store, output, saliency="perlin", select="time=#1", bands="rgb")
    assert all(check.ok for check in geosal.verify(output, against=store))
    geosal.compress(store, again, like=output)
    scene = geosal.open_scene(store, select=["time=#1"], bands="rgb")
    np.testing.assert_array_equal(scene.values, SERIES[1])
    assert geosal.compare(store, again).scores().psnr == geosal.compare(store, output).scores().psnr
    assert describe(store, select=("time=#1",))["count"] == 3


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ((), "choose a step: --select time=2024-05-01"),
        (("time=2024-05-02",), "means 2 steps, 2024-05-02T10:30:00, 2024-05-02T22:00:00"),
        (("time=2023-01-01",), "no step, .*or the nearest: time=~2023-01-01"),
        (("time=#4",), "numbered from #0 to #3"),
        (("time=#x",), "numbered from #0 to #3"),
        (("time=yesterday",), "is no step.*; give one of them$"),
        (("time=#\u0663",), "numbered from #0 to #3"),
        (("time=#0", "time=#1"), "time is given twice"),
        *((("time=" + text,), "is no step.*; give one of them$") for text in ("~NaT", "~", "~nan", "~now", "today")),
        (("time=2024-13",), "is no step.*; give one of them$"),
        (("tim=1",), "it has band, time"),
        (("time",), "is no DIM=VALUE"),
    ],
)
def test_a_step_that_is_none(store: str, select: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        open_input(store, Reading(select=select))
    assert "\n" not in str(caught.value)


def test_levels_and_rasters_without_a_coordinate(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path / "levels.zarr", mode="w")
    for name, values in (("t", SERIES.astype("float32")), ("u", SERIES.astype("float32") + 1)):
        root.create_array(name, data=values, chunks=(1, 3, 40, 50), dimension_names=("level", "member", "y", "x"))
    root.create_array("level", data=np.array([1000.0, 850.0, 500.0, 200.0]), dimension_names=("level",))
    path = str(tmp_path / "levels.zarr")
    scene = open_input(path, Reading(select=("level=850", "member=#2")))
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, [SERIES[1, 2], SERIES[1, 2] + 1])
    assert [band.description for band in scene.layout.metadata.bands] == ["t", "u"]
    with pytest.raises(UsageError, match="no coordinate tells .* by number: member=#0"):
        open_input(path, Reading(select=("level=850", "member=two")))
    with pytest.raises(UsageError, match=r"level has 4 \(1000, 850, 500, 200\); member has 3"):
        open_input(path)


@pytest.mark.parametrize(("name", "told"), [("time", "time has 100000; choose"), ("layer", "100000 bands, and")])
def test_many_steps_are_refused_before_they_are_made(
    tmp_path: Path, name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = zarr.open_group(tmp_path / "many.zarr", mode="w")
    root.create_array("a", shape=(100_000, 9, 9), chunks=(1, 9, 9), dtype="u1", dimension_names=(name, "y", "x"))
    made: list[object] = []
    monkeypatch.setattr(zarr_choice, "Plane", lambda *args: made.append(args) or Plane(*args))
    with pytest.raises(UsageError, match=told):
        choose(str(tmp_path / "many.zarr"))
    assert not made
    assert choose(str(tmp_path / "many.zarr"), [f"{name}=#99999"]).planes[0].index == 100_000
    assert len(made) == 1


def test_the_nearest_is_of_labels_that_are_there(tmp_path: Path) -> None:
    times = np.array(["NaT", "2024-05-01", "2024-05-02", "NaT"], "datetime64[ns]")
    array = xr.DataArray(SERIES[:, 0], dims=("time", "y", "x"), coords={"time": times, "y": Y, "x": X}, name="refl")
    array.to_dataset().to_zarr(tmp_path / "gaps.zarr", zarr_format=2, consolidated=False)
    assert choose(str(tmp_path / "gaps.zarr"), ["time=~1700-01-01"]).steps == {"time": "2024-05-01"}
    with pytest.raises(UsageError, match="--select time=#0"):
        choose(str(tmp_path / "gaps.zarr"))
    floats = array.assign_coords(time=[np.nan, 850.0, 500.0, np.inf]).rename(time="level")
    floats.to_dataset().to_zarr(tmp_path / "floats.zarr", zarr_format=2, consolidated=False)
    assert choose(str(tmp_path / "floats.zarr"), ["level=~1e300"]).steps == {"level": "850"}
    for text in ("~1e999", "~inf", "~1_0", "~\u0663", "inf"):
        with pytest.raises(UsageError, match="is no step.*; give one of them$"):
            choose(str(tmp_path / "floats.zarr"), [f"level={text}"])


def write(path: Path, arrays: dict[str, np.ndarray], **attributes: object) -> str:
    root = zarr.open_group(path, mode="w")
    for name, values in arrays.items():
        made = root.create_array(
            name, data=values, dimension_names=("y", "x") if values.ndim == 2 else ("n",) * values.ndim
        )
        made.attrs.update(attributes.get(name, {}))
    return str(path)


class TestRefused:
    def test_a_group_without_rasters_lists_them(self, tmp_path: Path) -> None:
        write(tmp_path / "deep.zarr", {})
        write(tmp_path / "deep.zarr/measurements", {"b02": SERIES[0, 0]})
        with pytest.raises(SceneError, match="holds no raster itself.*measurements/b02"):
            open_input(str(tmp_path / "deep.zarr"))
        assert open_input(str(tmp_path / "deep.zarr/measurements")).layout.count == 1

    def test_bands_of_two_types_or_sizes(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "two.zarr", {"a": SERIES[0, 0], "b": SERIES[0, 0].astype("float32"), "c": SERIES[0, 0][:9]}
        )
        with pytest.raises(UsageError, match=r"several types \(a uint16, b float32\).*--bands.*two.zarr/a"):
            open_input(path)
        with pytest.raises(UsageError, match=r"several sizes or places \(a 50 x 40, c 50 x 9\)"):
            open_input(path, Reading(bands=("a", "c")))
        assert open_input(path, Reading(bands=("b",))).layout.dtype == "float32"

    @pytest.mark.parametrize(
        ("values", "told"),
        [(SERIES[0, 0].astype("int64"), "int64, geosal takes"), (SERIES[0, 0].astype("complex64"), "complex64")],
    )
    def test_samples_that_geosal_does_not_take(self, tmp_path: Path, values: np.ndarray, told: str) -> None:
        path = write(tmp_path / "odd.zarr", {"a": values})
        with pytest.raises(SceneError, match=told):
            open_input(path)

    @pytest.mark.parametrize("dtype", ["U3", "O"])
    def test_texts_are_no_raster(self, tmp_path: Path, dtype: str) -> None:
        root = zarr.open_group(tmp_path / "text.zarr", mode="w", zarr_format=2)
        root.create_array("a", shape=(4, 4), chunks=(4, 4), dtype=str if dtype == "O" else dtype)
        with pytest.raises(SceneError, match="holds .*, and a raster holds numbers|holds no raster"):
            open_input(str(tmp_path / "text.zarr/a"))

    @pytest.mark.parametrize("path", ["no", "../other", "a/../../x"])
    def test_a_path_that_is_none_or_leads_out(self, tmp_path: Path, path: str) -> None:
        store = write(tmp_path / "own.zarr", {"a": SERIES[0, 0]})
        with pytest.raises(SceneError):
            open_input(f"{store}/{path}")

    def test_options_of_rasters(self, tmp_path: Path) -> None:
        store = write(tmp_path / "own.zarr", {"a": SERIES[0, 0]})
        with pytest.raises(UsageError, match="--stack is for rasters"):
            open_input(store, Reading(stack=("b.tif",)))
        with pytest.raises(UsageError, match="--resolution is for products"):
            open_input(store, Reading(resolution=20))


@pytest.mark.parametrize("drop", [None, "consolidated"])
def test_levels_of_geozarr_begin_with_the_finest(tmp_path: Path, drop: str | None) -> None:
    path = tmp_path / "pyramid.zarr"
    root = zarr.open_group(path, mode="w")
    for name, step in (("1", 2), ("0", 1)):
        group = root.create_group(name)
        group.create_array("data", data=SERIES[0, :, ::step, ::step], dimension_names=("band", "y", "x"))
    layout = [
        {"asset": "1/data", "derived_from": "0/data", "spatial:shape": [20, 25]},
        {"asset": "0/data", "spatial:shape": [40, 50]},
    ]
    root.attrs.update({
        "multiscales": {"layout": layout}, "proj:code": "EPSG:32632", "spatial:dimensions": ["y", "x"],
        "spatial:transform": [10.0, 0, 6e5, 0, -10.0, 5e6],
    })  # fmt: skip
    if drop is None:
        zarr.consolidate_metadata(str(path), zarr_format=3)
    scene = open_input(str(path))
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, SERIES[0])
    assert scene.grid.rasterio_crs.to_epsg() == 32632
    meta = json.loads((path / "zarr.json").read_text())
    meta["attributes"]["multiscales"]["layout"][1]["asset"] = "../../etc"
    (path / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(SceneError, match="which is not there"):
        open_input(str(path))


def test_helpers_beside_a_raster_are_no_bands(tmp_path: Path) -> None:
    lat = np.broadcast_to(Y[:, None], (40, 50))
    arrays = {"b1": SERIES[0, 0], "b2": SERIES[0, 1], "lat": lat, "cloud": SERIES[0, 0].astype("uint8")}
    path = write(tmp_path / "swath.zarr", arrays, b1={"coordinates": "lat"}, cloud={"flag_values": [0, 1]})
    zarr.open_group(path, mode="a").create_array("table", data=np.ones((3, 3)), dimension_names=("n", "m"))
    assert [plane.name for plane in choose(path).planes] == ["b1", "b2"]


def make_xy(path: Path) -> np.ndarray:
    xr.Dataset({"v": (("x", "y"), SERIES[0, 0].T)}, {"x": X, "y": Y[::-1]}).to_zarr(path, consolidated=False)
    return SERIES[0, 0]


def make_zip(path: Path) -> np.ndarray:
    with zarr.storage.ZipStore(path.with_suffix(".zip"), mode="w") as bundle:
        xr.Dataset({"v": (("y", "x"), SERIES[0, 0])}, {"x": X, "y": Y}).to_zarr(
            bundle, consolidated=False, zarr_format=3
        )
    return SERIES[0, 0]


@pytest.mark.parametrize("make", [make_xy, make_zip])
def test_other_forms_hold_the_same_pixels(tmp_path: Path, make: Callable[[Path], np.ndarray]) -> None:
    wanted = make(tmp_path / "form.zarr")
    path = next(iter(tmp_path.glob("form*")))
    scene = open_input(str(path / "v"))
    np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels[0], wanted)
    assert scene.grid.transform.a == 10
    assert abs(scene.grid.transform.e) == 10
