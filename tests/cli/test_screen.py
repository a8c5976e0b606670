"""Pictures in a terminal are read back from what would be sent to it."""

import base64
import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from geosal.cli.screen import kind_of, on_screen, room_on

PIXEL = re.compile(r"\033\[38;2;(\d+);(\d+);(\d+);(?:48;2;(\d+);(\d+);(\d+)|49)m(▀+)")


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def picture(rows: int = 5, columns: int = 7) -> NDArray[np.uint8]:
    image = np.random.default_rng(3).integers(0, 256, (rows, columns, 3), np.uint8)
    image[:, 2] = image[:, 1]  # a run of one colour
    return image


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "LC_TERMINAL": "iTerm2"}, "blocks"),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "1"}, "blocks"),
    ],
)
def test_the_environment_tells_what_a_terminal_shows(
    environment: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", environment["TERM"])
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert kind_of(Screen(), environment) == kind


def test_nothing_is_shown_where_there_are_no_colours_or_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert kind_of(Screen()) is None
    monkeypatch.delenv("NO_COLOR")
    assert kind_of(io.StringIO()) is None
    ascii_screen = Screen()
    ascii_screen.encoding = "ascii"  # type: ignore[misc]
    assert kind_of(ascii_screen, {"TERM": "xterm"}) is None


@pytest.mark.parametrize("rows", [5, 6])
def test_half_blocks_have_every_pixel(rows: int) -> None:
    image = picture(rows)
    found = np.full(image.shape, 255, np.uint8)
    lines = on_screen(image, "blocks", {"COLORTERM": "truecolor"}).split("\n")
    assert len(lines) == 3
    for number, line in enumerate(lines):
        column = 0
        for *colours, run in PIXEL.findall(line):
            for row, colour in enumerate((colours[:3], colours[3:])):
                if colour[0]:
                    found[2 * number + row, column : column + len(run)] = [int(part) for part in colour]
            column += len(run)
        assert column == image.shape[1]
        assert line.endswith("\033[0m")
    assert np.array_equal(found, image)


def test_of_256_colours_the_nearest_is_taken() -> None:
    image = np.array([[[255, 0, 0], [0, 102, 255]]], np.uint8)
    assert on_screen(image, "blocks", {}) == "\033[38;5;196;49m▀\033[38;5;33;49m▀\033[0m"


@pytest.mark.parametrize("kind", ["kitty", "iterm2"])
def test_a_protocol_carries_the_picture_as_a_png(kind: str) -> None:
    image = picture(60, 70)
    sent = on_screen(image, kind)  # type: ignore[arg-type]
    if kind == "kitty":
        parts = re.findall(r"\033_G(?:a=T,f=100,q=2,)?m=([01]);([^\033]*)\033\\", sent)
        assert [more for more, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]
        assert len(parts) > 1
        data = "".join(part for _, part in parts)
    else:
        (data,) = re.findall(r"^\033\]1337;File=inline=1;size=\d+:(.+)\a$", sent)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), image)


def test_the_room_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    assert room_on("blocks") == (42, 80)
    assert room_on("kitty") == room_on(None) == (1000, 1000)
