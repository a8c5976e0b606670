"""A complete file (or Zarr store) or none: made in a hidden directory beside the output, named at the very end."""

import json
import logging
import os
import re
import shlex
import shutil
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from geosal.errors import ClusterError, OutputError, cause_of
from geosal.files.addresses import is_remote
from geosal.files.atomic import flush, flush_tree, locked, try_lock
from geosal.files.journal import JOURNAL, Journal
from geosal.files.leftovers import LOCK, MARK, prefix, remove_stale, size_of, take_over
from geosal.files.names import why_no_path
from geosal.files.swap import NOTE, Swap, beside, foreign, orphans, sidecars_of, there, twin
from geosal.files.upload import REPLACE, check_url, make_staging, staging, upload
from geosal.sizes import as_bytes, counted

logger = logging.getLogger(__name__)

_live: "set[WorkDirectory]" = set()
"""Work directories of this process."""
"""Options that let an output replace another one."""
_LONGEST_NAME = 220
"""Limit of an output's name in bytes. File systems take 255, and files beside the output have a suffix or two more."""
_WORTH_SECONDS = 30.0
"""Seconds of work from which blocks are kept for a later job although nobody has asked for it."""


def check_output(output: str | Path, overwrite: bool, inputs: Sequence[str], *, with_world_file: bool = False) -> None:
    """Refuse an output that could not be published, before any work.

    Parameters
    ----------
    output
        Path of the output.
    overwrite
        Whether a file of that name may be replaced.
    inputs
        Inputs of the job: paths, URLs or texts that name no file. All that lies in a folder of them is an input.
    with_world_file
        Whether it is of a format with world files: one beside it is then its own.

    Raises
    ------
    OutputError
        The message says why, and what to do instead.
    """
    if is_remote(str(output)):
        check_url(str(output), overwrite, inputs, with_world_file=with_world_file)
        return
    target = _resolve(output)
    parent = target.parent
    if len(os.fsencode(target.name)) > _LONGEST_NAME:
        raise OutputError(f"{output}: the name is longer than {_LONGEST_NAME} bytes; files beside it get longer ones")
    if not parent.is_dir():
        raise OutputError(f"{output}: {why_no_folder(parent)}")
    if target.is_dir() and not _is_store_name(target):
        raise OutputError(f"{output}: is a directory; give a file name in it")
    if target.is_dir() and (fault := foreign(target)):
        raise OutputError(f"{output}: {fault}; delete it, or give another name")
    _refuse_input(output, target, inputs, with_world_file=with_world_file)
    if target.exists():
        _refuse_taken(output, target, overwrite)
    if (other := twin(target)) is not None:
        raise OutputError(f"{output}: its world file would be that of {other.name} as well; choose another name")
    if not overwrite and (left := orphans(target, with_world_file=with_world_file)):
        raise OutputError(
            f"{output}: {left[0].name} lies there without its raster; delete it, or replace it: {REPLACE}"
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: no permission to write in {parent}; write elsewhere, or change its permissions")


def why_no_folder(parent: Path) -> str:
    """Explain why a directory cannot take the output, and what to do."""
    there = next((place for place in (parent, *parent.parents) if os.path.lexists(place)), parent)
    if os.path.lexists(there) and not there.is_dir():
        return f"{there} is no directory, so nothing can lie in it; write elsewhere"
    return f"directory {parent} does not exist; make it first: mkdir -p {shlex.quote(str(parent))}"


def abandon() -> None:
    """Leave the work directories of this process before it ends without that; not one that is about to publish."""
    for work in tuple(_live):
        work.abandon()


def visible_parent(path: Path) -> Path:
    """Return the directory of a file for messages; for a work directory, which will be gone, the one around it."""
    return path.parent.parent if MARK in path.parent.name else path.parent


def cannot_write(path: Path, error: Exception, done: str = "written") -> OutputError:
    """Explain in one line why a file cannot be written, or what else is `done`, and how much room there is."""
    if isinstance(error, OutputError):
        return error
    free, place = shutil.disk_usage(path.parent).free, visible_parent(path)
    cause = cause_of(error).replace(str(path.parent), str(place))
    return OutputError(
        f"{path.name}: cannot be {done} in {place} ({cause}); {as_bytes(free)} are free there, make room or write "
        "elsewhere"
    )


class WorkDirectory:
    """A hidden directory beside the output, in which files are made before they take their names.

    Other users may not look into it: a file that replaces a private one is private from the start.

    Use it as a context manager. Entering deletes the directories of killed jobs for the same output; leaving deletes
    the directory, whatever happened, unless it holds blocks that a later job can go on with: see `identity`.

    Parameters
    ----------
    output
        Path of the output. A symbolic link is followed: the file it leads to is replaced, the link stays.
    overwrite
        Whether a file of that name may be replaced.
    with_world_file
        See `check_output`.
    identity
        What the work depends on, in words: its blocks are then noted in a journal. Where the job is interrupted, or the
        disk or the cluster fails, they are kept, if they took a while to make or `resume` asks for it.
    resume
        Go on with the blocks of a killed job of the same identity, if there is one.

    Attributes
    ----------
    output
        The output with links resolved; of one on an object store, where it is made on this machine.
    journal
        The journal; None without `identity`, and before the directory is entered.
    """

    def __init__(
        self,
        output: str | Path,
        overwrite: bool = False,
        *,
        with_world_file: bool = False,
        identity: Mapping[str, Any] | None = None,
        resume: bool = False,
    ) -> None:
        self.output = _resolve(output)
        self.journal: Journal | None = None
        self._identity = None if identity is None else json.loads(json.dumps(identity))
        self._resume = resume
        self._begun = time.monotonic()
        self._with_world_file = with_world_file
        self._named = str(output)
        self._remote = is_remote(self._named)
        self._overwrite = overwrite
        self._directory: Path | None = None
        self._lock: IO[bytes] | None = None
        self._swap: Swap | None = None

    def __enter__(self) -> Self:
        """Make the directory, or take over that of a killed job.

        Raises
        ------
        OutputError
            Nothing can be written there.
        UsageError
            What a killed job has left was made for something else.
        """
        folder = self.output.parent
        directory = folder / f"{prefix(self.output)}{os.getpid()}-{os.urandom(4).hex()}"
        if self._remote:
            make_staging(folder)
        try:
            with locked(directory.parent):  # another job must not find the directory before it has its own lock
                found = None if self._identity is None or not self._resume else take_over(self.output, self._identity)
                remove_stale(self.output, () if found is None else (found.directory,))
                if found is None:
                    directory.mkdir(mode=0o700)
                else:
                    found.clear()
                    os.rename(found.directory, directory)
                self._directory = directory
                _live.add(self)
                self._lock = (directory / LOCK).open("wb")
                try_lock(self._lock)
        except OSError as error:
            self.__exit__(None, None, None)
            raise OutputError(f"{self._named}: cannot write in {directory.parent} ({error.strerror})") from error
        if self._identity is not None:
            before = None if found is None else found.before
            self.journal = Journal(directory / JOURNAL, self._identity, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the directory, or keep it for a later job."""
        if self.journal is not None:
            self.journal.close()
        if self._directory is not None and self._is_settled() and not self._keeps(kind):
            shutil.rmtree(self._directory, ignore_errors=True)
        _live.discard(self)
        if self._lock is not None:
            self._lock.close()
        self._directory = self._lock = None
        if self._remote:
            with suppress(OSError):  # blocks of this job are kept there, or another one works on the same
                self.output.parent.rmdir()

    def abandon(self) -> None:
        """Do the same in a process that is interrupted and cannot wait; not while it publishes."""
        directory = self._directory
        if directory is not None and not (directory / NOTE).exists() and not self._keeps(KeyboardInterrupt):
            shutil.rmtree(directory, ignore_errors=True)

    def _keeps(self, kind: type[BaseException] | None) -> bool:
        """Return whether blocks are kept after an exception, and tell so."""
        if kind is None or self.journal is None or not self.journal.count:
            return False
        is_outside = not issubclass(kind, Exception) or issubclass(kind, (OutputError, ClusterError, MemoryError))
        is_worth_it = self._resume or time.monotonic() - self._begun >= _WORTH_SECONDS
        if not (is_outside and is_worth_it) or self._directory is None:
            return False
        logger.warning(
            "%s: %s are kept, %s in %s; to go on, run the same again with --resume (in Python resume=True), or delete "
            "that directory", self._named, counted(self.journal.count, "block"), size_of(self._directory),
            self._directory,
        )  # fmt: skip
        return True

    def _is_settled(self) -> bool:
        """Repair what an exception during publishing left; if that fails, the next job finds the pieces."""
        try:
            if self._swap is not None:
                self._swap.settle()
        except OSError as error:
            logger.warning("%s: what stood there is kept in %s (%s)", self._named, self._directory, error)
            return False
        return True

    def path(self, name: str) -> Path:
        """Return the path of a temporary file with that name."""
        if self._directory is None:
            raise OutputError(f"{self._named}: the work directory is not open; use it in a with statement")
        return self._directory / name

    def publish(self, main: Path) -> Path:
        """Give a finished file, and the sidecars GDAL has put beside it, or a finished store the name of the output.

        Everything is on disk before the name is taken; sidecars are moved first, the file itself last and in one step.
        Once it has its name nothing is undone, whatever happens. Of two jobs that publish without `overwrite`, one wins
        and the other raises.

        Returns
        -------
        Path
            The output.

        Raises
        ------
        OutputError
            The name is taken, or the disk refuses; the old file is unchanged.
        """
        if self._remote:
            self._upload(main)
            return self.output
        try:
            for path in (main, *(beside(main, suffix) for suffix in sidecars_of(main, with_world_file=True))):
                if path == main or path.exists():
                    flush_tree(path)
            with locked(self.output.parent):
                _keep_modes(main, self.output)
                self._swap = Swap.prepare(self.path(""), main, self.output, with_world_file=self._with_world_file)
                self._swap.carry_out(replace=self._overwrite)
                flush(self.output.parent)
        except FileExistsError as error:
            self._swap = None  # the file there belongs to another job
            raise OutputError(f"{self._named}: another program has made it meanwhile; replace it: {REPLACE}") from error
        except OSError as error:
            if self._swap is not None and self._swap.is_done:
                logger.warning("%s: is complete, but the disk complains (%s)", self._named, error.strerror or error)
                return self.output
            raise OutputError(f"{self._named}: cannot be published ({error.strerror or error})") from error
        return self.output

    def _upload(self, main: Path) -> None:
        try:
            upload(main, self._named, overwrite=self._overwrite, with_world_file=self._with_world_file)
        except FileExistsError as error:
            raise OutputError(f"{self._named}: another program has made it meanwhile; replace it: {REPLACE}") from error
        except OSError as error:
            raise OutputError(
                f"{self._named}: cannot be written ({cause_of(error)}); see that you may write there, and try again"
            ) from error


def _keep_modes(main: Path, output: Path) -> None:
    """Give all new files the mode of the old one, so that no more users can read them."""
    if not output.exists():
        return
    mode = stat.S_IMODE(output.stat().st_mode)
    of_files = mode & ~0o111 if main.is_dir() else mode
    for path in (main, *main.rglob("*"), *(beside(main, suffix) for suffix in there(main, with_world_file=True))):
        path.chmod(mode if path.is_dir() else of_files)


def _resolve(output: str | Path) -> Path:
    text = str(output)
    if not text:
        raise OutputError("the name of an output is empty; name a file")
    if "://" in text or text.startswith("/vsi"):
        return staging(text)
    if fault := why_no_path(text):
        raise OutputError(f"{text!r}: {fault}")
    try:
        target = Path(text).resolve()
        # A symbolic link that leads to itself: Python 3.13 returns it, older versions raise.
        fault = "a symbolic link leads to itself" if target.is_symlink() else ""
    except (OSError, RuntimeError) as error:
        fault = str(error)
    if fault:
        raise OutputError(f"{text}: is not a usable path ({fault}); give another name")
    if fault := why_no_path(str(target)):  # the working directory is part of it
        raise OutputError(f"{str(target)!r}: {fault}")
    return target


def _refuse_taken(output: str | Path, target: Path, overwrite: bool) -> None:
    """Refuse a name whose present file or directory cannot, or must not, be replaced."""
    if not (target.is_file() or target.is_dir()):
        raise OutputError(f"{output}: is not a regular file; give another name")
    if target.is_file() and _is_store_name(target):
        raise OutputError(f"{output}: is a file, and a Zarr store is a directory; delete it, or give another name")
    if not overwrite:
        raise OutputError(f"{output}: exists already; give another name, or replace it: {REPLACE}")


def _is_store_name(target: Path) -> bool:
    return target.suffix.lower() == ".zarr"


def same_file(path: str, target: Path) -> bool:
    """Return whether a path is that file, or lies in that store, also behind GDAL's prefixes.

    Those are ``file://``, ``GTIFF_DIR:1:``, ``/vsi…`` and their like.
    """
    starts = {0, *(match.end() for match in re.finditer(r"[:,=]|^file://|^/vsi\w+/", path))}
    for start in starts:
        try:
            if os.path.samefile(path[start:], target) or target in Path(path[start:]).resolve().parents:
                return True
        except (OSError, ValueError):  # a URL, a SOURCE text, or nothing there
            continue
    return False


def _refuse_input(output: str | Path, target: Path, inputs: Sequence[str], *, with_world_file: bool) -> None:
    own = (beside(target, suffix) for suffix in sidecars_of(target, with_world_file=with_world_file))
    names = (target, *own)
    for path in inputs:
        if any(same_file(path, name) for name in names):
            raise OutputError(f"{output}: is also an input, or would be a file beside one ({path}); give another name")
        if _is_inside(target, path):
            raise OutputError(
                f"{output}: lies in the directory {path}, which is an input and stays as it is; write elsewhere, or "
                "name one file in it as input"
            )


def _is_inside(target: Path, folder: str) -> bool:
    return os.path.isdir(folder) and Path(folder).resolve() in target.parents
