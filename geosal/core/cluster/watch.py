"""Watch over the workers of a dask cluster while they work."""

import time
from typing import Any

from geosal.core.cluster.code import Code, code_here
from geosal.core.cluster.scheduler import Scheduler
from geosal.core.cluster.trust import refuse_open
from geosal.errors import ClusterError, warn
from geosal.version import __version__

PATIENCE_SECONDS = 30.0
"""Seconds without any worker before a job gives up; a nanny restarts a dead worker in a few."""
_ASK = "__import__('geosal.core.cluster.code', fromlist=['code_here']).{}()"
"""An expression of Python's own: who has no geosal could not even unpickle a function of geosal's."""


class Watch:
    """Watches the workers of a cluster: there must be some, of the same code, and by ways that are trusted."""

    def __init__(self, client: Any, scheduler: Scheduler) -> None:
        self._client, self._scheduler = client, scheduler
        self._known: set[str] = set()
        self._empty_since: float | None = None
        self._check_scheduler()

    def __call__(self) -> None:
        """Look, and warn of workers that are gone: others do their blocks again.

        Raises
        ------
        ClusterError
            There is no worker for a while, no scheduler, a worker with another geosal or none, or one beyond the
            machine that anybody may reach.
        """
        there = self._workers()
        for gone in sorted(self._known - there):
            warn(f"{self._scheduler}: worker {gone} is gone; what it was working on is done again")
        if there:
            self._empty_since = None
        elif self._empty_since is None:  # a look may be long ago: patience counts from this one
            self._empty_since = time.monotonic()
        elif time.monotonic() - self._empty_since > PATIENCE_SECONDS:
            raise ClusterError(
                f"{self._scheduler}: all workers are gone, for {PATIENCE_SECONDS:.0f} s; look at their logs, start "
                f"some (dask worker {self._scheduler.name}), and run the same again with --resume"
            )
        if fresh := sorted(there - self._known):
            if not self._scheduler.insecure:
                for worker in fresh:
                    refuse_open(worker, "worker", before=f"{self._scheduler}: ")
            answers = self._client.run(eval, _ASK.format("code_here"), workers=fresh, on_error="return")
            for worker in fresh:
                self._compare(worker, answers.get(worker))
        self._known = there

    def _check_scheduler(self) -> None:
        """Refuse a scheduler without the same geosal: tasks are unpickled there as well."""
        try:
            theirs = self._client.run_on_scheduler(eval, _ASK.format("digest_of_code"))
        except ImportError as error:
            raise ClusterError(
                f"{self._scheduler}: the scheduler has no geosal {__version__} ({_in_a_line(error)}), and needs it to "
                "pass tasks on; install it there too, and start it again"
            ) from error
        except Exception as error:
            raise self._gone(error) from error
        if theirs != code_here().digest:
            raise ClusterError(
                f"{self._scheduler}: the scheduler has geosal with other code than the {__version__} here; install the "
                "same everywhere, and start it again"
            )

    def _workers(self) -> set[str]:
        """Return the addresses of the workers that are there."""
        try:
            return set(self._client.nthreads())
        except Exception as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> ClusterError:
        return ClusterError(
            f"{self._scheduler}: the scheduler is gone ({type(error).__name__}); start it and its workers, and run the "
            "same again with --resume"
        )

    def _compare(self, worker: str, theirs: Any) -> None:
        if theirs is None or isinstance(theirs, OSError):
            return  # the worker left meanwhile
        if isinstance(theirs, BaseException):
            missing = getattr(theirs, "name", None) or ""
            what = "has another geosal" if missing.startswith("geosal.") else "has no geosal that answers"
            raise ClusterError(
                f"{self._scheduler}: worker {worker} {what} ({_in_a_line(theirs)}); install {__version__} in the "
                "workers' environment"
            ) from theirs
        if difference := code_here().difference(Code(*theirs)):
            raise ClusterError(
                f"{self._scheduler}: worker {worker} {difference}, so its bytes may differ; install the same everywhere"
            )


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
