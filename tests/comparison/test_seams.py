"""Blocks are joined so that each pixel is judged once, with all that its windows reach."""

import numpy as np
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.comparison.pair import Samples
from geosal.comparison.seams import Seams
from geosal.core.grid import Grid
from geosal.metrics import HALO


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    size=st.sampled_from([160, 176, 320]),
    hole=st.sampled_from([None, (0, 0), (0.4, 0.6), (0.9, 0.95)]),
)
def test_seams_hand_on_what_windows_reach(shape: tuple[int, int], size: int, hole: tuple[float, float] | None) -> None:
    """Each pixel is judged once, with 80 pixels around it, all of them where they belong."""
    grid, seams = Grid(None, Affine.identity(), *shape), Seams(shape)
    pixels = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(1, *shape)
    valid = np.ones(pixels.shape, np.bool_)
    if hole is not None:
        valid[0, int(hole[0] * shape[0]), int(hole[1] * shape[1])] = False
    judged = np.zeros(shape, np.int64)
    for block in grid.blocks(size):
        own = block.slices_in(grid.whole())
        mine = valid[:, *own]
        ready = seams.join(block, Samples(pixels[:, *own], -pixels[:, *own], None if mine.all() else mine, None))
        judged[ready.block.slices_in(grid.whole())] += 1
        reach = ready.block.expand(HALO, shape)
        rows, cols = (slice(max(0, i.start - HALO), i.stop + HALO) for i in ready.inside)
        around = reach.slices_in(grid.whole())
        np.testing.assert_array_equal(ready.original[:, rows, cols], pixels[:, *around])
        np.testing.assert_array_equal(ready.candidate[:, rows, cols], -pixels[:, *around])
        found = np.ones(ready.original.shape, np.bool_) if ready.valid is None else ready.valid
        np.testing.assert_array_equal(found[:, rows, cols], valid[:, *around])
    assert (judged == 1).all()
