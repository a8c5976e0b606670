"""The engine alone, on tasks that cost nothing: whatever kills a run, a later one comes to the same results."""

import math
import shutil
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.errors import GeosalWarning, OutputError, SceneError, UsageError
from geosal.files.journal import JOURNAL
from geosal.lab.experiments import engine
from geosal.lab.experiments.engine import Course, Log, Task, open_log, work_off

NUMBERS = st.floats(allow_nan=False) | st.integers() | st.text() | st.none()
RESULTS = st.dictionaries(st.text(), NUMBERS | st.lists(NUMBERS), min_size=1, max_size=12)


class KillError(Exception):
    """What stands in for a kill."""


def tasks_of(results: Mapping[str, Any], calls: list[str] | None = None) -> list[Task]:
    def task(key: str) -> Task:
        def do() -> Any:
            if calls is not None:
                calls.append(key)
            if isinstance(results[key], Exception):
                raise results[key]
            return results[key]

        return Task(key, f"image {key}", do)

    return [task(key) for key in results]


def carried_out(folder: Path, tasks: list[Task], course: Course, **identity: Any) -> Log:
    with open_log(folder, {"study": "none", **identity}, resume=course.resume) as log:
        work_off(tasks, log, course, "files", "tasks", total=len(tasks))
    return log


@settings(max_examples=25)
@given(results=RESULTS, after=st.integers(0, 12), torn=st.integers(0, 40), workers=st.integers(1, 3))
def test_whatever_kills_a_run_a_later_one_comes_to_the_same(
    results: dict[str, Any], after: int, torn: int, workers: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("study")

    def report(progress: Any) -> None:
        if progress.done >= after:
            raise KillError

    with suppress(KillError):
        carried_out(folder, tasks_of(results), Course(report=report, workers=workers))
    journal = folder / JOURNAL
    content = journal.read_bytes()
    head = content.index(b"\n", content.index(b"\n") + 1) + 1  # whose work it is, and what is made
    journal.write_bytes(content[: max(head, len(content) - torn)])
    calls: list[str] = []
    log = carried_out(folder, tasks_of(results, calls), Course(resume=True, workers=workers))
    assert log.results == results
    assert len(calls) + log.resumed == len(results)
    shutil.rmtree(folder)


def test_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    results = {"a": [math.inf, -math.inf, 0.1 + 0.2, 1e-300]}
    carried_out(tmp_path, tasks_of(results), Course())
    assert carried_out(tmp_path, tasks_of({"a": None}), Course(resume=True)).results == results


def test_a_task_that_fails_for_its_image_keeps_no_other_back(tmp_path: Path) -> None:
    results: dict[str, Any] = {"a": 1, "b": SceneError("b.tif: damaged"), "c": 3}
    with pytest.warns(GeosalWarning, match="image b: left out: b.tif: damaged"):
        log = carried_out(tmp_path, tasks_of(results), Course())
    assert log.results == {"a": 1, "c": 3}
    assert [tuple(each) for each in log.skipped] == [("image b", "b.tif: damaged")]
    calls: list[str] = []
    log = carried_out(tmp_path, tasks_of(results | {"b": 2}, calls), Course(resume=True))
    assert (log.results, calls, log.skipped) == ({"a": 1, "b": 2, "c": 3}, ["b"], [])


def test_a_full_disk_ends_the_run_and_what_was_done_stays(tmp_path: Path) -> None:
    results: dict[str, Any] = {"a": 1, "b": OutputError("no room"), "c": 3}
    with pytest.raises(OutputError, match="no room"):
        carried_out(tmp_path, tasks_of(results), Course(workers=1))
    assert carried_out(tmp_path, tasks_of(results | {"b": 2}), Course(resume=True)).resumed >= 1


def test_a_strict_study_ends_at_the_first_fault(tmp_path: Path) -> None:
    tasks = tasks_of({"a": SceneError("a.tif: damaged")})
    with open_log(tmp_path, {}, resume=False) as log, pytest.raises(SceneError, match="damaged"):
        work_off(tasks, log, Course(), "files", "tasks", total=1, strict=True)


@pytest.mark.parametrize("journal", [None, b"", b"no journal"])
def test_a_folder_that_was_no_study_is_not_gone_on_with(journal: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("mine")
    if journal is not None:
        (tmp_path / JOURNAL).write_bytes(journal)
    with pytest.raises(OutputError, match=r"no study to go on with .*report\.md lies there"):
        carried_out(tmp_path, tasks_of({"a": 1}), Course(resume=True))
    assert (tmp_path / "report.md").read_text() == "mine"


@pytest.mark.parametrize("journal", [None, b"", b'{"identity": {"stu'])
def test_a_run_that_was_killed_before_its_first_task_begins_again(journal: bytes | None, tmp_path: Path) -> None:
    if journal is not None:
        (tmp_path / JOURNAL).write_bytes(journal)
    assert carried_out(tmp_path, tasks_of({"a": 1}), Course(resume=True)).results == {"a": 1}


def test_another_recipe_and_another_run_are_refused(tmp_path: Path) -> None:
    carried_out(tmp_path, tasks_of({"a": 1}), Course(), steps=8)
    with pytest.raises(UsageError, match="since steps differ"):
        carried_out(tmp_path, tasks_of({"a": 1}), Course(resume=True), steps=4)
    with open_log(tmp_path, {}, resume=False):
        for _ in range(2):  # one that was refused leaves the lock for the next
            with pytest.raises(OutputError, match="another run is at work"):
                carried_out(tmp_path, tasks_of({"a": 1}), Course())


def test_no_run_locks_a_file_that_another_one_is_about_to_delete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, ends, try_lock = ExitStack(), [], engine.try_lock
    first.enter_context(open_log(tmp_path, {}, resume=False))

    def lock_as_the_first_ends(file: Any) -> bool:
        ends.append(threading.Thread(target=first.close))
        ends[0].start()
        ends[0].join(0.3)
        return try_lock(file)

    monkeypatch.setattr(engine, "try_lock", lock_as_the_first_ends)
    with pytest.raises(OutputError, match="another run is at work"), open_log(tmp_path, {}, resume=False):
        pass
    ends[0].join()
    monkeypatch.undo()
    with open_log(tmp_path, {}, resume=False):
        pass
