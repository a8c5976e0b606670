"""Open a pool: threads, processes, or a dask cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from geosal.core.cluster.connection import dask_pool
from geosal.core.cluster.pool import SMALLER, Pool
from geosal.core.cluster.scheduler import Scheduler
from geosal.core.machine import cpu_count


@contextmanager
def open_pool(scheduler: Scheduler, workers: int | None, advice: str = SMALLER) -> Iterator[Pool]:
    """Start threads or processes, or connect to a dask cluster.

    Parameters
    ----------
    scheduler
        Where tasks run. Workers of a cluster must see the input, the masks and geosal itself under the same paths; the
        output is written here.
    workers
        Blocks at once; by default one per core, or per thread of the cluster.
    advice
        What to do where workers have too little memory, for the message.

    Raises
    ------
    ClusterError
        No scheduler answers at the address, or it has no workers. Nothing is run locally instead.
    """
    if scheduler.is_cluster:
        with dask_pool(scheduler, workers, advice) as pool:
            yield pool
        return
    count = workers or cpu_count()
    if scheduler.name == "threads":
        executor: Executor = ThreadPoolExecutor(count, thread_name_prefix="geosal")
    else:
        from concurrent.futures import ProcessPoolExecutor  # threads need none of it
        from multiprocessing import get_context

        executor = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
    try:
        yield Pool(executor, count, advice=advice)
    finally:  # tasks that have not begun when the body ends early are dropped, others waited for
        executor.shutdown(wait=True, cancel_futures=True)
