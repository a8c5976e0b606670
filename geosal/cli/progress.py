"""Progress on a terminal: one bar for the job, or for each stage where no more is known, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from geosal.core.bars import Bars


@contextmanager
def progress_bars(pixels: int | None = None, *, quiet: bool) -> Iterator[Bars | None]:
    """Provide a progress callback, or None where a bar would be noise: stderr is no terminal, or --quiet."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bars = Bars(pixels)
    try:
        yield bars
    finally:
        bars.close()
