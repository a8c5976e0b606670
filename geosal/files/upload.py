"""Bring a finished file, or a Zarr store, to an object store: whole under its name, or not at all.

A store of objects has no directories and renames nothing. So an output is made in a folder of this machine (see
`staging`) and checked there; then its sidecars go up, and the file itself last. A large one goes up in parts, and the
object appears when the last of them is there. Of a Zarr store the chunks go first and the metadata of its root last:
before that, a reader finds no store. The metadata of the arrays of a new one go even before: of two jobs that write the
same store only one can make them, and the other touches no chunk. What fails is taken back.
"""

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from geosal.errors import OutputError, cause_of
from geosal.files import objects
from geosal.files.addresses import STORES, Address, joined, parent_of, url_of
from geosal.files.copies import MOST_COPIED
from geosal.files.swap import STORE_MARK, beside, is_own_file, is_own_root, sidecars_of, there

logger = logging.getLogger(__name__)

_AT_ONCE = 64 * 2**20
"""Bytes up to which a new object goes up in one request, which the store refuses where the name is taken."""
_TOGETHER = 8
"""Objects of a store that go up side by side."""
REPLACE = "--overwrite, in Python overwrite=True"


def staging(url: str) -> Path:
    """Return where on this machine the output of a URL is made: always the same place, so a killed job is found.

    Raises
    ------
    OutputError
        The URL is none of an object in a store that can be written.
    """
    place = Address.of(url)
    if place is None or place.scheme not in STORES:
        raise OutputError(
            f"{url}: outputs are written to local files, s3://, gs:// and az:// only; write one, then copy it there"
        )
    name = place.key.rpartition("/")[2]
    if not place.root or not name or url.endswith("/"):
        raise OutputError(f"{url}: names no object; give one, such as {url.rstrip('/')}/smaller.tif")
    if any(part in {"", ".", ".."} for part in place.key.split("/")) or len(place.key.encode()) > _MOST_KEY:
        raise OutputError(f"{url}: its key has empty parts, dots alone or more than {_MOST_KEY} bytes; give another")
    mark = hashlib.sha256(place.url.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"geosal-{os.getuid()}-{mark}" / name


_MOST_KEY = 900
"""Stores take 1024 bytes, and files beside the output have longer names."""


def make_staging(folder: Path) -> None:
    """Make the folder of `staging`, which nobody else may look into.

    Raises
    ------
    OutputError
        Somebody else has made one of that name, or the disk refuses.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({cause_of(error)}); set TMPDIR to a directory of yours"
        ) from error
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise OutputError(f"{folder}: others may write there; delete it, or set TMPDIR to a directory of yours")


def check_url(url: str, overwrite: bool, inputs: Sequence[str], *, with_world_file: bool) -> None:
    """Refuse a URL that could not be written, before any work; parameters are those of `check_output`.

    Rights are not tried: a store tells them when it is written to.

    Raises
    ------
    OutputError
        The message says why, and what to do instead.
    UsageError
        The client is not installed.
    """
    local, own = staging(url), url_of(url)
    for path in inputs:
        if url_of(path) == own or (_is_store(local) and (url_of(path) or "").startswith(f"{own}/")):
            raise OutputError(f"{url}: is also an input; give another name")
    try:
        if _is_store(local):
            _check_store(url, overwrite)
        else:
            _check_file(url, local, overwrite, with_world_file=with_world_file)
    except OutputError:
        raise
    except PermissionError as error:
        logger.info("%s: is not looked at (%s); the store will tell what may be written", url, cause_of(error))
    except OSError as error:
        raise OutputError(f"{url}: cannot be written ({cause_of(error)}); see that the address is right") from error


def _check_file(url: str, local: Path, overwrite: bool, *, with_world_file: bool) -> None:
    if _is_taken(url):
        if not overwrite:
            raise OutputError(f"{url}: exists already; give another name, or replace it: {REPLACE}")
    elif not overwrite and (left := _sidecars_there(url, local, with_world_file=with_world_file)):
        side = beside_url(url, local, left[0])
        raise OutputError(f"{side}: lies there without its raster; delete it, or replace it: {REPLACE}")
    next(objects.names_below(parent_of(url), 1), None)  # tells a bucket that is none


def beside_url(url: str, local: Path, suffix: str) -> str:
    """Return the URL of a sidecar."""
    return joined(parent_of(url), beside(local, suffix).name)


def sidecars_at(url: str, *, with_world_file: bool) -> list[str]:
    """Return the URLs of what lies beside an object that is there."""
    local = staging(url)
    if _is_store(local):
        return []
    return [beside_url(url, local, each) for each in _sidecars_there(url, local, with_world_file=with_world_file)]


def _is_store(local: Path) -> bool:
    return local.suffix.lower() == ".zarr"


def _is_taken(url: str) -> bool:
    return objects.state(url, anew=True) is not None


def _sidecars_there(url: str, local: Path, *, with_world_file: bool) -> list[str]:
    known = sidecars_of(local, with_world_file=with_world_file)
    return [suffix for suffix in known if _is_taken(beside_url(url, local, suffix))]


def _check_store(url: str, overwrite: bool) -> None:
    """Refuse a store that is not ours, or that may not be replaced."""
    first = next(objects.names_below(url, 1), None)
    if first is None:
        return
    if not overwrite:
        raise OutputError(f"{url}: exists already; give another name, or replace it: {REPLACE}")
    try:
        is_own = is_own_root(objects.read(joined(url, STORE_MARK), 2**26))
    except FileNotFoundError:
        is_own = False
    other = next((name for name in objects.names_below(url, objects.MOST_OBJECTS) if not is_own_file(name)), None)
    if not is_own or other is not None:
        raise OutputError(f"{url}: holds {other or first}, which geosal has not made; delete it, or give another name")


def upload(main: Path, url: str, *, overwrite: bool, with_world_file: bool) -> None:
    """Bring a finished and checked file with its sidecars, or a store, to a URL.

    Raises
    ------
    FileExistsError
        The name is taken, and `overwrite` is False.
    OSError
        The store refuses, and a file that stood there is as it was; or it holds another size than was sent, and nothing
        is left there. Of a Zarr store nothing is left either, new or old.
    """
    objects.forget()
    try:
        if main.is_dir():
            _upload_store(main, url, overwrite=overwrite)
        else:
            _upload_file(main, url, overwrite=overwrite, with_world_file=with_world_file)
    finally:
        objects.forget()


def _upload_file(main: Path, url: str, *, overwrite: bool, with_world_file: bool) -> None:
    new = there(main, with_world_file=True)
    old = _sidecars_there(url, main, with_world_file=with_world_file) if overwrite else []
    kept = {suffix: objects.read(beside_url(url, main, suffix), MOST_COPIED) for suffix in old}
    done: list[str] = []

    def undo() -> None:
        for suffix in done:
            side = beside_url(url, main, suffix)
            if suffix in kept:
                objects.put(side, kept[suffix])
            else:
                objects.delete([side])

    try:
        for suffix in new:
            side = beside_url(url, main, suffix)
            objects.put_file(beside(main, suffix), side, at_once=_AT_ONCE, create=not overwrite)
            done.append(suffix)
        objects.put_file(main, url, at_once=_AT_ONCE, create=not overwrite)
    except BaseException:
        _take_back(undo, url)
        raise
    try:
        _check_size(url, main.stat().st_size)
    except OSError:
        _take_back(undo, url)
        raise
    _take_back(lambda: objects.delete([beside_url(url, main, suffix) for suffix in set(old) - set(new)]), url)


def _check_size(url: str, size: int) -> None:
    """Hold an object that went up to its size; where the store does not tell it, that it took the object has to do.

    Raises
    ------
    OSError
        It has another size, and is deleted.
    """
    try:
        found = objects.state(url, anew=True)
    except OSError as error:
        logger.info("%s: is written, and the store does not tell its size (%s)", url, cause_of(error))
        return
    if found is None or found.size != size:
        objects.delete([url])
        raise OSError(f"the store holds {'nothing' if found is None else f'{found.size} bytes'}, not {size}")


def _upload_store(main: Path, url: str, *, overwrite: bool) -> None:
    root = joined(url, STORE_MARK)
    old = list(objects.names_below(url, objects.MOST_OBJECTS))
    if old and not overwrite:
        raise FileExistsError
    names = sorted(path.relative_to(main).as_posix() for path in main.rglob("*") if path.is_file())
    names.sort(key=lambda name: (name == STORE_MARK, name.endswith(STORE_MARK)))
    claims = [] if overwrite else [name for name in names[:-1] if name.endswith(STORE_MARK)]
    done: list[str] = []

    def put(name: str, *, create: bool = False) -> None:
        done.append(name)
        try:
            objects.put_file(main / name, joined(url, name), at_once=_AT_ONCE, create=create)
        except FileExistsError:  # it is another job's
            done.remove(name)
            raise

    try:
        if STORE_MARK in old:  # from here on no reader finds a store, old or new
            objects.delete([root])
        for name in claims:
            put(name, create=True)
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for _ in pool.map(put, [name for name in names[:-1] if name not in claims]):
                pass
        put(STORE_MARK, create=not overwrite)
        _check_size(root, (main / STORE_MARK).stat().st_size)
    except BaseException:
        gone = [joined(url, name) for name in {*done, *old}]
        _take_back(lambda: objects.delete(gone), url)
        raise
    stale = [joined(url, name) for name in set(old) - set(names)]
    _take_back(lambda: objects.delete(stale), url)


def _take_back(undo: Callable[[], None], url: str) -> None:
    """Do what cleans up; where that fails too, tell so."""
    try:
        undo()
    except OSError as error:
        logger.warning("%s: what was written there cannot be taken back (%s); delete it", url, cause_of(error))
