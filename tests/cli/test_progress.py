import io
import re

import pytest

from geosal.cli.progress import Bars, progress_bars
from geosal.produce import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "quiet", "drawn"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_bars_are_for_terminals(terminal: bool, quiet: bool, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", _Terminal() if terminal else io.StringIO())
    with progress_bars(100, quiet=quiet) as progress:
        assert (progress is not None) is drawn


def test_stages_throughput_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    bars = Bars(pixels=8_000_000)
    for done in range(5):
        bars(Progress("smooth", done, 4, "blocks"))
        if bars._bar is not None:
            bars._bar.refresh()
    bars(Progress("encode", 0, 1, "steps"))
    bars.close()
    text = terminal.getvalue()
    assert re.search(r"smoothing:  50%\|.+\| 4.00M/8.00M \[.+<.+, .+px/s\]", text)
    assert "encoding ..." in text
    assert capsys.readouterr().out == ""


def test_a_second_job_starts_its_own_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    bars = Bars(pixels=100)
    for stage in ("smooth", "verify", "smooth"):
        bars(Progress(stage, 0, 2, "blocks"))
        bars(Progress(stage, 2, 2, "blocks"))
    bars.close()
    assert terminal.getvalue().count("smoothing:   0%") == 2
