import io

import pytest

from geosal.cli.progress import progress_bars
from geosal.core.progress import Progress, ignore


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


@pytest.mark.parametrize("quiet", [True, False])
def test_a_line_stands_for_the_bar_once_the_work_begins(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", told := io.StringIO())
    with progress_bars(quiet=quiet, instead="makes a scene") as progress:
        assert told.getvalue() == ""
        for done in (0, 1):
            (progress or ignore)(Progress("scene", done, 1, "steps"))
    assert told.getvalue() == ("" if quiet else "makes a scene\n")
