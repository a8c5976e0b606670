import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from tasks import die, square

from geosal import ClusterError, SceneError
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.pool import Pool
from geosal.core.cluster.scheduler import THREADS, Scheduler


def fail_on_three(number: int) -> int:
    if number == 3:
        raise SceneError("block 3 is damaged; copy it again")
    return number


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_each_item_is_worked_on_once(scheduler: str) -> None:
    with open_pool(Scheduler(scheduler), 2) as pool:
        assert sorted(pool.map_unordered(square, range(9))) == [n * n for n in range(9)]


def test_no_more_than_workers_and_one_are_in_flight_whatever_the_consumer_does() -> None:
    begun, taken, most = [0], [0], [0]
    lock = threading.Lock()

    def count(number: int) -> int:
        with lock:
            begun[0] += 1
            most[0] = max(most[0], begun[0] - taken[0])
        return number

    with open_pool(THREADS, 2) as pool:
        for _ in pool.map_unordered(count, range(40)):
            time.sleep(0.002)  # a consumer slower than the tasks
            with lock:
                taken[0] += 1
    assert taken[0] == 40
    assert most[0] <= 4  # two at work, one waiting, one in the consumer's hands


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_results_come_in_the_order_of_their_items(scheduler: str) -> None:
    with open_pool(Scheduler(scheduler), 2) as pool:
        assert list(pool.map_ordered(square, range(9))) == [n * n for n in range(9)]
        assert list(pool.map_ordered(square, [])) == []


def test_a_slow_item_lets_some_results_wait_and_no_more() -> None:
    begun: list[int] = []
    others = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            assert others.wait(20)  # the second worker goes on meanwhile
            time.sleep(0.05)
        elif number == 5:
            others.set()
        return number

    with open_pool(THREADS, 2) as pool:
        results = pool.map_ordered(work, range(40))
        assert next(results) == 0
        assert max(begun) <= 6  # 2 * 2 + 2 are begun at once, and one more as the first was taken
        assert list(results) == list(range(1, 40))


@pytest.mark.parametrize("name", ["map_unordered", "map_ordered"])
def test_an_error_reaches_the_caller_as_raised_and_ends_the_work(name: str) -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    with open_pool(THREADS, 2) as pool, pytest.raises(SceneError, match="damaged"):
        list(getattr(pool, name)(fail_on_three, items()))
    assert len(asked) < 20


def test_a_worker_process_that_dies_is_a_cluster_error() -> None:
    with open_pool(Scheduler("processes"), 1) as pool, pytest.raises(ClusterError, match="smaller --block"):
        list(pool.map_unordered(die, range(2)))


@pytest.mark.parametrize("name", ["map_unordered", "map_ordered"])
def test_the_next_item_is_begun_before_the_consumer_gets_a_result(name: str) -> None:
    """Else workers would wait as long as the consumer takes for all results that had come at once."""
    begun: list[int] = []
    go_on = threading.Semaphore(0)

    def work(number: int) -> int:
        begun.append(number)
        go_on.acquire()
        return number

    with open_pool(THREADS, 2) as pool:
        results = getattr(pool, name)(work, range(40))
        go_on.release(2)
        next(results)
        for _ in range(100):
            if len(begun) == 4:
                break
            time.sleep(0.01)
        assert len(begun) == 4  # two have ended, and two more are at work
        go_on.release(40)
        assert len(list(results)) == 39


def test_workers_are_looked_at_however_fast_results_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one that may not take part is seen when all is done, or has gone by then."""

    class AtOnce(Executor):
        def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            done: Future[Any] = Future()
            done.set_result(task(*args, **kwargs))
            return done

    def look() -> None:
        if begun[0] > 3:
            raise ClusterError("worker tcp://192.0.2.1:1 may not take part")

    begun = [0]

    def count(number: int) -> int:
        begun[0] += 1
        return number

    monkeypatch.setattr("geosal.core.cluster.pool._LOOK_SECONDS", 0.0)
    with pytest.raises(ClusterError, match="may not take part"):
        list(Pool(AtOnce(), 1, look).map_unordered(count, range(100)))
    assert begun[0] < 10
