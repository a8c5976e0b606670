"""Distances against pyproj's geodesics."""

import numpy as np
import pyproj
import pytest
from affine import Affine
from rasterio.crs import CRS

from geosal.core.grid import Grid
from geosal.errors import UsageError
from geosal.sources.length import Length, middle_metres, parse_length, pixel_metres

UTM = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 300, 400)


@pytest.mark.parametrize(
    ("value", "length"),
    [("5px", Length(5, True)), ("60m", Length(60, False)), ("0.5km", Length(500, False)), (None, Length(0, True))],
)
@pytest.mark.parametrize("bare", [True, False])
def test_one_grammar_for_all_distances(value, length, bare):
    assert parse_length("t", "buffer", value, UTM, bare=bare) == length


def test_a_number_alone_is_metres_or_refused():
    assert parse_length("t", "buffer", "120", UTM, bare=True) == Length(120, False)
    assert parse_length("t", "dilate", "0", UTM, bare=False).amount == 0
    with pytest.raises(UsageError, match="dilate=5; write metres such as dilate=60m, or pixels such as dilate=5px"):
        parse_length("t", "dilate", "5", UTM, bare=False)


@pytest.mark.parametrize(
    "value", ["", "-1", "5 px", "60M", "60miles", "nan", "1e2", "5px5", "5\n", "2e7m", "10001km", "\u0665m"]
)
def test_what_is_no_length(value):
    with pytest.raises(UsageError, match="write metres such as buffer=60m, or .*, from 0 to 10000 km"):
        parse_length("t", "buffer", value, UTM, bare=True)


def test_metres_need_a_place_on_the_map():
    nowhere = Grid(None, Affine.identity(), 10, 10)
    assert parse_length("t", "buffer", "5px", nowhere, bare=True) == Length(5, True)
    assert parse_length("t", "buffer", "0", nowhere, bare=True).amount == 0
    with pytest.raises(UsageError, match="lacks georeferencing; write pixels such as buffer=5px"):
        parse_length("t", "buffer", "5m", nowhere, bare=True)


@pytest.mark.parametrize(("code", "ratio"), [(32633, 1), (3857, 0.5), (4326, None)])
def test_sides_of_a_pixel_in_metres_by_the_geodesic(code, ratio):
    x, y = pyproj.Transformer.from_crs(4326, code, always_xy=True).transform(15, 60)
    side = 10 if ratio else 1e-4
    scene = Grid.from_crs(CRS.from_epsg(code), Affine(side, 0, x, 0, -side, y), 100, 100)
    across, down = pixel_metres(np.full((1, 2), 0.5), scene)[0]
    geod = pyproj.Geod(ellps="WGS84")
    back = pyproj.Transformer.from_crs(code, 4326, always_xy=True)
    half = side / 2
    places = ((x, y - half), (x + side, y - half), (x + half, y), (x + half, y - side))
    left, right, above, below = (back.transform(*at) for at in places)
    assert across == pytest.approx(geod.inv(*left, *right)[2], rel=1e-9)
    assert down == pytest.approx(geod.inv(*above, *below)[2], rel=1e-9)
    if ratio:
        assert across == pytest.approx(10 * ratio, rel=0.005)


def test_longitudes_in_grads():
    """Lambert zone II counts in grads from Paris; near its middle a metre is a metre."""
    lambert = Grid.from_crs(CRS.from_epsg(27572), Affine(10, 0, 600000, 0, -20, 2400000), 100, 100)
    assert middle_metres(lambert) == pytest.approx((10, 20), rel=3e-3)


def test_feet_are_not_metres():
    feet = Grid.from_crs(CRS.from_epsg(2263), Affine(10, 0, 984250, 0, -20, 200000), 10, 10)
    assert middle_metres(feet) == pytest.approx((10 * 0.3048006096, 20 * 0.3048006096), rel=1e-4)


@pytest.mark.parametrize("latitude", [0.0, 45.0, -78.0])
def test_degrees_as_geodesics_have_them(latitude):
    size = 1e-3
    grid = Grid.from_crs(CRS.from_epsg(4326), Affine(size, 0, 12.0, 0, -size, latitude + size / 2), 1, 1)
    geod, middle = pyproj.Geod(ellps="WGS84"), 12 + size / 2
    down = geod.inv(middle, latitude - size / 2, middle, latitude + size / 2)[2]
    across = geod.inv(12.0, latitude, 12 + size, latitude)[2]
    assert middle_metres(grid) == pytest.approx((across, down), rel=1e-6)


def test_a_turned_pixel_keeps_its_sides():
    turned = Grid.from_crs(CRS.from_epsg(32633), Affine(6, 8, 400000, 8, -6, 5000000), 10, 10)
    assert middle_metres(turned) == pytest.approx((10, 10), rel=1e-3)
