import hashlib

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


@given(st.integers(1, 32), st.floats(1e-6, 1e6))
def test_taps_are_those_of_numpy_but_for_rounding(level: int, sigma: float) -> None:
    taps = gaussian_taps(2 * level + 1, sigma)
    x = np.arange(-level, level + 1)
    by_numpy = np.exp(-(x**2) / (2 * sigma**2))
    np.testing.assert_allclose(taps, by_numpy / by_numpy.sum(), rtol=1e-12, atol=1e-300)
    np.testing.assert_array_equal(taps, taps[::-1])


def test_every_machine_has_the_same_taps() -> None:
    """NumPy's own exponentials differ between processors; a file made on one machine is verified on another."""
    ladder = Ladder(32)
    taps = [gaussian_taps(width, ladder.sigma_of(width)) for width in ladder.widths]
    digest = hashlib.sha256(np.concatenate(taps).astype("<f8").tobytes()).hexdigest()
    assert digest[:16] == "85094fa69456ded3"


def test_only_the_levels_that_occur_get_taps() -> None:
    ((_, taps),) = kernels("uint8", Ladder(), 3)
    assert list(taps) == [1, 2, 3]
