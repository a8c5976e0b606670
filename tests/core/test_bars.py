import sys
from io import StringIO
from pathlib import Path

import pytest

import geosal
from geosal.core.bars import Bar, reporter
from geosal.core.progress import Progress


def test_a_bar_for_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    report = reporter(True)
    assert isinstance(report, Bar)
    for event in (
        Progress("smooth", 0, 2, "blocks"),
        Progress("smooth", 2, 2, "blocks"),
        Progress("verify", 1, 1, "steps"),
    ):
        report(event)
    text = shown.getvalue()
    assert "2/2" in text
    assert "1/1" in text


def test_a_callback_is_taken_as_it_is_and_nothing_as_nothing() -> None:
    done: list[object] = []
    reporter(done.append)(1)
    for nothing in (None, False):
        reporter(nothing)(2)
    assert done == [1]


def test_jobs_and_comparisons_show_one_where_it_is_asked_for(
    small_scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    geosal.compress(small_scene, tmp_path / "a.tif", saliency="half", progress=True)
    assert "1/1" in capsys.readouterr().err
    geosal.compare(small_scene, tmp_path / "a.tif", progress=True)
    assert "1/1" in capsys.readouterr().err
