import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from geosal.core.grid import Block
from geosal.sources.masks.interpolation import Footprint, footprint_bounds

MASK = np.random.default_rng(3).random((9, 11), dtype=np.float32)
"""Values of a mask of 9x11 pixels."""


def sample(values: np.ndarray, x: np.ndarray, y: np.ndarray, how: str) -> np.ndarray:
    """Through a footprint and its window, as a source does it; NaN off the mask."""
    footprint = Footprint.of(x, y, values.shape)
    assert footprint is not None
    window = values[footprint.window.window.toslices()]
    out = np.array(getattr(footprint, how)(window))
    if footprint.outside is not None:
        out[footprint.outside] = np.nan
    return out


def axes(x: list[float], y: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([x]), np.array([y]).T


positions = st.lists(st.floats(0, 8.99), min_size=1, max_size=6)


@given(positions, positions)
def test_nearest_is_the_pixel_a_position_lies_in(x, y):
    expected = MASK[np.ix_((np.array(y) + 1e-6).astype(int), (np.array(x) + 1e-6).astype(int))]
    np.testing.assert_array_equal(sample(MASK, *axes(x, y), "nearest"), expected)


@given(positions, positions)
def test_bilinear_is_scipys_of_order_1(x, y):
    row, col = np.meshgrid(np.array(y) - 0.5, np.array(x) - 0.5, indexing="ij")
    expected = map_coordinates(MASK.astype(np.float64), [row, col], order=1, mode="nearest")
    np.testing.assert_allclose(sample(MASK, *axes(x, y), "bilinear"), expected, atol=1e-6)


@given(st.data())
def test_one_position_per_pixel_gives_what_two_axes_give(data):
    x, y = axes(data.draw(positions), data.draw(positions))
    for how in ("nearest", "bilinear"):
        apart = sample(MASK, x, y, how)
        together = sample(MASK, *np.broadcast_arrays(x, y), how)
        np.testing.assert_array_equal(apart, together)


@pytest.mark.parametrize("how", ["nearest", "bilinear"])
def test_off_the_mask_is_nothing(how):
    x, y = axes([-0.01, 0.0, 10.99, 11.0, np.nan, np.inf], [-0.01, 4.5, 9.0])
    found = ~np.isnan(sample(MASK, x, y, how))
    assert found.tolist() == [[False] * 6, [False, True, True, False, False, False], [False] * 6]
    found = ~np.isnan(sample(MASK, *np.broadcast_arrays(x, y), how))
    assert found[1].tolist() == [False, True, True, False, False, False]


def test_nothing_on_the_mask_is_no_footprint():
    assert Footprint.of(*axes([12.0], [3.0]), MASK.shape) is None
    assert Footprint.of(*axes([np.nan], [3.0]), MASK.shape) is None


def test_a_border_between_two_pixels_off_by_rounding_goes_right_and_down():
    x, y = axes([3 - 1e-9, 3.0, 3 + 1e-9], [5 - 1e-9])
    np.testing.assert_array_equal(sample(MASK, x, y, "nearest"), [[MASK[5, 3]] * 3])


def test_bilinear_gives_no_weight_to_what_says_nothing():
    values = np.array([[0.2, np.nan], [0.6, 1.0]], dtype=np.float32)
    found = sample(values, *axes([1.0], [1.0]), "bilinear")
    np.testing.assert_allclose(found, (0.2 + 0.6 + 1.0) / 3, rtol=1e-6)
    at_centres = sample(values, *axes([0.5, 1.5], [0.5, 1.5]), "bilinear")
    np.testing.assert_array_equal(at_centres, values)


@given(positions, positions)
def test_bilinear_of_one_value_is_that_value(x, y):
    values = np.full((9, 11), 0.33, dtype=np.float32)
    values[2:5, 3] = np.nan
    found = sample(values, *axes(x, y), "bilinear")
    np.testing.assert_allclose(found[~np.isnan(found)], np.float32(0.33), rtol=2e-7)
    ones = sample(np.ones((9, 11), dtype=np.float32), *axes(x, y), "bilinear")
    assert (ones == 1).all()


def test_reach_is_the_rectangle_and_a_step_more():
    assert footprint_bounds(*axes([10.0, 14.0], [20.0, 21.0]), (100, 100)) == Block(17, 4, 7, 16)
    assert footprint_bounds(*axes([-50.0, -48.0], [20.0]), (100, 100)) is None
    assert footprint_bounds(*axes([200.0, 203.0], [20.0]), (100, 100)) is None


def test_reach_takes_the_whole_mask_where_a_position_is_missing():
    assert footprint_bounds(*axes([10.0, np.nan], [20.0]), (100, 90)) == Block(0, 0, 100, 90)
