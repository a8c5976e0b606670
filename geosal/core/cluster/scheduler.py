"""Where blocks are to be worked on: what a user's word, a file, a client or dask's own configuration means."""

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from geosal.core.cluster.trust import check_address, environment_allows, refuse_open
from geosal.errors import ClusterError, UsageError, cause_of, redact
from geosal.files.atomic import open_plain

LOCAL = ("threads", "processes")
"""Words for the cores of this machine."""
WANTED = "threads, processes, an address such as tcp://host:8786, a scheduler file (.json), or in Python a dask Client"
_VARIABLE = "DASK_SCHEDULER_ADDRESS"
_SUFFIXES = (".yaml", ".yml", ".json")
_MOST_BYTES = 2**20
"""Bytes of a scheduler file at most; dask's have some hundred, and some more for each worker."""


class Room(NamedTuple):
    """Memory of a worker."""

    threads: int
    """Number of blocks that it works on at once."""
    memory: int
    """Bytes that it may take."""


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Where blocks are worked on, with nothing left open."""

    name: str
    """"threads", "processes", or the address of a cluster's scheduler."""
    client: Any = field(default=None, repr=False)
    """The running `distributed.Client` that the user has lent; None where geosal connects by itself."""
    insecure: bool = False
    """Whether the user trusts the networks that the cluster is reached by."""
    told_by: str = ""
    """The file or the variable that holds the address, for messages; empty where the user has named it."""
    rooms: frozenset[Room] = frozenset()
    """Memory of the workers that have a limit, each kind once; empty until the scheduler was asked."""

    @classmethod
    def of(cls, wish: Any, *, insecure: bool = False) -> Self:
        """Decide where blocks are worked on.

        An explicit wish goes before the environment's ``DASK_SCHEDULER_ADDRESS``, that before ``scheduler-address`` in
        dask's configuration; else it is threads. A client that happens to be dask's default is not used.

        Parameters
        ----------
        wish
            "threads", "processes", an address, the path of a scheduler file, a running `distributed.Client`, or None.
        insecure
            Whether a plain protocol may be used beyond this machine. Who hands over a client has connected it himself,
            and is not asked again.

        Raises
        ------
        UsageError
            No such scheduler.
        ClusterError
            The address is not to be trusted, nobody knows its host, the file cannot be read, or the client is closed.
        """
        check_wish(wish)
        if is_client(wish):
            return cls(_address_of(wish), client=wish, insecure=True)
        told_by = ""
        if wish is None:
            wish, told_by = _configured()
            check_wish(wish, told_by)
        if wish in LOCAL:
            return cls(wish)
        if "://" not in wish:
            wish, told_by = _in_file(wish), f"{wish}: "
        check_address(wish, told_by)
        insecure = insecure or environment_allows()
        if not insecure:
            refuse_open(wish, "scheduler", before=told_by)
        return cls(wish, insecure=insecure, told_by=told_by)

    @property
    def is_cluster(self) -> bool:
        """Whether blocks are worked on by a dask cluster."""
        return self.name not in LOCAL

    def __str__(self) -> str:
        return redact(f"{self.told_by}{self.name}")


THREADS = Scheduler("threads")


def check_wish(wish: Any, told_by: str = "scheduler=") -> None:
    """Refuse what names no scheduler; no file is opened, and no server asked.

    Parameters
    ----------
    wish
        The wish, of any type.
    told_by
        Who says it, for the message.

    Raises
    ------
    UsageError
        It says what would.
    """
    if wish is None or wish in LOCAL or is_client(wish):
        return
    text = wish if isinstance(wish, str) else ""
    if not ("://" in text or text.endswith(".json") or (os.sep in text and not text.endswith(os.sep))):
        raise UsageError(f"{told_by}{redact(repr(wish))}: it must be {WANTED}")


def is_client(value: Any) -> bool:
    """Return whether a value is a client of dask's; whoever has one has imported its module."""
    module = sys.modules.get("distributed")
    return module is not None and isinstance(value, module.Client)


def _address_of(client: Any) -> str:
    """Return the address of a client's scheduler.

    Raises
    ------
    UsageError
        Its calls return before they are done.
    ClusterError
        It is not connected.
    """
    if client.asynchronous:
        raise UsageError("scheduler: the Client is asynchronous, and a job is not; hand over Client(address)")
    if client.status != "running" or client.scheduler is None:
        raise ClusterError(f"scheduler: the Client is {client.status}; hand over one that is connected")
    return str(client.scheduler.address)


def _configured() -> tuple[str, str]:
    """Return what dask's configuration names, and where; or threads."""
    if address := os.environ.get(_VARIABLE):
        return address, f"{_VARIABLE}="
    # To import dask's configuration takes longer than a small job has.
    if "dask.config" in sys.modules or any(map(_names_scheduler, _configuration_files())):
        import dask.config

        if address := dask.config.get("scheduler-address", None):
            return str(address), "dask's scheduler-address: "
    return "threads", ""


def _configuration_files() -> list[Path]:
    """Return the files that dask reads its configuration from, as it documents them."""
    places = [os.environ.get("DASK_ROOT_CONFIG", "/etc/dask"), f"{sys.prefix}/etc/dask", "~/.config/dask"]
    found = [Path(place).expanduser() for place in (*places, os.environ.get("DASK_CONFIG")) if place]
    files = [file for place in found for file in ([place] if place.is_file() else place.glob("*"))]
    return [file for file in files if file.suffix in _SUFFIXES]


def _names_scheduler(file: Path) -> bool:
    """Return whether a file of dask's configuration names a scheduler, as far as a look at its text tells."""
    try:
        return re.search(rb"^[^#\n]*scheduler[-_]address", file.read_bytes(), re.MULTILINE) is not None
    except OSError:
        return False


def _in_file(path: str) -> str:
    """Return the address in a scheduler file, as ``dask scheduler --scheduler-file`` writes one.

    Raises
    ------
    ClusterError
        There is none, or it holds no address.
    """
    begin = f"start it: dask scheduler --scheduler-file {path}"
    try:
        with open_plain(path) as file:
            told = json.loads(file.read(_MOST_BYTES))
    except OSError as error:
        mend = begin if not os.path.exists(path) else "name the file that dask scheduler --scheduler-file writes"
        raise ClusterError(f"scheduler file {path}: {cause_of(error)}; {mend}") from error
    except (ValueError, RecursionError) as error:
        raise ClusterError(f"scheduler file {path}: it is no JSON of dask's; {begin}") from error
    address = told.get("address") if isinstance(told, dict) else None
    if not isinstance(address, str) or "://" not in address:
        raise ClusterError(f"scheduler file {path}: it holds no address; {begin}")
    return address
