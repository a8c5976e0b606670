"""The connection to a dask.distributed cluster."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from geosal.core.cluster.pool import Pool
from geosal.core.cluster.watch import Watch
from geosal.errors import ClusterError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
_THEIR_LOGS = ("distributed", "distributed.client", "tornado.application", "asyncio")
"""Loggers that a client writes to when its scheduler is lost; each has handlers of its own."""


@contextmanager
def dask_pool(address: str, workers: int | None) -> Iterator[Pool]:
    """Connect to a cluster, and lend it as a pool; see `open_pool`."""
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
        watch = Watch(client, address)
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
