"""Objects on servers: read, looked for, listed, written, deleted.

GDAL reads rasters there by itself. All else comes by this module: Zarr, vectors, metadata of products, and what is
written. Errors are those of `geosal.files.client`.
"""

import errno
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, Self, cast

from geosal.files.client import PIECE, as_of_files, obstore, store_of
from geosal.sizes import as_bytes

_FRESH = 30.0
"""Seconds for which the state of an object counts as known."""
MOST_OBJECTS = 10_000_000
"""Limit of the objects that are listed."""


class State(NamedTuple):
    """What identifies the present content of an object: its size in bytes, and a number that changes with it."""

    size: int
    mark: int


def read(path: str, most: int) -> bytes:
    """Read a whole object.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The server refuses, or it has more than `most` bytes.
    """
    size, content = read_small(path, most)
    if content is None:
        raise OSError(errno.EFBIG, f"has {as_bytes(size)}, more than {as_bytes(most)}")
    return content


def read_small(path: str, most: int) -> tuple[int, bytes | None]:
    """Return the size of an object, and its content where that has at most so many bytes, by one request.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The server refuses.
    """
    store, key = store_of(path)
    with as_of_files():
        found = obstore().get(store, key)
        size = int(found.meta["size"])
        return size, bytes(found.bytes()) if size <= most else None


def read_at(path: str, start: int, length: int) -> bytes:
    """Read a range of bytes.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The server refuses, or the object ends before.
    """
    if length == 0:
        return b""
    store, key = store_of(path)
    with as_of_files():
        content = bytes(obstore().get_range(store, key, start=start, length=length))
    if len(content) != length:
        raise OSError(errno.EIO, "cut off")
    return content


def state(path: str, *, anew: bool = False) -> State | None:
    """Return what identifies the present content of an object, as known for some seconds; None where there is none.

    Raises
    ------
    PermissionError, OSError
        The server does not tell.
    """
    known = _states.get(path)
    if known is None or anew or time.monotonic() - known[0] > _FRESH:
        if len(_states) > _MOST_STATES:
            _states.clear()
        known = _states[path] = time.monotonic(), _asked(path)
    return known[1]


_MOST_STATES = 100_000
_states: dict[str, tuple[float, State | None]] = {}


_forgetting: list[Callable[[], None]] = []


def when_forgotten(forget: Callable[[], None]) -> None:
    """Let something else be called by `forget`."""
    _forgetting.append(forget)


def forget() -> None:
    """Forget what is known of objects, as after a change of them."""
    _states.clear()
    for each in _forgetting:
        each()


def _asked(path: str) -> State | None:
    """Ask for an object's first byte: a signed URL may allow no HEAD."""
    store, key = store_of(path)
    try:
        try:
            with as_of_files():
                meta = obstore().get(store, key, options={"range": (0, 1)}).meta
        except (FileNotFoundError, PermissionError):
            raise
        except OSError:  # an empty object has no first byte
            with as_of_files():
                meta = obstore().head(store, key)
    except FileNotFoundError:
        return None
    told = f"{meta.get('e_tag')} {meta['last_modified']}"
    return State(meta["size"], int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big"))


def names_below(path: str, most: int) -> Iterator[str]:
    """Yield the names of all objects below a folder, with slashes, `most` of them at the most.

    Raises
    ------
    OSError
        The server refuses, or cannot list, as most of HTTP.
    """
    yield from (name for name, _ in _listed(path, most))


def bytes_below(path: str) -> int:
    """Return the size of an object, or of all that lies below a folder.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        There is none, or the server refuses.
    """
    found = state(path)
    if found is not None:
        return found.size
    sizes = [size for _, size in _listed(path, MOST_OBJECTS)]
    if not sizes:
        raise FileNotFoundError(errno.ENOENT, "there is no such object")
    return sum(sizes)


def _listed(path: str, most: int) -> Iterator[tuple[str, int]]:
    store, key = store_of(path)
    prefix = f"{key}/" if key else ""
    with as_of_files():
        for page in obstore().list(store, prefix=prefix or None, chunk_size=1000):
            for meta in page:
                if most <= 0:
                    return
                most -= 1
                if meta["path"] != prefix.rstrip("/"):
                    yield meta["path"].removeprefix(prefix), meta["size"]


def folders_in(path: str) -> list[str]:
    """Return the names of what lies right below a folder and has something below itself.

    Raises
    ------
    OSError
        As of `names_below`.
    """
    store, key = store_of(path)
    with as_of_files():
        found = obstore().list_with_delimiter(store, prefix=f"{key}/" if key else None)
    return [prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"]]


def opened(path: str) -> IO[bytes]:
    """Open an object for reading in any order.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The server refuses.
    """
    store, key = store_of(path)
    with as_of_files():
        return cast("IO[bytes]", _Readable(obstore().open_reader(store, key, buffer_size=2**18)))


class _Readable:
    """A file of `obstore` that gives bytes, as archives want them, and our errors."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        with as_of_files():
            return bytes(self._file.read(None if size is None or size < 0 else size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def put(path: str, content: bytes, *, create: bool = False) -> None:
    """Write an object, in one request.

    Raises
    ------
    FileExistsError
        The name is taken, and it was to be a new one.
    PermissionError, OSError
        The server refuses.
    """
    store, key = store_of(path)
    with as_of_files():
        try:
            obstore().put(store, key, content, mode="create" if create else "overwrite", use_multipart=False)
        except Exception as error:
            if not create or type(error).__name__ not in {"NotSupportedError", "NotImplementedError"}:
                raise
            if state(path, anew=True) is not None:
                raise FileExistsError(errno.EEXIST, "the name is taken") from None
            obstore().put(store, key, content, mode="overwrite", use_multipart=False)


def put_file(file: Path, path: str, *, at_once: int, create: bool) -> None:
    """Write an object from a file, in parts where it has more than `at_once` bytes.

    It appears with its last byte. In parts, the client cannot ask the store to refuse a name that is taken: it is
    looked for before the first part, and again before the last.

    Raises
    ------
    FileExistsError, PermissionError, OSError
        As of `put`; then there is no new object, and no part of one.
    """
    if file.stat().st_size <= at_once:
        put(path, file.read_bytes(), create=create)
        return
    store, key = store_of(path)
    if create:
        _refuse_taken(path)
    # An exception in the body, Ctrl-C among them, makes the writer give up the upload and its parts.
    upload = obstore().open_writer(store, key, buffer_size=PIECE, max_concurrency=4)
    with as_of_files(), file.open("rb") as read, upload as writer:
        while piece := read.read(PIECE):
            writer.write(piece)
        if create:
            _refuse_taken(path)


def _refuse_taken(path: str) -> None:
    if state(path, anew=True) is not None:
        raise FileExistsError(errno.EEXIST, "the name is taken")


def delete(paths: Sequence[str]) -> None:
    """Delete objects, of one bucket; of those that are not there nothing is told.

    Raises
    ------
    PermissionError, OSError
        The server refuses.
    """
    if not paths:
        return
    keys = [store_of(path) for path in paths]
    with as_of_files(), suppress(FileNotFoundError):
        obstore().delete(keys[0][0], [key for _, key in keys])
