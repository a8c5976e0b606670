import dataclasses
import itertools

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.core.grid import Block, Grid
from geosal.core.ladder import Ladder
from geosal.sources.base import OpenContext
from geosal.sources.patterns.perlin import _GRADIENTS, Perlin
from geosal.sources.text import SourceText

TABLE_3 = {1: 0.06, 5: 0.44, 9: 0.42, 13: 0.08}


def perlin(text: str, height: int, width: int) -> Perlin:
    return Perlin.open(SourceText.parse(text), OpenContext(grid=Grid(None, Affine.identity(), height, width)))


def shares(source: Perlin) -> dict[int, float]:
    height, width = source.shape
    levels = Ladder().levels(source.read(Grid(None, Affine.identity(), height, width).whole()))
    return {width: float(np.mean(levels == (width - 1) // 2)) for width in TABLE_3}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(256, 1200), st.integers(256, 1200))
def test_any_seed_and_size_has_the_shares_of_table_3(seed, height, width):
    found = shares(perlin(f"perlin:seed={seed}", height, width))
    assert found == pytest.approx(TABLE_3, abs=0.01)


@pytest.mark.parametrize(
    "text", ["perlin:octaves=1", "perlin:octaves=6", "perlin:cells=1", "perlin:cells=64,octaves=2"]
)
def test_the_shares_do_not_depend_on_the_pattern(text):
    assert shares(perlin(text, 900, 1400)) == pytest.approx(TABLE_3, abs=0.01)


def test_a_sample_that_beats_with_the_lattice_does_not_bend_the_shares():
    """512 samples on 256 cells: samples at even distances would see two places of a cell only."""
    source = perlin("perlin:cells=256,octaves=1", 2048, 2048)
    assert shares(source) == pytest.approx(TABLE_3, abs=0.01)


def test_values_are_the_four_of_the_paper():
    source = perlin("perlin", 400, 300)
    noise = source.noise(np.arange(400), np.arange(300))
    scaled = np.digitize(noise, np.float32(source.thresholds)) * 64
    expected = {0: 0.25, 64: 0.5, 128: 0.75, 192: 1.0}
    saliency = source.read(Grid(None, Affine.identity(), 400, 300).whole())
    assert {(int(s), float(v)) for s, v in zip(scaled.ravel(), saliency.ravel(), strict=True)} == set(expected.items())


def test_codes_say_what_read_says():
    source, block = perlin("perlin:seed=3", 300, 500), Block(40, 7, 123, 456)
    coded = source.read_coded(block)
    np.testing.assert_array_equal(coded.table[coded.codes], source.read(block))
    assert coded.table.shape == (256,)
    assert coded.codes.max() == 3


def test_noise_is_perlin_gradient_noise():
    """Against the textbook: gradients at the four corners, dotted with the way there, faded together."""
    source = perlin("perlin:seed=11,octaves=3,cells=5", 90, 130)
    rows, cols = np.array([0, 1, 17, 44, 89]), np.array([0, 25, 26, 77, 129])
    expected = np.zeros((5, 5))
    for (i, row), (j, col), octave in itertools.product(enumerate(rows), enumerate(cols), range(3)):
        x, y = ((place + 0.5) * 5 / 130 * 2**octave for place in (col, row))
        cell_x, cell_y = int(x), int(y)
        for corner_x, corner_y in itertools.product((cell_x, cell_x + 1), (cell_y, cell_y + 1)):
            gradient = source._gradients(octave, corner_y, np.array([corner_x]))[0]
            weight = np.prod([1 - t**3 * (t * (6 * t - 15) + 10) for t in (abs(x - corner_x), abs(y - corner_y))])
            expected[i, j] += 0.5**octave * weight * np.dot(gradient, (x - corner_x, y - corner_y))
    np.testing.assert_allclose(source.noise(rows, cols), expected, atol=1e-5)


def test_gradients_are_unit_vectors_used_evenly():
    np.testing.assert_allclose(np.hypot(*_GRADIENTS.T), 1)
    picked = perlin("perlin", 64, 64)._gradients(0, 3, np.arange(4000))
    counts = np.unique(picked, axis=0, return_counts=True)[1]
    assert counts.size == 8
    assert counts.min() > 4000 / 8 * 0.8


def test_seeds_differ_and_a_seed_is_stable():
    one, other = perlin("perlin:seed=1", 300, 300), perlin("perlin:seed=2", 300, 300)
    whole = Grid(None, Affine.identity(), 300, 300).whole()
    assert np.mean(one.read(whole) != other.read(whole)) > 0.3
    assert dataclasses.replace(one, text="x").thresholds == perlin("perlin:seed=1,cells=8", 300, 300).thresholds


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (5, 3), (3, 900)])
def test_small_scenes_work(height, width):
    values = perlin("perlin", height, width).read(Grid(None, Affine.identity(), height, width).whole())
    assert set(np.unique(values)) <= {0.25, 0.5, 0.75, 1.0}
