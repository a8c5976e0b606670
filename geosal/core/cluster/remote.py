"""Tasks on a dask cluster whose results stay on the workers until they are fetched.

The executor that dask lends brings each result here as soon as there is one, by way of the scheduler. Where results
come faster than a file grows, they would pile up here; and all of them would pass through the scheduler's memory.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

logger = logging.getLogger(__name__)

_REACH_SECONDS = 3.0


class Remote(Executor):
    """Runs tasks on a cluster; the result of its futures is dask's future, which `fetch` exchanges for the real one.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._there: WeakValueDictionary[str, Any] = WeakValueDictionary()
        """Tasks that somebody here may still want, by their keys on the cluster."""
        self._direct = client.sync(_reaches, client, list(client.nthreads()))
        if not self._direct:
            logger.info("workers cannot be reached from here: results come by way of the scheduler")

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin a task."""
        there = self._client.submit(task, *args, pure=False, **kwargs)
        self._there[there.key] = there
        here: Future[Any] = Future()
        here.add_done_callback(lambda ended: there.cancel() if ended.cancelled() else None)
        there.add_done_callback(partial(_tell, here))
        return here

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give up all tasks: the workers of a client that lives on need not keep what nobody is going to fetch."""
        del wait, cancel_futures
        for there in list(self._there.values()):
            there.release()

    def fetch(self, ended: Future[Any]) -> Future[Any]:
        """Bring the result of a task that has ended: from its worker, or by way of the scheduler."""
        if ended.cancelled() or ended.exception() is not None:
            return ended
        coming = self._client.gather(ended.result(), direct=self._direct, asynchronous=True)
        return asyncio.run_coroutine_threadsafe(coming, self._client.loop.asyncio_loop)


def _tell(here: Future[Any], there: Any) -> None:
    """Tell a future what has come of dask's."""
    if not here.set_running_or_notify_cancel():
        return
    if there.status == "error":
        here.set_exception(there.exception())
    else:  # one that the scheduler has forgotten says so when it is fetched
        here.set_result(there)


async def _reaches(client: Any, workers: Iterable[str]) -> bool:
    """Return whether this process reaches workers by their own addresses."""

    async def ask(worker: str) -> None:
        async with client.rpc(worker) as connection:
            await connection.identity()

    try:
        await asyncio.wait_for(asyncio.gather(*map(ask, workers)), _REACH_SECONDS)
    except (OSError, TimeoutError):
        return False
    return True
