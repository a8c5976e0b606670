import math

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from geosal.core.grid import Block, Grid


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64))
def test_blocks_cover_each_pixel_once_row_by_row(height: int, width: int, size: int) -> None:
    grid = Grid(None, Affine.identity(), height, width)
    hits = np.zeros(grid.shape, int)
    blocks = list(grid.blocks(size))
    for block in blocks:
        hits[block.slices_in(grid.whole())] += 1
    assert (hits == 1).all()
    assert blocks == sorted(blocks, key=lambda b: (b.row_off, b.col_off))


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 20), st.data())
def test_expanding_cuts_at_the_edge_and_slices_find_the_block_again(
    height: int, width: int, halo: int, data: st.DataObject
) -> None:
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    block = Block(row, col, data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - col)))
    outer = block.expand(halo, (height, width))
    numbers = np.arange(height * width).reshape(height, width)
    whole = Block(0, 0, height, width)
    np.testing.assert_array_equal(
        numbers[outer.slices_in(whole)][block.slices_in(outer)], numbers[block.slices_in(whole)]
    )
    assert outer.row_off == max(0, row - halo)
    assert outer.col_stop == min(width, block.col_stop + halo)


def test_a_grid_hashes_and_knows_its_bounds() -> None:
    transform = Affine(10, 0, 399960, 0, -10, 4900020)
    grid = Grid.from_crs(CRS.from_epsg(32631), transform, 200, 100)
    assert hash(grid) == hash(Grid.from_crs(CRS.from_epsg(32631), transform, 200, 100))
    assert tuple(grid.bounds) == (399960, 4898020, 400960, 4900020)
    assert grid.georeferenced
    assert grid.rasterio_crs == CRS.from_epsg(32631)
    assert not Grid(None, Affine.identity(), 1, 1).georeferenced


@pytest.mark.parametrize(
    ("transform", "placed"),
    [
        (Affine(8, 3, 500000, 3, -8, 5600000), True),
        (Affine(10, 0, 500000, 0, 10, 5600000), True),
        (Affine.identity(), False),
        (Affine(10, 10, 500000, 10, 10, 5600000), False),
        (Affine(0, 0, 500000, 0, -10, 5600000), False),
        (Affine(math.nan, 0, 500000, 0, -10, 5600000), False),
        (Affine(10, 0, math.inf, 0, -10, 5600000), False),
    ],
)
def test_pixels_that_fall_together_or_nowhere_have_no_place(transform: Affine, placed: bool) -> None:
    grid = Grid.from_crs(CRS.from_epsg(32632), transform, 20, 10)
    assert grid.georeferenced == placed
    assert not Grid(None, transform, 20, 10).georeferenced
