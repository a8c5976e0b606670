import numpy as np
import pytest
import shapely

from geosal.sources.vectors.placing import TOLERANCE
from geosal.sources.vectors.shapes import areal, grow


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
