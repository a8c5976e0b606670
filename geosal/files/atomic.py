"""Locks, flushes, texts and renames of the operating system, for files that must be complete."""

import contextlib
import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD, the working directory; RENAME_EXCHANGE, which has the number of macOS's RENAME_SWAP."""
_FLUSHING = 8
"""Number of files that are flushed at once."""


def try_lock(file: IO[bytes]) -> bool:
    """Take an exclusive lock if it is free; also return True where locks do not exist."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in {errno.EWOULDBLOCK, errno.EACCES}
    return True


def holds_lock(path: Path) -> bool:
    """Return whether a process holds the lock of a file; also True where that is unknown."""
    if sys.platform == "win32":
        return True
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def open_plain(path: str | Path, flags: int = 0) -> IO[bytes]:
    """Open a file for reading that anybody may have put there: no pipe or device is waited for.

    Raises
    ------
    OSError
        It cannot be opened, or is no regular file.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | flags)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "it is a pipe or a device")
    return os.fdopen(number, "rb")


def read_plain(path: Path) -> bytes:
    """Read a file as `open_plain` does, and follow no link.

    Raises
    ------
    OSError
        See `open_plain`.
    """
    with open_plain(path, getattr(os, "O_NOFOLLOW", 0)) as file:
        return file.read()


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other publishers out of a directory, where the file system has locks."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def flush(path: Path) -> None:
    """Flush a file, or the names in a directory, to the disk."""
    if path.is_dir() and sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if not path.is_dir() or error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # a server that cannot
            raise
    finally:
        os.close(handle)


def flush_tree(path: Path) -> None:
    """Flush a file, or a directory with its content, to the disk."""
    if not path.is_dir():
        flush(path)
        return
    flush_all([Path(directory) / name for directory, _, names in os.walk(path) for name in names])
    for directory, _, _ in os.walk(path, topdown=False):
        flush(Path(directory))


def flush_all(paths: Iterable[Path]) -> None:
    """Flush files to the disk; one that is gone needs it no more.

    Each flush waits for the disk; in threads they wait together.
    """

    def flush_one(path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            flush(path)

    with ThreadPoolExecutor(_FLUSHING) as pool:
        for _ in pool.map(flush_one, paths):
            pass


def may_write(path: Path) -> bool:
    """Return whether `write_text` may write there, as far as permissions tell."""
    if _is_stream(path):
        return os.access(path, os.W_OK)
    target = path.resolve()
    if target.exists() and not os.access(target, os.W_OK):
        return False
    return os.access(target.parent, os.W_OK | os.X_OK)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file whole, or leave what stands there as it is; a pipe or a device takes the text as it comes.

    A symbolic link is followed. An old file gives its mode; another hard link to it keeps the old text.

    Raises
    ------
    OSError
        The disk refuses.
    """
    path = Path(path)
    if _is_stream(path):
        path.write_text(text, encoding="utf-8", newline="")
        return
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, which then takes the place of another, or is deleted after an error.

    A symbolic link is followed. An old file gives its mode; another hard link to it keeps the old content.

    Raises
    ------
    OSError
        The disk refuses.
    """
    target = path.resolve()
    part = target.parent / f".geosal-{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        yield part
        if target.exists():
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """Return whether a path is a pipe or a device; of ``/dev/stdout`` a resolved path is none that can be opened."""
    return path.exists() and not path.is_file()


def exchange(one: Path, other: Path) -> bool:
    """Give two directories of a file system each other's name in one step; return False where the system cannot."""
    libc = ctypes.CDLL(None)
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):  # Linux
        return bool(libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    if hasattr(libc, "renamex_np"):  # macOS
        return bool(libc.renamex_np(*names, _EXCHANGE) == 0)
    return False


def rename_new(main: Path, output: Path) -> None:
    """Rename, but never over a file: a hard link fails if the name is taken, in one step and without a lock.

    A directory cannot be linked, but neither can it be renamed over anything except an empty directory.

    Raises
    ------
    FileExistsError
        The name is taken.
    """
    if main.is_dir():
        _rename_directory(main, output)
        return
    try:
        os.link(main, output)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.replace(main, output)


def _rename_directory(main: Path, output: Path) -> None:
    try:
        os.replace(main, output)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(output)) from error
        raise
