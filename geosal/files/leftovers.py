"""What killed jobs have left beside an output: told, settled, taken over or deleted."""

import contextlib
import json
import logging
import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geosal.errors import UsageError
from geosal.files.addresses import is_remote
from geosal.files.atomic import holds_lock, locked
from geosal.files.journal import JOURNAL, Before
from geosal.files.names import why_no_path
from geosal.files.swap import NOTE, Swap
from geosal.files.upload import staging
from geosal.sizes import as_bytes, counted

logger = logging.getLogger(__name__)

LOCK = "lock"
"""File in a work directory whose lock its job holds as long as it lives."""
MARK = ".geosal-"
_MAX_NAME_BYTES = 200
"""Limit of the output's name in that of a work directory, in bytes; the marks around it need the rest of 255."""
_MOST_TOLD = 3
"""Most differences that a refusal names."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A work directory of a killed job, with a journal."""

    directory: Path
    before: Before

    def clear(self) -> None:
        """Delete all in it but the bytes of its blocks."""
        wanted = {LOCK, JOURNAL, *self.before.data}
        for path in self.directory.iterdir():
            if path.name not in wanted or path.is_symlink() or not (path.is_file() or path.is_dir()):
                _delete(path)


def prefix(output: Path) -> str:
    """Return the beginning of the names of an output's work directories."""
    name = os.fsdecode(os.fsencode(output.name)[:_MAX_NAME_BYTES])
    return f".{name}{MARK}"


def settle(path: str) -> None:
    """Complete or undo what a killed job had begun to publish under a name, and wait for a living one to be through.

    Readers do so before they open a raster or a store, whose names change one after the other. What cannot be settled
    stays: another user's, or of another version.

    Parameters
    ----------
    path
        What is to be opened: a raster, a store, or anything in one; nothing is done for a URL, or for other texts.
    """
    if "://" in path or path.startswith("/vsi") or why_no_path(path):
        return
    for output in _outputs(path):
        with contextlib.suppress(OSError):
            if any(_works(output)):
                with locked(output.parent):  # whoever publishes holds it
                    _settle(output)


def _outputs(path: str) -> Iterator[Path]:
    """Yield a path, and the stores that it may lead into."""
    place = Path(os.path.realpath(path))
    yield place
    yield from (above for above in place.parents if above.suffix.lower() == ".zarr")


def _settle(output: Path) -> None:
    for directory in _dead(output):
        try:
            swap = Swap.found(directory, output)
            if swap is not None:
                swap.settle()
                (directory / NOTE).unlink()  # what the user does beside the file from now on is his
        except OSError as error:
            logger.info("%s: left behind by a job that was killed, cannot be settled (%s)", directory, error)


def leftovers(output: str | Path) -> list[Leftover]:
    """Find what killed jobs have left of the blocks of an output."""
    found = []
    place = _place(output)
    for directory in _dead(place):
        before = Before.read(directory / JOURNAL) if _is_ours(directory) else None
        if before is not None and before.records and not _is_published(directory, place):
            found.append(Leftover(directory, before))
    return found


def _place(output: str | Path) -> Path:
    """Return the path beside which an output's work directories lie."""
    return staging(str(output)) if is_remote(str(output)) else Path(output).resolve()


def sweep(output: str | Path, identity: Mapping[str, Any]) -> None:
    """Delete what killed jobs have left beside a finished output, but blocks of other jobs than that of `identity`."""
    place, identity = _place(output), json.loads(json.dumps(identity))  # as a journal has it
    with contextlib.suppress(OSError), locked(place.parent):
        others = [left.directory for left in leftovers(output) if left.before.identity != identity]
        remove_stale(place, others)


def take_over(output: Path, identity: Mapping[str, Any]) -> Leftover | None:
    """Find what a killed job has left that did the same work; None where none has left anything.

    Parameters
    ----------
    output
        Path of the output.
    identity
        What the work depends on, see `geosal.files.journal.Before`.

    Raises
    ------
    UsageError
        It did other work; the message says in what it differs.
    """
    found = leftovers(output)
    fitting = [left for left in found if left.before.identity == identity]
    if fitting:
        return max(fitting, key=lambda left: len(left.before.records))
    if found:
        newest = max(found, key=lambda left: (left.directory / JOURNAL).stat().st_mtime_ns)
        raise UsageError(
            f"{output.name}: --resume cannot go on with {counted(len(newest.before.records), 'block')} in "
            f"{newest.directory}, of another job: {_differences(newest.before.identity, identity)}; ask for the same, "
            "or leave --resume out, to delete them and begin again"
        )
    return None


def remove_stale(output: Path, but: Collection[Path] = ()) -> None:
    """Delete the work directories of dead jobs, and settle what they had begun to publish.

    Parameters
    ----------
    output
        Path of the output.
    but
        Directories that stay; they are settled, too.

    Raises
    ------
    OSError
        Such a directory cannot be settled.
    """
    for directory in _dead(output):
        try:
            swap = Swap.found(directory, output)
            if swap is not None:
                swap.settle()
        except OSError as error:
            if directory in but:
                raise
            logger.warning("%s: left behind by a job that was killed, cannot be settled (%s)", directory, error)
            continue
        if directory in but:
            continue
        pid = directory.name.removeprefix(prefix(output)).partition("-")[0]
        if _is_ours(directory):
            before = Before.read(directory / JOURNAL)
            blocks = 0 if before is None else len(before.records)
            told = f" with {counted(blocks, 'block')}, with which --resume would have gone on" if blocks else ""
        else:
            told = " with blocks, if any, which other users could have changed"
        logger.warning("%s: left behind by a job that was killed (process %s); deleted%s", directory, pid, told)
        shutil.rmtree(directory, ignore_errors=True)


def size_of(directory: Path) -> str:
    """Tell how many bytes the files in a directory take."""
    return as_bytes(sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file()))


def _dead(output: Path) -> Iterator[Path]:
    """Yield the work directories whose jobs are dead.

    A process id proves nothing: another machine or container has other processes, and ids are reused.
    """
    for directory in _works(output):
        if not holds_lock(directory / LOCK):
            yield directory


def _works(output: Path) -> Iterator[Path]:
    """Yield the work directories of an output, of living jobs as well."""
    begin = prefix(output)
    for name in os.listdir(output.parent) if output.parent.is_dir() else ():  # of a URL it is made when work begins
        pid, dash, _ = name.removeprefix(begin).partition("-")
        place = output.parent / name
        if name.startswith(begin) and pid.isdigit() and dash and place.is_dir() and not place.is_symlink():
            yield place


def _is_ours(directory: Path) -> bool:
    """Return whether nobody else can have put anything there: checksums do not tell who made them."""
    status = directory.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _is_published(directory: Path, output: Path) -> bool:
    """Return whether its file has got its name, or nobody can tell."""
    try:
        swap = Swap.found(directory, output)
    except OSError:
        return True
    return swap is not None and swap.is_done


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Name what differs, as many as a line holds."""
    names = [name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
    told = [f"{name} is {_text(ours.get(name))}, and was {_text(theirs.get(name))}" for name in names[:_MOST_TOLD]]
    return ", ".join(told) + (f", and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else "")


def _text(value: object) -> str:
    if value is None:
        return "not named"
    return " ".join(map(_text, value)) if isinstance(value, list) else str(value)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
