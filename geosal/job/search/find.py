"""The search for the setting that brings a result to its target, and the full encodes that prove it."""

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from geosal.core.machine import trim_memory
from geosal.core.progress import ignore
from geosal.errors import OutputError, warn
from geosal.files.journal import Journal
from geosal.files.swap import beside, remove, there
from geosal.job.carry_out import carry_out, part_of
from geosal.job.course import Course
from geosal.job.plan import Plan
from geosal.job.search.balance import BalancedSearch
from geosal.job.search.floors import FloorSearch
from geosal.job.search.judge import data_range
from geosal.job.search.knobs import Knob, knob_for, told
from geosal.job.search.places import ACROSS, pieces_across
from geosal.job.search.plain import counting
from geosal.job.search.rates import RateSearch
from geosal.job.search.sample import Sample, file_bytes
from geosal.job.search.trials import Trials, spread_of
from geosal.job.search.turning import Turning
from geosal.job.tally import Tally
from geosal.job.targets import Targets

logger = logging.getLogger(__name__)

_MOST_ENCODES = 2


@dataclass(frozen=True, eq=False)
class Attempt:
    """A full encode.

    Attributes
    ----------
    plan
        The plan that made it.
    path
        The file, not yet under its final name.
    tally
        Sums over its blocks.
    """

    plan: Plan
    path: Path
    tally: Tally


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The result of a search.

    Attributes
    ----------
    attempt
        The full encode with the setting that was found.
    facts
        Cost and outcome of the search, for the summary.
    """

    attempt: Attempt
    facts: dict[str, Any]


def reach(plan: Plan, path: Path, course: Course | None = None, journal: Journal | None = None) -> Found:
    """Find the setting that meets the targets of a plan's recipe, and encode the whole scene with it.

    The scene is encoded once or twice. A first file below a limit is kept while the second is made, and becomes the
    result if the second is not below it. A plain JPEG that the targets name is counted beside it.

    Parameters
    ----------
    plan
        Plan of the job.
    path
        A new file of the output's name, in a work directory.
    course
        Told of each trial, and of what `carry_out` reports.
    journal
        Journal of the job. Trials are made again; they find the same, so the blocks of a killed job's encode are taken
        over. Where it was the second, the first is not made again, unless it was kept or its quality was measured.

    Raises
    ------
    TargetError
        The targets cannot be reached; the message has the best result.
    GeosalError
        As `geosal.compress`.
    """
    targets = plan.recipe.targets
    course = course or Course.of(plan, ignore)
    trim_memory()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="geosal-") as folder:
        course.enter("search").trial(0)
        knob, trials = _prepare(plan, Path(folder), course.trial)
        search = _search(knob, trials)
        turned = search.first()
        later = _following(search, turned, targets, journal)
        turned = later or turned
        encodes, seconds = int(later is not None), time.monotonic() - began
        kept: Attempt | None = None
        while True:
            trim_memory()
            try:
                made, encodes = _encoded(turned, targets, path, course.enter("work"), journal), encodes + 1
            except OutputError as error:  # no room, mostly
                if kept is None:
                    raise
                warn(
                    f"{targets}: the first file is taken, with {told(kept.plan, knob.setting)}; a second one, to come "
                    f"closer, was not written: {error}"
                )
                made, kept, fault = _given_back(kept), None, None
                break
            began = time.monotonic()
            fault = search.judge(made.plan, made.path, made.tally.plain_bytes)
            following = None
            if fault is not None and encodes < _MOST_ENCODES:
                course.enter("search")
                following = search.again(made.plan)
            seconds += time.monotonic() - began
            if following is None:
                break
            if search.fits:
                kept = _set_aside(made)
            else:
                _conclude(made, targets, journal)
            turned = following
    if fault is not None and kept is not None and search.was_better():
        made = _given_back(kept)
        fault = told(made.plan, knob.setting)
    if fault is not None:
        search.refuse(fault)
    facts = {
        "asked": str(targets),
        "knob": str(knob.setting),
        "found": told(made.plan, knob.setting),
        "trials": trials.count,
        "sample_pixels": trials.sample.pixels,
        "encodes": encodes,
        "seconds": round(seconds, 3),
        **search.reached,
    }
    logger.info("%s: %s after %d trials and %d encodes", targets, facts["found"], trials.count, encodes)
    return Found(attempt=made, facts=facts)


class SetOut(NamedTuple):
    """The result of a search on the sample alone."""

    plan: Plan
    """The plan, with the setting that was found."""
    found: str
    """The setting in the user's words."""
    is_whole: bool
    """Whether the sample is the whole scene, so that one encode suffices."""


def set_out(plan: Plan, tried: Callable[[int], None] = lambda _: None) -> SetOut:
    """Find the setting that meets the targets of a plan's recipe by the sample alone.

    Parameters
    ----------
    plan
        Plan of the job.
    tried
        Called with the number of each trial.

    Raises
    ------
    TargetError
        The sample is far from reaching them.
    """
    with tempfile.TemporaryDirectory(prefix="geosal-") as folder:
        knob, trials = _prepare(plan, Path(folder), tried)
        turned = _search(knob, trials).first()
        return SetOut(turned, told(turned, knob.setting), trials.sample.is_whole(plan))


def _conclude(made: Attempt, targets: Targets, journal: Journal | None) -> None:
    """Note the bytes of a file that does not suffice; of a quality, they would teach a later search nothing."""
    if journal is not None and targets.is_rate:
        part = part_of(_counting(made.plan, targets))
        journal.conclude({"part": part, "bytes": file_bytes(made.path), "plain": made.tally.plain_bytes})


def _following(search: Turning, turned: Plan, targets: Targets, journal: Journal | None) -> Plan | None:
    """Return the setting that a killed job went on to, as the file of the first did not suffice; None where it did not.

    The search learns from the bytes that the file had.
    """
    known = None if journal is None else journal.outcome(part_of(_counting(turned, targets)))
    if known is None:
        return None
    search.judge(turned, Path(), known["plain"], known["bytes"])
    return search.again(turned)


def _counting(plan: Plan, targets: Targets) -> Plan:
    """Return the plan with an encoder that counts the plain JPEG that the targets name."""
    return plan if targets.jpeg is None else counting(plan, targets.jpeg)


def _encoded(plan: Plan, targets: Targets, path: Path, course: Course, journal: Journal | None) -> Attempt:
    """Encode the whole scene; a file that was made before is replaced, but not what a killed job has begun."""
    if journal is None or journal.count:
        remove(path)
    return Attempt(plan, path, carry_out(_counting(plan, targets), path, course, journal))


def _set_aside(made: Attempt) -> Attempt:
    """Move a file that was made into a folder beside it."""
    folder = made.path.parent / "first"
    folder.mkdir()
    return _moved(made, folder)


def _given_back(kept: Attempt) -> Attempt:
    """Put a file that was set aside in the place of the later one, where the clean-up after a killed job looks."""
    folder = kept.path.parent.parent
    remove(folder / kept.path.name)
    return _moved(kept, folder)


def _moved(made: Attempt, folder: Path) -> Attempt:
    """Move a file with its sidecars, or a store, into a folder."""
    path = folder / made.path.name
    for suffix in there(made.path, with_world_file=True):
        beside(made.path, suffix).rename(beside(path, suffix))
    made.path.rename(path)
    return replace(made, path=path)


def _prepare(plan: Plan, folder: Path, tried: Callable[[int], None]) -> tuple[Knob, Trials]:
    sample = Sample.draw(plan, pieces_across(plan, most=ACROSS))
    spread = spread_of(sample)
    width = data_range(plan) if plan.recipe.targets.floors or BalancedSearch.suits(plan) else 1.0
    return knob_for(plan, spread), Trials(plan, sample, folder, width, tried)


def _search(knob: Knob, trials: Trials) -> Turning:
    targets = trials.plan.recipe.targets
    if not targets.is_rate:
        return FloorSearch(targets, knob, trials)
    search = BalancedSearch if BalancedSearch.suits(trials.plan) else RateSearch
    return search(targets, knob, trials)
