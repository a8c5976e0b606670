"""Samples of one grid on another, against NumPy and SciPy; no blocking shows."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from geosal.core.grid import Grid
from geosal.errors import SceneError
from geosal.scenes import RESAMPLING
from geosal.scenes.products.resample import Axis, axes_between, resample


def grid(size: int, cell: float, left: float = 0.0) -> Grid:
    return Grid(None, Affine(cell, 0, left, 0, -cell, -left), size, size)


def make(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(1, 60000, (size, size), dtype=np.uint16)


def on(target: Grid, source: Grid, samples: np.ndarray, method: str, valid: np.ndarray | None = None) -> tuple:
    rows, cols = axes_between(target, source)
    valid = np.ones(samples.shape, bool) if valid is None else valid
    return resample(samples, valid, rows.taps(0, target.height, method), cols.taps(0, target.width, method))


@pytest.mark.parametrize("factor", [2, 3, 6])
def test_whole_factors(factor: int):
    fine, coarse = make(36), make(36 // factor)
    small, large = grid(36, 10), grid(36 // factor, 10 * factor)
    assert np.array_equal(on(small, large, coarse, "nearest")[0], np.kron(coarse, np.ones((factor, factor), int)))
    assert np.array_equal(on(small, large, coarse, "average")[0], np.kron(coarse, np.ones((factor, factor), int)))
    mean = fine.reshape(36 // factor, factor, 36 // factor, factor).mean(axis=(1, 3))
    assert np.abs(on(large, small, fine, "average")[0] - mean).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(("n", "m"), [(439, 219), (219, 439), (60, 20), (20, 61), (73, 219)])
def test_bilinear_is_scipy_s(n: int, m: int):
    source = make(n).astype(np.float64)
    place = (np.arange(m) + 0.5) * n / m - 0.5
    wanted = ndimage.map_coordinates(source, np.meshgrid(place, place, indexing="ij"), order=1, mode="nearest")
    found = on(grid(m, n / m), grid(n, 1.0), source, "bilinear")[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize(("n", "m"), [(439, 219), (219, 73), (60, 31), (20, 33)])
def test_averages_keep_the_sum(n: int, m: int):
    source = make(n).astype(np.float64)
    found = on(grid(m, n / m), grid(n, 1.0), source, "average")[0]
    assert np.isclose(found.mean(), source.mean(), rtol=1e-9)


def test_gaps_lend_no_weight():
    samples = np.full((8, 8), 1000, np.uint16)
    valid = np.ones((8, 8), bool)
    samples[:4, :3], valid[:4, :3] = 0, False
    for method in ("bilinear", "average"):
        pixels, counts = on(grid(4, 2.0), grid(8, 1.0), samples, method, valid)
        assert np.array_equal(counts, [[False, True, True, True]] * 2 + [[True] * 4] * 2)
        assert set(np.unique(pixels)) == {0, 1000}


@pytest.mark.parametrize("method", RESAMPLING)
@given(data=st.data())
def test_no_blocking_shows(method: str, data: st.DataObject):
    n, m = data.draw(st.integers(2, 40)), data.draw(st.integers(2, 40))
    shift = data.draw(st.sampled_from([0.0, 0.5, -0.5, 0.25]))
    first = data.draw(st.integers(0, m - 1))
    stop = data.draw(st.integers(first + 1, m))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    samples = rng.normal(size=(n, n)).astype(np.float32)
    valid = rng.random((n, n)) > data.draw(st.sampled_from([0, 0.01, 0.5]))
    axis = Axis(n / m, shift, n)
    whole = resample(samples, valid, axis.taps(0, m, method), axis.taps(0, m, method))
    taps = axis.taps(first, stop, method)
    low, high = int(taps.source.min()), int(taps.source.max()) + 1
    cut = taps._replace(source=taps.source - low)
    part = resample(samples[low:high, low:high], valid[low:high, low:high], cut, cut)
    for one, two in zip(whole, part, strict=True):
        assert np.array_equal(one[first:stop, first:stop], two, equal_nan=True)


@pytest.mark.parametrize(("across", "down"), [(1, 1), (-1, -1)])
def test_grids_that_run_the_other_way(across: int, down: int):
    with pytest.raises(SceneError, match="do not run the same way"):
        axes_between(grid(4, 10), Grid(None, Affine(across * 10, 0, 0, 0, down * 10, 0), 4, 4))
