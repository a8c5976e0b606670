import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal import Ladder
from geosal.smoothing.weights import fixed_point_taps, gaussian_taps, taps_for


@given(st.integers(1, 32), st.sampled_from([8, 18, 26]))
def test_fixed_point_taps_are_exact_fractions_of_sum_one(level: int, bits: int) -> None:
    width = 2 * level + 1
    sigma = Ladder(32).sigma_of(width)
    taps = fixed_point_taps(width, sigma, bits)
    assert taps.sum() == 1.0
    np.testing.assert_array_equal(taps, taps[::-1])
    np.testing.assert_array_equal(taps * 2**bits, np.rint(taps * 2**bits))
    assert taps[level] > 0
    # An error is at most half a unit per tap, and the centre takes what the others leave.
    assert np.abs(taps - gaussian_taps(width, sigma)).max() <= 1.01 * 2**-bits


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
@pytest.mark.parametrize("width", [3, 17, 65])
def test_the_weight_of_a_full_window_is_exactly_one_in_float64(dtype: str, width: int) -> None:
    counting = taps_for(dtype, width, Ladder(32).sigma_of(width)).counting
    assert np.outer(counting, counting).sum() == 1.0


def test_16_bit_sums_are_exact_and_wide_samples_get_the_formula_itself() -> None:
    for dtype, width in (("uint16", 65), ("uint8", 65), ("int16", 3)):
        values = taps_for(dtype, width, 2.0).values
        assert (values * 2**18 == np.rint(values * 2**18)).all()
    for dtype in ("int32", "uint32", "float32", "float64"):
        np.testing.assert_array_equal(taps_for(dtype, 17, 2.9).values, gaussian_taps(17, 2.9))
