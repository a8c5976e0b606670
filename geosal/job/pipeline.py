"""The job: from a plan to a complete file, with a search where a target asks for bytes or a quality."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Unpack

from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import options_in_force
from geosal.core.option_values import require
from geosal.core.progress import ProgressCallback, ignore
from geosal.core.provenance import SEAL, read_recipe
from geosal.errors import GeosalError, TargetError, warn
from geosal.files.addresses import is_remote
from geosal.files.leftovers import sweep
from geosal.job.carry_out import carry_out, count
from geosal.job.course import Course
from geosal.job.outlook import Outlook, drawn_ahead, explained, is_doubtful, look_out
from geosal.job.plan import Plan, make_plan
from geosal.job.recall import tags_in
from geosal.job.recipe import CompressOptions, Recipe
from geosal.job.resume import as_begun, identity_of, is_done
from geosal.job.search.places import sample_pixels
from geosal.job.summary import Summary, summary_of
from geosal.job.tally import warn_of_little_gain, warn_of_no_pixels
from geosal.produce import making
from geosal.scenes.zarr_store import store_bytes
from geosal.sizes import as_bytes

if TYPE_CHECKING:
    from geosal.job.search.sample import Sample

logger = logging.getLogger(__name__)

_MUCH = 4
"""Times as many pixels as a sample has from which a job is worth a look ahead."""
_HOPELESS = 1.15
"""Times the bytes of the input from which a sample is believed that the output is larger."""


def compress(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    progress: Reporting = None,
    resume: bool = False,
    **options: Unpack[CompressOptions],
) -> Summary:
    """Smooth a scene by its saliency and write it as COG, JPEG2000, Zarr store, JPEG, PNG or BPG, in bounded memory.

    Parameters
    ----------
    input, output
        Raster or product to read, file to write; ``.tif`` makes a COG, ``.jp2`` a JPEG2000, ``.zarr`` a Zarr store,
        ``.jpg`` a JPEG, ``.png`` a PNG, ``.bpg`` a BPG.
    progress
        Called in this thread after each block and at each stage; True for a bar.
    resume
        Go on with what a killed job of the same options has left, or do nothing where its output is finished. A job
        leaves its blocks where the process is killed, and if it took half a minute or was itself to `resume`, also
        where it is interrupted, or the disk or the cluster fails.
    **options
        Fields of `geosal.Recipe`: ``saliency`` (needed), ``profile``, ``steps``, ``overwrite`` …

    Returns
    -------
    Summary
        Facts about the job.

    Raises
    ------
    GeosalError
        A subclass and its message say why. Then no output exists under that name, or the old one is untouched.

    Examples
    --------
    >>> summary = geosal.compress("scene.tif", "smaller.tif", saliency="mask.tif", profile="zstd")
    >>> summary.output, summary.profile
    ('smaller.tif', 'zstd')
    >>> summary.smaller_percent > 0
    True

    Several sources unite, and a name has its parameters after a colon:

    >>> again = geosal.compress(
    ...     "scene.tif", "again.tif", saliency=["mask.tif", "perlin:seed=7"], treatment="bound:error=8"
    ... )
    >>> again.treatment
    'bound:error=8'
    """
    recipe = Recipe.from_mapping({"input": input, "output": output, **options})
    done = done_before(recipe) if resume else None
    return run(make_plan(recipe), reporter(progress), resume=resume) if done is None else done


def run(plan: Plan, progress: ProgressCallback | None = None, *, resume: bool | None = False) -> Summary:
    """Carry out a plan.

    Parameters
    ----------
    plan
        Plan of the job.
    progress
        Called in this thread after each block and at each stage.
    resume
        See `compress`; None where the scene or its saliency is in memory, so that nobody could go on with the job: its
        blocks are not noted.

    Raises
    ------
    GeosalError
        See `compress`.

    Examples
    --------
    >>> recipe = geosal.Recipe.from_mapping({"input": "scene.tif", "output": "smaller.tif", "saliency": "mask.tif"})
    >>> geosal.run(geosal.make_plan(recipe)).driver
    'COG'
    """
    require(isinstance(plan, Plan), "plan", plan, "a Plan, as make_plan makes one")
    return complete(plan, progress, resume=resume).summary


def done_before(recipe: Recipe) -> Summary | None:
    """Sum up a job whose output is finished already; None where it is not.

    The scene is read to count its pixels, and nothing is written; what a killed job has left is deleted. What a search
    has found is told as far as the output tells it.

    Raises
    ------
    GeosalError
        As `make_plan`.
    """
    if not is_done(recipe):
        return None
    begin = time.monotonic()
    plan = make_plan(recipe.patch(overwrite=True))
    sweep(recipe.output, identity_of(plan))
    tally, output, tags = count(plan), str(Path(recipe.output).resolve()), tags_in(recipe.output)
    tally.seal = tags.get(SEAL)
    outlook = Outlook(input_bytes=plan.input_bytes, bytes=store_bytes(output))
    summary = summary_of(plan, tally, output, outlook, seconds=time.monotonic() - begin, search=None)
    told = {name: value for name, value in (read_recipe(tags) or {}).items() if name != "schema"}
    return replace(summary, recipe=told, treatment=" ".join(told["treated"]), finished_before=True)


class Completed(NamedTuple):
    """A finished job."""

    plan: Plan
    """The plan that was carried out, with the setting that a search has found."""
    summary: Summary


def complete(plan: Plan, progress: ProgressCallback | None = None, *, resume: bool | None = False) -> Completed:
    """Carry out a plan as `run` does; also return the final plan."""
    if resume:
        plan = as_begun(plan)
    begin, planned = time.monotonic(), plan
    _log(plan)
    early = _look_early(plan)
    sample = drawn_ahead(plan) if early is None else None
    course = Course.of(plan, progress or ignore, sample_pixels(plan))
    identity = None if resume is None else identity_of(plan)
    with making(plan.target, course, identity=identity, resume=bool(resume)) as made:
        facts = None
        if plan.recipe.targets:
            from geosal.job.search.find import reach  # a job without a target needs none

            found = reach(plan, made.path, course, made.journal)
            plan, tally, facts = found.attempt.plan, found.attempt.tally, found.facts
        else:
            tally = carry_out(plan, made.path, course, made.journal)
            planned = replace(planned, counted=tally.shares(valid_only=False))
        if plan.recipe.stac:
            from geosal.job.item import write_item  # projections and shapes take their time to load

            write_item(made.path, plan, tally)
        if planned.recipe.not_larger:
            _refuse_larger(explained(planned, store_bytes(made.path), sample), planned)
    course.end()
    output = plan.recipe.output if is_remote(plan.recipe.output) else str(made.output)
    seconds, size = time.monotonic() - begin, store_bytes(output)
    if not tally.levels_valid.any():
        warn_of_no_pixels(plan.recipe.output)
    elif not plan.saliency.even:
        shares, untried = tally.shares(valid_only=True), plan.saliency.untried
        warn_of_little_gain(plan.recipe.output, shares, untried=untried, exact=plan.profile.lossless)
    outlook = _explained(planned, size, sample) if early is None else replace(early, bytes=size)
    outlook = _over_it(outlook, planned)
    return Completed(plan, summary_of(plan, tally, output, outlook, seconds=seconds, search=facts))


def _over_it(outlook: Outlook, plan: Plan) -> Outlook:
    """Let the command that is proposed replace the output, which stands there now, if it has the same name."""
    if outlook.instead is None or plan.recipe.overwrite or outlook.instead.output != plan.recipe.output:
        return outlook
    return replace(outlook, instead=replace(outlook.instead, command=f"{outlook.instead.command} --overwrite"))


def _look_early(plan: Plan) -> Outlook | None:
    """Warn before the work where the headers let fear that the output is larger, and a sample says so.

    A scene not much larger than the sample is done as soon: there the summary tells it.
    """
    grid = plan.layout.grid
    if grid.height * grid.width < _MUCH * sample_pixels(plan) or not is_doubtful(plan):
        return None
    outlook = look_out(plan)
    if not outlook.is_larger:
        return None
    if plan.recipe.not_larger and outlook.bytes > _HOPELESS * (outlook.input_bytes or 0):
        _refuse_larger(outlook, plan, about="about ")
    warn(
        f"{plan.recipe.output}: will take about {as_bytes(outlook.bytes)}, more than the {_input(outlook)}: "
        f"{outlook.cause}; {outlook.advice()}"
    )
    return outlook


def _refuse_larger(outlook: Outlook, plan: Plan, about: str = "") -> None:
    """Refuse an output that is larger than its input.

    Raises
    ------
    TargetError
        It says why, and what would be smaller.
    """
    if outlook.is_larger:
        raise TargetError(
            f"--not-larger: {plan.recipe.output} would take {about}{as_bytes(outlook.bytes)}, more than the "
            f"{_input(outlook)}: {outlook.cause}; {outlook.advice()}"
        )


def _input(outlook: Outlook) -> str:
    return f"{as_bytes(outlook.input_bytes or 0)} of the input"


def _explained(plan: Plan, size: int, sample: "Sample | None") -> Outlook:
    """Explain the size of a file that is made; what cannot be explained does not undo it."""
    try:
        return explained(plan, size, sample)
    except GeosalError as error:
        logger.info("why the output is larger cannot be told: %s", error)
        return Outlook(input_bytes=plan.input_bytes, bytes=size)


def _log(plan: Plan) -> None:
    """Log what is decided: with -v the decisions, with -vv the options and their values as well."""
    layout, because = plan.layout, plan.target.gdal_because
    writer = "by geosal" if because is None else f"by {plan.target.writer}, because {because}"
    logger.info(
        "input: %s, %s, %d x %d px, %d bands of %s",
        plan.scene.path, plan.scene.driver, layout.grid.width, layout.grid.height, layout.count, layout.dtype,
    )  # fmt: skip
    logger.info("output: %s, %s (%s), written %s", plan.recipe.output, plan.profile.name, plan.profile.driver, writer)
    logger.info(
        "work: %d blocks of %d px, %s workers of %s, about %s of memory",
        plan.blocks, plan.block, plan.workers or "all", plan.scheduler, as_bytes(plan.memory_bytes),
    )  # fmt: skip
    logger.debug("saliency: %s, coverage %.4f", plan.saliency.label, plan.saliency.coverage)
    logger.debug("treatment: %s; ladder: %s; targets: %s", plan.treatment, plan.ladder, plan.recipe.targets or "none")
    logger.debug("creation options: %s", _as_words(plan.profile.options))
    logger.debug("GDAL's options: %s", _as_words(options_in_force()))


def _as_words(options: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in options.items()) or "none"
