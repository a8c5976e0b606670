"""The job: from a plan to a complete file, with a search where a target asks for bytes or a quality."""

import os
import resource
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Unpack

from geosal.core.ladder import effective_kernel
from geosal.errors import redact
from geosal.job.carry_out import carry_out
from geosal.job.plan import Plan, input_bytes, make_plan
from geosal.job.recipe import CompressOptions, Recipe
from geosal.job.search import reach
from geosal.job.tags import recipe_of
from geosal.job.tally import Tally, warn_of_little_gain, warn_of_no_pixels
from geosal.produce import ProgressCallback, ignore, making
from geosal.scenes.zarr_store import store_bytes


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Facts about a finished job, with the keys of the JSON document.

    Attributes
    ----------
    bits_per_pixel
        8 * file bytes / (width * height), as the paper counts.
    input_bytes
        Size of the input file, or of the files that are read of a product; None when remote or in an archive.
    treatment
        Kind of the treatment: smooth, bound, quality, twopass.
    level_shares
        Share of the valid pixels per level of the ladder.
    kernel_shares, effective_kernel
        Figures over the valid pixels; those that end in ``_all`` are over all pixels, as in the paper.
    coverage
        Share of the pixels about which a source of saliency said something.
    seconds
        Wall-clock time.
    peak_rss_bytes
        Peak memory of this process since it began.
    recipe
        All that the pixels depend on, as the output's tag has it: see `geosal.job.tags.recipe_of`.
    search
        Where bytes or a quality were asked for: what was asked and reached, the setting that was found, and what that
        cost in trials on the sample, full encodes and seconds of search beside them. None elsewhere.
    """

    input: str
    input_bytes: int | None
    output: str
    saliency: str
    driver: str
    profile: str
    bytes: int
    bits_per_pixel: float
    width: int
    height: int
    count: int
    dtype: str
    ladder: dict[str, Any]
    treatment: str
    level_shares: dict[str, float]
    effective_kernel: float
    effective_kernel_all: float
    kernel_shares: dict[str, float]
    kernel_shares_all: dict[str, float]
    coverage: float
    blocks: int
    seconds: float
    peak_rss_bytes: int
    recipe: dict[str, Any]
    search: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def compress(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    progress: ProgressCallback | None = None,
    **options: Unpack[CompressOptions],
) -> Summary:
    """Smooth a scene by its saliency and write it as COG, JPEG2000, Zarr store, JPEG or PNG, in bounded memory.

    Parameters
    ----------
    input, output
        Raster or product to read, file to write; ``.tif`` makes a COG, ``.jp2`` a JPEG2000, ``.zarr`` a Zarr store,
        ``.jpg`` a JPEG, ``.png`` a PNG.
    progress
        Called in this thread after each block and at each stage.
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
    >>> geosal.compress("in.tif", "out.tif", saliency="perlin", profile="zstd")  # doctest: +SKIP
    """
    return run(make_plan(Recipe.from_mapping({"input": input, "output": output, **options})), progress)


def run(plan: Plan, progress: ProgressCallback | None = None) -> Summary:
    """Carry out a plan.

    Raises
    ------
    GeosalError
        See `compress`.
    """
    return complete(plan, progress).summary


class Completed(NamedTuple):
    """A finished job."""

    plan: Plan
    """The plan that was carried out, with the setting that a search has found."""
    summary: Summary


def complete(plan: Plan, progress: ProgressCallback | None = None) -> Completed:
    """Carry out a plan as `run` does; also return the final plan."""
    begin = time.monotonic()
    report = progress or ignore
    with making(plan.target, report) as made:
        facts = None
        if plan.recipe.targets:
            found = reach(plan, made.path, report)
            plan, tally, facts = found.attempt.plan, found.attempt.tally, found.facts
        else:
            tally = carry_out(plan, made.path, report)
    if not tally.levels_valid.any():
        warn_of_no_pixels(plan.recipe.output)
    elif not plan.saliency.even:
        warn_of_little_gain(plan.recipe.output, tally.shares(valid_only=True), untried=plan.saliency.untried)
    summary = replace(_summary(plan, tally, made.output, time.monotonic() - begin), search=facts)
    return Completed(plan, summary)


def _summary(plan: Plan, tally: Tally, output: Path, seconds: float) -> Summary:
    grid, size = plan.layout.grid, store_bytes(output)
    of_levels, of_levels_all = tally.shares(valid_only=True), tally.shares(valid_only=False)
    shares, shares_all = plan.kernels(of_levels), plan.kernels(of_levels_all)
    return Summary(
        input=redact(plan.recipe.input),
        input_bytes=input_bytes(plan.scene),
        output=plan.recipe.output,
        saliency=plan.saliency.label,
        driver=plan.profile.driver,
        profile=plan.profile.name,
        bytes=size,
        bits_per_pixel=8 * size / (grid.width * grid.height),
        width=grid.width,
        height=grid.height,
        count=plan.layout.count,
        dtype=plan.layout.dtype,
        ladder={"steps": plan.ladder.steps, "sigma": plan.ladder.sigma},
        treatment=str(plan.treatment),
        level_shares={str(width // 2): share for width, share in of_levels.items()},
        effective_kernel=effective_kernel(shares),
        effective_kernel_all=effective_kernel(shares_all),
        kernel_shares={str(width): share for width, share in shares.items()},
        kernel_shares_all={str(width): share for width, share in shares_all.items()},
        coverage=tally.coverage,
        blocks=tally.blocks,
        seconds=seconds,
        peak_rss_bytes=peak_rss(),
        recipe=recipe_of(plan),
    )


def peak_rss() -> int:
    """Peak resident memory of this process, in bytes."""
    try:
        # Linux carries getrusage's figure over from the process that started this one.
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
