"""An executor behind one bounded loop, whatever it runs on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from typing import TypeVar

from geosal.core.cluster.code import OnWorker, code_here
from geosal.errors import ClusterError, GeosalError

_LOOK_SECONDS = 2.0
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
        work = task if self.watch is None else OnWorker(task, code_here())
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
        work = task if self.watch is None else OnWorker(task, code_here())
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


def _result(future: "Future[_Result]", watch: Callable[[], None] | None) -> _Result:
    try:
        return future.result()
    except GeosalError:
        raise
    except BrokenExecutor as error:
        raise ClusterError("a worker process died, most likely for want of memory; use a smaller --block") from error
    except BaseException as error:
        if watch is None or isinstance(error, KeyboardInterrupt):
            raise
        watch()  # if the scheduler is gone, or a worker has no geosal, that is the reason, and has another mend
        if type(error).__module__.startswith(("distributed", "concurrent.futures")):
            raise ClusterError(
                f"the cluster gave up on a block ({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
                "look at the workers' logs, and give them more memory or use a smaller --block"
            ) from error
        raise
