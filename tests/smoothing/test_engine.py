import numpy as np
import pytest
from scipy.ndimage import convolve as convolve_2d

from geosal.smoothing.engine import convolve, convolve_valid
from geosal.smoothing.weights import fixed_point_taps, taps_for


@pytest.mark.parametrize("width", [3, 9, 17])
@pytest.mark.parametrize("shape", [(40, 31), (1, 25), (5, 4), (1, 1)])
def test_separable_equals_scipys_two_dimensional_convolution(width: int, shape: tuple[int, int]) -> None:
    taps = fixed_point_taps(width, width / 5, 26)
    image = np.random.default_rng(0).normal(size=shape)
    expected = convolve_2d(image, np.outer(taps, taps), mode="mirror")
    np.testing.assert_allclose(convolve(image, taps), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_without_invalid_pixels_both_ways_give_the_same_bits(dtype: str) -> None:
    taps = taps_for(dtype, 17, 2.9)
    image = (np.random.default_rng(1).random((50, 60)) * 200).astype(dtype).astype(np.float64)
    valid = np.ones(image.shape, np.bool_)
    valid[:, 40:] = False
    np.testing.assert_array_equal(convolve_valid(image, valid, taps)[:, :32], convolve(image, taps.values)[:, :32])


def test_invalid_pixels_lend_no_weight() -> None:
    taps = taps_for("float64", 9, 1.7)
    image = np.full((20, 20), 7.0)
    valid = np.random.default_rng(2).random(image.shape) < 0.3
    image[~valid] = np.nan
    smoothed = convolve_valid(image, valid, taps)
    np.testing.assert_allclose(smoothed[valid], 7.0, rtol=1e-12)
