import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal import Ladder
from geosal.smoothing.weights import fixed_point_taps, fraction_bits, gaussian_taps


@given(st.integers(1, 32), st.sampled_from(["uint8", "uint16", "int16", "int32", "float32", "float64"]))
def test_taps_are_exact_fractions_of_sum_one(level: int, dtype: str) -> None:
    width, bits = 2 * level + 1, fraction_bits(dtype)
    sigma = Ladder(32).sigma_of(width)
    taps = fixed_point_taps(width, sigma, bits)
    assert taps.sum() == 1.0
    np.testing.assert_array_equal(taps, taps[::-1])
    np.testing.assert_array_equal(taps * 2**bits, np.rint(taps * 2**bits))
    assert taps[level] > 0
    # An error is at most half a unit per tap, and the centre takes what the others leave.
    assert np.abs(taps - gaussian_taps(width, sigma)).max() <= 1.01 * 2**-bits


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_weight_of_a_full_window_is_exactly_one_in_float64(dtype: str) -> None:
    taps = fixed_point_taps(17, 2.9, fraction_bits(dtype))
    assert np.outer(taps, taps).sum() == 1.0
