"""Progress in a notebook or a shell of Python, where somebody asks for it: ``progress=True``."""

from collections.abc import Callable
from typing import Any, Protocol

Reporting = Callable[[Any], None] | bool | None
"""What takes `geosal.Progress` after each block and at each stage; True for a bar, None for nothing."""


class _Event(Protocol):
    stage: Any
    done: int
    total: int
    unit: str


class Bar:
    """A progress callback that draws one bar of tqdm for each stage: a widget in a notebook, text elsewhere."""

    def __init__(self) -> None:
        self._stage: object = None
        self._bar: Any = None

    def __call__(self, event: _Event) -> None:
        """Draw how far the job is; a bar stays when its stage is done."""
        from tqdm.auto import tqdm  # noqa: PLC0415  who asks for no bar needs none

        if event.stage != self._stage:
            self._close()
            self._bar = tqdm(total=event.total, desc=str(getattr(event, "title", event.stage)), unit=f" {event.unit}")
            self._stage = event.stage
        self._bar.update(event.done - self._bar.n)
        if event.done >= event.total:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def reporter(progress: Reporting) -> Callable[[Any], None]:
    """Return the callback that a caller means."""
    if progress is True:
        return Bar()
    return progress if callable(progress) else _ignore


def _ignore(_: object) -> None:
    """Take no notice."""
