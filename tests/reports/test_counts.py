import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.comparison.pair import Samples
from geosal.core.grid import Block
from geosal.reports.counts import BINS, LEVELS, SIZES, Counts, ends_of_bins, unit_of


def _counts(unit: float = 1.0, tile: tuple[int, int] | None = None, shape: tuple[int, int] = (0, 0)) -> Counts:
    return Counts(unit=unit, tile=tile, shape=shape, levels=3)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_each_error_falls_in_the_bin_whose_end_reaches_it(first: int, second: int) -> None:
    samples = Samples(np.full((1, 1, 1), first, np.uint16), np.full((1, 1, 1), second, np.uint16), None, None)
    (place,) = np.flatnonzero(_counts()(Block(0, 0, 1, 1), samples, None)[SIZES][0])
    ends = ends_of_bins(1.0)
    assert abs(first - second) <= ends[place]
    assert place == 0 or abs(first - second) > ends[place - 1]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
def test_samples_are_counted_by_what_matters_and_by_what_counts(dtype: str) -> None:
    original = np.zeros((2, 2, 3), dtype)
    candidate = original + np.array([[0, 1, 5], [2, 0, 100]], dtype)
    valid = np.ones((2, 2, 3), np.bool_)
    valid[1, 1, 2] = False
    levels = np.array([[0, 0, 1], [2, 2, 1]], np.uint8)
    found = _counts()(Block(0, 0, 2, 3), Samples(original, candidate, valid, None), levels)[SIZES]
    assert found.shape == (2, BINS)
    assert found[0, :2].tolist() == [2, 2]
    assert found[1, 0] == 2
    assert found[1, 2] == 2  # off by 2
    assert found[1, 4] == 2  # 5: up to 8
    assert found[1, 8] == 1  # 100: up to 128, in one of the two bands
    assert found.sum() == 11


def test_an_error_that_is_no_number_is_not_counted() -> None:
    original, candidate = np.zeros((1, 1, 3), np.float32), np.array([[[0, np.nan, np.inf]]], np.float32)
    found = _counts()(Block(0, 0, 1, 3), Samples(original, candidate, None, None), None)[SIZES]
    assert (found[0, 0], found[0, BINS - 1], found.sum()) == (1, 1, 2)


def test_levels_of_tiles_add_up_over_blocks() -> None:
    levels = np.random.default_rng(1).integers(0, 3, (7, 9)).astype(np.uint8)
    counts = _counts(tile=(4, 5), shape=(2, 2))
    zeros = np.zeros((1, 7, 9), np.uint8)
    total = np.zeros((2, 2, 3), np.int64)
    for start, stop in ((0, 3), (3, 9)):
        part = Samples(zeros[:, :, start:stop], zeros[:, :, start:stop], None, None)
        total += counts(Block(0, start, 7, stop - start), part, levels[:, start:stop])[LEVELS]
    for row, col in np.ndindex(2, 2):
        tile = levels[4 * row : 4 * row + 4, 5 * col : 5 * col + 5]
        assert total[row, col].tolist() == np.bincount(tile.ravel(), minlength=3).tolist()


def test_pixels_without_data_are_in_no_tile() -> None:
    valid = np.zeros((2, 2, 4), np.bool_)
    valid[1, :, :3] = True
    pixels, levels = np.zeros((2, 2, 4), np.uint8), np.array([[0, 1, 2, 2], [0, 0, 2, 1]], np.uint8)
    found = _counts(tile=(2, 4), shape=(1, 1))(Block(0, 0, 2, 4), Samples(pixels, pixels, valid, None), levels)
    assert found[LEVELS].tolist() == [[[3, 1, 2]]]


def test_units() -> None:
    assert unit_of("uint16", 65535) == 1
    unit = unit_of("float32", 0.7)
    assert 0.7 / 65536 / 2 < unit <= 0.7 / 65536
    assert math.log2(unit).is_integer()
