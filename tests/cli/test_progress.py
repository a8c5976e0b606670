import io

import pytest

from geosal.cli.progress import progress_bars


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
