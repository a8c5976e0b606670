import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal import Ladder
from geosal.smoothing.weights import fixed_point_taps, gaussian_taps, kernels


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


@pytest.mark.parametrize(("dtype", "bits"), [("uint8", {8: 8, 18: 24}), ("uint16", {18: 32}), ("int16", {18: 32})])
def test_narrow_samples_get_taps_whose_sums_are_exact(dtype: str, bits: dict[int, int]) -> None:
    found = dict(kernels(dtype, Ladder(32), 32))
    assert {key: len(taps) for key, taps in found.items()} == bits
    for point, taps in found.items():
        assert point is not None
        for level, values in taps.items():
            assert values.size == 2 * level + 1
            assert np.outer(values, values).sum() == 1.0
            assert (values * 2.0**point == np.rint(values * 2.0**point)).all()


@pytest.mark.parametrize("dtype", ["int32", "uint32", "float32", "float64"])
def test_wide_samples_get_the_formula_itself(dtype: str) -> None:
    ((bits, taps),) = kernels(dtype, Ladder(), 8)
    assert bits is None
    np.testing.assert_array_equal(taps[8], gaussian_taps(17, Ladder().sigma_of(17)))


def test_only_the_levels_that_occur_get_taps() -> None:
    ((_, taps),) = kernels("uint8", Ladder(), 3)
    assert list(taps) == [1, 2, 3]
