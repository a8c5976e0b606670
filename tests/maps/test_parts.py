import numpy as np

from geosal.core.grid import Block
from geosal.maps.cells import Cells
from geosal.maps.parts import telling_parts


def _cells(error: np.ndarray, kept: np.ndarray | None = None, factor: int = 10) -> Cells:
    picture = np.zeros((1, *error.shape))
    return Cells(factor, picture, picture, error, kept, kept)


def test_parts_show_each_something_else_and_keep_apart() -> None:
    rng = np.random.default_rng(7)
    error, kept = rng.random((100, 100)), np.zeros((100, 100))
    error[10:30, 10:30] = 9
    kept[60:80, 70:80] = 1
    density = np.zeros((100, 100))
    density[80:95, 5:20] = 1
    cells = _cells(error, kept)
    cells.original[0] = rng.random((100, 100))
    parts = telling_parts(cells, (1000, 1000), 100, 8, density)
    assert len({part.title for part in parts}) == len(parts) == 8
    where = {part.title: part.block for part in parts}
    assert where["Greatest error"].row_off // 100 in {1, 2}
    assert 500 < where["Matters most"].row_off < 800
    assert 700 < where["Most bytes"].row_off < 950
    for number, (_, first) in enumerate(parts):
        for _, second in parts[number + 1 :]:
            assert abs(first.row_off - second.row_off) > 70 or abs(first.col_off - second.col_off) > 70
    assert telling_parts(cells, (1000, 1000), 100, 3, density) == parts[:3]


def test_a_scene_without_room_has_one_part() -> None:
    assert [part.block for part in telling_parts(_cells(np.ones((1, 1)), factor=1), (1, 1), 512, 8)] == [
        Block(0, 0, 1, 1)
    ]
