"""Whose code works on a block: a digest of geosal's, here and on each worker of a cluster."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from geosal.errors import ClusterError
from geosal.version import __version__


@cache
def fingerprint() -> tuple[str, str]:
    """Version of geosal and SHA-256 of its code: Python and C, by name and content."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.c", "*.h") for path in root.rglob(kind)):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return __version__, digest.hexdigest()


@dataclass(frozen=True, slots=True)
class SameCode:
    """A task that refuses to run in another geosal: a worker may join, take blocks and leave between two checks."""

    __name__: ClassVar[str] = "geosal-block"
    """Name of the tasks on a cluster's dashboard."""

    task: Callable[[Any], Any]
    code: tuple[str, str]

    def __call__(self, item: Any) -> Any:
        """Do the task, here or on a worker.

        Raises
        ------
        ClusterError
            The worker has another geosal.
        """
        theirs = fingerprint()
        if theirs != self.code:
            raise ClusterError(
                f"a worker has geosal {theirs[0]} with other code than the {self.code[0]} that asks, so its pixels may "
                "differ; install the same everywhere"
            )
        return self.task(item)
