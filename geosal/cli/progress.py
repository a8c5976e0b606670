"""Progress on a terminal: one bar for the job, or for each stage where no more is known, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from geosal.core.progress import Progress, Stage

_SOON = 0.02
"""Share of a job from which the time that is left can be told."""


class Bars:
    """A progress callback that draws one bar at a time: the stage, the share of the job, the time it has left.

    Parameters
    ----------
    pixels
        Pixels of the scene, so that blocks tell a throughput; None where they are not known.
    """

    def __init__(self, pixels: int | None = None) -> None:
        self._pixels = pixels
        self._bar: tqdm[Any] | None = None
        self._stage: tuple[Stage, int] | None = None
        self._begin = 0.0
        """When the stage began."""
        self._is_whole = False
        """Whether the bar is that of a whole job."""

    def __call__(self, event: "Progress") -> None:
        """Draw how far the job is."""
        is_whole = event.share is not None
        share = event.share if event.share is not None else event.done / event.total if event.total else 1.0
        is_new_stage = (event.stage, event.part) != self._stage
        bar = self._bar
        if bar is None or is_whole != self._is_whole or (is_new_stage if not is_whole else self._starts(bar, event)):
            bar = self._open(event)
        if is_new_stage:
            self._stage, self._begin = (event.stage, event.part), time.monotonic()
        self._is_whole = is_whole
        bar.set_description_str(event.title, refresh=False)
        bar.set_postfix_str(", ".join(filter(None, [_left(bar, share), self._throughput(event)])), refresh=False)
        bar.update(share - bar.n)
        if is_new_stage or event.unit == "trials":
            bar.refresh()

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open(self, event: Progress) -> "tqdm[Any]":
        self.close()
        is_step = event.share is None and event.total <= 1  # of which nothing is known
        self._bar = tqdm(
            total=1.0,
            desc=event.title,
            bar_format="{desc} ..." if is_step else "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
        )
        return self._bar

    @staticmethod
    def _starts(bar: "tqdm[Any]", event: Progress) -> bool:
        """Return whether a job begins while the bar shows the end of another."""
        return event.part == 1 and event.done == 0 and event.share == 0 and bar.n > 0

    def _throughput(self, event: Progress) -> str:
        seconds = time.monotonic() - self._begin
        if self._pixels is None or event.unit != "blocks" or not event.done or seconds <= 0:
            return ""
        return f"{tqdm.format_sizeof(self._pixels * event.done / event.total / seconds)}px/s"


def _left(bar: "tqdm[Any]", share: float) -> str:
    if not _SOON <= share < 1:
        return ""
    return f"{tqdm.format_interval(bar.format_dict['elapsed'] * (1 - share) / share)} left"


@contextmanager
def progress_bars(pixels: int | None = None, *, quiet: bool) -> Iterator[Callable[["Progress"], None] | None]:
    """Provide a progress callback, or None where a bar would be noise: stderr is no terminal, or --quiet."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bars = Bars(pixels)
    try:
        yield bars
    finally:
        bars.close()
