"""The connection to a dask.distributed cluster."""

import inspect
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from geosal.core.cluster.pool import Pool
from geosal.core.cluster.scheduler import Room, Scheduler
from geosal.core.cluster.watch import Watch
from geosal.errors import ClusterError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
_THEIR_LOGS = ("distributed", "distributed.client", "tornado.application", "asyncio")
"""Loggers that a client writes to when its scheduler is lost; each has handlers of its own."""
_TLS = "distributed.comm.tls."
_TLS_FILES = {"ca-file": "tls_ca_file", "client.cert": "tls_client_cert", "client.key": "tls_client_key"}
"""Keys of dask's configuration under `_TLS`, and the attributes of its `Security` that hold their values."""


@contextmanager
def dask_pool(scheduler: Scheduler, workers: int | None, advice: str) -> Iterator[Pool]:
    """Lend a cluster as a pool; see `open_pool`."""
    from geosal.core.cluster.remote import Remote  # brings asyncio, which no job without a cluster needs

    with connected(scheduler) as client:
        threads = sum(worker["nthreads"] for worker in _workers_of(client, scheduler))
        logger.info("cluster at %s: %d threads", scheduler, threads)
        watch = Watch(client, scheduler)
        watch()
        remote, count = Remote(client), workers or threads
        try:
            yield Pool(remote, count, watch, waiting=count, fetch=remote.fetch, advice=advice)
        finally:
            remote.shutdown()


def asked(scheduler: Scheduler) -> Scheduler:
    """Ask a cluster how much memory its workers have; of this machine's threads and processes nothing is asked.

    Raises
    ------
    ClusterError
        As `open_pool`, before any work.
    """
    if not scheduler.is_cluster:
        return scheduler
    with connected(scheduler) as client:
        workers = _workers_of(client, scheduler)
    return replace(
        scheduler,
        rooms=frozenset(Room(each["nthreads"], each["memory_limit"]) for each in workers if each["memory_limit"]),
    )


def _workers_of(client: Any, scheduler: Scheduler) -> list[Mapping[str, Any]]:
    """Return what the scheduler tells of its workers.

    Raises
    ------
    ClusterError
        It has none.
    """
    some = "n_workers" in inspect.signature(client.scheduler_info).parameters  # else all are told
    told = client.scheduler_info(**({"n_workers": -1} if some else {}))["workers"].values()
    if not told:
        raise ClusterError(f"{scheduler}: the scheduler has no workers; start some: dask worker {scheduler.name}")
    return list(told)


@contextmanager
def connected(scheduler: Scheduler) -> Iterator[Any]:
    """Lend a client of a cluster: the user's, which is left as it is, or one that is closed afterwards.

    Raises
    ------
    ClusterError
        No scheduler answers, or it does not let this process in.
    """
    if scheduler.client is not None:
        yield scheduler.client
        return
    try:
        from distributed import Client, Security  # an extra: only clusters need it
    except ImportError as error:
        raise ClusterError(
            f"{scheduler}: dask.distributed is not installed; install it: pip install 'geosal[cluster]'"
        ) from error
    with _muted(*_THEIR_LOGS):  # geosal reports what is wrong, once
        client = _connect(Client, Security, scheduler)
        try:
            yield client
        finally:
            client.close(timeout=CONNECT_SECONDS)


def _connect(client: Any, security: Any, scheduler: Scheduler) -> Any:
    """Connect a new client of dask's, which does not become its default."""
    encrypted = scheduler.name.startswith(("tls://", "wss://"))
    if encrypted:
        _check_certificates(security(), scheduler)
    try:
        return client(scheduler.name, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        if reason := _refusal(error):
            raise ClusterError(
                f"{scheduler}: the scheduler and this process do not accept each other's certificates ({reason}); both "
                f"need one that the authority in {_TLS}ca-file has signed"
            ) from error
        if encrypted:  # who refuses a certificate says so only after the other side takes the connection for made
            doubt = f", or it refuses the certificate in {_TLS}client.cert; start it, or mend address and certificate"
        else:
            doubt = "; start it, or mend the address, which is tls://… where the scheduler has certificates"
        raise ClusterError(f"{scheduler}: no dask scheduler answers within {CONNECT_SECONDS:.0f} s{doubt}") from error


def _check_certificates(security: Any, scheduler: Scheduler) -> None:
    """Refuse an encrypted address where dask's configuration names no certificates, or files that are not there.

    Raises
    ------
    ClusterError
        It says which keys to set.
    """
    import dask.config

    if dask.config.get("distributed.client.security-loader", None):
        return  # the user's own function finds them
    for key, attribute in _TLS_FILES.items():
        value = getattr(security, attribute)
        if value is None:
            name = f"{_TLS}{key}"
            variable = f"DASK_{name.replace('.', '__').replace('-', '_').upper()}"
            raise ClusterError(
                f"{scheduler}: dask's configuration names no {name}; set it there, or in the environment: "
                f"{variable}=/path/to/file.pem"
            )
        if "\n" not in value and not os.path.isfile(value):  # else it is the certificate itself
            raise ClusterError(
                f"{scheduler}: {_TLS}{key} is {value}, and there is no such file; mend dask's configuration"
            )


def _refusal(error: BaseException | None) -> str | None:
    """Return what TLS says is wrong, as far as dask tells it; None where nothing of the kind is."""
    import ssl

    while error is not None:
        if isinstance(error, ssl.SSLError):
            return str(getattr(error, "verify_message", "") or error.reason or error)
        error = error.__cause__ or error.__context__
    return None


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
