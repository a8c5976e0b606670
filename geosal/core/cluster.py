"""Where blocks are worked on: threads, processes, or a dask.distributed cluster, behind one bounded loop."""

import ctypes
import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from geosal.errors import ClusterError, GeosalError, UsageError
from geosal.version import __version__

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
"""Seconds without any worker before a job gives up; a nanny restarts a dead worker in a few."""
_LOOK_SECONDS = 2.0
_HEAP = ((-8, 1), (-1, 2**28), (-3, 2**25))
"""Numbers of glibc's mallopt and their values: one heap; up to 256 MiB at its end stay when they are free; arrays of
less than 32 MiB, the most that it allows, come from it."""
_THEIR_LOGS = ("distributed", "distributed.client", "tornado.application", "asyncio")
"""Loggers that a client writes to when its scheduler is lost; each has handlers of its own."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Pool:
    """An executor and how many tasks it runs at once."""

    executor: Executor
    workers: int
    watch: Callable[[], None] | None = None
    """Called now and then; raises where workers are lost, or are not those that may take part."""

    def map_unordered(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Run `task` on each item and yield the results as they come, with a bounded number in flight.

        One task per worker runs and one more waits; a result is not asked for before the last one was taken. So memory
        does not grow with the number of items, and a slow consumer slows the producers.

        Raises
        ------
        GeosalError
            The task raised it; tasks not yet begun are dropped.
        ClusterError
            A worker died, or the scheduler went away.
        """
        waiting = iter(items)
        work = task if self.watch is None else _SameCode(task, fingerprint())
        running: set[Future[_Result]] = set()
        try:
            while True:
                while len(running) <= self.workers and (item := next(waiting, None)) is not None:
                    running.add(self.executor.submit(work, item))
                if not running:
                    if self.watch is not None:  # a worker may have joined in the meantime
                        self.watch()
                    return
                done, running = wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
                if self.watch is not None and not done:
                    self.watch()
                while done:
                    yield _result(done.pop(), self.watch)
        finally:
            for future in running:
                future.cancel()

    def map_ordered(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Do the same, and yield the results in the order of the items.

        Some results wait for one before them, so that a slow block holds up no worker at once.

        Raises
        ------
        GeosalError, ClusterError
            As `map_unordered`.
        """
        waiting = iter(items)
        work = task if self.watch is None else _SameCode(task, fingerprint())
        begun: deque[Future[_Result]] = deque()
        try:
            while True:
                running = [future for future in begun if not future.done()]
                most = 2 * self.workers + 2
                while len(running) <= self.workers and len(begun) < most and (item := next(waiting, None)) is not None:
                    begun.append(self.executor.submit(work, item))
                    running.append(begun[-1])
                if not begun:
                    if self.watch is not None:
                        self.watch()
                    return
                if begun[0].done():
                    yield _result(begun.popleft(), self.watch)
                    continue
                done, _ = wait(running if len(begun) < most else [begun[0]], _LOOK_SECONDS, FIRST_COMPLETED)
                if self.watch is not None and not done:
                    self.watch()
        finally:
            for future in begun:
                future.cancel()


@dataclass(frozen=True, slots=True)
class _SameCode:
    """A task that refuses to run in another geosal: a worker may join, take blocks and leave between two checks."""

    __name__: ClassVar[str] = "geosal-block"
    """Name of the tasks on a cluster's dashboard."""

    task: Callable[[Any], Any]
    code: tuple[str, str]

    def __call__(self, item: Any) -> Any:
        theirs = fingerprint()
        if theirs != self.code:
            raise ClusterError(
                f"a worker has geosal {theirs[0]} with other code than the {self.code[0]} that asks, so its pixels may "
                "differ; install the same everywhere"
            )
        return self.task(item)


def _result(future: "Future[_Result]", watch: Callable[[], None] | None) -> _Result:
    try:
        return future.result()
    except GeosalError:
        raise
    except BrokenExecutor as error:
        raise ClusterError("a worker process died, most likely for want of memory; use a smaller --block") from error
    except BaseException as error:
        if type(error).__module__.startswith(("distributed", "concurrent.futures")):
            if watch is not None:
                watch()  # if the scheduler is gone, that is the reason, and has another mend
            raise ClusterError(
                f"the cluster gave up on a block ({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
                "look at the workers' logs, and give them more memory or use a smaller --block"
            ) from error
        raise


def cpu_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory this process may have: that of the machine, or of its container."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # none, or "max"
            return min(most, int(Path(limit).read_text(encoding="ascii")))
    return most


def keep_memory() -> bool:
    """Let this process's threads share one heap, and keep what they free for the next block; call it before them.

    By default each thread has a heap of its own, whose end goes back to the system whenever a large array is freed. The
    next array then gets pages that have to be cleared again: an eighth of the CPU time of a fast job, and more memory.
    Returned is whether the C library has done so; only glibc can.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        return all(mallopt(number, value) for number, value in _HEAP)
    return False


def trim_memory() -> None:
    """Return to the system what ended threads have freed: glibc keeps it for them, and the next ones are new."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def open_pool(scheduler: str, workers: int | None) -> Iterator[Pool]:
    """Start threads or processes, or connect to a dask cluster.

    Parameters
    ----------
    scheduler
        "threads", "processes", or an address such as ``tcp://host:8786``. Workers of a cluster must see the input, the
        masks and geosal itself under the same paths; the output is written here.
    workers
        Blocks at once; by default one per core, or per thread of the cluster.

    Raises
    ------
    ClusterError
        No scheduler answers at the address, or it has no workers. Nothing is run locally instead.
    UsageError
        No such scheduler.
    """
    if scheduler == "threads":
        count = workers or cpu_count()
        with _shutdown(ThreadPoolExecutor(count, thread_name_prefix="geosal")) as executor:
            yield Pool(executor, count)
    elif scheduler == "processes":
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  threads need none of it
        from multiprocessing import get_context  # noqa: PLC0415

        count = workers or cpu_count()
        with _shutdown(ProcessPoolExecutor(count, mp_context=get_context("spawn"))) as executor:
            yield Pool(executor, count)
    elif "://" in scheduler:
        with _dask_pool(scheduler, workers) as pool:
            yield pool
    else:
        raise UsageError(f"scheduler {scheduler!r}: use threads, processes, or an address such as tcp://host:8786")


@contextmanager
def _shutdown(executor: Executor) -> Iterator[Executor]:
    """Drop tasks that have not begun when the body ends early, and wait for those that have."""
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _dask_pool(address: str, workers: int | None) -> Iterator[Pool]:
    try:
        from distributed import Client  # noqa: PLC0415  an extra: only clusters need it
    except ImportError as error:
        raise ClusterError(
            f"{address}: dask.distributed is not installed; install it: pip install distributed"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"{address}: no dask scheduler answers within {CONNECT_SECONDS:.0f} s; start it, or mend the address"
        ) from error
    try:
        threads = sum(client.nthreads().values())
        if threads == 0:
            raise ClusterError(f"{address}: the scheduler has no workers; start some: dask worker {address}")
        logger.info("cluster at %s: %d threads", address, threads)
        watch = _Watch(client, address)
        watch()
        with _muted(*_THEIR_LOGS):  # geosal reports what is wrong, once
            yield Pool(client.get_executor(pure=False), workers or threads, watch)
    finally:
        with _muted(*_THEIR_LOGS):
            client.close(timeout=CONNECT_SECONDS)


@contextmanager
def _muted(*names: str) -> Iterator[None]:
    """Keep the logs of a library off the terminal, unless the user has configured logging."""
    loggers = [logging.getLogger(name) for name in names]
    before = [(each.handlers, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [logging.NullHandler()], False
    try:
        yield
    finally:
        for each, (handlers, propagate) in zip(loggers, before, strict=True):
            each.handlers, each.propagate = handlers, propagate


class _Watch:
    """Watches the workers of a cluster: there must be some, and each must have the same geosal as this process."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._known: set[str] = set()
        self._last_seen = time.monotonic()

    def __call__(self) -> None:
        """Look.

        Raises
        ------
        ClusterError
            There is no worker for a while, no scheduler, or a worker with another geosal or none.
        """
        try:
            there = set(self._client.nthreads())
        except Exception as error:
            raise ClusterError(
                f"{self._address}: the scheduler is gone ({type(error).__name__}); start it, and begin again"
            ) from error
        if there:
            self._last_seen = time.monotonic()
        elif time.monotonic() - self._last_seen > PATIENCE_SECONDS:
            raise ClusterError(
                f"{self._address}: all workers are gone, for {PATIENCE_SECONDS:.0f} s; look at their logs, start some, "
                f"and begin again: dask worker {self._address}"
            )
        fresh = sorted(there - self._known)
        if fresh:
            # The function is one of Python's own: a worker without geosal could not even unpickle one of geosal's.
            answers = self._client.run(eval, _ASK, workers=fresh, on_error="return")
            for worker in fresh:
                self._compare(worker, answers.get(worker))
        self._known |= there

    def _compare(self, worker: str, theirs: Any) -> None:
        if theirs is None or isinstance(theirs, OSError):
            return  # the worker left meanwhile
        if isinstance(theirs, BaseException):
            cause = " ".join(str(theirs).split())[:120]
            raise ClusterError(
                f"{self._address}: worker {worker} has no geosal that answers ({type(theirs).__name__}: {cause}); "
                f"install {__version__} in the workers' environment"
            ) from theirs
        if theirs != fingerprint():
            raise ClusterError(
                f"{self._address}: worker {worker} has geosal {theirs[0]} with other code than the {__version__} here, "
                "so its pixels may differ; install the same everywhere"
            )


_ASK = "__import__('geosal.core.cluster', fromlist=['fingerprint']).fingerprint()"


@cache
def fingerprint() -> tuple[str, str]:
    """Version of geosal and SHA-256 of its code: Python and C, by name and content."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.c", "*.h") for path in root.rglob(kind)):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return __version__, digest.hexdigest()
