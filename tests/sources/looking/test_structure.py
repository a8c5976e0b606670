import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geosal.sources.looking.structure import LARGEST, STEPS, local_deviation, sides, tiles, to_grey

SHAPE = (23, 31)


def straightforward(grey: np.ndarray, valid: np.ndarray, windows: tuple[int, ...]) -> np.ndarray:
    """`np.std` of the valid pixels in each window, window by window."""
    out = np.zeros(grey.shape)
    for row, col in np.ndindex(grey.shape):
        for side in windows:
            around = np.s_[max(0, row - side // 2) : row + side // 2 + 1, max(0, col - side // 2) : col + side // 2 + 1]
            seen = grey[around][valid[around]]
            out[row, col] += (seen.std() if seen.size else 0) / len(windows)
    return out


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("windows", [(3,), (3, 7, 15), (63,)])
def test_it_is_numpys_standard_deviation_in_each_window(windows, holes):
    rng = np.random.default_rng(3)
    grey = rng.integers(0, STEPS + 1, SHAPE).astype(np.float64)
    valid = rng.random(SHAPE) > (0.4 if holes else -1)
    valid[:9, :9] &= not holes
    found = local_deviation(grey, valid, windows, np.s_[0:23, 0:31])
    np.testing.assert_allclose(found, straightforward(grey, valid, windows), rtol=1e-12, atol=1e-9)


def test_what_is_not_valid_does_not_matter():
    rng = np.random.default_rng(4)
    grey, valid = rng.integers(0, STEPS + 1, SHAPE).astype(np.float64), rng.random(SHAPE) > 0.3
    other = np.where(valid, grey, rng.integers(0, STEPS + 1, SHAPE))
    everywhere = np.s_[0:23, 0:31]
    np.testing.assert_array_equal(
        local_deviation(grey, valid, (3, 7), everywhere), local_deviation(other, valid, (3, 7), everywhere)
    )


def test_an_even_area_is_0_to_the_bit_and_the_largest_contrast_is_half_the_range():
    valid = np.ones((80, 80), bool)
    even = np.full((80, 80), 4095.0)
    assert (local_deviation(even, valid, sides(LARGEST), np.s_[0:80, 0:80]) == 0).all()
    step = np.zeros((80, 80))
    step[:, 40:] = STEPS
    found = local_deviation(step, valid, (63,), np.s_[40:41, 38:42])
    np.testing.assert_allclose(found, STEPS / 2, rtol=2e-3)


@given(st.tuples(*[st.integers(0, 40)] * 2), st.tuples(*[st.integers(1, 30)] * 2), st.integers(0, 7))
def test_tiles_cover_what_is_asked_for_once(start, size, reach):
    shape = (70, 70)
    inner = tuple(slice(first, first + length) for first, length in zip(start, size, strict=True))
    image = np.arange(70 * 70).reshape(shape)
    seen = np.zeros(size, int)
    for place, outer, inside in tiles(inner, reach, shape):
        seen[place] += 1
        np.testing.assert_array_equal(image[outer][inside], image[inner][place])
        for cut, around, length in zip(inside, outer, shape, strict=True):
            assert cut.start == min(reach, around.start + cut.start)
            assert around.stop - around.start - cut.stop == min(reach, length - around.start - cut.stop)
    assert (seen == 1).all()


def test_large_areas_are_cut():
    assert len(list(tiles(np.s_[5:1100, 0:513], 7, (1200, 600)))) == 6


@given(arrays(np.uint16, (1, 50)), st.integers(0, 60000), st.integers(1, 5000))
def test_grey_is_whole_rises_and_keeps_its_ends(values, low, length):
    grey = to_grey(values, low, low + length)
    assert (grey == np.rint(grey)).all()
    assert ((grey >= 0) & (grey <= STEPS)).all()
    assert (np.diff(grey[0, np.argsort(values[0])]) >= 0).all()
    assert to_grey(np.array([[low, low + length]]), low, low + length).tolist() == [[0, STEPS]]


def test_windows_double():
    assert sides(5) == (3, 7, 15, 31, 63)
