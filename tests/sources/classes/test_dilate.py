"""Discs against SciPy's dilation and pyproj's geodesics."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from geosal.core.grid import Block, Grid
from geosal.errors import UsageError
from geosal.sources.classes.dilate import MAX_RADIUS, Disc, parse_radius

UTM = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 300, 400)


def expected(marked, down, across):
    from scipy.ndimage import binary_dilation

    rows, cols = np.ogrid[-int(down) : int(down) + 1, -int(across) : int(across) + 1]
    disc = (rows / max(down, 1e-9)) ** 2 + (cols / max(across, 1e-9)) ** 2 <= 1 + 1e-9
    return binary_dilation(marked, disc)


@pytest.mark.parametrize(
    ("down", "across"), [(0, 0), (1, 1), (2.5, 2.5), (5, 5), (13, 13), (3, 6), (7.5, 2.5), (20, 31)]
)
@pytest.mark.parametrize("share", [0.001, 0.02, 0.5])
def test_it_grows_as_scipy_does(down, across, share):
    marked = np.random.default_rng(3).random((80, 120)) < share
    marked[40, 60] = True
    np.testing.assert_array_equal(Disc.of(down, across).grow(marked), expected(marked, down, across))


def test_nothing_grows_to_nothing():
    marked = np.zeros((9, 9), bool)
    assert not Disc.of(4, 4).grow(marked).any()


@given(st.integers(0, 60), st.integers(0, 80), st.integers(1, 50), st.integers(1, 50), st.sampled_from([1, 4.5, 11]))
def test_a_halo_is_enough_for_any_block(row, col, height, width, radius):
    marked = np.random.default_rng(5).random((70, 90)) < 0.004
    disc = Disc.of(radius, radius * 1.3)
    whole = disc.grow(marked)
    block = Block(row, col, min(height, 70 - row), min(width, 90 - col))
    outer = block.expand(disc.halo, (70, 90))
    part = marked[outer.row_off : outer.row_stop, outer.col_off : outer.col_stop]
    within = slice(block.row_off, block.row_stop), slice(block.col_off, block.col_stop)
    np.testing.assert_array_equal(disc.grow(part)[block.slices_in(outer)], whole[within])


@pytest.mark.parametrize(
    ("value", "halo"),
    [(None, 0), ("0", 0), ("5px", 5), ("60m", 6), ("0.06km", 6), ("55m", 5), (".5km", 50), ("2.9px", 2)],
)
def test_radius_in_pixels_and_metres(value, halo):
    assert parse_radius("clouds", "dilate", value, UTM).halo == halo


def test_metres_are_those_on_the_ground():
    """At 60 degrees north a pixel of 10 m in EPSG:3857 is 5 m wide."""
    mercator = Grid.from_crs(CRS.from_epsg(3857), Affine(10, 0, 1669792, 0, -10, 8399738), 100, 100)
    assert parse_radius("clouds", "dilate", "60m", mercator).halo == 12


@pytest.mark.parametrize("value", ["", "5", "-1", "5 px", "60M", "60miles", "nan", "inf", "1e2", "5px5", "5\n"])
def test_what_is_no_radius(value):
    with pytest.raises(UsageError, match="write metres such as dilate=60m, or pixels such as dilate=5px"):
        parse_radius("clouds", "dilate", value, UTM)


def test_a_radius_has_a_limit():
    assert parse_radius("clouds", "dilate", f"{MAX_RADIUS}px", UTM).halo == MAX_RADIUS
    with pytest.raises(UsageError, match="513 pixels"):
        parse_radius("clouds", "dilate", "5130m", UTM)


def test_metres_need_a_place_on_the_map():
    nowhere = Grid(None, Affine.identity(), 10, 10)
    assert parse_radius("clouds", "dilate", "5px", nowhere).halo == 5
    with pytest.raises(UsageError, match="write pixels"):
        parse_radius("clouds", "dilate", "5m", nowhere)
