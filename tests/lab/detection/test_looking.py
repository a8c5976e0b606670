import numpy as np
import pytest
from detections import Bright, found_of
from PIL import Image

from geosal.core.grid import Block
from geosal.errors import SceneError
from geosal.lab.detection.detector import Found
from geosal.lab.detection.looking import join, look, tiles_of
from geosal.scenes import Reading, open_input

WHOLE = np.zeros((0, 4), bool)


@pytest.fixture
def scene_of(tmp_path):
    def make(*squares, shape=(200, 260), mode="RGB"):
        pixels = np.full((*shape, 3), 60, np.uint8)
        for left, top, right, bottom in squares:
            pixels[top:bottom, left:right] = 250
        Image.fromarray(pixels).convert(mode).save(tmp_path / "s.png")
        return open_input(str(tmp_path / "s.png"), Reading())

    return make


def _sorted(found):
    return sorted(map(tuple, found.boxes.tolist()))


@pytest.mark.parametrize("offset", range(0, 64, 3))
def test_an_object_on_a_seam_is_found_once(scene_of, offset):
    """Whatever lies on whichever seam, with tiles of 64 pixels that share 16 with a neighbour."""
    squares = [
        (offset, 40, offset + 12, 52),
        (100, offset, 114, offset + 10),
        (offset + 130, offset + 90, offset + 138, offset + 98),
    ]
    found = look(Bright(64), scene_of(*squares), overlap=0.25)
    assert _sorted(found) == sorted(squares)


@pytest.mark.parametrize("box", [(30, 20, 130, 40), (50, 10, 62, 190), (10, 10, 240, 180), (44, 44, 70, 70)])
def test_what_is_larger_than_the_overlap_is_put_together(scene_of, box):
    assert _sorted(look(Bright(64), scene_of(box), overlap=0.25)) == [box]


def test_neighbours_stay_apart(scene_of):
    squares = [(40, 50, 50, 60), (52, 50, 62, 60), (40, 62, 50, 72), (46, 90, 58, 102), (60, 90, 72, 102)]
    assert _sorted(look(Bright(64), scene_of(*squares))) == sorted(squares)


def test_tiles_do_not_change_what_is_found(scene_of):
    chance = np.random.default_rng(2)
    squares = [
        (x, y, x + int(w), y + int(h))
        for x in range(4, 240, 24)
        for y in range(4, 180, 24)
        for w, h in [chance.integers(4, 18, 2)]
    ]
    scene = scene_of(*squares)
    whole = look(Bright(1000), scene)
    assert len(whole) == len(squares)
    for tile, overlap in ((64, 0.4), (97, 0.3), (200, 0.2)):
        assert _sorted(look(Bright(tile), scene, overlap=overlap)) == _sorted(whole)


def test_a_grey_scene_is_looked_at_in_three_equal_bands(scene_of):
    assert _sorted(look(Bright(), scene_of((10, 10, 30, 20), mode="L"))) == [(10, 10, 30, 20)]


def test_an_empty_scene_has_nothing(scene_of):
    assert len(look(Bright(), scene_of())) == 0


def test_sixteen_bits_are_refused(uint16_scene):
    scene = open_input(str(uint16_scene), Reading())
    with pytest.raises(SceneError, match="uint16, and detectors look at bytes; say how: to_byte"):
        look(Bright(), scene)


@pytest.mark.parametrize(
    ("shape", "size", "overlap"),
    [((200, 260), 64, 0.25), ((10, 10), 64, 0.25), ((65, 64), 64, 0), ((128, 300), 100, 0.9)],
)
def test_tiles_cover_the_grid_and_do_not_leave_it(shape, size, overlap):
    seen = np.zeros(shape, int)
    for block in tiles_of(shape, size, overlap):
        assert block.row_stop <= shape[0]
        assert block.col_stop <= shape[1]
        assert max(block.shape) <= size
        seen[block.row_off : block.row_stop, block.col_off : block.col_stop] += 1
    assert (seen > 0).all()


def test_a_part_goes_where_another_tile_has_the_whole():
    """Even where the part scores higher."""
    found = found_of([[10, 10, 30, 20], [10, 10, 60, 20]], [0.9, 0.5])
    cut = np.array([[False, False, True, False], [False] * 4])
    got = join(found, cut, np.array([0, 1]))
    assert got.boxes.tolist() == [[10, 10, 60, 20]]


def test_a_small_thing_on_a_large_one_stays():
    """Of one tile: a boat beside a ship is no part of it."""
    found = found_of([[10, 10, 60, 60], [20, 20, 30, 30]], [0.9, 0.5])
    assert len(join(found, np.zeros((2, 4), bool), np.array([0, 0]))) == 2


def test_classes_do_not_take_each_other_away():
    found = found_of([[10, 10, 30, 20]] * 2, [0.9, 0.5], [0, 1])
    assert len(join(found, np.zeros((2, 4), bool), np.array([0, 1]))) == 2


def test_the_surest_come_first():
    found = found_of([[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]], [0.2, 0.9, 0.5])
    assert join(found, np.zeros((3, 4), bool), np.zeros(3, int)).scores.tolist() == [0.9, 0.5, 0.2]


def test_a_detector_sees_each_tile_once_and_no_more_of_the_scene(scene_of):
    seen = []

    class Counting(Bright):
        def detect(self, tile):
            seen.append(tile.shape)
            return Found.nothing()

    look(Counting(64), scene_of(), overlap=0.25)
    assert len(seen) == len(list(tiles_of((200, 260), 64, 0.25)))
    assert set(seen) == {(64, 64, 3)}
    assert Block(0, 0, 64, 64) in set(tiles_of((200, 260), 64, 0.25))
