"""Average precision against values found by hand, and against plain pycocotools where that is right."""

import math
import sys

import numpy as np
import pytest
from detections import found_of, truth_of
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.errors import UsageError
from geosal.lab.detection.precision import Judged, as_labelled, interval

pytest.importorskip("pycocotools")

SQUARE = [10, 10, 50, 50]


def test_what_is_found_exactly_is_worth_one():
    got = Judged(truth_of([SQUARE]), {"0.png": found_of([SQUARE], [0.3])}).precision()
    assert (got.ap, got.ap50, got.ap75, got.medium) == pytest.approx((1, 1, 1, 1))
    assert math.isnan(got.small)
    assert math.isnan(got.large)


def test_the_first_annotation_counts_like_all_others():
    """An annotation of id 0 counts as no match in pycocotools, so a perfect detector would miss one of two."""
    truth = truth_of([SQUARE, [100, 100, 150, 150]])
    got = Judged(truth, {"0.png": found_of([SQUARE, [100, 100, 150, 150]], [0.9, 0.8])}).precision()
    assert got.ap == pytest.approx(1)


def test_a_false_one_above_the_true_halves_precision():
    truth = truth_of([SQUARE, [100, 100, 150, 150]])
    found = found_of([SQUARE, [200, 0, 230, 30], [100, 100, 150, 150]], [0.9, 0.8, 0.7])
    # Recall 0 to 0.5 at precision 1 (51 of the 101 points), the rest at 2/3.
    assert Judged(truth, {"0.png": found}).precision().ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_beside_its_object_counts_up_to_what_they_share():
    # 40 x 40 against the same moved by 5: 35/45 = 0.78, above six of the ten thresholds 0.5, 0.55 ... 0.95.
    got = Judged(truth_of([SQUARE]), {"0.png": found_of([[15, 10, 55, 50]], [0.9])}).precision()
    assert (got.ap50, got.ap75, got.ap) == pytest.approx((1, 1, 0.6))


def test_nothing_found_is_worth_nothing_and_no_error():
    got = Judged(truth_of([SQUARE]), {}).precision()
    assert (got.ap, got.ap50) == (0, 0)


def test_without_objects_there_is_no_figure():
    got = Judged(truth_of([]), {"0.png": found_of([SQUARE], [0.9])}).precision()
    assert math.isnan(got.ap)


def test_a_class_without_objects_is_left_out_of_the_mean():
    truth = truth_of([SQUARE], classes=("square", "disc"))
    found = found_of([SQUARE, [100, 100, 120, 120]], [0.9, 0.95], [0, 1])
    assert Judged(truth, {"0.png": found}).precision().ap == pytest.approx(1)


@pytest.mark.parametrize(
    ("side", "small", "medium", "large"),
    [(31, 1, None, None), (32, None, 1, None), (95, None, 1, None), (96, None, None, 1)],
)
def test_a_size_at_the_limit_is_in_one_class(side, small, medium, large):
    box = [0, 0, side, side]
    got = Judged(truth_of([box]), {"0.png": found_of([box], [0.5])}).precision()
    for value, wanted in ((got.small, small), (got.medium, medium), (got.large, large)):
        assert math.isnan(value) if wanted is None else value == pytest.approx(wanted)


def test_what_is_ignored_counts_neither_way():
    truth = truth_of([SQUARE, [100, 100, 150, 150]], ignored=[False, True])
    found = found_of([[100, 100, 150, 150], [101, 100, 150, 150], SQUARE], [0.95, 0.93, 0.9])
    assert Judged(truth, {"0.png": found}).precision().ap == pytest.approx(1)


def test_more_than_a_hundred_objects_in_an_image_are_allfound_of():
    boxes = [[12 * col, 12 * row, 12 * col + 10, 12 * row + 10] for row in range(12) for col in range(12)]
    assert Judged(
        truth_of(boxes), {"0.png": found_of(boxes, np.linspace(1, 0.5, 144))}
    ).precision().ap == pytest.approx(1)


def test_nothing_is_printed(capsys):
    Judged(truth_of([SQUARE]), {"0.png": found_of([SQUARE], [0.3])}).resampled(64, 3)
    assert capsys.readouterr() == ("", "")


_BOXES = st.lists(
    st.tuples(*(st.integers(0, 200),) * 2, *(st.integers(4, 56),) * 2).map(
        lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
    ),
    max_size=6,
)


@settings(max_examples=25)
@given(st.lists(st.tuples(_BOXES, _BOXES), min_size=1, max_size=3), st.integers(0, 2**16))
def test_it_is_what_pycocotools_says(images, seed):
    """Where no trap lies: ids from 1, no size at a limit, at most a hundred detections."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    chance = np.random.default_rng(seed)
    truth = truth_of(*(ours for ours, _ in images))
    found = {f"{n}.png": found_of(theirs, chance.random(len(theirs))) for n, (_, theirs) in enumerate(images)}
    sides = []
    for boxes, scores in (
        ([one.boxes for one in truth.images], None),
        ([found[one.name].boxes for one in truth.images], [found[one.name].scores for one in truth.images]),
    ):
        entries = []
        for image, here in enumerate(boxes):
            for number, (left, top, right, bottom) in enumerate(here.tolist()):
                area = (right - left) * (bottom - top)
                box = {"bbox": [left, top, right - left, bottom - top], "area": area}
                score = {} if scores is None else {"score": scores[image][number]}
                ids = {"id": len(entries) + 1, "image_id": image, "category_id": 1, "iscrowd": 0}
                entries.append(box | score | ids)
        side = COCO()
        side.dataset = {
            "images": [{"id": n} for n in range(len(boxes))],
            "categories": [{"id": 1}],
            "annotations": entries,
        }
        side.createIndex()
        sides.append(side)
    plain = COCOeval(*sides, "bbox")
    plain.evaluate()
    plain.accumulate()
    plain.summarize()
    got = Judged(truth, found).precision()
    wanted = np.where(plain.stats[:3] < 0, np.nan, plain.stats[:3])
    np.testing.assert_allclose([got.ap, got.ap50, got.ap75], wanted)


def test_a_draw_is_what_pycocotools_says_of_the_same_squares_twice_and_never():
    """Each square is an image of its own here, so that a draw can be laid before pycocotools."""
    chance = np.random.default_rng(3)
    corners = chance.integers(0, 40, (40, 2))
    boxes = np.concatenate([corners, corners + chance.integers(10, 20, (40, 2))], axis=1)
    moved = boxes + chance.normal(0, 2, boxes.shape)
    images = [slice(start, start + 5) for start in range(0, 40, 5)]
    scores = chance.random(40)
    once = Judged(
        truth_of(*(boxes[one].tolist() for one in images), shape=(60, 60)),
        {f"{n}.png": found_of(moved[one], scores[one]) for n, one in enumerate(images)},
    )
    table = once._by_square(0, 60, [1] * len(images))
    np.testing.assert_allclose(table.precision(np.ones(8, int)).mean(), once.precision().ap)
    counts = np.array([2, 0, 1, 3, 1, 0, 0, 1])
    drawn = [one for one, count in zip(images, counts, strict=True) for _ in range(count)]
    again = Judged(
        truth_of(*(boxes[one].tolist() for one in drawn), shape=(60, 60)),
        {f"{n}.png": found_of(moved[one], scores[one]) for n, one in enumerate(drawn)},
    )
    np.testing.assert_allclose(table.precision(counts).mean(), again.precision().ap)


def test_squares_together_are_the_whole():
    """Nothing is lost or counted twice where a square cuts an object from what was found of it."""
    chance = np.random.default_rng(3)
    corners = chance.integers(0, 200, (40, 2))
    boxes = np.concatenate([corners, corners + chance.integers(10, 50, (40, 2))], axis=1)
    truth = truth_of(boxes[:12].tolist(), boxes[12:20].tolist())
    moved = boxes + chance.normal(0, 3, boxes.shape)
    found = {"0.png": found_of(moved[:16], chance.random(16)), "1.png": found_of(moved[12:], chance.random(28))}
    judged = Judged(truth, found)
    assert judged._by_square(0, 60, [25, 25]).precision(np.ones(50, int)).mean() == pytest.approx(judged.precision().ap)


def test_draws_are_the_same_each_time_and_spread_around_the_figure():
    chance = np.random.default_rng(4)
    corners = np.array([[x, y] for x in range(0, 600, 60) for y in range(0, 600, 60)], np.float64)
    boxes = np.concatenate([corners, corners + 40], axis=1)
    truth = truth_of(boxes.tolist(), shape=(600, 600))
    scores = chance.random(len(boxes))
    found = {"0.png": found_of(boxes[scores > 0.4], scores[scores > 0.4])}
    judged = Judged(truth, found)
    draws = judged.resampled(120, 40, seed=1)
    np.testing.assert_array_equal(draws, judged.resampled(120, 40, seed=1))
    low, high = interval(draws[:, 0])
    assert low < judged.precision().ap < high
    assert high - low < 0.4


def test_an_interval_of_nothing_is_unknown():
    assert all(math.isnan(end) for end in interval(np.array([math.nan, 0.5])))


class TestLabels:
    def test_go_by_name(self):
        truth = truth_of([SQUARE], classes=("disc", "square"))
        got = as_labelled(
            found_of([SQUARE] * 3, [0.9, 0.8, 0.7], [0, 1, 2]), ("square", "car", "disc"), truth, "m.onnx"
        )
        assert got.labels.tolist() == [1, 0]
        assert got.scores.tolist() == [0.9, 0.7]

    def test_of_one_class_each_are_the_same(self):
        found = found_of([SQUARE], [0.9])
        assert as_labelled(found, ("plane",), truth_of([SQUARE]), "m.onnx") is found

    def test_that_nobody_shares_are_refused(self):
        with pytest.raises(UsageError, match=r"m\.onnx: finds car, bus; the annotations have square"):
            as_labelled(found_of([], []), ("car", "bus"), truth_of([SQUARE]), "m.onnx")


def test_without_pycocotools_it_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(UsageError, match=r"pip install 'geosal\[detection\]'"):
        Judged(truth_of([SQUARE]), {})
