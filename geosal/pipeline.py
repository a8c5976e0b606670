"""The run: plan in, complete file out.

For each block, a task reads the pixels with their halo and smooths them (`BlockTask`); `geosal.produce` does the rest.
"""

import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.codecs.treatments import goes_by_tile
from geosal.errors import redact
from geosal.grid import Block
from geosal.ladder import Ladder, effective_kernel
from geosal.native import look_up
from geosal.plan import Plan, make_plan
from geosal.produce import Labour, Progress, ProgressCallback, Tags, Work, ignore, make_file
from geosal.raster import any_colour
from geosal.recipe import Recipe
from geosal.scenes import Scene
from geosal.scenes.zarr_store import store_bytes
from geosal.search import Attempt, Found, reach
from geosal.smoothing.block import SampleRules, smooth_block
from geosal.smoothing.bound import Rounding
from geosal.sources import Saliency
from geosal.tally import BandSums, Tally, count_levels, warn_of_little_gain, warn_of_no_pixels
from geosal.treatment import NOTHING
from geosal.version import __version__
from geosal.writers.publish import WorkDirectory
from geosal.writers.swap import remove


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockFacts:
    """What was counted in one block."""

    levels: NDArray[np.int64]
    """Pixels per level."""
    levels_valid: NDArray[np.int64]
    """Valid pixels per level."""
    known: int
    """Pixels about which a source of saliency said something."""
    statistics: tuple[BandSums, ...]
    """Per band, when asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockTask:
    """The work on one block; pickled to workers, so it holds paths and specs only."""

    scene: Scene
    saliency: Saliency | None
    """None where nothing depends on it: it is not read, and all pixels are of level 0."""
    ladder: Ladder
    statistics: bool = False
    own_mask: bool = False
    """The output's mask is the scene's own, not one made of all that counts."""
    smooth: bool = True
    """Pixels are smoothed."""
    rounding: Rounding | None = None
    """Rounds pixels by their levels."""
    by_level: bool = False
    """What becomes of the pixels depends on levels: the encoding of tiles, or the means in overviews."""

    def __call__(self, block: Block) -> Work:
        """Read `block` with its halo, treat it and count what was done."""
        levels, counts, known = self._levels(block)
        outer = block.expand(int(levels.max()) if self.smooth else 0, self.scene.grid.shape)
        samples = self.scene.read(outer)
        inner = block.slices_in(outer)
        layout = self.scene.layout
        valid_outer = None if samples.valid.all() else samples.valid
        valid = None if valid_outer is None else valid_outer[:, *inner]
        treated = self._treat(samples.pixels, levels, valid_outer, inner, block)
        pixels_valid = np.ones(block.shape, np.bool_) if valid is None else any_colour(valid, layout.alpha)
        facts = BlockFacts(
            levels=counts,
            levels_valid=counts if pixels_valid.all() else _count_some(levels, pixels_valid, self.ladder.steps),
            known=known,
            statistics=tuple(_sums(treated, valid)) if self.statistics else (),
        )
        mask = samples.mask[inner] if self.own_mask and samples.mask is not None else pixels_valid
        if not self.by_level:
            return Work(treated, mask, facts)
        # What is not valid asks for nothing.
        return Work(treated, mask, facts, np.where(pixels_valid, levels, np.uint8(self.ladder.steps)))

    def _treat(
        self,
        pixels: NDArray[Any],
        levels: NDArray[np.uint8],
        valid: NDArray[np.bool_] | None,
        inner: tuple[slice, slice],
        block: Block,
    ) -> NDArray[Any]:
        """Smooth what lies `inner` of pixels with a halo, and round it; `levels` has no halo, `valid` has."""
        if self.smooth:
            rules = SampleRules(self.scene.layout.nodata, self.scene.layout.alpha)
            levels_outer = np.zeros(pixels.shape[1:], np.uint8)  # the halo is read, not smoothed
            levels_outer[inner] = levels
            pixels = smooth_block(pixels, levels_outer, valid, self.ladder, rules)
        treated = pixels[:, *inner]
        if self.rounding is None:
            return treated
        return self.rounding(
            treated, levels, None if valid is None else valid[:, *inner], (block.row_off, block.col_off)
        )

    def _levels(self, block: Block) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
        """Levels (y, x), how many pixels have each, and about how many a source says something."""
        if self.saliency is None:
            levels = np.zeros(block.shape, np.uint8)
            return levels, np.bincount([0], [levels.size], self.ladder.steps + 1).astype(np.int64), 0
        steps, coded = self.ladder.steps, self.saliency.read_coded(block)
        if coded is None:
            saliency, known = self.saliency.read_known(block)
            levels = self.ladder.levels(saliency)
            return levels, count_levels(levels, steps), int(np.count_nonzero(known))
        level_of_code = self.ladder.levels(coded.table)
        levels, codes = look_up(coded.codes, level_of_code)
        counts = np.zeros(steps + 1, np.int64)
        np.add.at(counts, level_of_code, codes)
        return levels, counts, levels.size


def _sums(pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> Iterator[BandSums]:
    """Sum up the samples of each band that count."""
    for number, band in enumerate(pixels):
        yield BandSums.of(band.ravel() if valid is None else band[valid[number]])


def _count_some(levels: NDArray[np.uint8], which: NDArray[np.bool_], steps: int) -> NDArray[np.int64]:
    """Count the pixels of each level among some; the others are given a level beyond all."""
    return count_levels(np.where(which, levels, np.uint8(steps + 1)), steps)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What was done, in the terms of the JSON document.

    Attributes
    ----------
    bits_per_pixel
        8 * file bytes / (width * height), as the paper counts.
    input_bytes
        Size of the input file, of a product those of the bands that are read; None when remote or in an archive.
    treatment
        What saliency did: smooth, bound, quality, twopass.
    level_shares
        Over the valid pixels, per level of the ladder.
    kernel_shares, effective_kernel
        Over the valid pixels; those that end in ``_all`` over all pixels, as in the paper.
    coverage
        Share of the pixels about which a source of saliency said something.
    seconds
        Of wall clock.
    peak_rss_bytes
        Of this process since it began.
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
    search: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def compress(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> Summary:
    """Smooth a scene by its saliency and write it as COG, JPEG2000, Zarr store or JPEG, file to file in bounded memory.

    Parameters
    ----------
    input, output
        Raster or product to read, file to write; ``.tif`` makes a COG, ``.jp2`` a JPEG2000, ``.zarr`` a Zarr store,
        ``.jpg`` a JPEG.
    progress
        Called in this thread after each block and at each stage.
    **options
        Fields of `geosal.Recipe`: ``saliency`` (needed), ``profile``, ``steps``, ``overwrite`` …

    Returns
    -------
    Summary
        What was done.

    Raises
    ------
    GeosalError
        A leaf that says why; then no output exists under that name, or the one that was there is untouched.

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
        As `compress`.
    """
    return complete(plan, progress).summary


class Completed(NamedTuple):
    """A job that is done."""

    plan: Plan
    """What was carried out: with the setting that a search has found."""
    summary: Summary


def complete(plan: Plan, progress: ProgressCallback | None = None) -> Completed:
    """Carry out a plan; as `run`, and the plan that came of it."""
    begin = time.monotonic()
    report = progress or ignore
    with WorkDirectory(plan.target.output, overwrite=plan.target.overwrite) as work:
        path = work.path(work.output.name)
        facts = None
        if plan.recipe.targets:
            found = _search(plan, path, report)
            plan, tally, facts = found.plan, found.attempt.outcome, found.facts
        else:
            tally = _carry_out(plan, path, report)
        finished = work.publish(path)
        report(Progress("verify", 1, 1, "steps"))
    if not tally.levels_valid.any():
        warn_of_no_pixels(plan.recipe.output)
    elif not plan.saliency.even:
        warn_of_little_gain(plan.recipe.output, tally.shares(valid_only=True), untried=plan.saliency.untried)
    summary = replace(_summary(plan, tally, finished, time.monotonic() - begin), search=facts)
    return Completed(plan, summary)


def _search(plan: Plan, path: Path, report: ProgressCallback) -> Found:
    """Find the setting that meets the recipe's targets; the file that has it lies at `path`."""

    def attempt(turned: Plan) -> Attempt:
        remove(path)
        return Attempt(path, _carry_out(turned, path, report))

    return reach(
        plan, task_of=task_of, attempt=attempt, begun=lambda done: report(Progress("search", done, 1, "steps"))
    )


def _carry_out(plan: Plan, path: Path, report: ProgressCallback) -> Tally:
    """Make the file of a plan in a work directory."""
    tally = Tally(plan.ladder.steps)

    def take(facts: BlockFacts) -> None:
        tally.add(facts.levels, facts.levels_valid, facts.known)
        if facts.statistics:
            tally.add_statistics(facts.statistics)

    labour = Labour(
        stage="smooth",
        task=task_of(plan),
        blocks=list(plan.layout.grid.blocks(plan.block)),
        scheduler=plan.scheduler,
        workers=plan.workers,
    )
    make_file(
        path,
        plan.target,
        labour,
        take=take,
        tags=lambda: (_provenance(plan, tally), _statistics(tally)),
        report=report,
    )
    return tally


def task_of(plan: Plan) -> BlockTask:
    """Make the work on a plan's blocks."""
    nodata_kept = plan.layout.nodata is not None or plan.scene.layout.nodata is None
    rounding, encoder = plan.target.rounding, plan.target.encoder
    overviews = rounding is not None and encoder is not None and encoder.overviews
    return BlockTask(
        scene=plan.scene,
        saliency=None if plan.treatment == NOTHING else plan.saliency,
        ladder=plan.ladder,
        statistics=plan.scene.has_statistics and plan.profile.lossless and BandSums.exact(plan.layout.dtype),
        own_mask=plan.scene.layout.has_mask and nodata_kept,
        smooth=plan.treatment.smooth,
        rounding=rounding,
        by_level=overviews or goes_by_tile(plan.treatment, plan.profile.name),
    )


def _provenance(plan: Plan, tally: Tally) -> dict[str, str]:
    return {
        "GEOSAL_VERSION": __version__,
        "GEOSAL_TREATMENT": str(plan.treatment),
        "GEOSAL_LADDER": str(plan.ladder),
        "GEOSAL_EFFECTIVE_KERNEL": f"{effective_kernel(plan.kernels(tally.shares(valid_only=True))):.4f}",
        "GEOSAL_SALIENCY": plan.saliency.label,
    }


def _statistics(tally: Tally) -> Sequence[Tags] | None:
    return [band.tags(tally.pixels) for band in tally.bands] if tally.bands else None


def _summary(plan: Plan, tally: Tally, output: Path, seconds: float) -> Summary:
    grid, size = plan.layout.grid, store_bytes(output)
    of_levels, of_levels_all = tally.shares(valid_only=True), tally.shares(valid_only=False)
    shares, shares_all = plan.kernels(of_levels), plan.kernels(of_levels_all)
    return Summary(
        input=redact(plan.recipe.input),
        input_bytes=_bytes_of(plan.scene.original.files),
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
    )


def _bytes_of(files: Sequence[str]) -> int | None:
    """Size of local files together; None where one is none, such as a URL or a file in an archive."""
    return sum(map(os.path.getsize, files)) if all(map(os.path.isfile, files)) else None


def peak_rss() -> int:
    """Peak resident memory of this process, in bytes."""
    try:
        # Linux carries getrusage's figure over from the process that started this one.
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
