"""The engine of all studies: tasks in parallel, a journal of what is done, and runs that go on where one was killed.

A study cuts its work into tasks. What a task returns is plain data, which a line of the journal holds; a later run of
the same recipe takes it from there. Tables are made from these data alone, so neither a kill nor the order in which
tasks end shows in them. A task that fails for its image is told, left out and counted, and the others go on; the next
run tries it again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from geosal.core.cluster.code import digest_of_code
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.scheduler import THREADS
from geosal.core.machine import cpu_count
from geosal.core.progress import Progress, ProgressCallback, Stage, ignore
from geosal.errors import GeosalError, OutputError, ResourceError, SaliencyError, SceneError, UsageError, warn
from geosal.files.atomic import locked, try_lock
from geosal.files.journal import JOURNAL, Before, Journal
from geosal.sizes import counted
from geosal.version import made_by

_OF_AN_IMAGE = (SceneError, SaliencyError, UsageError, ResourceError)
"""Errors that say something about one image or its mask, and nothing about the others."""
_PART = {"study": 1}
"""Form of the journal's lines."""


@dataclass(frozen=True)
class Course:
    """How a study is carried out, whatever it asks.

    Attributes
    ----------
    resume
        Take over what a run before has done.
    workers
        Tasks at once; None for one per core.
    report
        Called in this thread after each task.
    """

    resume: bool = False
    workers: int | None = None
    report: ProgressCallback = ignore


USUALLY = Course()
"""A run from the start, on all cores."""


class Task(NamedTuple):
    """A piece of a study.

    Attributes
    ----------
    key
        Tells it from all others of the study, in this run and in later ones.
    about
        What it is about, for the message of a failure.
    do
        Does it in any thread, and returns plain data.
    """

    key: str
    about: str
    do: Callable[[], Any]


class Skipped(NamedTuple):
    """A task that failed for its image."""

    about: str
    error: str


@dataclass
class Log:
    """What has come of tasks, now and in the run before.

    Attributes
    ----------
    results
        Plain data of each task that is done, by its key.
    skipped
        Tasks that failed for their image.
    resumed
        How many were taken over.
    """

    results: dict[str, Any] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    resumed: int = 0
    journal: Journal | None = None

    def lacks(self, task: Task) -> bool:
        """Return whether a task is still to be done."""
        return task.key not in self.results

    def skip(self, about: str, error: str) -> None:
        """Tell that an image is left out; once, where all tasks of an image fail alike."""
        skipped = Skipped(about, error)
        if skipped not in self.skipped:
            self.skipped.append(skipped)
            warn(f"{error}; left out" if about in error else f"{about}: left out: {error}")

    def take(self, task: Task, result: Any) -> None:
        """Note the result of a task."""
        record = {"key": task.key, "result": result}
        if self.journal is not None:
            self.journal.add(record, lambda: None)
        self.results[task.key] = json.loads(json.dumps(result))  # as a later run reads it


@contextmanager
def open_log(folder: Path, identity: Mapping[str, Any], *, resume: bool) -> Iterator[Log]:
    """Open the journal in the folder of a report, with what a run before has done if it is to be taken over.

    Raises
    ------
    UsageError
        What lies there is of another recipe, or of another geosal.
    OutputError
        Another run is at work in the folder, the journal cannot be written, or `resume` is asked for in a folder that
        has no sound journal and yet holds something.
    """
    path = folder / JOURNAL
    with _alone_in(folder):
        before = Before.read(path) if resume and path.is_file() else None
        identity = json.loads(json.dumps({**identity, "made by": made_by(), "code": digest_of_code()[:12]}))
        if before is not None:
            _refuse_another(folder, before, identity)
        elif resume:
            _refuse_foreign(folder)
        journal = Journal(path, identity, before)
        journal.enter(dict(_PART))
        known = journal.known()
        try:
            journal.begin((), known)
            log = Log({line["key"]: line["result"] for line in known}, journal=journal)
            with _telling_how_to_go_on(log):
                yield log
        finally:
            journal.close()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder.

    Raises
    ------
    OutputError
        Another one is at work there.
    """
    with locked(folder):  # else another run could open the file before it is deleted, and lock what has no name
        lock = (folder / f".{JOURNAL}.lock").open("ab")
        if not try_lock(lock):
            lock.close()
            raise OutputError(f"{folder}: another run is at work there; wait for it, or name another folder")
    try:
        yield
    finally:
        with locked(folder):
            lock.close()
            Path(lock.name).unlink(missing_ok=True)


@contextmanager
def _telling_how_to_go_on(log: Log) -> Iterator[None]:
    """Note on an interruption, which is no `Exception`, what is done and how to go on; once, for who tells of it."""
    try:
        yield
    except BaseException as error:
        if log.journal is not None and not isinstance(error, Exception | GeneratorExit) and not _notes_of(error):
            kept = f"{log.journal.directory} holds {counted(len(log.results), 'finished part')} of the study"
            error.add_note(f"{kept}; to go on, run the same again with --resume")
        raise


def _notes_of(error: BaseException) -> Sequence[str]:
    return getattr(error, "__notes__", ())


def _refuse_another(folder: Path, before: Before, identity: Mapping[str, Any]) -> None:
    keys = [key for key in {**identity, **before.identity} if identity.get(key) != before.identity.get(key)]
    if keys:
        raise UsageError(
            f"{folder}: --resume cannot go on with what lies there, since {', '.join(keys)} differ; name another "
            "folder (--output DIR), or begin anew: --overwrite"
        )


def _refuse_foreign(folder: Path) -> None:
    """Refuse to go on among files of which no journal tells; a journal is written before any other file of a study."""
    others = sorted(entry.name for entry in folder.iterdir() if entry.name != JOURNAL and entry.name[0] != ".")
    if others:
        what = "its journal cannot be read" if (folder / JOURNAL).exists() else "it has no journal"
        raise OutputError(
            f"{folder}: --resume finds no study to go on with ({what}), but {others[0]} lies there; name another "
            "folder (--output DIR), or begin anew: --overwrite"
        )


def work_off(
    tasks: Iterable[Task], log: Log, course: Course, stage: Stage, unit: str, *, total: int, strict: bool = False
) -> None:
    """Do the tasks that the log lacks, some at once, and note what comes of them.

    Parameters
    ----------
    tasks
        Asked for one by one, as workers are free.
    log
        Takes the results.
    course
        Workers and report.
    stage, unit, total
        What is told of the work, and the number of tasks.
    strict
        Raise the error of the first task that fails for its image, instead of leaving it out.

    Raises
    ------
    GeosalError
        A task failed for another reason than its image.
    """
    done = 0
    course.report(Progress(stage, done, total, unit))

    def waiting() -> Iterator[Task]:
        nonlocal done
        for task in tasks:
            if log.lacks(task):
                yield task
            else:
                log.resumed += 1
                done += 1

    # Told within the pool, which waits for tasks that are under way, longer perhaps than an interruption may take.
    with open_pool(THREADS, course.workers or cpu_count()) as pool, _telling_how_to_go_on(log):
        for task, result, error in pool.map_unordered(_Attempt(strict=strict), waiting()):
            done += 1
            if error is None:
                log.take(task, result)
            else:
                log.skip(task.about, str(error))
            course.report(Progress(stage, done, total, unit))
    course.report(Progress(stage, done, total, unit))


class _Attempted(NamedTuple):
    task: Task
    result: Any
    error: GeosalError | None


@dataclass(frozen=True)
class _Attempt:
    """Does a task, and returns the error that is about its image alone."""

    strict: bool

    def __call__(self, task: Task) -> _Attempted:
        try:
            return _Attempted(task, task.do(), None)
        except _OF_AN_IMAGE as error:
            if self.strict:
                raise
            return _Attempted(task, None, error)
