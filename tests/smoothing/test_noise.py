"""The noise of synthetic scenes, whose noise is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from geosal.smoothing.noise import Noise, NoiseLine

_SHAPE = (1000, 1100)


def _clean(seed: int) -> NDArray[np.float64]:
    """Slopes and hills, half of them under fine texture."""
    rng = np.random.default_rng(seed)
    hills, texture, where = (gaussian_filter(rng.normal(size=_SHAPE), sigma) for sigma in (60, 1.5, 40))
    return np.clip(2500 + 600 * hills / hills.std() + 150 * texture / texture.std() * (where > 0), 50, None)


def _line(pixels: NDArray[np.float64], valid: NDArray[np.bool_] | None = None) -> NoiseLine:
    noise = Noise()
    noise.add(pixels[np.newaxis], np.ones((1, *pixels.shape), np.bool_) if valid is None else valid[np.newaxis])
    (line,) = noise.lines()
    return line


@pytest.mark.parametrize(("a", "b"), [(400, 0), (100, 0.5), (25, 1.5), (0, 0.2)])
@pytest.mark.parametrize("seed", [0, 1])
def test_known_noise_is_found_within_a_tenth_at_every_sample(seed: int, a: float, b: float) -> None:
    clean = _clean(seed)
    noisy = clean + np.random.default_rng(seed + 9).normal(size=_SHAPE) * np.sqrt(a + b * clean)
    line = _line(np.round(noisy))
    for sample in np.percentile(clean, (5, 50, 95)):
        assert line.sigma_at(sample) == pytest.approx(np.sqrt(a + b * sample), rel=0.1)
    assert line.middle == pytest.approx(np.median(clean), rel=0.02)


def test_invalid_samples_and_alpha_say_nothing() -> None:
    noisy = _clean(0) + np.random.default_rng(1).normal(0, 20, _SHAPE)
    valid = np.ones(_SHAPE, np.bool_)
    valid[200:500, 300:700] = False
    noisy[~valid] = np.random.default_rng(2).normal(0, 5000, _SHAPE)[~valid]
    assert _line(noisy, valid).sigma == pytest.approx(20, rel=0.05)
    noise = Noise(alpha=1)
    noise.add(np.stack([noisy, noisy * 9, noisy * 2]), np.stack([valid] * 3))
    assert [line.band for line in noise.lines()] == [0, 2]


@pytest.mark.parametrize("pixels", [np.full((64, 64), 7.0), np.full((64, 64), np.nan), np.zeros((15, 400))])
def test_what_does_not_vary_or_is_too_small_tells_nothing(pixels: NDArray[np.float64]) -> None:
    noise = Noise()
    noise.add(pixels[np.newaxis], np.ones((1, *pixels.shape), np.bool_))
    assert noise.lines() == ()


def test_what_rounding_adds_is_that_of_even_errors() -> None:
    rng = np.random.default_rng(0)
    noise, errors = rng.normal(0, 20, 10**6), rng.uniform(-10, 10, 10**6)
    assert NoiseLine(0, 400, 0, 1000).added(10) == pytest.approx((noise + errors).std() / 20 - 1, abs=2e-3)
    assert NoiseLine(0, 0, 0, 1000).added(10) == 0
