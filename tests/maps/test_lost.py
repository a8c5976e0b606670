from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rasters import PLACE, save

from geosal.comparison import judge, pair_with
from geosal.core.grid import Block
from geosal.maps.cells import Cells
from geosal.maps.lost import draw_lost, worst_block, write_lost
from geosal.scenes import open_input
from geosal.scenes.reading import AS_IT_IS

UNCHANGED = [176, 176, 176]


def _pair(tmp_path: Path, first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None, **layout: object):
    paths = [
        str(save(tmp_path / f"{name}.tif", pixels, **PLACE, **layout)) for name, pixels in (("a", first), ("b", second))
    ]
    saliency = None if mask is None else str(save(tmp_path / "mask.tif", mask[np.newaxis].astype(np.uint8), **PLACE))
    return pair_with(open_input(paths[0], AS_IT_IS), paths[1], AS_IT_IS, saliency)


def _cells(error: np.ndarray, kept: np.ndarray | None = None, factor: int = 10) -> Cells:
    picture = np.zeros((1, *error.shape))
    return Cells(factor, picture, picture, error, kept, kept)


def test_the_part_is_where_most_was_lost_near_what_matters() -> None:
    error, kept = np.full((100, 100), 0.1), np.zeros((100, 100))
    error[10:30, 10:30] = 9  # much, far from what matters
    error[60:70, 60:70] = 5
    kept[60:80, 70:80] = 1
    assert worst_block(_cells(error), (1000, 1000)) in {Block(100, 100, 240, 240), Block(60, 60, 240, 240)}
    found = worst_block(_cells(error, kept), (1000, 1000))
    assert found.row_off <= 600
    assert found.row_off + 240 >= 700
    assert found.col_off <= 600
    assert found.col_off + 240 >= 800


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (2500, 17), (240, 240), (241, 239)])
def test_the_part_lies_inside(shape: tuple[int, int]) -> None:
    factor = max(1, -(-max(shape) // 480))
    rng = np.random.default_rng(1)
    error = rng.random([-(-length // factor) for length in shape])
    for cells in (_cells(error, factor=factor), _cells(np.zeros_like(error), error, factor)):
        block = worst_block(cells, shape)
        assert 0 <= block.row_off <= block.row_off + block.height <= shape[0]
        assert 0 <= block.col_off <= block.col_off + block.width <= shape[1]
        assert (block.height, block.width) == (min(240, shape[0]), min(240, shape[1]))


def test_error_is_coloured_and_what_is_the_same_is_grey(tmp_path: Path) -> None:
    first = np.full((3, 240, 240), 100, np.uint8)
    second, mask = first.copy(), np.zeros((240, 240))
    second[:, :, :120], mask[:, 120:] = 130, 1
    pair = _pair(tmp_path, first, second, mask, photometric="RGB")
    outcome = judge(pair)
    sheet = draw_lost(pair, outcome)
    left = 18 + 3 * (480 + 18)  # the fourth column
    row = 52 + 480 + 18 + 240
    assert sheet[row, left + 100].tolist() == [252, 253, 191]  # the most there is
    assert sheet[row, left + 400].tolist() == UNCHANGED
    assert sheet[row, 18 + 100].tolist() == [100] * 3
    assert sheet[row, 18 + 2 * 498 + 100].tolist() == [130] * 3
    assert draw_lost(_pair(tmp_path, first, second), outcome).shape[1] == 18 + 3 * 498  # no saliency, no column of it


def test_both_are_stretched_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    first = rng.integers(5000, 9000, (1, 300, 300), dtype=np.uint16)
    pair = _pair(tmp_path, first, np.minimum(first + 300, 9000).astype(np.uint16))
    sheet = draw_lost(pair, judge(pair)).astype(int)
    original, candidate = (sheet[60:500, left : left + 470].mean() for left in (20, 20 + 498))
    assert 5 < candidate - original < 60


def test_what_counts_in_neither_is_paper(tmp_path: Path) -> None:
    first = np.full((1, 250, 250), 50.0, np.float32)
    first[:, :100] = np.nan
    pair = _pair(tmp_path, first, first + 1)
    sheet = draw_lost(pair, judge(pair, data_range=100))
    for left in (18, 18 + 498, 18 + 2 * 498):
        assert sheet[52 + 30, left + 240].tolist() == [250, 250, 248]
        assert sheet[52 + 400, left + 240].tolist() != [250, 250, 248]


def test_the_file_is_a_png_of_its_own(tmp_path: Path, rgb_scene: Path, smoothed: Path) -> None:
    pair = pair_with(open_input(str(rgb_scene), AS_IT_IS), str(smoothed), AS_IT_IS, "half")
    path = tmp_path / "lost.png"
    write_lost(str(path), pair, judge(pair))
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert picture.size[0] == 18 + 4 * 498
    assert [entry.name for entry in tmp_path.iterdir()] == ["lost.png"]
