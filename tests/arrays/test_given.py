"""Sources of saliency that a caller of Python has in memory."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask.array as da
import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr

import geosal
from geosal import SaliencyError, UsageError


@pytest.fixture
def scene(small_scene: Path) -> xr.DataArray:
    return geosal.open_scene(small_scene)


class Frame:
    """What a GeoDataFrame offers: geometries, a CRS and columns."""

    def __init__(self, geometries: list[Any], crs: object, **columns: list[float]) -> None:
        self.geometry, self.crs, self.columns = geometries, crs, list(columns)
        self._columns = columns

    def __getitem__(self, name: str) -> list[float]:
        return self._columns[name]

    def __iter__(self) -> Any:
        return iter(self.columns)


def box_of(scene: xr.DataArray, top: int, left: int, rows: int, cols: int) -> Any:
    place = scene.rio.transform()
    corners = [place @ (left, top), place @ (left + cols, top + rows)]
    return shapely.box(
        min(c[0] for c in corners), min(c[1] for c in corners), max(c[0] for c in corners), max(c[1] for c in corners)
    )


def test_geometries_are_what_a_file_of_them_is(scene: xr.DataArray, tmp_path: Path) -> None:
    boxes = [box_of(scene, 20, 30, 15, 25), box_of(scene, 80, 100, 40, 11)]
    expected = np.zeros(scene.shape[1:], np.float32)
    expected[20:35, 30:55] = expected[80:120, 100:111] = 1
    degrees = pyproj.Transformer.from_crs(scene.rio.crs, 4326, always_xy=True)
    there = [shapely.transform(one, lambda c: np.stack(degrees.transform(*c.T), axis=1)) for one in boxes]
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(b)} for b in there],
    }
    (tmp_path / "boxes.geojson").write_text(json.dumps(collection))
    for source in (
        boxes,
        tuple(boxes),
        Frame(boxes, scene.rio.crs),
        SimpleNamespace(__geo_interface__=collection, crs="EPSG:4326"),
        Frame(there, pyproj.CRS(4326)),
        str(tmp_path / "boxes.geojson"),
    ):
        np.testing.assert_array_equal(scene.geosal.saliency(source), expected)


def test_a_column_of_saliency_counts(scene: xr.DataArray) -> None:
    boxes = [box_of(scene, 20, 30, 15, 25), box_of(scene, 80, 100, 40, 11)]
    found = scene.geosal.saliency(Frame(boxes, scene.rio.crs, saliency=[0.25, 0.75]), background=0.1)
    assert [float(found[place]) for place in ((25, 40), (100, 105), (0, 0))] == pytest.approx([0.25, 0.75, 0.1])
    with pytest.raises(SaliencyError, match="outside 0 to 1"):
        scene.geosal.saliency(Frame(boxes, scene.rio.crs, saliency=[0.25, 75]))
    with pytest.raises(SaliencyError, match="no feature lies on the scene"):
        scene.geosal.saliency(shapely.box(0, 0, 1, 1))


def test_a_geodataframe_is_taken_in_every_form_it_has(scene: xr.DataArray, tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    boxes = [box_of(scene, 20, 30, 15, 25), box_of(scene, 80, 100, 40, 11)]
    columns = {"saliency": [0.25, 0.75], "kind": ["a", "b"]}
    frame = geopandas.GeoDataFrame(columns, geometry=boxes, crs=scene.rio.crs)
    plain, weighed = np.zeros((2, *scene.shape[1:]), np.float32)
    plain[20:35, 30:55] = plain[80:120, 100:111] = 1
    weighed[20:35, 30:55], weighed[80:120, 100:111] = 0.25, 0.75
    unplaced = frame.set_crs(None, allow_override=True)
    for source in (frame, [frame], frame.to_crs(4326), unplaced, frame.rename_geometry("shape"), frame[::-1]):
        np.testing.assert_array_equal(scene.geosal.saliency(source), weighed)
    for source in (frame.geometry, frame[["geometry"]], frame.geometry.values, frame.geometry.to_numpy(), boxes):
        np.testing.assert_array_equal(scene.geosal.saliency(source), plain)
    first = weighed * (weighed == 0.25)
    for source in (frame[frame.kind == "a"], frame.iloc[0]):
        np.testing.assert_array_equal(scene.geosal.saliency(source), first)
    out = tmp_path / "out.tif"
    scene.geosal.compress(out, frame.assign(saliency=1))
    assert "salient" in scene.geosal.compare(out, frame.geometry).parts
    assert scene.geosal.verify(out, frame.geometry).ok
    np.testing.assert_array_equal(scene.geosal.smooth(frame), scene.geosal.smooth(weighed))
    for wrong, message in (
        (frame.assign(saliency=["high", "low"]), "column saliency holds no numbers"),
        (frame.assign(saliency=[1, np.nan]), "numbers outside 0 to 1, or NaN"),
        (frame[:0], "of 0 features: there is no geometry in it"),
    ):
        with pytest.raises(SaliencyError, match=message):
            scene.geosal.saliency(wrong)
    with pytest.raises(UsageError, match="not DataFrame"):
        scene.geosal.saliency(frame.drop(columns="geometry"))
    with pytest.raises(UsageError, match=r"saliency=<GeoDataFrame>: .*geosal\.open_scene"):
        geosal.compress(tmp_path / "in.tif", out, saliency=frame)


def test_arrays_of_geometries_and_rows_are_geometries(scene: xr.DataArray) -> None:
    boxes = [box_of(scene, 20, 30, 15, 25), box_of(scene, 80, 100, 40, 11)]
    both = scene.geosal.saliency(boxes).values
    np.testing.assert_array_equal(scene.geosal.saliency(np.array([*boxes, None], object)), both)
    row = SimpleNamespace(geometry=boxes[0], crs=scene.rio.crs)
    np.testing.assert_array_equal(scene.geosal.saliency(row), scene.geosal.saliency(boxes[0]))
    with pytest.raises(SaliencyError, match="holds no numbers"):
        scene.geosal.saliency(Frame(boxes, None, saliency=["high", "low"]))  # type: ignore[list-item]
    with pytest.raises(SaliencyError, match="no GeoJSON"):
        scene.geosal.saliency(SimpleNamespace(__geo_interface__={"type": "Feature"}))


def test_arrays_of_the_scenes_shape(scene: xr.DataArray) -> None:
    shape = scene.shape[1:]
    values = np.random.default_rng(0).random(shape, np.float32)
    np.testing.assert_array_equal(scene.geosal.saliency(values), values)
    np.testing.assert_array_equal(scene.geosal.saliency(values > 0.5), values > 0.5)
    np.testing.assert_array_equal(scene.geosal.saliency((values * 255).astype(np.uint8)),
                                  ((values * 255).astype(np.uint8) / 255).astype(np.float32))  # fmt: skip
    np.testing.assert_array_equal(scene.geosal.smooth(values), scene.geosal.smooth(scene.geosal.saliency(values)))
    silent = values.copy()
    silent[:9] = np.nan
    with pytest.warns(geosal.GeosalWarning, match="covers"):
        found = scene.geosal.saliency(silent)
    assert (found[:9] == 1).all()
    with pytest.raises(SaliencyError, match=r"of the shape \(9, 9\) for a scene of \(160, 240\)"):
        scene.geosal.saliency(np.ones((9, 9)))
    with pytest.raises(SaliencyError, match="outside 0 to 1"):
        scene.geosal.saliency(values * 3)


def test_a_dataarray_lies_where_its_coordinates_say(scene: xr.DataArray) -> None:
    values = np.random.default_rng(0).random(scene.shape[1:], np.float32)
    mask = xr.DataArray(values, dims=("y", "x"), coords={"y": scene.y, "x": scene.x}, name="mine")
    part = scene[:, 40:120, 60:200]
    for given in (mask, mask.chunk(50), mask.rio.write_crs(scene.rio.crs), mask.expand_dims("band"),
                  mask.rename(y="latitude", x="longitude"), mask.sortby("y")):  # fmt: skip
        found = part.geosal.saliency(given)
        np.testing.assert_array_equal(found, values[40:120, 60:200])
        assert found.attrs["source"].startswith("array mine")


def test_several_kinds_unite(scene: xr.DataArray) -> None:
    lazy = xr.DataArray(da.zeros(scene.shape[1:], chunks=60), dims=("y", "x"))
    with pytest.warns(geosal.GeosalWarning, match="says 0 wherever"):
        found = scene.geosal.saliency(["half", box_of(scene, 20, 200, 15, 25), lazy])
    expected = np.zeros(scene.shape[1:])
    expected[:, :120] = expected[20:35, 200:225] = 1
    np.testing.assert_array_equal(found, expected)


def test_what_is_no_source_is_refused(scene: xr.DataArray) -> None:
    with pytest.raises(UsageError, match="a GeoDataFrame or a geometry, not dict"):
        scene.geosal.saliency({})
    with pytest.raises(UsageError, match="not bytes"):
        scene.geosal.saliency(b"half")


def test_floats_made_of_a_scene_do_not_have_its_nodata(rgb_scene: Path) -> None:
    scene = geosal.open_scene(rgb_scene)
    bright = scene[0].astype("float32") / 255  # 0 where the scene has nodata
    bright.attrs["_FillValue"] = np.uint8(0)  # as xarray has it since arithmetic keeps attributes
    np.testing.assert_array_equal(geosal.saliency(bright, like=scene), bright)
    bright.attrs["_FillValue"] = np.float32(0)  # said of the floats themselves
    with pytest.warns(geosal.GeosalWarning, match="covers 89.9%"):
        found = geosal.saliency(bright, like=scene).values
    assert (found[bright.values == 0] == 1).all()
