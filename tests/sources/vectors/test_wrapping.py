"""Features over the edges of maps, against places of every pixel that are looked up one by one."""

from functools import cache

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from geosal.core.grid import Grid
from geosal.sources.vectors.cutting import period
from geosal.sources.vectors.placing import to_pixels
from geosal.sources.vectors.reading import Features

MERCATOR = 20037508.342789244
SCENES = {
    "170 to 190": (4326, Affine(0.1, 0, 170, 0, -0.1, -10), (100, 200)),
    "-190 to -170": (4326, Affine(0.1, 0, -190, 0, -0.1, -10), (100, 200)),
    "0 to 360": (4326, Affine(1, 0, 0, 0, -1, 90), (180, 360)),
    "-180 to 180": (4326, Affine(1, 0, -180, 0, -1, 90), (180, 360)),
    "NAD83": (4269, Affine(0.1, 0, 170, 0, -0.1, -10), (100, 200)),
    "Mercator beyond its edge": (3857, Affine(1e4, 0, MERCATOR - 1e6, 0, -1e4, -1e6), (130, 200)),
    "Mercator of the world": (3857, Affine(1e5, 0, -MERCATOR, 0, -1e5, 18e6), (360, 401)),
    "Mercator of the Pacific": (3832, Affine(2e4, 0, 2e6, 0, -2e4, -1e6), (70, 150)),
    "turned": (4326, Affine(0.1, 0.0213, 168, 0.0213, -0.1, -10), (100, 200)),
}
SEA = shapely.box(177, -18, 184, -14)


def by_pixels(inside, grid: Grid, code: int = 4326) -> np.ndarray:
    """What a function of places in a CRS says at the middle of every pixel."""
    return inside(*places(grid, code))


@cache
def places(grid: Grid, code: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the middles of pixels lie in a CRS: x and y."""
    row, col = np.mgrid[: grid.height, : grid.width] + 0.5
    m = grid.transform
    x, y = m.a * col + m.b * row + m.c, m.d * col + m.e * row + m.f
    if CRS.from_wkt(grid.crs).is_geographic:
        x = (x + 180) % 360 - 180
    return pyproj.Transformer.from_crs(grid.crs, code, always_xy=True).transform(x, y)


def in_features(shapes, grid: Grid, code: int = 4326) -> np.ndarray:
    placed = to_pixels("t", Features(np.array(shapes), None, f"EPSG:{code}"), grid, None).geometries
    row, col = np.mgrid[: grid.height, : grid.width] + 0.5
    return np.logical_or.reduce([shapely.contains_xy(shape, col, row) for shape in placed])


def scene(name: str) -> Grid:
    code, transform, shape = SCENES[name]
    return Grid.from_crs(CRS.from_epsg(code), transform, *shape)


def sea(longitude, latitude):
    return (latitude > -18) & (latitude < -14) & ((longitude > 177) | (longitude < -176))


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("code", [4326, 4269, 7844])
@pytest.mark.parametrize(
    "shapes",
    [
        [shapely.MultiPolygon([shapely.box(177, -18, 180, -14), shapely.box(-180, -18, -176, -14)])],
        [shapely.box(177, -18, 180, -14), shapely.box(-180, -18, -176, -14)],
        [SEA],
        [shapely.box(-183, -18, -176, -14)],
    ],
    ids=["split", "two", "beyond 180", "below -180"],
)
def test_degrees_in_any_turn_find_the_same_sea(name, code, shapes):
    grid = scene(name)
    due = by_pixels(sea, grid)
    assert due.any()
    assert (in_features(shapes, grid, code) != due).sum() == 0


def to(code: int, shape):
    """The same in another CRS, sides cut finely first."""
    way = pyproj.Transformer.from_crs(4326, code, always_xy=True)
    return shapely.transform(shapely.segmentize(shape, 0.05), lambda p: np.stack(way.transform(*p.T), axis=1))


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("code", [32701, 2193, 3832, 3338, 32760])
@pytest.mark.parametrize("east", [184, 180])
def test_projected_areas_over_180_do_not_jump(name, code, east):
    grid = scene(name)
    south, north = (-18, -14) if code != 3338 else (50, 58)
    if code == 3338 and name not in {"0 to 360", "-180 to 180", "Mercator of the world"}:
        pytest.skip("Alaska is not on it")
    shape = to(code, shapely.box(177, south, east, north))
    due = by_pixels(lambda x, y: shapely.contains_xy(shape, x, y), grid, code)
    assert due.any()
    found = in_features([shape], grid, code)
    assert (found != due).sum() <= 0.01 * due.sum(), (found.sum(), due.sum())


@pytest.mark.parametrize("name", ["0 to 360", "-180 to 180", "Mercator of the world"])
@pytest.mark.parametrize("code", [3031, 3413])
@pytest.mark.parametrize("hole", [None, "cap", "aside"])
def test_caps_go_round_the_pole(name, code, hole):
    grid = scene(name)
    cap = shapely.Point(0, 0).buffer(4e6, quad_segs=4)
    if hole is not None:
        cap = cap - (shapely.Point(0, 0) if hole == "cap" else shapely.Point(0, -2.5e6)).buffer(1e6)
    due = by_pixels(lambda x, y: shapely.contains_xy(cap, x, y), grid, code)
    found = in_features([cap], grid, code)
    assert due.sum() > 3000
    assert (found != due).sum() <= 0.002 * due.sum(), (found.sum(), due.sum())


@pytest.mark.parametrize("name", ["0 to 360", "-180 to 180"])
def test_greenwich_and_whole_worlds(name):
    grid = scene(name)
    due = by_pixels(lambda x, y: (abs(x) < 15) & (abs(y) < 40), grid)
    assert (in_features([shapely.box(-15, -40, 15, 40)], grid) == due).all()
    assert (in_features([shapely.box(345, -40, 375, 40)], grid) == due).all()
    assert in_features([shapely.box(-180, -90, 180, 90)], grid).all()
    assert in_features([shapely.box(-MERCATOR, -MERCATOR, MERCATOR, MERCATOR)], grid, 3857)[10:-10].all()


def test_what_does_not_cross_stays_to_the_bit():
    shape = shapely.box(171.1, -18.3, 172.7, -12.9)
    placed = to_pixels("t", Features(np.array([shape]), None, "EPSG:4326"), scene("170 to 190"), None).geometries
    expected = (shapely.get_coordinates(shape) - [170, -10]) / [0.1, -0.1]
    assert (shapely.get_coordinates(placed) == expected).all()


def test_lines_and_points_are_turned_as_well():
    grid = scene("170 to 190")
    shapes = [shapely.Point(-178.95, -15.05), shapely.LineString([[-183, -12], [-176, -12]])]
    shapes.append(to(32701, shapely.LineString([[178, -13], [183, -13]])))
    for code, some in ((4326, shapes[:2]), (32701, shapes[2:])):
        placed = to_pixels("t", Features(np.array(some), None, f"EPSG:{code}"), grid, None).geometries
        for one in placed:
            left, _, right, _ = one.bounds
            assert right > 0
            assert left < 200
            assert right - left < 71
    point = shapely.get_coordinates(to_pixels("t", Features(np.array(shapes[:1]), None, "EPSG:4326"), grid, None)[0])
    np.testing.assert_allclose(point, [[110.5, 50.5]])


def test_a_cut_at_180_is_no_edge():
    shape = shapely.MultiPolygon([shapely.box(177, -18, 180, -14), shapely.box(-180, -18, -176, -14)])
    placed = to_pixels("t", Features(np.array([shape]), None, "EPSG:4326"), scene("170 to 190"), None).geometries
    parts = shapely.get_parts(placed)
    assert shapely.box(0, 0, 200, 100).intersection(placed[0].boundary).length == pytest.approx(2 * (70 + 40))
    assert parts.size <= 3


@pytest.mark.parametrize(
    ("code", "turn"),
    [(4326, 360), (4807, 400), (3857, 2 * MERCATOR), (3832, 2 * np.pi * 6378137), (4087, 2 * np.pi * 6378137)],
)
def test_cylindrical_maps_come_back_after_a_turn(code, turn):
    assert period(pyproj.CRS.from_epsg(code).to_wkt()) == pytest.approx(turn, rel=1e-9)


@pytest.mark.parametrize("code", [32633, 3031, 3338, 8857, 4978])
def test_other_maps_do_not(code):
    assert period(pyproj.CRS.from_epsg(code).to_wkt()) is None
