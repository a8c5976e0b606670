"""Open a pool: threads, processes, or a dask cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from geosal.core.cluster.connection import dask_pool
from geosal.core.cluster.pool import Pool
from geosal.core.machine import cpu_count
from geosal.errors import UsageError


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
        with dask_pool(scheduler, workers) as pool:
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
