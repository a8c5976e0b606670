"""Parts of the places are together all of them, and each is small."""

import numpy as np
import pytest
from affine import Affine

from geosal.sources.masks import patches as room
from geosal.sources.masks.alignment import AffineAlignment
from geosal.sources.masks.patches import covered, patches

SHAPE = 300, 400
MASK = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
MATRICES = {
    "same": Affine.translation(20.3, 30.7),
    "finer": Affine(7.3, 0, -900, 0, 5.1, -400),
    "turned": Affine(0.9, 0.4, -60, -0.4, 0.9, 90),
}


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("small", [False, True])
def test_every_place_on_the_raster_is_in_one_patch(name: str, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In few patches or in many: the pixels are those that a loop over the places finds."""
    if small:
        monkeypatch.setattr(room, "MAX_PIXELS", 500)
        monkeypatch.setattr(room, "_MAX_WINDOW", 900)
    matrix, rows, cols = MATRICES[name], np.arange(5, 330, 3), np.arange(0, 380, 2)
    x, y = matrix @ (cols[np.newaxis] + 0.5, rows[:, np.newaxis] + 0.5)
    inside = (x >= 0) & (x < SHAPE[1]) & (y >= 0) & (y < SHAPE[0])
    expected = np.where(inside, MASK[y.astype(int).clip(0, 299), x.astype(int).clip(0, 399)], 0)
    found, times = np.zeros(inside.shape, np.uint8), np.zeros(inside.shape, int)
    for place, footprint in patches(AffineAlignment(matrix), SHAPE, rows, cols):
        window = footprint.window
        assert window.height * window.width <= room._MAX_WINDOW or found[place].size == 1
        assert found[place].size <= room.MAX_PIXELS
        values = footprint.nearest(MASK[window.row_off : window.row_stop, window.col_off : window.col_stop])
        on = np.ones(values.shape, np.bool_) if footprint.outside is None else ~footprint.outside
        found[place] = np.where(on, values, 0)
        times[place] += on
    np.testing.assert_array_equal(times, inside)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(covered(AffineAlignment(matrix), SHAPE, rows, cols), inside)


def test_places_off_the_raster_are_in_none() -> None:
    rows = cols = np.arange(50)
    away = AffineAlignment(Affine.translation(1000, 0))
    assert list(patches(away, SHAPE, rows, cols)) == []
    assert not covered(away, SHAPE, rows, cols).any()
