"""Where scenes lie in other CRSs, against places of theirs that are projected one by one."""

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from geosal.core.grid import Grid
from geosal.errors import SaliencyError, UsageError
from geosal.sources.vectors.cutting import cut, require_place, scene_boxes, source_crs

SCENES = {
    "utm": (32633, Affine(10, 0, 400000, 0, -10, 5000000)),
    "turned": (32633, Affine(9, 3, 400000, 3, -9, 4999000)),
    "antimeridian": (32601, Affine(1000, 0, 100000, 0, -1000, 5000000)),
    "pole": (3413, Affine(10000, 0, -2000000, 0, -10000, 1500000)),
    "degrees": (4326, Affine(0.1, 0, 170, 0, -0.1, 10)),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("code", [4326, 4267])
@pytest.mark.parametrize("reach", [0, 40])
def test_every_place_around_the_scene_is_in_a_box(scene, code, reach):
    grid = Grid.from_crs(CRS.from_epsg(SCENES[scene][0]), SCENES[scene][1], 300, 400)
    source = pyproj.CRS.from_epsg(code)
    boxes = scene_boxes(source, grid, reach)
    col, row = np.random.default_rng(1).uniform([[-reach], [-reach]], [[400 + reach], [300 + reach]], (2, 2000))
    x, y, _ = grid.transform @ (col, row, np.ones(2000))
    longitude, latitude = pyproj.Transformer.from_crs(grid.crs, source, always_xy=True).transform(x, y)
    for shift in (-360, 0, 360):
        there = (boxes[:, :1] <= longitude + shift) & (longitude + shift <= boxes[:, 2:3])
        there &= (boxes[:, 1:2] <= latitude) & (latitude <= boxes[:, 3:])
        assert there.any(axis=0).mean() == 1 if shift == 0 else there.any()


def test_a_crs_without_a_place_for_some_of_the_scene_has_no_boxes():
    world = Grid.from_crs(CRS.from_epsg(4326), Affine(0.9, 0, -180, 0, -0.6, 90), 300, 400)
    assert scene_boxes(pyproj.CRS.from_epsg(3857), world, 0) is None
    assert scene_boxes(pyproj.CRS.from_epsg(4807), world, 0) is None, "grads"
    assert scene_boxes(pyproj.CRS.from_epsg(4326), world, 0)[0, 2] >= 360


def test_what_is_inside_stays_and_what_is_outside_goes():
    boxes = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    texts = [
        "POLYGON ((1 1, 2 1, 2 2, 1 1))",
        "POINT (15 5)",
        "LINESTRING (5 5, 25 5)",
        "POLYGON EMPTY",
        "POINT (5 50)",
    ]
    texts += ["POLYGON ((-50 -50, 50 -50, 50 50, -50 50, -50 -50))", "POLYGON ((5 5, 15 15, 15 5, 5 15, 5 5))"]
    shapes = shapely.from_wkt(texts)
    shapes = np.append(shapes, shapely.points([[np.inf, 0]]))
    found, mended = cut(shapes, boxes)
    assert found[0] is shapes[0]
    assert shapely.is_empty(found).tolist() == [False, True, False, True, True, False, False, False]
    assert found[2].length == 5 + 5
    assert found[5].area == 200
    assert mended == 1
    assert found[-1] is shapes[-1]
    assert cut(shapes, None) == (shapes, 0)


def test_a_place_and_a_crs_are_needed(grid):
    require_place("t", grid)
    with pytest.raises(SaliencyError, match=r"the scene lacks .*: rio edit-info --crs EPSG:CODE --transform"):
        require_place("t", Grid(None, Affine.identity(), 9, 9))
    with pytest.raises(SaliencyError, match="tells no CRS; add crs=CODE"):
        source_crs("t", None, None)
    with pytest.raises(UsageError, match="but the file says EPSG:4326"):
        source_crs("t", "EPSG:4326", "EPSG:32633")
    with pytest.raises(UsageError, match="its CRS cannot be used"):
        source_crs("t", "EPSG:99999", None)
