import time
from collections.abc import Iterator
from typing import Any

import pytest

from geosal.core.cluster.connection import dask_pool
from geosal.core.cluster.pool import Pool
from geosal.core.cluster.remote import Remote, _reaches
from geosal.core.cluster.scheduler import Scheduler

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Client of a worker with two threads, in this process."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="inproc://"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _pool(remote: Remote) -> Pool:
    return Pool(remote, 2, waiting=2, fetch=remote.fetch)


@pytest.mark.parametrize(("name", "most"), [("map_unordered", 4), ("map_ordered", 7)])
def test_results_stay_on_the_workers_until_the_consumer_is_about_to_take_them(
    client: Any, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    begun: list[int] = []
    fetched: list[Any] = []
    gather = client.gather
    monkeypatch.setattr(client, "gather", lambda *futures, **how: fetched.append(futures) or gather(*futures, **how))

    def work(number: int) -> int:
        begun.append(number)
        return -number

    results = []
    for result in getattr(_pool(Remote(client)), name)(work, range(40)):
        results.append(result)
        assert len(fetched) - len(results) <= 2  # on their way, beside the one in hand
        assert len(begun) - len(results) <= most
        time.sleep(0.002)
    assert sorted(results) == sorted(-number for number in range(40))
    assert name == "map_unordered" or results == [-number for number in range(40)]


def test_an_error_comes_as_it_was_raised(client: Any) -> None:
    def fail(_: int) -> int:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        list(_pool(Remote(client)).map_unordered(fail, range(3)))


def test_results_come_by_way_of_the_scheduler_where_workers_cannot_be_reached(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = list(client.nthreads())
    assert client.sync(_reaches, client, workers)
    assert not client.sync(_reaches, client, [*workers, "tcp://127.0.0.1:9"])
    ways = []
    gather = client.gather
    monkeypatch.setattr(client, "gather", lambda *futures, **how: ways.append(how["direct"]) or gather(*futures, **how))
    for reached in (True, False):
        monkeypatch.setattr(client, "nthreads", lambda reached=reached: workers if reached else ["tcp://127.0.0.1:9"])
        assert list(_pool(Remote(client)).map_ordered(str, range(3))) == ["0", "1", "2"]
    assert ways == [True] * 3 + [False] * 3


def test_a_job_that_fails_leaves_nothing_on_the_workers_of_a_client_that_lives_on(client: Any) -> None:
    def fail_late(number: int) -> int:
        time.sleep(0.02)
        if number == 3:
            raise LookupError("nothing there")
        return number

    def job() -> None:
        with dask_pool(Scheduler("inproc://", client=client, insecure=True), None, "") as pool:
            for _ in pool.map_unordered(fail_late, range(40)):
                time.sleep(0.05)

    others = set(client.who_has())  # of tests before this one
    with pytest.raises(LookupError) as kept:
        job()
    until = time.monotonic() + 5
    while (left := set(client.who_has()) - others) and time.monotonic() < until:
        time.sleep(0.02)
    assert not left
    assert kept.tb is not None  # what holds the frames of the pool, and with them its futures
    assert client.submit(str, 3, pure=False).result() == "3"
