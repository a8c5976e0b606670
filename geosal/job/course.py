"""The course of a job: its parts, the share of all that is done, and, in the log, the seconds of each stage."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from geosal.core.progress import Progress, ProgressCallback
from geosal.job.plan import Plan

logger = logging.getLogger(__name__)

Part = Literal["search", "work"]
_TRIALS = 10
"""Number of trials that a search mostly needs."""
_BLOCKS, _BLOCKS_BEFORE_MUCH = 0.94, 0.6
"""Share of a file's making that its blocks are, and where most of the file is made at its end."""
_CHECKED = 0.97
"""Share of a file's making that is done when its check begins."""


class Course:
    """A progress callback between a job and its user: it tells him of the whole job.

    Parameters
    ----------
    report
        Gets each event, with the part and the share of the whole filled in.
    weights
        Work of each part, in the order in which they come, in any unit.
    made_at_end
        Most of the work on the file comes when its blocks are done.
    """

    def __init__(self, report: ProgressCallback, weights: Mapping[Part, float], *, made_at_end: bool = False) -> None:
        self._report, self._weights = report, dict(weights)
        self._blocks = _BLOCKS_BEFORE_MUCH if made_at_end else _BLOCKS
        self._part: Part | None = None
        self._entered: set[Part] = set()
        self._before = 0.0
        """Work of the parts before this one, once for each time that they were entered."""
        self._begin, self._last = time.monotonic(), Progress("verify", 0, 1, "steps")

    @classmethod
    def of(cls, plan: Plan, report: ProgressCallback, sample_pixels: int = 0) -> "Course":
        """Make the course of a plan.

        Parameters
        ----------
        plan
            Plan of the job.
        report
            As for the class.
        sample_pixels
            Pixels on which a search tries settings.
        """
        grid, targets = plan.layout.grid, plan.recipe.targets
        weights: dict[Part, float] = {}
        if targets:
            weights["search"] = float(_TRIALS * sample_pixels)
        weights["work"] = float(grid.height * grid.width)
        made_at_end = plan.profile.format.made_at_end or plan.target.gdal_because is not None
        return cls(report, weights, made_at_end=made_at_end)

    def enter(self, part: Part) -> "Course":
        """Begin a part, for the first time or once more."""
        if self._part is not None:
            self._before += self._weights[self._part]
        self._part = part
        self._entered.add(part)
        return self

    def trial(self, count: int) -> None:
        """Report that so many trials of the search are begun."""
        self(Progress("search", count, max(_TRIALS, count + 1), "trials"))

    def __call__(self, event: Progress) -> None:
        """Take an event of the part that is under way."""
        if self._part is None:
            self.enter(next(iter(self._weights)))
        part = self._part or "work"
        later = sum(weight for other, weight in self._weights.items() if other not in self._entered)
        here = self._weights[part]
        share = (self._before + here * self._fraction(event)) / (self._before + here + later)
        told = replace(
            event,
            part=list(self._weights).index(part) + 1,
            parts=len(self._weights),
            share=min(1.0, share),
        )
        self._note(told)
        self._report(told)

    def end(self) -> None:
        """Log the last stage."""
        self._note(None)

    def _fraction(self, event: Progress) -> float:
        """Return how much of its part is done."""
        done = event.done / event.total if event.total else 1.0
        match event.stage:
            case "search":
                return done
            case "finish":
                return self._blocks + (_CHECKED - self._blocks) * done
            case "verify":
                return _CHECKED + (1 - _CHECKED) * done
            case _:
                return self._blocks * done

    def _note(self, event: Progress | None) -> None:
        """Log blocks as they come, and how long a stage took when another begins."""
        last = self._last
        if event is not None and (event.stage, event.part) == (last.stage, last.part):
            logger.debug("%s: %d of %d %s", event.title, event.done, event.total, event.unit)
            self._last = event
            return
        now = time.monotonic()
        if last.share is not None:
            count = f", {last.done} {last.unit}" if last.unit != "steps" else ""
            logger.info("%s: %.2f s%s", replace(last, unit="").title, now - self._begin, count)
        if event is not None:
            self._begin, self._last = now, event
