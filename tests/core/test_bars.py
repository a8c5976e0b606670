import io
import re
from pathlib import Path

import pytest

import geosal
from geosal.core.bars import Bars, reporter
from geosal.core.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _open_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Put a terminal of 80 columns in the place of stderr."""
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    monkeypatch.setattr("tqdm.std._screen_shape_wrapper", lambda: lambda _: (80, 24))
    return terminal


def _drawn(bars: Bars, *events: Progress) -> None:
    for event in events:
        bars(event)
        if bars._bar is not None:
            bars._bar.refresh()


def test_one_bar_for_the_job_with_its_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = _open_terminal(monkeypatch)
    bars = Bars(pixels=8_000_000)
    _drawn(
        bars,
        Progress("search", 4, 8, "trials", 1, 2, 0.5),
        Progress("encode", 3, 4, "blocks", 2, 2, 0.8, written=12_345_678),
    )
    bars.close()
    frames = [frame.strip() for frame in terminal.getvalue().split("\r")]
    assert max(map(len, frames)) <= 80
    assert any(
        re.match(r"1/2 looking for the setting \(trial 4\)  50%\|.+\| 00:00, 00:00 left$", each) for each in frames
    )
    assert any(re.match(r"2/2 encoding  80%\|.+\| 00:00, 00:00 left, .+px/s, 12.3 MB$", each) for each in frames)
    assert capsys.readouterr().out == ""


def test_a_stage_of_which_no_more_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _open_terminal(monkeypatch)
    bars = Bars()
    _drawn(bars, Progress("compare", 1, 4, "blocks"), Progress("scene", 0, 1, "steps"))
    bars.close()
    assert "comparing  25%|" in terminal.getvalue()
    assert "drawing ..." in terminal.getvalue()


def test_a_second_job_starts_its_own_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _open_terminal(monkeypatch)
    bars = Bars(pixels=100)
    for _ in range(2):
        _drawn(bars, Progress("smooth", 0, 2, "blocks", share=0.0), Progress("verify", 1, 1, "steps", share=1.0))
    bars.close()
    assert re.search(r"100%.*smoothing +0%", terminal.getvalue(), re.DOTALL)


def test_a_bar_that_stays_is_closed_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _open_terminal(monkeypatch)
    report = reporter(True)
    assert isinstance(report, Bars)
    for event in (
        Progress("smooth", 0, 2, "blocks", share=0.0),
        Progress("smooth", 2, 2, "blocks", share=0.9),
        Progress("verify", 1, 1, "steps", share=1.0),
    ):
        report(event)
    assert re.search(r"checking 100%.+\n$", terminal.getvalue(), re.DOTALL)
    assert report._bar is None


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
    assert "100%" in capsys.readouterr().err
    geosal.compare(small_scene, tmp_path / "a.tif", progress=True)
    assert "comparing" in capsys.readouterr().err
