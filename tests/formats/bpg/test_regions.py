"""Rectangles of QP: painted in their order they are the levels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geosal.formats.bpg.regions import BLOCK, regions

_OFFSETS = (0.0, 2.0, 5.0, 9.0)
_SQUARES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 7)), elements=st.integers(0, 3))


@given(_SQUARES)
def test_painted_they_are_the_levels(squares: np.ndarray) -> None:
    levels = np.repeat(np.repeat(squares, BLOCK, 0), BLOCK, 1)
    painted = np.zeros(levels.shape)
    for top, left, height, width, offset in regions(levels, _OFFSETS):
        part = painted[top : top + height, left : left + width]
        assert not part.any()  # none lies over another
        part[:] = offset * 51
    np.testing.assert_allclose(painted, np.asarray(_OFFSETS)[levels])


def test_a_square_has_its_least_level() -> None:
    levels = np.full((20, 40), 3, np.uint8)
    levels[19, 17] = 0
    found = regions(levels, _OFFSETS)
    assert [(each.top, each.left) for each in found] == [
        (0, 0),
        (16, 0),
        (16, 32),
    ]
