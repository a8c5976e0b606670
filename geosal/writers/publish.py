"""A complete file or no file: work in a hidden directory beside the output, take the name at the very end."""

import glob
import logging
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from geosal.errors import OutputError, ResourceError
from geosal.writers.atomic import flush, locked, rename, rename_new, try_lock

logger = logging.getLogger(__name__)

_SIDECARS = (".aux.xml", ".msk", ".ovr")
"""What GDAL reads beside a raster, appended to its whole name."""
_LOCK = "lock"
_MAX_NAME_BYTES = 200
"""Leaves room for our own marks: file systems take 255 bytes."""


def check_output(output: str | Path, overwrite: bool, inputs: Sequence[str]) -> None:
    """Refuse an output that could not be published, before any work.

    Parameters
    ----------
    output
        Where the result shall go.
    overwrite
        Whether a file of that name may be replaced.
    inputs
        What the job reads: paths, URLs or texts that name no file.

    Raises
    ------
    OutputError
        It says why, and what to do instead.
    """
    target = _resolve(output)
    parent = target.parent
    if not parent.is_dir():
        raise OutputError(f"{output}: directory {parent} does not exist; make it first: mkdir -p {parent}")
    if target.is_dir():
        raise OutputError(f"{output}: is a directory; give a file name in it")
    for path in inputs:
        if _same_file(path, target):
            raise OutputError(f"{output}: is also an input ({path}); give another name, inputs are never written")
    if target.exists():
        if not target.is_file():
            raise OutputError(f"{output}: is not a regular file; give another name")
        if not overwrite:
            raise OutputError(f"{output}: exists already; give another name, or replace it with --overwrite")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: no permission to write in {parent}; write elsewhere, or change its permissions")


def check_space(directory: str | Path, needed_bytes: int) -> None:
    """Refuse a job whose files would not fit.

    Raises
    ------
    ResourceError
        Less than `needed_bytes` are free in `directory`.
    """
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise ResourceError(
            f"{directory}: the job needs about {needed_bytes / 1e6:.0f} MB, {free / 1e6:.0f} MB are free; "
            f"free some, or write elsewhere"
        )


class WorkDirectory:
    """A hidden directory beside the output, in which files are made before they take their names.

    Use it as a context manager. Entering deletes what killed jobs for the same output have left; leaving deletes the
    directory, whatever happened.

    Parameters
    ----------
    output
        Where the result shall go. A symbolic link is followed: the file it leads to is replaced, the link stays.
    overwrite
        Whether a file of that name may be replaced.

    Attributes
    ----------
    output
        The output with links resolved.
    """

    def __init__(self, output: str | Path, overwrite: bool = False) -> None:
        self.output = _resolve(output)
        self._named = str(output)
        self._overwrite = overwrite
        self._directory: Path | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Make the directory."""
        prefix = _prefix(self.output)
        _remove_stale(self.output.parent, prefix)
        directory = self.output.parent / f"{prefix}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            directory.mkdir()
            self._directory = directory
            self._lock = (directory / _LOCK).open("wb")
        except OSError as error:
            self.__exit__(None, None, None)
            raise OutputError(f"{self._named}: cannot write in {directory.parent} ({error.strerror})") from error
        try_lock(self._lock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the directory."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
        self._directory = self._lock = None

    def path(self, name: str) -> Path:
        """Path for a temporary file of that name."""
        if self._directory is None:
            raise OutputError(f"{self._named}: the work directory is not open; use it in a with statement")
        return self._directory / name

    def publish(self, main: Path) -> Path:
        """Give a finished file, and the sidecars GDAL has put beside it, the name of the output.

        Everything is on disk before the name is taken; sidecars go first, the file itself last and at once. Of two
        jobs that publish without `overwrite`, one wins and the other raises.

        Returns
        -------
        Path
            The output.

        Raises
        ------
        OutputError
            The name is taken, or the disk refuses; what stood under the name is as it was.
        """
        sidecars = {suffix: path for suffix in _SIDECARS if (path := _beside(main, suffix)).exists()}
        try:
            for path in (main, *sidecars.values()):
                flush(path)
            with locked(self.output.parent):
                self._move(main, sidecars)
                flush(self.output.parent)
        except FileExistsError as error:
            raise OutputError(
                f"{self._named}: another program has made it meanwhile; replace it with --overwrite"
            ) from error
        except OSError as error:
            raise OutputError(f"{self._named}: cannot be published ({error.strerror or error})") from error
        return self.output

    def _move(self, main: Path, sidecars: dict[str, Path]) -> None:
        """Set the old sidecars aside, move the new ones, then the file; put all back if that fails."""
        if self.output.exists() and not self._overwrite:
            raise FileExistsError
        aside = {suffix: path for suffix in _SIDECARS if (path := _beside(self.output, suffix)).exists()}
        moved: list[tuple[Path, Path]] = []
        try:
            for suffix, path in aside.items():
                moved.append(rename(path, self.path(f"aside{suffix}")))
            for suffix, path in sidecars.items():
                moved.append(rename(path, _beside(self.output, suffix)))
            if self._overwrite:
                os.replace(main, self.output)
            else:
                rename_new(main, self.output)
        except BaseException:
            for before, after in reversed(moved):
                os.replace(after, before)
            raise


def _resolve(output: str | Path) -> Path:
    text = str(output)
    if "://" in text or text.startswith("/vsi"):
        raise OutputError(f"{text}: only local files are written; write one, then copy it there")
    try:
        return Path(text).resolve()
    except (OSError, RuntimeError) as error:  # a symbolic link that leads to itself
        raise OutputError(f"{text}: is not a usable path ({error})") from error


def _same_file(path: str, target: Path) -> bool:
    try:
        return os.path.samefile(path, target)
    except (OSError, ValueError):  # a URL, a SOURCE text, or nothing there
        return False


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _prefix(output: Path) -> str:
    name = os.fsdecode(os.fsencode(output.name)[:_MAX_NAME_BYTES])
    return f".{name}.geosal-"


def _remove_stale(parent: Path, prefix: str) -> None:
    """Delete the work directories of jobs that are gone."""
    for directory in parent.glob(glob.escape(prefix) + "*-*"):
        pid = directory.name.removeprefix(prefix).partition("-")[0]
        if pid.isdigit() and directory.is_dir() and not _is_alive(int(pid), directory):
            logger.warning("%s: left behind by a job that was killed (process %s); deleted", directory, pid)
            shutil.rmtree(directory, ignore_errors=True)


def _is_alive(pid: int, directory: Path) -> bool:
    """Whether a job still works there: its process lives, or, on another machine or in a container, holds the lock."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        pass
    except PermissionError:
        return True
    else:
        return True
    try:
        with (directory / _LOCK).open("r+b") as lock:
            return not try_lock(lock)
    except OSError:
        return False
