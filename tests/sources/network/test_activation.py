"""The arithmetic between class activation maps and saliency."""

from itertools import pairwise

import numpy as np
import pytest

from geosal.sources.network.activation import (
    Canvas,
    by_probability,
    by_rank,
    neighbourhood,
    rank_weights,
    seen,
    tile_starts,
)


@pytest.mark.parametrize("side", [1, 2, 5, 8, 40])
def test_a_neighbourhood_is_the_mean_of_its_window(side):
    cam = np.random.default_rng(0).normal(size=(2, 9, 13)).astype(np.float32)
    got = neighbourhood(cam, side)
    for row, col in np.ndindex(9, 13):
        top, left = row - side // 2, col - side // 2
        window = cam[:, max(0, top) : top + side, max(0, left) : left + side]
        assert got[:, row, col] == pytest.approx(window.mean((1, 2)), abs=1e-6)


def test_clearness_is_weighted_by_probability():
    cam = np.random.default_rng(1).normal(0, 3, (7, 6, 6)).astype(np.float32)
    weights = np.linspace(0, 1, 7, dtype=np.float32)
    got = seen(cam, weights, 5, 1)
    logits = cam[:, 2, 3].astype(float)
    chosen = np.argsort(-logits)[:5]
    p = np.exp(logits[chosen]) / np.exp(logits[chosen]).sum()
    strength = p * np.maximum(logits[chosen], 0)
    assert got[:, 2, 3] == pytest.approx([strength.sum(), (strength * weights[chosen]).sum()], rel=1e-5)


def test_weights_of_ranks_are_those_of_the_code():
    """M = 1.2 CAM5; M = (M + CAM4) / 2; and so on."""
    assert rank_weights(5) == pytest.approx(np.array([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1.2 / 16]) / (15 / 16 + 1.2 / 16))
    assert rank_weights(1) == (1,)


def test_what_is_even_does_not_become_noise():
    known = np.ones((4, 4), bool)
    even = np.ones((2, 4, 4), np.float32)
    even[1] *= 0.25
    assert np.array_equal(by_probability(even, known, 2, 90), np.full((4, 4), 0.25, np.float32))
    assert not by_rank(even, known, np.ones(2, np.float32), 5).any()


@pytest.mark.parametrize(("size", "tile", "overlap"), [(5, 8, 2), (8, 8, 2), (9, 8, 2), (100, 64, 16), (1373, 64, 16)])
def test_tiles_cover_and_fade_into_each_other(size, tile, overlap):
    starts = tile_starts(size, tile, overlap)
    assert starts[-1] + min(tile, size) == size
    assert all(0 < after - before <= tile - overlap for before, after in pairwise(starts))
    values = np.random.default_rng(0).normal(size=(2, 7, size)).astype(np.float32)
    canvas = Canvas(2, (7, size), overlap)
    for start in starts:
        stop = min(start + tile, size)
        canvas.add(0, start, values[:, :, start:stop], np.ones((7, stop - start), bool))
    assert canvas.known.all()
    assert canvas.finish() == pytest.approx(values, abs=1e-5)
