"""Progress on a terminal: one bar for the job, or for each stage where no more is known, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from geosal.cli.guard import say
from geosal.core.bars import Bars
from geosal.core.progress import Progress, ProgressCallback


@contextmanager
def progress_bars(pixels: int | None = None, *, quiet: bool, instead: str = "") -> Iterator[ProgressCallback | None]:
    """Provide a progress callback, or None where a bar would be noise: stderr is no terminal, or --quiet.

    Parameters
    ----------
    pixels
        Pixels of the scene, so that blocks tell a throughput.
    quiet
        Nothing is shown.
    instead
        Line that is written where stderr is no terminal, as soon as the work begins, of what comes and how long it
        takes; empty for none.
    """
    if quiet or not sys.stderr.isatty():
        yield _Once(instead) if instead and not quiet else None
        return
    bars = Bars(pixels)
    try:
        yield bars
    finally:
        bars.close()


class _Once:
    """A progress callback that writes one line, when the work begins; what is refused before has no other line."""

    def __init__(self, line: str) -> None:
        self._line = line

    def __call__(self, event: Progress) -> None:
        """Write the line, if this is the first event."""
        del event
        line, self._line = self._line, ""
        if line:
            say(line)
