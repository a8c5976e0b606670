import io
import os

import pytest

from geosal.cli.paper import as_shown, painted, takes_colour, width_of, wrapped


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_users_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painted("ok", "good", _Terminal()) == "\x1b[32mok\x1b[0m"
    assert painted("ok", "good", io.StringIO()) == "ok"
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted("ok", "good", _Terminal()) == "ok"
    monkeypatch.setenv("NO_COLOR", "")  # set to nothing is not set
    assert takes_colour(_Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not takes_colour(_Terminal())


def test_width_is_that_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width_of(io.StringIO()) is None
    assert width_of(_Terminal()) == 80  # it cannot tell
    monkeypatch.setenv("COLUMNS", "110")
    assert width_of(_Terminal()) == 110
    assert width_of(io.StringIO()) is None


def test_a_real_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    primary, secondary = os.openpty()
    with os.fdopen(secondary, "w") as terminal:
        assert width_of(terminal) == 80  # its size is 0 x 0
    os.close(primary)
    assert width_of(terminal) is None  # closed


def test_lines_break_between_words() -> None:
    text = "the quick brown fox jumps over /a/path/that-is/longer/than-all-of-the-rest.tif and the dog"
    lines = wrapped(text, 48, indent=4).splitlines()
    assert lines[0] == "the quick brown fox jumps over"
    assert lines[1] == "    /a/path/that-is/longer/than-all-of-the-rest.tif"
    assert " ".join(line.strip() for line in lines) == text
    assert wrapped(text, None) == wrapped(text, 20) == wrapped(text, 200) == text


def test_of_control_characters_a_terminal_gets_our_colours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for style in ("good", "bad", "caution", "faint"):
        told = painted("ok", style, _Terminal())
        assert as_shown(f"{told}\x1b[8m\x1b]0;x\x07", _Terminal()) == f"{told}\\x1b[8m\\x1b]0;x\\x07"
    assert as_shown("\x1b[32m", io.StringIO()) == "\\x1b[32m"
