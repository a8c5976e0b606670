"""What a job tells of itself while it works."""

import logging
from itertools import pairwise
from pathlib import Path

import pytest

import geosal
from geosal.core.progress import Progress
from geosal.job.course import Course


def test_a_jpeg_tells_its_two_parts(rgb_scene: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Progress] = []
    with caplog.at_level(logging.INFO, "geosal"):
        summary = geosal.compress(str(rgb_scene), str(tmp_path / "out.jpg"), saliency="half", progress=told.append)
    stages = [each.stage for each in told]
    order = [stage for stage, other in pairwise([*stages, None]) if stage != other]
    assert order[:4] == ["search", "encode", "finish", "verify"]
    assert {(each.part, each.parts) for each in told if each.stage in {"encode", "finish"}} == {(2, 2)}
    assert summary.search is not None
    assert max(each.done for each in told if each.stage == "search") == summary.search["trials"]
    assert {each.part for each in told[: stages.index("encode")]} == {1}
    assert told[0].share == 0
    assert told[-1].share == pytest.approx(1)
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("1/2 looking for the setting: ") and "trials" in line for line in lines)
    assert any(line.startswith("2/2 encoding: ") for line in lines)


def test_shares_follow_the_work_of_the_parts() -> None:
    told: list[Progress] = []
    course = Course(told.append, {"search": 100.0, "work": 300.0})

    def share(event: Progress) -> float:
        course(event)
        assert told[-1].share is not None
        return told[-1].share

    course.enter("search").trial(4)
    assert told[-1].share == pytest.approx(0.25 * 4 / 10)
    course.enter("work")
    assert share(Progress("encode", 0, 10, "blocks")) == pytest.approx(0.25)
    assert share(Progress("verify", 1, 1, "steps")) == 1
    course.enter("work")  # once more: more is to be done than was thought
    assert share(Progress("encode", 0, 10, "blocks")) == pytest.approx(400 / 700)
    assert share(Progress("verify", 1, 1, "steps")) == 1


def test_most_of_some_files_is_made_at_their_end() -> None:
    shares: list[float | None] = []
    for made_at_end in (False, True):
        course = Course(lambda told: shares.append(told.share), {"work": 1.0}, made_at_end=made_at_end)
        course(Progress("encode", 10, 10, "blocks"))
    assert shares[0] is not None
    assert shares[1] is not None
    assert shares[1] < 0.7 < shares[0] < 1
