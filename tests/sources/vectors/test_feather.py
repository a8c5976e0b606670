import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from geosal.core.grid import Block
from geosal.errors import UsageError
from geosal.sources.vectors.burn import Outlines
from geosal.sources.vectors.feather import Feather, feathered, few_values

WHOLE = Block(0, 0, 60, 80)


def outlines_of(values: list[float]) -> Outlines:
    boxes = shapely.box([5, 30, 34, 82], [5, 10, 40, 20], [15, 45, 50, 90], [9, 22, 44, 30])
    return Outlines.of(boxes[: len(values)], np.array(values, np.float32))


@pytest.mark.parametrize("sides", [(1.0, 1.0), (2.0, 1.0), (10.0, 13.75)])
def test_saliency_falls_linearly_with_distance(sides):
    """Against a search tree over the pixels inside."""
    width = 9.5 * min(sides)
    got = feathered(outlines_of([1, 1, 1, 1]), WHOLE, 0.25, Feather.of("x", width, sides))
    inside = outlines_of([1, 1, 1, 1]).ranks(Block(0, 0, 60, 100)) > 0
    where = np.argwhere(inside) * sides
    places = np.stack(np.mgrid[:60, :80], axis=2) * sides
    away = cKDTree(where).query(places.reshape(-1, 2))[0].reshape(60, 80)
    np.testing.assert_allclose(got, 0.25 + 0.75 * np.clip(1 - away / width, 0, 1), atol=1e-6)
    assert got.min() == 0.25
    assert got.max() == 1


def test_lower_saliencies_fall_up_to_the_background_and_do_not_hide_higher_ones():
    got = feathered(outlines_of([0.9, 0.1, 0.3]), WHOLE, 0.5, Feather.of("x", 4, (1, 1)))
    assert got[6, 7] == np.float32(0.9)
    assert got[15, 35] == np.float32(0.1)
    assert got[42, 40] == np.float32(0.3)
    np.testing.assert_allclose(got[6, 15:20], [0.8, 0.7, 0.6, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(got[15, 45:50], [0.2, 0.3, 0.4, 0.5, 0.5], atol=1e-6)


@settings(max_examples=40)
@given(
    rows=st.tuples(st.integers(0, 50), st.integers(1, 10)),
    cols=st.tuples(st.integers(0, 60), st.integers(1, 20)),
    sides=st.sampled_from([(1.0, 1.0), (1.37, 1.0), (0.2, 0.31)]),
)
def test_any_block_has_the_same_bits(rows, cols, sides):
    outlines, feather = outlines_of([0.9, 0.7, 0.2, 1.0]), Feather.of("x", 12 * min(sides), sides)
    whole = feathered(outlines, WHOLE, 0.3, feather)
    part = feathered(outlines, Block(rows[0], cols[0], rows[1], cols[1]), 0.3, feather)
    np.testing.assert_array_equal(part, whole[rows[0] : rows[0] + rows[1], cols[0] : cols[0] + cols[1]])


def test_what_a_tile_takes_grows_with_the_feather():
    assert Feather.of("x", 512, (1, 1)).work_bytes > 3 * Feather.of("x", 8, (1, 1)).work_bytes > 0


def test_a_feather_that_reaches_too_far_is_refused():
    with pytest.raises(UsageError, match="feather is 2000 pixels wide; give one of at most 512"):
        Feather.of("a.gpkg", 20000, (10, 10))


def test_many_saliencies_are_rounded_and_few_are_not():
    few, many = np.linspace(0, 1, 32) ** 2, np.linspace(0, 1, 1000) ** 2
    assert few_values(few) == (few, None)
    rounded, note = few_values(many)
    assert np.unique(rounded).size <= 33
    assert np.abs(rounded - many).max() <= 1 / 64
    assert rounded[[0, -1]].tolist() == [0, 1]
    assert "1000 different saliencies" in str(note)
