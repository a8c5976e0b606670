"""An executor behind one bounded loop, whatever it runs on."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from geosal.core.cluster.code import OnWorker, code_here
from geosal.errors import ClusterError, GeosalError

_LOOK_SECONDS = 2.0
"""Seconds from one look at the workers to the next, however fast results come."""
SMALLER = "use a smaller --block"
_AHEAD = 3
"""Results that may be on their way here at once: more than one, so that network and file work side by side."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Pool:
    """An executor and how many tasks it runs at once."""

    executor: Executor
    workers: int
    watch: Callable[[], None] | None = None
    """Called now and then; raises where workers are lost, or are not those that may take part."""
    waiting: int = 1
    """Tasks that wait beside those that run. On a cluster each worker needs one, as the next is sent from here."""
    fetch: "Callable[[Future[Any]], Future[Any]] | None" = None
    """Brings the result of a task that has ended; None where results are here already."""
    advice: str = SMALLER
    """What to do where a worker has too little memory."""

    def map_unordered(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Run `task` on each item and yield the results as they come, with a bounded number in flight.

        A task per worker runs and some wait; an item is not begun before a result was taken. So memory does not grow
        with the number of items, and a slow consumer slows the producers. Results of a cluster stay on its workers, but
        for a few that are on their way.

        Raises
        ------
        GeosalError
            The task raised it; tasks not yet begun are dropped.
        ClusterError
            A worker died, or the scheduler went away.
        """
        return self._map(task, items, most=self.workers + self.waiting, in_order=False)

    def map_ordered(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Do the same, and yield the results in the order of the items.

        Some results wait for one before them, so that a slow block holds up no worker at once.

        Raises
        ------
        GeosalError, ClusterError
            As `map_unordered`.
        """
        return self._map(task, items, most=2 * self.workers + 1 + self.waiting, in_order=True)

    def _map(
        self, task: Callable[[_Item], _Result], items: Iterable[_Item], *, most: int, in_order: bool
    ) -> Iterator[_Result]:
        """Do both; `most` tasks are begun and not taken at once."""
        work = task if self.watch is None else OnWorker(task, code_here())
        items = iter(items)
        begun: deque[Future[Any]] = deque()
        coming: deque[Future[Any]] = deque()
        """Results on their way, in the order in which they are yielded."""
        looked = time.monotonic()
        try:
            while True:
                if self.watch is not None and time.monotonic() - looked >= _LOOK_SECONDS:
                    self.watch()
                    looked = time.monotonic()
                self._begin(work, items, begun, most - len(begun) - len(coming))
                while len(coming) < _AHEAD and (ended := _ended(begun, in_order=in_order)) is not None:
                    begun.remove(ended)
                    coming.append(ended if self.fetch is None else self.fetch(ended))
                if coming and coming[0].done():
                    result = self._result(coming.popleft())
                    self._begin(work, items, begun, most - len(begun) - len(coming))  # before the consumer takes time
                    yield result
                    del result
                    continue
                if not begun and not coming:
                    if self.watch is not None:  # a worker may have joined in the meantime
                        self.watch()
                    return
                running = [future for future in begun if not future.done()]
                wait([*running, *list(coming)[:1]], _LOOK_SECONDS, FIRST_COMPLETED)
        finally:
            for future in (*begun, *coming):
                future.cancel()

    def _begin(
        self, work: Callable[[_Item], _Result], items: Iterator[_Item], begun: "deque[Future[Any]]", most: int
    ) -> None:
        """Begin up to `most` tasks, but leave no more undone than run and wait."""
        undone = sum(not future.done() for future in begun)
        for _ in range(min(most, self.workers + self.waiting - undone)):
            if (item := next(items, None)) is None:
                return
            begun.append(self.executor.submit(work, item))

    def _result(self, future: "Future[_Result]") -> _Result:
        try:
            return future.result()
        except GeosalError:
            raise
        except BrokenExecutor as error:
            raise ClusterError(f"a worker process died, most likely for want of memory; {self.advice}") from error
        except BaseException as error:
            if self.watch is None or isinstance(error, KeyboardInterrupt):
                raise
            self.watch()  # if the scheduler is gone, or a worker has no geosal, that is the reason
            name = type(error).__name__
            if name == "KilledWorker":
                raise ClusterError(
                    f"each worker that took a certain block has died, most likely for want of memory; {self.advice}, "
                    "or look at the workers' logs"
                ) from error
            if isinstance(error, MemoryError):
                raise ClusterError(f"a worker has no memory left; {self.advice}") from error
            if type(error).__module__.startswith(("distributed", "concurrent.futures")):
                raise ClusterError(
                    f"the cluster gave up on a block ({name}: {' '.join(str(error).split())[:200]}); look at its logs"
                ) from error
            raise


def _ended(begun: "deque[Future[Any]]", *, in_order: bool) -> "Future[Any] | None":
    """Return a task that has ended: the first of them, or where the order counts the first of all if it has."""
    candidates = islice(begun, 1) if in_order else begun
    return next((future for future in candidates if future.done()), None)
