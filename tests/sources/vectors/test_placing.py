import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from geosal.core.grid import Grid
from geosal.errors import SaliencyError
from geosal.sources.vectors.placing import TOLERANCE, to_pixels
from geosal.sources.vectors.reading import Features


def test_places_become_columns_and_rows(grid):
    point = shapely.points([[400105, 4999875]])
    placed, lost, _ = to_pixels("t", Features(point, None, "EPSG:32633"), grid, None)
    assert shapely.get_coordinates(placed).tolist() == [[10.5, 12.5]]
    assert lost == 0
    turned = Grid(grid.crs, Affine(9, 3, 400000, 3, -9, 4999000), 300, 400)
    places = shapely.get_coordinates(to_pixels("t", Features(point, None, "EPSG:32633"), turned, None)[0])
    np.testing.assert_allclose(turned.transform @ (*places[0], 1), [400105, 4999875, 1])


def test_places_that_the_scenes_crs_does_not_have_are_left_out():
    scene = Grid.from_crs(CRS.from_epsg(3857), Affine(1000, 0, 0, 0, -1000, 1e6), 1000, 200)
    points = shapely.points([[1, 1], [0, 100], [np.inf, 0]])
    placed, lost, _ = to_pixels("t", Features(points, None, "EPSG:4326"), scene, None)
    assert lost == 1, "the other is known not to lie near the scene"
    np.testing.assert_array_equal(shapely.is_empty(placed), [False, True, True])
    placed, lost, _ = to_pixels("t", Features(points[[0, 2]], None, pixels=True), scene, None)
    assert lost == 1


def test_another_planet_is_refused(grid):
    mars = "+proj=longlat +R=3396190 +no_defs"
    with pytest.raises(SaliencyError):
        to_pixels("t", Features(shapely.points([[1, 1]]), None, pyproj.CRS(mars).to_wkt()), grid, None)


DEGREES = pyproj.Transformer.from_crs(4326, 32633, always_xy=True)


def exact(shape, scene):
    """The same in pixels, cut into sides of 1/1000 degree first."""
    back = ~scene.transform
    return shapely.transform(
        shapely.segmentize(shape, 0.001),
        lambda p: np.stack((back @ (*DEGREES.transform(*p.T), np.ones(len(p))))[:2], axis=1),
    )


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON ((14.1 44.4, 15.5 44.4, 15.5 46.4, 14.1 46.4, 14.1 44.4))",
        "MULTILINESTRING ((15 44.4, 15 46.4), (14.7 45, 15.3 45))",
        "POLYGON ((15 44.5, 15.1 44.5, 15.1 46, 15 46, 15 44.5), (15.02 45, 15.04 45, 15.02 45.9, 15.02 45))",
    ],
)
def test_bent_sides_are_off_by_less_than_the_tolerance(text):
    """Each side by itself: the sag of one may come with the length of another."""
    scene = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 420000, 0, -10, 5150000), 25000, 16000)
    shape = shapely.from_wkt(text)
    placed = to_pixels("t", Features(np.array([shape]), None, "EPSG:4326"), scene, None).geometries[0]
    lines = placed.boundary if placed.area else placed
    assert shapely.hausdorff_distance(lines, exact(shape.boundary if shape.area else shape, scene)) < 30
    assert shapely.distance(shapely.points(shapely.get_coordinates(exact(shape, scene))), lines).max() < TOLERANCE
    assert len(shapely.get_coordinates(placed)) < 4000


def test_parts_and_rings_are_not_joined():
    """Between two parts there is no side that could be bent."""
    scene = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 9000, 9000)
    boxes = shapely.MultiPolygon([shapely.box(14, 44.5, 14.0001, 44.5001), shapely.box(14.5, 45, 14.5001, 45.0001)])
    placed = to_pixels("t", Features(np.array([boxes]), None, "EPSG:4326"), scene, None).geometries
    assert len(shapely.get_coordinates(placed)) == 10


@pytest.mark.parametrize(
    "box", [(-180, -90, 180, 90), (-179, -60, 179, 85), (-10, 1, 180, 77), (-160, -60, 60, 84), (0, 30, 360, 80)]
)
def test_polygons_larger_than_the_projections_domain_hold_the_scene(grid, box):
    features = Features(np.array([shapely.box(*box)]), None, "EPSG:4326")
    placed, lost, mended = to_pixels("t", features, grid, None, 10)
    assert placed[0].is_valid
    assert placed[0].contains(shapely.box(-10, -10, grid.width + 10, grid.height + 10))
    assert lost == mended == 0


def test_longitudes_from_0_to_360_find_the_scene():
    scene = Grid.from_crs(CRS.from_epsg(32630), Affine(10, 0, 400000, 0, -10, 5000000), 300, 400)
    corner = pyproj.Transformer.from_crs(32630, 4326, always_xy=True).transform(402005, 4998995)
    for turn in (0, 360):
        point = shapely.points([[corner[0] + turn, corner[1]]])
        placed = to_pixels("t", Features(point, None, "EPSG:4326"), scene, None).geometries
        np.testing.assert_allclose(shapely.get_coordinates(placed), [[200.5, 100.5]], atol=1e-4)
