import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geosal.lab.detection.boxes import over_smaller, over_union, suppress, touching

_BOXES = st.lists(
    st.tuples(*(st.integers(0, 30),) * 4).map(lambda b: [b[0], b[1], b[0] + b[2] + 1, b[1] + b[3] + 1]), max_size=12
).map(lambda boxes: np.array(boxes, np.float64).reshape(-1, 4))


def test_what_two_boxes_share():
    one, other = np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 5]])
    assert over_union(one, other) == 25 / 125
    assert over_smaller(one, other) == 25 / 50
    assert over_union(one, one + 20) == 0


@given(_BOXES)
def test_pairs_are_all_that_share_area(boxes):
    pairs = {tuple(pair) for pair in touching(boxes).tolist()}
    for one in range(len(boxes)):
        for other in range(one + 1, len(boxes)):
            assert (one, other) in pairs or over_union(boxes[one], boxes[other]) == 0


@given(_BOXES, st.floats(0.1, 0.9), st.integers(0, 2**16))
def test_suppression_is_the_greedy_one(boxes, most, seed):
    """Against the textbook's loop over all pairs."""
    chance = np.random.default_rng(seed)
    scores, labels = chance.random(len(boxes)), chance.integers(0, 2, len(boxes))
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable"):
        rivals = [one for one in kept if labels[one] == labels[number]]
        if not any(over_union(boxes[one], boxes[number]) > most for one in rivals):
            kept.append(int(number))
    assert suppress(boxes, scores, labels, most).tolist() == kept
