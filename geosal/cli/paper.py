"""What a terminal can show: colours, and lines no longer than it is wide. A pipe or a file gets plain, whole lines."""

import os
import re
import textwrap
from typing import TextIO

import click

from geosal.errors import visible

_USUAL_WIDTH = 80
_LEAST_WIDTH = 40
"""Columns below which lines are not broken: a column of single words is no easier to read."""
_STYLES = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "caution": {"fg": "yellow"},
    "faint": {"dim": True},
}

_COLOUR = re.compile(r"(\x1b\[\d+m)")
_COLOURS = {found for style in _STYLES.values() for found in _COLOUR.findall(click.style("", **style))}  # type: ignore[arg-type]


def takes_colour(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that shows colours, and its user wants them (https://no-color.org)."""
    return _is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, style: str, stream: TextIO) -> str:
    """Give a text one of the styles good, bad, caution and faint, where the stream takes colours.

    It gets longer by bytes that are not seen: pad it before.
    """
    return click.style(text, **_STYLES[style]) if takes_colour(stream) else text  # type: ignore[arg-type]


def as_shown(text: str, stream: TextIO) -> str:
    """Write control characters as text, but for the colours of `painted` where the stream takes them."""
    if not takes_colour(stream):
        return visible(text)
    return "".join(part if part in _COLOURS else visible(part) for part in _COLOUR.split(text))


def width_of(stream: TextIO) -> int | None:
    """Return the columns of a terminal; None where the stream is none, and lines stay whole."""
    if not _is_terminal(stream):
        return None
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):  # a terminal without a size
        return _USUAL_WIDTH


def wrapped(text: str, width: int | None, *, indent: int = 0, shell: bool = False) -> str:
    """Break a text between words, so that no line is longer than `width`; lines after the first are indented.

    Parameters
    ----------
    text
        One line. A word that is longer than a line, such as a path, stays whole.
    width
        Number of columns; None for no limit.
    indent
        Columns before every line but the first; the first is thought to begin there as well.
    shell
        The text is a command line: what is broken goes on after a backslash.
    """
    if width is None or width < _LEAST_WIDTH or indent + len(text) <= width:
        return text
    mark = " \\" if shell else ""
    room = max(1, width - indent - len(mark))
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return f"{mark}\n{' ' * indent}".join(lines)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
