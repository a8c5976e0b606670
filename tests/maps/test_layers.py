from pathlib import Path

import numpy as np
import pytest

from geosal.comparison import pair_with
from geosal.core.grid import Block
from geosal.core.progress import ignore
from geosal.maps.cells import Cells
from geosal.maps.layers import Layers, brightest, heat
from geosal.scenes import open_input
from geosal.scenes.reading import AS_IT_IS
from geosal.scenes.rgb import OUTLINE, PAPER


def test_cells_of_one_pixel_and_pixels_look_alike(rgb_scene: Path, smoothed: Path) -> None:
    pair = pair_with(open_input(str(rgb_scene), AS_IT_IS), str(smoothed), AS_IT_IS, "half")
    block = Block(0, 0, *pair.grid.shape)
    cells, pixels = Layers.of_cells(Cells.of(pair, [0, 1, 2], 1, ignore)), Layers.of_pixels(pair, block, [0, 1, 2])
    for name in ("original", "candidate", "error", "saliency"):
        np.testing.assert_allclose(getattr(cells, name), getattr(pixels, name), rtol=1e-6)
    assert cells.kept is not None
    np.testing.assert_array_equal(cells.kept, pixels.kept)


def test_heat_tells_none_from_some_and_from_nothing_to_tell() -> None:
    error, kept = np.zeros((9, 9)), np.zeros((9, 9), np.bool_)
    error[:, 5:], error[:, 8], kept[2:7, 1:4] = 2.0, np.nan, True
    picture = heat(Layers(error[np.newaxis], error[np.newaxis], error, None, kept), 4.0)
    assert picture[0, 0].tolist() == [176] * 3
    assert picture[2, 1].tolist() == list(OUTLINE)
    assert picture[0, 8].tolist() == list(PAPER)
    assert len({tuple(pixel) for pixel in picture[:, 5]}) == 1


def test_the_brightest_is_above_zero() -> None:
    assert brightest(np.zeros((3, 3))) == brightest(np.full((2, 2), np.nan)) == 1
    assert brightest(np.arange(101.0)) == pytest.approx(99)
