import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from geosal.errors import SaliencyError
from geosal.grid import Grid
from geosal.sources.vectorfile import Features
from geosal.sources.vectorplace import TOLERANCE, areal, grow, pixel_metres, to_pixels


def test_places_become_columns_and_rows(grid):
    point = shapely.points([[400105, 4999875]])
    placed, lost = to_pixels("t", Features(point, None, "EPSG:32633"), grid, None)
    assert shapely.get_coordinates(placed).tolist() == [[10.5, 12.5]]
    assert lost == 0
    turned = Grid(grid.crs, Affine(9, 3, 400000, 3, -9, 4999000), 300, 400)
    places = shapely.get_coordinates(to_pixels("t", Features(point, None, "EPSG:32633"), turned, None)[0])
    np.testing.assert_allclose(turned.transform @ (*places[0], 1), [400105, 4999875, 1])


def test_places_that_the_scenes_crs_does_not_have_are_left_out():
    scene = Grid.from_crs(CRS.from_epsg(3857), Affine(1000, 0, 0, 0, -1000, 1e6), 100, 100)
    points = shapely.points([[1, 1], [0, 100], [np.inf, 0]])
    placed, lost = to_pixels("t", Features(points, None, "EPSG:4326"), scene, None)
    assert lost == 2
    np.testing.assert_array_equal(shapely.is_empty(placed), [False, True, True])
    placed, lost = to_pixels("t", Features(points[[0, 2]], None, pixels=True), scene, None)
    assert lost == 1


def test_another_planet_is_refused(grid):
    mars = "+proj=longlat +R=3396190 +no_defs"
    with pytest.raises(SaliencyError):
        to_pixels("t", Features(shapely.points([[1, 1]]), None, pyproj.CRS(mars).to_wkt()), grid, None)


@pytest.mark.parametrize(("code", "ratio"), [(32633, 1), (3857, 0.5), (4326, None)])
def test_sides_of_a_pixel_in_metres_by_the_geodesic(code, ratio):
    x, y = pyproj.Transformer.from_crs(4326, code, always_xy=True).transform(15, 60)
    side = 10 if ratio else 1e-4
    scene = Grid.from_crs(CRS.from_epsg(code), Affine(side, 0, x, 0, -side, y), 100, 100)
    across, down = pixel_metres(np.zeros((1, 2)), scene)[0]
    geod = pyproj.Geod(ellps="WGS84")
    back = pyproj.Transformer.from_crs(code, 4326, always_xy=True)
    here, right, below = (back.transform(*at) for at in ((x, y), (x + side, y), (x, y - side)))
    assert across == pytest.approx(geod.inv(*here, *right)[2], rel=1e-9)
    assert down == pytest.approx(geod.inv(*here, *below)[2], rel=1e-9)
    if ratio:
        assert across == pytest.approx(10 * ratio, rel=0.005)


@pytest.mark.parametrize("distance", [0.3, 5, 80, 700])
def test_grown_corners_are_round_within_the_tolerance(distance):
    grown = grow(shapely.points([[0.0, 0.0]]), distance, np.ones((1, 2)))[0]
    inner = shapely.distance(grown.boundary, shapely.Point(0, 0))
    assert distance - 1.01 * TOLERANCE - 0.0002 * distance <= inner <= distance
    assert shapely.bounds(grow(shapely.box([0.0], 0, 1, 1), 6, np.array([[2.0, 3.0]])))[0].tolist() == [-3, -2, 4, 3]


def test_points_and_lines_become_areas():
    things = np.array(shapely.from_wkt(["POINT (2.7 3.2)", "MULTIPOINT (0.5 0.5, 4.5 0.5)", "LINESTRING (0 0, 9 0)"]))
    np.testing.assert_allclose(shapely.area(areal(things)), [1, 2, 9])
    assert shapely.bounds(areal(things))[0].tolist() == [2, 3, 3, 4]
