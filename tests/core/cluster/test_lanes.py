from itertools import product
from operator import itemgetter

import pytest

from geosal.core.cluster.lanes import Lanes

ITEMS = list(product(range(5), range(7)))
"""Rows and columns, row by row."""


def _lanes(count: int) -> "Lanes[tuple[int, int]]":
    return Lanes(ITEMS, itemgetter(1), count)


def _worked_off(count: int, workers: str) -> list[tuple[str, tuple[int, int]]]:
    """Hand out all items, to the workers in turn."""
    lanes, done = _lanes(count), []
    while True:
        for worker in workers:
            if (item := lanes.take(worker)) is None:
                return done
            done.append((worker, item))


@pytest.mark.parametrize(("count", "workers"), [(2, "ab"), (3, "abc"), (2, "abc"), (9, "abcdefghi"), (2, "a")])
def test_each_item_is_handed_out_once_whoever_takes_part(count: int, workers: str) -> None:
    assert sorted(item for _, item in _worked_off(count, workers)) == ITEMS


def test_a_worker_goes_down_its_own_columns() -> None:
    done = _worked_off(2, "ab")
    own = {"a": {0, 1, 2, 3}, "b": {4, 5, 6}}
    strayed = [item for worker, item in done if item[1] not in own[worker]]
    assert all(row >= 3 for row, _ in strayed)  # one lane is wider, and its worker gets help at the end
    assert [item for worker, item in done if worker == "a"][:4] == [(0, 0), (0, 1), (0, 2), (0, 3)]


def test_a_worker_that_is_faster_gets_no_more_than_some_rows_ahead() -> None:
    lanes = _lanes(2)
    assert lanes.take("slow") == (0, 0)
    assert [lanes.take("fast") for _ in range(6)] == [(0, 4), (0, 5), (0, 6), (1, 4), (1, 5), (1, 6)]
    assert lanes.take("fast") == (0, 1)
    assert lanes.take("slow") == (0, 2)


def test_the_first_items_are_of_different_lanes_although_nobody_knows_who_gets_them() -> None:
    lanes = _lanes(2)
    assert [lanes.take(None) for _ in range(4)] == [(0, 0), (0, 4), (0, 1), (0, 5)]


def test_nothing_is_handed_out_of_nothing() -> None:
    assert Lanes([], itemgetter(1), 2).take(None) is None
