"""Watch over the workers of a dask cluster while they work."""

import time
from typing import Any

from geosal.core.cluster.code import fingerprint
from geosal.errors import ClusterError
from geosal.version import __version__

PATIENCE_SECONDS = 30.0
"""Seconds without any worker before a job gives up; a nanny restarts a dead worker in a few."""
_ASK = "__import__('geosal.core.cluster.code', fromlist=['fingerprint']).fingerprint()"


class Watch:
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
