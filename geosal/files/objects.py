"""Objects on servers, by `obstore`: S3, Google, Azure and whatever answers range requests over HTTP.

GDAL reads rasters there by itself. All else comes by this module: Zarr, vectors, metadata of products, and what is
written. Errors are `OSError` as of files, in short words and without addresses: callers name the file. What a server
answers with 429 or 5xx, and what breaks off, is asked again, later each time, for `_PATIENCE` seconds at most.
"""

import atexit
import errno
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self, cast

from geosal.errors import GeosalError, UsageError
from geosal.files.addresses import Address
from geosal.files.credentials import options_of
from geosal.sizes import as_bytes

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PATIENCE, _ANSWER = 60, 30
"""Seconds after which a request is not repeated, and that one may take."""
_RETRIES = 5
_FRESH = 30.0
"""Seconds for which the state of an object counts as known."""
MOST_COPIED = 4 * 2**30
"""Limit in bytes of what is copied to this machine because its reader needs a file."""
MOST_OBJECTS = 10_000_000
"""Limit of the objects that are listed."""
_PIECE = 8 * 2**20
_BESIDE = {".shp": (".shx", ".dbf", ".prj", ".cpg")}
"""What belongs to a file, with the same stem."""


class State(NamedTuple):
    """What identifies the present content of an object: its size in bytes, and a number that changes with it."""

    size: int
    mark: int


def store_of(path: str) -> tuple["ObjectStore", str]:
    """Return the client for an address, and the object's key.

    Raises
    ------
    UsageError
        The package `obstore` is missing.
    OSError
        The address, or what the environment says about the server, makes no sense.
    """
    place = Address.of(path)
    if place is None or not place.root:
        raise OSError(errno.EINVAL, "is no address of a server, or of a bucket")
    try:
        with _told():
            return _client(place.scheme, place.root, place.query, options_of(place.scheme)), place.key
    except ValueError:  # its text may tell secrets
        raise OSError(errno.EINVAL, "is no address of a server, or of a bucket") from None


@lru_cache(maxsize=32)
def _client(scheme: str, root: str, query: str, options: tuple[tuple[str, Any], ...]) -> "ObjectStore":
    settings: dict[str, Any] = {
        "client_options": {
            "allow_http": True,
            "timeout": timedelta(seconds=_ANSWER),
            "connect_timeout": timedelta(seconds=10),
        },
        "retry_config": {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=_PATIENCE),
            "backoff": {
                "init_backoff": timedelta(seconds=0.2),
                "max_backoff": timedelta(seconds=8),
                "base": 2,
            },
        },
    }
    given = dict(options)
    if "credential_provider" in given:
        settings["credential_provider"] = given.pop("credential_provider")
    if given:
        settings["config"] = given
    return cast(
        "ObjectStore", _obstore().store.from_url(f"{scheme}://{root}/" + (f"?{query}" if query else ""), **settings)
    )


def _obstore() -> Any:
    """Import the client.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        import obstore  # noqa: PLC0415  optional
        import obstore.store  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "what lies on a server, but for rasters, is read and written by the package obstore, which is not "
            "installed: pip install 'geosal[cloud]'"
        ) from error
    return obstore


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
    with _told():
        found = _obstore().get(store, key)
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
    with _told():
        content = bytes(_obstore().get_range(store, key, start=start, length=length))
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
            with _told():
                meta = _obstore().get(store, key, options={"range": (0, 1)}).meta
        except (FileNotFoundError, PermissionError):
            raise
        except OSError:  # an empty object has no first byte
            with _told():
                meta = _obstore().head(store, key)
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
    with _told():
        for page in _obstore().list(store, prefix=prefix or None, chunk_size=1000):
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
    with _told():
        found = _obstore().list_with_delimiter(store, prefix=f"{key}/" if key else None)
    return [prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"]]


def opened(path: str) -> IO[bytes]:
    """Open an object for reading in any order.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The server refuses.
    """
    store, key = store_of(path)
    with _told():
        return cast("IO[bytes]", _Readable(_obstore().open_reader(store, key, buffer_size=2**18)))


class _Readable:
    """A file of `obstore` that gives bytes, as archives want them, and our errors."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        with _told():
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
    with _told():
        try:
            _obstore().put(store, key, content, mode="create" if create else "overwrite", use_multipart=False)
        except Exception as error:
            if not create or type(error).__name__ not in {"NotSupportedError", "NotImplementedError"}:
                raise
            if state(path, anew=True) is not None:
                raise FileExistsError(errno.EEXIST, "the name is taken") from None
            _obstore().put(store, key, content, mode="overwrite", use_multipart=False)


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
    upload = _obstore().open_writer(store, key, buffer_size=_PIECE, max_concurrency=4)
    with _told(), file.open("rb") as read, upload as writer:
        while piece := read.read(_PIECE):
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
    with _told(), suppress(FileNotFoundError):
        _obstore().delete(keys[0][0], [key for _, key in keys])


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
    with _told():
        found = _obstore().get(store, key)
        size = found.meta["size"]
        if size > MOST_COPIED:
            raise OSError(errno.EFBIG, f"has {as_bytes(size)}; fetch it, and give the path of that")
        with open(local, "wb") as file:
            file.writelines(found.stream(min_chunk_size=_PIECE))
    if os.path.getsize(local) != size:
        raise OSError(errno.EIO, "cut off")


@contextmanager
def _told() -> Iterator[None]:
    """Turn errors of `obstore` into those of files."""
    try:
        yield
    except (OSError, GeosalError) as error:
        if isinstance(error, GeosalError) or not _is_of_obstore(error):
            raise
        raise _as_of_file(error) from None
    except Exception as error:
        if isinstance(error, ValueError) and "parse path" in str(error):
            raise OSError(errno.EINVAL, "its key has empty parts, or dots alone; give another") from None
        if not _is_of_obstore(error):
            raise
        raise _as_of_file(error) from None  # its text has the whole URL, signatures too
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the client's, of an endpoint or a region that no server has
            raise
        raise OSError(
            errno.EINVAL, "the address, or what the environment tells of the server, makes no sense"
        ) from None


def _is_of_obstore(error: Exception) -> bool:
    return type(error).__module__.startswith("obstore") or "Debug source" in str(error)


_KINDS = {
    "FileNotFoundError": (FileNotFoundError, errno.ENOENT),
    "NotFoundError": (FileNotFoundError, errno.ENOENT),
    "AlreadyExistsError": (FileExistsError, errno.EEXIST),
    "PreconditionError": (FileExistsError, errno.EEXIST),
    "PermissionDeniedError": (PermissionError, errno.EACCES),
    "UnauthenticatedError": (PermissionError, errno.EACCES),
}


def _as_of_file(error: Exception) -> OSError:
    kind, number = _KINDS.get(type(error).__name__, (OSError, errno.EIO))
    text = str(error)
    code, status = re.search(r"<Code>(\w+)</Code>", text), re.search(r"status code: (\d{3}[\w ]*)", text)
    if "169.254." in text or "credential" in text.lower():
        return PermissionError(errno.EACCES, "no keys are found; set AWS_ACCESS_KEY_ID …, or AWS_NO_SIGN_REQUEST=YES")
    if code and code[1] == "NoSuchBucket":
        return FileNotFoundError(errno.ENOENT, "there is no such bucket")
    if status and status[1].startswith("301"):
        return OSError(errno.EIO, "the bucket is in another region; set AWS_REGION")
    words = ", ".join(found[1].strip() for found in (status, code) if found)
    if words:
        return kind(number, f"the server says {words}")
    if kind is FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, "there is no such object")
    known = re.search(r"kind: (\w+)", text)
    why = {"Connect": "no server answers there", "Timeout": "the server does not answer in time"}
    cause = why.get(known[1] if known else "", "the connection breaks off")
    tries = re.search(r"after (\d+) retries", text)
    return kind(number, f"{cause}, after {tries[1]} retries" if tries and tries[1] != "0" else cause)
