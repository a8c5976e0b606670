"""Whose code works on a block: geosal's, and that of the libraries that read and encode, here and on a worker."""

import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from geosal.errors import ClusterError, GeosalError
from geosal.version import __version__, installed

_CODECS = ("deflate", "zstd", "lzw", "webp", "lerc", "jpegxl", "jpeg2k", "htj2k", "jpeg8", "blosc")
"""Codecs of imagecodecs that tiles are encoded or decoded by; each comes with a library of its own."""


class Code(NamedTuple):
    """The code of a process, as far as pixels and bytes depend on it."""

    version: str
    """Version of geosal."""
    digest: str
    """SHA-256 of geosal's code."""
    libraries: dict[str, str]
    """Versions of the libraries that read, smooth or encode, by name."""

    def difference(self, theirs: "Code") -> str | None:
        """Say what a worker has that this process has not; None where both have the same."""
        if theirs.version != self.version:
            return f"has geosal {theirs.version}, and here is {self.version}"
        if theirs.digest != self.digest:
            return f"has geosal {theirs.version} with other code than the {self.version} here"
        for name in sorted(self.libraries.keys() | theirs.libraries.keys()):
            here, there = self.libraries.get(name, "none"), theirs.libraries.get(name, "none")
            if here != there:
                return f"has {name} {there}, and here is {here}"
        return None


@cache
def code_here() -> Code:
    """Return the code of this process."""
    return Code(__version__, digest_of_code(), _libraries())


@cache
def digest_of_code() -> str:
    """Return the SHA-256 of geosal's code: Python and C, by name and content."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.c", "*.h") for path in root.rglob(kind)):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _libraries() -> dict[str, str]:
    """Return the versions of the libraries whose other versions may make other bytes of a block."""
    import imagecodecs  # slow to import, and for clusters only
    import rasterio

    found = {"GDAL": rasterio.__gdal_version__, "PROJ": rasterio.__proj_version__}
    found |= {name: installed(name) or "none" for name in ("imagecodecs", "numpy", "rasterio")}
    for codec in _CODECS:
        try:
            name, _, version = str(getattr(imagecodecs, f"{codec}_version")()).partition(" ")
        except (AttributeError, ImportError):  # built without it: the codec's profile fails by itself
            name, version = codec, "none"
        found[name] = version
    return found


@dataclass(frozen=True, slots=True)
class OnWorker:
    """A task as a worker of a cluster gets it.

    It refuses to run on other code: a worker may join, take blocks and leave between two looks at the workers. What is
    wrong on a worker is told with its name.
    """

    __name__: ClassVar[str] = "geosal-block"
    """Name of the tasks on a cluster's dashboard."""

    task: Callable[[Any], Any]
    code: Code

    def __call__(self, item: Any) -> Any:
        """Do the task on a worker.

        Raises
        ------
        ClusterError
            The worker has another geosal, or other libraries.
        GeosalError
            The task raised it; the worker is named at the end.
        """
        if difference := self.code.difference(code_here()):
            raise ClusterError(
                f"worker {worker_here()} {difference}, so its bytes may differ; install the same everywhere"
            )
        try:
            return self.task(item)
        except GeosalError as error:
            raise type(error)(f"{error} (on worker {worker_here()})") from error


def worker_here() -> str:
    """Return the address of this worker, and its host."""
    from distributed import get_worker  # a worker has it

    try:
        return f"{get_worker().address} of host {socket.gethostname()}"
    except ValueError:  # no worker of dask's
        return f"of host {socket.gethostname()}"
