import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.errors import UsageError
from geosal.lab.detection.imperfect import Imperfection, as_coco

SHAPE = (4000, 5000)
MANY = np.stack(
    [x := np.tile(np.arange(500.0, 4500, 40), 75), y := np.repeat(np.arange(500.0, 3500, 40), 100), x + 20, y + 10], 1
)


def test_nothing_wished_leaves_boxes_as_they_are():
    np.testing.assert_array_equal(Imperfection().spoil(MANY, SHAPE, "a"), MANY)


def test_statistics_are_those_that_were_asked():
    got = Imperfection(shift=0.2, scale=0.1, seed=3).spoil(MANY, SHAPE, "a")
    moved = ((got[:, :2] + got[:, 2:]) - (MANY[:, :2] + MANY[:, 2:])) / 2 / [20, 10]
    grown = np.log((got[:, 2:] - got[:, :2]) / [20, 10])
    assert abs(moved.mean()) < 0.01
    assert moved.std() == pytest.approx(0.2, abs=0.01)
    assert grown.std() == pytest.approx(0.1, abs=0.005)


def test_as_many_are_dropped_and_made_up_as_were_asked():
    assert len(Imperfection(drop=0.3, seed=1).spoil(MANY, SHAPE, "a")) == pytest.approx(0.7 * len(MANY), rel=0.03)
    with_false = Imperfection(false=0.5, seed=1).spoil(MANY, SHAPE, "a")
    assert len(with_false) == 1.5 * len(MANY)
    np.testing.assert_array_equal(with_false[: len(MANY)], MANY)
    false = with_false[len(MANY) :]
    assert false[:, 0].mean() == pytest.approx(SHAPE[1] / 2, rel=0.05)  # anywhere
    assert np.median(false[:, 2] - false[:, 0]) == pytest.approx(20)


_SHARES = st.floats(0, 1, allow_nan=False)


@given(_SHARES, _SHARES, _SHARES, _SHARES, st.integers(0, 2**31 - 1), st.integers(0, 12))
def test_boxes_stay_in_their_image_and_are_the_same_each_time(shift, scale, drop, false, seed, count):
    chance = np.random.default_rng(seed)
    corners = chance.random((count, 2)) * (90, 70)
    boxes = np.concatenate([corners, corners + 1 + chance.random((count, 2)) * 9], axis=1)
    wish = Imperfection(shift=shift, scale=scale, drop=drop, false=false, seed=seed)
    got = wish.spoil(boxes, (80, 100), "a.png")
    np.testing.assert_array_equal(got, wish.spoil(boxes, (80, 100), "a.png"))
    assert (got[:, :2] >= 0).all()
    assert (got[:, 2:] <= (100, 80)).all()
    assert (got[:, 2:] > got[:, :2]).all()
    assert len(got) <= count + round(false * count)


def test_dropping_more_moves_no_other_box():
    few, many = (Imperfection(shift=0.3, drop=drop, seed=2).spoil(MANY, SHAPE, "a") for drop in (0.6, 0.1))
    assert {tuple(box) for box in few.tolist()} < {tuple(box) for box in many.tolist()}


def test_images_and_seeds_differ():
    one, two, three = (
        Imperfection(shift=0.3, seed=seed).spoil(MANY, SHAPE, name) for seed, name in ((1, "a"), (1, "b"), (2, "a"))
    )
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, three)


def test_it_is_read_from_text():
    wish = Imperfection.parse("shift=0.2, scale=0.1,drop=0.2,false=0.5,seed=7")
    assert wish == Imperfection(shift=0.2, scale=0.1, drop=0.2, false=0.5, seed=7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shft=1", "shift"),
        ("shift=far", "is no number"),
        ("drop=2", "drop=2.0; give a number from 0 to 1"),
        ("shift=nan", "shift=nan"),
        ("seed=-1", "seed=-1"),
    ],
)
def test_what_cannot_be_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        Imperfection.parse(text)


def test_spoiled_boxes_are_a_source(tmp_path, make_dataset):
    from geosal.scenes import Reading, open_input
    from geosal.sources import open_saliency

    make_dataset({"a.png": [(20, 30, 40, 60)]})
    path = tmp_path / "spoiled.json"
    path.write_text(as_coco([[20, 30, 40, 60]], "a.png", (160, 160)))
    assert json.loads(path.read_text())["annotations"][0]["bbox"] == [20, 30, 20, 30]
    scene = open_input(str(tmp_path / "images" / "a.png"), Reading())
    saliency = open_saliency([f"{path}:saliency=0.8,buffer=5px"], scene.grid, scene=scene.original)
    map_ = saliency.read(scene.grid.whole())
    assert sorted(np.unique(map_)) == [0, np.float32(0.8)]
    assert map_[30, 16] == np.float32(0.8)
    assert map_[30, 14] == 0
