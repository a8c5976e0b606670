"""Progress as a bar: of the command line, and in a notebook or a shell of Python where somebody asks for it."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geosal.core.progress import Progress, Stage, ignore
from geosal.sizes import as_bytes

if TYPE_CHECKING:
    from tqdm import tqdm

Reporting = Callable[[Any], None] | bool | None
"""What takes `geosal.Progress` after each block and at each stage; True for a bar, None for nothing."""

_SOON = 0.02
"""Share of a job from which the time that is left can be told."""


class Bars:
    """A progress callback that draws one bar at a time: the stage, the share of the job, the time it has left, bytes.

    Parameters
    ----------
    pixels
        Pixels of the scene, so that blocks tell a throughput; None where they are not known.
    stays
        Whether a bar stays when it is full, as in a notebook, where it is a widget.
    """

    def __init__(self, pixels: int | None = None, *, stays: bool = False) -> None:
        self._pixels, self._stays = pixels, stays
        self._bar: tqdm[Any] | None = None
        self._stage: tuple[Stage, int] | None = None
        self._begin = 0.0
        """When the stage began."""
        self._is_whole = False
        """Whether the bar is that of a whole job."""

    def __call__(self, event: Progress) -> None:
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
        size = as_bytes(event.written) if event.written else ""
        told = filter(None, [_left(bar, share), self._throughput(event), size])
        bar.set_postfix_str(", ".join(told), refresh=False)
        bar.update(share - bar.n)
        if is_new_stage or event.unit == "trials":
            bar.refresh()
        if self._stays and share >= 1:
            self.close()

    def close(self) -> None:
        """Take the bar off the terminal, unless it stays."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open(self, event: Progress) -> "tqdm[Any]":
        from tqdm import auto, tqdm  # noqa: PLC0415  who asks for no bar needs none

        self.close()
        is_step = event.share is None and event.total <= 1  # of which nothing is known
        self._bar = (auto.tqdm if self._stays else tqdm)(
            total=1.0,
            desc=event.title,
            bar_format="{desc} ..." if is_step else "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
            leave=self._stays,
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
        return f"{self._pixels * event.done / event.total / seconds / 1e6:.3g} Mpx/s"


def _left(bar: "tqdm[Any]", share: float) -> str:
    if not _SOON <= share < 1:
        return ""
    return f"{bar.format_interval(bar.format_dict['elapsed'] * (1 - share) / share)} left"


def reporter(progress: Reporting) -> Callable[[Any], None]:
    """Return the callback that a caller means."""
    if progress is True:
        return Bars(stays=True)
    return progress if callable(progress) else ignore
