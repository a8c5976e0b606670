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
    with pytest.raises(UsageError, match="a GeoDataFrame or a geometry, this is a dict"):
        scene.geosal.saliency({})
    with pytest.raises(UsageError, match="this is a bytes"):
        scene.geosal.saliency(b"half")
