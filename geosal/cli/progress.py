"""Progress on a terminal: one bar per stage of the job, on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from geosal.produce import Progress, Stage

_TITLES: "dict[Stage, str]" = {
    "smooth": "smoothing",
    "encode": "encoding",
    "verify": "checking",
    "saliency": "saliency",
    "array": "computing the array",
    "scene": "drawing",
    "range": "looking",
    "compare": "comparing",
    "map": "mapping errors",
    "maps": "looking at images",
    "files": "encoding and comparing",
    "search": "looking for the setting",
}


class Bars:
    """A progress callback that draws one bar at a time.

    Parameters
    ----------
    pixels
        Pixels of the scene: progress is then shown in pixels, which gives a meaningful throughput. None where they are
        unknown: progress is then shown in blocks.
    """

    def __init__(self, pixels: int | None = None) -> None:
        self._pixels = pixels
        self._stage = ""
        self._bar: tqdm[Any] | None = None

    def __call__(self, event: "Progress") -> None:
        """Draw how far the job is."""
        known = self._pixels is not None and event.unit == "blocks"
        scale = (self._pixels or 0) / event.total if known and event.total else 1.0
        bar = self._bar if event.stage == self._stage else None
        if bar is None:
            self.close()
            bar = tqdm(
                total=round(event.total * scale),
                desc=_TITLES.get(event.stage, event.stage),
                unit="px" if known else f" {event.unit}",
                unit_scale=known,
                bar_format=None if event.total > 1 else "{desc} ...",  # one step has no throughput
                leave=False,
                dynamic_ncols=True,
                file=sys.stderr,
            )
            self._stage, self._bar = event.stage, bar
        bar.update(round(event.done * scale) - bar.n)

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


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
