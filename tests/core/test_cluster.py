import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tasks import die, square

import geosal
from geosal import ClusterError, SceneError, UsageError
from geosal.core.cluster import _SameCode, fingerprint, open_pool


def fail_on_three(number: int) -> int:
    if number == 3:
        raise SceneError("block 3 is damaged; copy it again")
    return number


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_each_item_is_worked_on_once(scheduler: str) -> None:
    with open_pool(scheduler, 2) as pool:
        assert sorted(pool.map_unordered(square, range(9))) == [n * n for n in range(9)]


def test_no_more_than_workers_and_one_are_in_flight_whatever_the_consumer_does() -> None:
    begun, taken, most = [0], [0], [0]
    lock = threading.Lock()

    def count(number: int) -> int:
        with lock:
            begun[0] += 1
            most[0] = max(most[0], begun[0] - taken[0])
        return number

    with open_pool("threads", 2) as pool:
        for _ in pool.map_unordered(count, range(40)):
            time.sleep(0.002)  # a consumer slower than the tasks
            with lock:
                taken[0] += 1
    assert taken[0] == 40
    assert most[0] <= 4  # two at work, one waiting, one in the consumer's hands


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_results_come_in_the_order_of_their_items(scheduler: str) -> None:
    with open_pool(scheduler, 2) as pool:
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

    with open_pool("threads", 2) as pool:
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

    with open_pool("threads", 2) as pool, pytest.raises(SceneError, match="damaged"):
        list(getattr(pool, name)(fail_on_three, items()))
    assert len(asked) < 20


def test_a_worker_process_that_dies_is_a_cluster_error() -> None:
    with open_pool("processes", 1) as pool, pytest.raises(ClusterError, match="smaller --block"):
        list(pool.map_unordered(die, range(2)))


def test_nothing_runs_locally_when_the_scheduler_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.core.cluster.CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterError, match="tcp://127.0.0.1:9"), open_pool("tcp://127.0.0.1:9", None):
        pytest.fail("a pool was opened")


def test_an_unknown_scheduler_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="threads, processes"), open_pool("slurm", None):
        pytest.fail("a pool was opened")


def test_a_worker_with_other_code_does_no_block() -> None:
    code = fingerprint()
    assert _SameCode(str, code)(3) == "3"
    with pytest.raises(ClusterError, match=r"geosal .* with other code than the 0\.0\.9"):
        _SameCode(str, ("0.0.9", code[1]))(3)


def test_other_code_in_any_room_is_other_code(tmp_path: Path) -> None:
    package = tmp_path / "geosal"
    shutil.copytree(Path(geosal.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    ask = "from geosal.core.cluster import fingerprint; print(fingerprint()[1])"

    def told() -> str:
        command = [sys.executable, "-P", "-c", ask]
        return subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(tmp_path)}, text=True, capture_output=True, check=True
        ).stdout.strip()

    assert told() == fingerprint()[1]
    changed = package / "smoothing" / "block.py"
    changed.write_text(changed.read_text() + "\nOTHER = 1\n")
    assert told() != fingerprint()[1]


_HEAPS = """
import ctypes, sys, threading
from geosal.core.cluster import keep_memory

kept = keep_memory() if sys.argv[1] == "keep" else None
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
barrier = threading.Barrier(3)

def use():
    barrier.wait()
    libc.free(libc.malloc(ctypes.c_size_t(1000)))
    barrier.wait()

threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(kept)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these heaps")
@pytest.mark.parametrize(("wish", "says", "heaps"), [("keep", "True", {1}), ("leave", "None", {2, 3, 4})])
def test_threads_of_the_command_share_a_heap(tmp_path: Path, wish: str, says: str, heaps: set[int]) -> None:
    """As glibc tells it; without `keep_memory` each thread has one of its own."""
    told = tmp_path / "heaps.xml"
    done = subprocess.run([sys.executable, "-c", _HEAPS, wish, told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == says
    assert told.read_text().count("<heap nr=") in heaps
