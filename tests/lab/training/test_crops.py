import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geosal.lab.detection.truth import Marked
from geosal.lab.training.crops import Scene, draw_crop


def _scene(boxes, shape=(200, 300), ignored=None):
    """Black, with each box in a grey of its own."""
    pixels = np.zeros((*shape, 3), np.uint8)
    for number, (left, top, right, bottom) in enumerate(boxes, start=1):
        pixels[top:bottom, left:right] = 50 * number
    return Scene(
        pixels,
        Marked(
            name="a", path="", shape=shape, boxes=np.array(boxes, np.float64).reshape(-1, 4),
            labels=np.arange(len(boxes)), ignored=np.array(ignored or [False] * len(boxes)),
        ),
    )  # fmt: skip


@given(st.integers(0, 2**32))
def test_boxes_lie_where_their_pixels_are(seed):
    """Turned, mirrored, cut and enlarged alike."""
    scene = _scene([(40, 30, 100, 60), (180, 120, 220, 180), (0, 150, 30, 200)])
    crop = draw_crop([scene], 128, 1.0, 0.0, np.random.default_rng(seed))
    assert crop.pixels.shape == (128, 128, 3)
    for (left, top, right, bottom), label in zip(crop.boxes, crop.labels.tolist(), strict=True):
        inside = crop.pixels[int(top) + 2 : int(bottom) - 1, int(left) + 2 : int(right) - 1]
        np.testing.assert_allclose(inside, 50 * (label + 1), atol=1)
        around = np.zeros((128, 128), bool)
        around[max(int(top) - 3, 0) : int(bottom) + 4, max(int(left) - 3, 0) : int(right) + 4] = True
        around[max(int(top) - 2, 0) : int(bottom) + 3, max(int(left) - 2, 0) : int(right) + 3] = False
        np.testing.assert_array_equal(crop.pixels[around], 0)


def test_most_pictures_show_an_object():
    chance = np.random.default_rng(0)
    scene = _scene([(1000, 1000, 1020, 1020)], shape=(4000, 4000))
    shown = [len(draw_crop([scene], 64, 1.0, 0.1, chance).boxes) for _ in range(100)]
    assert 60 < sum(shown) < 95


def test_what_is_ignored_is_neither_object_nor_background():
    scene = _scene([(20, 20, 60, 60)], shape=(80, 80), ignored=[True])
    crop = draw_crop([scene], 64, 1.0, 0.0, np.random.default_rng(1))
    assert len(crop.boxes) == 0
    assert len(crop.unknown) == 1


def test_a_scene_smaller_than_a_picture_is_shown_whole():
    crop = draw_crop([_scene([(5, 5, 15, 15)], shape=(20, 20))], 64, 0.5, 0.0, np.random.default_rng(2))
    np.testing.assert_allclose(crop.boxes[0, 2:] - crop.boxes[0, :2], [32, 32])
