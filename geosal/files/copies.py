"""Copies on this machine's disk of what lies on servers, for readers that need a file."""

import atexit
import errno
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from geosal.errors import GeosalError
from geosal.files.addresses import Address
from geosal.files.client import PIECE, as_of_files, obstore, store_of
from geosal.sizes import as_bytes

MOST_COPIED = 4 * 2**30
"""Limit in bytes of what is copied to this machine because its reader needs a file."""
_BESIDE = {".shp": (".shx", ".dbf", ".prj", ".cpg")}
"""What belongs to a file, with the same stem."""


@contextmanager
def on_disk(path: str, *, anew: bool = False) -> Iterator[str]:
    """Lend a path of this machine's disk: the path itself, or that of a copy of what lies on a server.

    The process keeps a copy until it ends, and what belongs to it (see `_BESIDE`) beside it. Errors in the body tell
    the path as it was given.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The server refuses, or it has more than `MOST_COPIED` bytes.
    """
    place = Address.of(path)
    if place is None:
        yield path
        return
    with _copying:
        local = _copies.get(path)
        if local is None or anew:
            local = _copies[path] = _copied(place)
    try:
        yield local
    except GeosalError as error:
        if local not in str(error):
            raise
        raise type(error)(str(error).replace(local, path)) from error


_copying = threading.Lock()
_copies: dict[str, str] = {}


def _copied(place: Address) -> str:
    folder = tempfile.mkdtemp(prefix="geosal-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    name = re.sub(r"[^\w.~+-]", "_", place.key.rpartition("/")[2])[-200:] or "object"
    local = os.path.join(folder, name)
    _copy(place, local)
    stem, suffix = os.path.splitext(local)
    for other in _BESIDE.get(suffix.lower(), ()):
        with suppress(FileNotFoundError):
            _copy(place._replace(key=place.key[: -len(suffix)] + other), stem + other)
    return local


def _copy(place: Address, local: str) -> None:
    store, key = store_of(place.url)
    with as_of_files():
        found = obstore().get(store, key)
        size = found.meta["size"]
        if size > MOST_COPIED:
            raise OSError(errno.EFBIG, f"has {as_bytes(size)}; fetch it, and give the path of that")
        with open(local, "wb") as file:
            file.writelines(found.stream(min_chunk_size=PIECE))
    if os.path.getsize(local) != size:
        raise OSError(errno.EIO, "cut off")
