import numpy as np
import pytest

from geosal.core.grid import Grid
from geosal.core.ladder import Ladder, effective_kernel
from geosal.sources import open_saliency


def shares(source: str, grid: Grid) -> dict[int, float]:
    """Share of each kernel width over the whole scene, by the default ladder."""
    levels = Ladder().levels(open_saliency([source], grid).read(grid.whole()))
    return {2 * int(level) + 1: float(np.mean(levels == level)) for level in np.unique(levels)}


def test_half_has_the_shares_and_the_effective_kernel_of_table_3(grid):
    assert shares("half", grid) == {1: 0.5, 17: 0.5}
    assert effective_kernel(shares("half", grid)) == 9.0


def test_grid_has_the_shares_and_the_effective_kernel_of_table_3(grid):
    assert shares("grid", grid) == {1: 0.25, 5: 0.25, 11: 0.25, 17: 0.25}
    assert effective_kernel(shares("grid", grid)) == 8.5


def test_half_keeps_the_left(grid):
    saliency = open_saliency(["half"], grid).read(grid.whole())
    assert (saliency[:, : grid.width // 2] == 1).all()
    assert (saliency[:, grid.width // 2 :] == 0).all()


def test_grid_turns_its_values_by_one_cell_each_row(grid):
    saliency = open_saliency(["grid"], grid).read(grid.whole())
    cells = saliency[37::75, 50::100]
    expected = [[0, 0.33, 0.66, 1], [1, 0, 0.33, 0.66], [0.66, 1, 0, 0.33], [0.33, 0.66, 1, 0]]
    np.testing.assert_array_equal(cells, np.array(expected, dtype=np.float32))
    for row, col in np.ndindex(4, 4):
        cell = saliency[row * 75 : (row + 1) * 75, col * 100 : (col + 1) * 100]
        assert (cell == cells[row, col]).all()


@pytest.mark.parametrize(
    ("text", "value"), [("uniform", 0.5), ("uniform:saliency=0.8", 0.8), ("uniform:saliency=0", 0)]
)
def test_uniform_is_one_value(text, value, grid):
    assert (open_saliency([text], grid).read(grid.whole()) == np.float32(value)).all()


def test_saliency_of_0_8_is_a_kernel_of_3(grid):
    assert shares("uniform:saliency=0.8", grid) == {3: 1.0}
