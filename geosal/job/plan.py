"""The decision: resolve everything, and refuse what cannot go together, before the first pixel is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from geosal.core.cluster.connection import asked
from geosal.core.cluster.scheduler import Scheduler
from geosal.core.grid import Block
from geosal.core.ladder import Ladder, effective_kernel
from geosal.core.machine import cpu_count
from geosal.core.option_values import require
from geosal.core.raster import RasterLayout
from geosal.core.tables import Table, Tabled
from geosal.core.treatment import BEST, Bound, Quality, Treatment
from geosal.errors import UsageError, redact, warn
from geosal.files.publish import check_output
from geosal.formats.format import Profile
from geosal.formats.profiles import Settled
from geosal.formats.table import has_world_file
from geosal.job.doubts import refuse_seal, refuse_tables, tell_of_missing_place, warn_of_block, warn_of_disk
from geosal.job.fit import fit
from geosal.job.recipe import Recipe
from geosal.job.settings import (
    Settings,
    basis_of,
    input_bytes,
    inputs_of,
    saliency_of,
    settings_of,
    settle,
    with_bytes_of,
)
from geosal.job.tally import warn_of_little_gain
from geosal.job.usual import warn_of_a_second_loss, warn_of_old_jpeg, with_usual_bytes
from geosal.produce import Target, target_for
from geosal.scenes import AnyScene, open_input, read_as
from geosal.sizes import as_bytes, counted
from geosal.sources import Saliency, SourceText


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Plan(Tabled):
    """A job with every question answered.

    Attributes
    ----------
    wish
        The user's recipe.
    recipe
        The same with what is usual filled in; where a search has set a knob, without the targets that asked for it.
    settings
        Settings of the recipe, or those that a search has found.
    scene
        The scene that is read.
    saliency
        Saliency of each pixel.
    target
        Output, and its encoder.
    block
        Rows and columns of a block.
    scheduler, workers
        Where blocks are worked on, and by how many; `workers` is None when a cluster decides.
    memory_bytes
        Expected peak of this process, and of its workers where they are processes of this machine.
    sample_pixels
        Most pixels of the sample that finds a setting or makes an estimate.
    advice
        What to do where a worker has too little memory.
    is_usual
        Whether the target is the default size of a JPEG; then it is no failure to miss it.
    counted
        What `shares` returns, where the work has counted it; None before.
    """

    wish: Recipe
    recipe: Recipe
    settings: Settings
    scene: AnyScene
    saliency: Saliency
    target: Target
    block: int
    scheduler: Scheduler
    workers: int | None
    memory_bytes: int
    sample_pixels: int
    advice: str
    is_usual: bool = False
    counted: Mapping[int, float] | None = None

    @property
    def ladder(self) -> Ladder:
        """Saliency to kernel width."""
        return self.settings.ladder

    @property
    def profile(self) -> Profile:
        """Codec and driver of the output."""
        return self.target.profile

    @property
    def treatment(self) -> Treatment:
        """What saliency does to pixels and tiles."""
        return self.target.treatment

    @property
    def noise(self) -> list[dict[str, float]]:
        """Noise of the bands, and what the largest error adds to it; empty where the treatment asks for none."""
        then = self.treatment.then
        error = (then.error or 0.0) if isinstance(then, Bound) else 0.0
        return [
            {"band": line.band + 1, "a": line.a, "b": line.b, "sigma": line.sigma, "added": line.added(error)}
            for line in self.settings.noise
        ]

    @property
    def layout(self) -> RasterLayout:
        """Grid, dtype and metadata of the output."""
        return self.target.layout

    @property
    def keeps_salient(self) -> bool:
        """Whether pixels of saliency 1 come out of the file as they were, bit for bit."""
        then, codec = self.treatment.then, self.profile.codec
        if self.profile.lossless or isinstance(then, Bound):
            return True
        if not isinstance(then, Quality) or not codec.best_is_lossless or codec.scale is None:
            return False
        if then.low is None or then.high is None:  # a target finds them
            return False
        # Tiles that hold such a pixel lose nothing, though others do.
        return codec.scale.by_level(then, self.ladder.steps, self.layout)[0] == BEST

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        rows, cols = (-(-length // self.block) for length in self.layout.grid.shape)
        return rows * cols

    @property
    def raw_bytes(self) -> int:
        """Bytes of the output's pixels before any codec."""
        return self.layout.raw_bytes

    @property
    def input_bytes(self) -> int | None:
        """See `input_bytes`."""
        return input_bytes(self.scene)

    @property
    def disk_bytes(self) -> int:
        """Room taken at most while the job runs, the output and its overviews included.

        Tiles of a COG and of a JPEG wait in a spool until all are there; GDAL reads the pixels from a stage. A first
        file that is below a limit is kept while a second is made. Pixels that fill no tile yet are kept for `--resume`.
        """
        return self.disk_for(self.raw_bytes * 4 // 3)

    def disk_for(self, output: int) -> int:
        """Room taken at most by a job whose output has so many bytes; see `disk_bytes`."""
        kept = output if self.recipe.targets.is_limit else 0
        if self.target.gdal_because is not None:
            return self.raw_bytes + output + kept
        return (2 * output if self.profile.format.has_spool else output) + kept + self._pieces_bytes

    @property
    def _pieces_bytes(self) -> int:
        """Bytes of the pixels of blocks that fill no tile, in the image or in the first overview that has none."""
        encoder = self.target.own_encoder
        if self.block % encoder.tile:
            return self.raw_bytes
        return self.raw_bytes // (2 * self.block // encoder.tile) ** 2 if encoder.overviews else 0

    def shares(self) -> dict[int, float]:
        """Return the share of the scene's pixels per kernel width: counted, or of small blocks all over it."""
        return dict(self._shares if self.counted is None else self.counted)

    @cached_property
    def _shares(self) -> dict[int, float]:
        counts = np.zeros(self.ladder.steps + 1, np.int64)
        for block in _sample_blocks(self.layout.grid.shape):
            levels = self.ladder.levels(self.saliency.read(block))
            counts += np.bincount(levels.ravel(), minlength=counts.size)
        return {width: float(n / counts.sum()) for width, n in zip(self.ladder.widths, counts, strict=True) if n}

    def kernels(self, shares: Mapping[int, float]) -> dict[int, float]:
        """Turn shares of the ladder's widths into those of the kernels that are applied: without smoothing, all 1."""
        return dict(shares) if self.treatment.smooth else {1: 1.0}

    def _table(self) -> Table:
        """Return the decisions, one a row; nothing is read for it."""
        grid, because = self.layout.grid, self.target.gdal_because
        rows = [
            ("input", redact(self.recipe.input)),
            ("image", f"{grid.width} x {grid.height} px, {counted(self.layout.count, 'band')} of {self.layout.dtype}"),
            ("saliency", self.saliency.label),
            ("treatment", str(self.treatment)),
            ("ladder", str(self.ladder)),
            ("codec", f"{self.profile.name}, {'lossless' if self.profile.lossless else 'lossy'}"),
            ("written by", f"{self.target.writer}, because {because}" if because else "geosal"),
            ("asked", str(self.recipe.targets) or None),
            ("work", f"{counted(self.blocks, 'block')} of {self.block} px, {self.workers or 'all'} workers"),
            ("memory", f"about {as_bytes(self.memory_bytes)}"),
        ]
        return Table(f"plan of {self.recipe.output}", (), [row for row in rows if row[1] is not None])

    def describe(self) -> dict[str, Any]:
        """Describe the plan in JSON-ready data; reads a sample of the saliency, and pixels that its sources look at."""
        of_levels = self.shares()
        shares = self.kernels(of_levels)
        if not self.saliency.even:
            warn_of_little_gain(
                self.recipe.output, of_levels, untried=self.saliency.untried, exact=self.profile.lossless
            )
        grid, because = self.layout.grid, self.target.gdal_because
        return {
            "input": self.recipe.input,
            "output": self.recipe.output,
            "driver": self.profile.driver,
            "profile": self.profile.name,
            "lossless": self.profile.lossless,
            "writer": self.target.writer,
            "gdal_because": because,
            "creation_options": dict(self.profile.creation_options),
            "width": grid.width,
            "height": grid.height,
            "count": self.layout.count,
            "dtype": self.layout.dtype,
            "treatment": str(self.treatment),
            "noise": self.noise,
            "saliency": self.saliency.label,
            "coverage": self.saliency.coverage,
            "ladder": {"steps": self.ladder.steps, "sigma": self.ladder.sigma},
            "level_shares": {str(width // 2): round(share, 4) for width, share in of_levels.items()},
            "kernel_shares": {str(width): round(share, 4) for width, share in shares.items()},
            "effective_kernel": round(effective_kernel(shares), 3),
            "block": self.block,
            "blocks": self.blocks,
            "halo": self.ladder.halo,
            "scheduler": str(self.scheduler),
            "workers": self.workers,
            "memory_bytes": self.memory_bytes,
            "disk_bytes": self.disk_bytes,
            "raw_bytes": self.raw_bytes,
            "targets": str(self.recipe.targets) or None,
        }


def make_plan(recipe: Recipe, scene: AnyScene | None = None, sources: Sequence[SourceText] | None = None) -> Plan:
    """Resolve a recipe against its files: headers and masks are read, nothing is written.

    Some options need a sample of the scene's pixels: percentiles of `to_byte`, and sources such as ``detail``.

    Parameters
    ----------
    recipe
        The wish.
    scene
        An opened scene in the stead of the input, before it is read as the recipe says.
    sources
        What to take for the recipe's sources of saliency, where some are no texts.

    Raises
    ------
    UsageError
        An option that cannot work with this scene or codec.
    SceneError
        The input cannot be read or is refused.
    SaliencyError
        The saliency does not fit the scene.
    OutputError
        The output cannot be written there.
    ResourceError
        Too many pixels, or too little memory allowed.
    ClusterError
        The cluster does not answer, is not to be trusted, or its workers have too little memory.

    Examples
    --------
    >>> recipe = geosal.Recipe.from_mapping({"input": "scene.tif", "output": "smaller.tif", "saliency": "mask.tif"})
    >>> plan = geosal.make_plan(recipe)
    >>> plan.profile.name, plan.treatment.smooth
    ('deflate', True)
    """
    require(isinstance(recipe, Recipe), "recipe", recipe, "a Recipe, as Recipe.from_mapping makes one")
    check_output(
        recipe.output,
        overwrite=recipe.overwrite,
        inputs=inputs_of(recipe),
        with_world_file=has_world_file(recipe.output),
    )
    scheduler = scheduler_of(recipe)
    scene = open_input(recipe.input, recipe.reading) if scene is None else read_as(scene, recipe.reading)
    if recipe.stac and (doubt := basis_of(recipe, scene).doubt):
        warn(f"{scene.path}: {doubt}")
    wish, recipe = recipe, with_bytes_of(recipe, scene)
    settings = settings_of(recipe, scene)
    recipe = with_usual_bytes(recipe, settings.treatment)
    settled = settle(recipe, settings, scene)
    saliency = saliency_of(recipe, scene, sources)
    tell_of_missing_place(scene)
    settled.profile.format.warn_of(recipe.output, settled.profile.codec, scene.layout)
    warn_of_old_jpeg(recipe, settled.profile, settings.treatment, scene)
    plan = replace(_decide(recipe, settings, scene, saliency, settled, scheduler), wish=wish, is_usual=not wish.targets)
    if recipe.not_larger and plan.input_bytes is None:
        raise UsageError(f"--not-larger: the size of {recipe.input} is not known; leave it out, or give a local file")
    if not (plan.profile.lossless and saliency.even and set(plan.shares()) == {1}):
        warn_of_a_second_loss(plan.profile, scene)
    warn_of_disk(recipe.output, plan.raw_bytes, plan.disk_bytes)
    warn_of_block(plan.target, plan.block)
    return plan


def retuned(plan: Plan, settings: Settings) -> Plan:
    """Make the same plan with other settings; no file is opened again.

    Raises
    ------
    UsageError, ResourceError
        See `make_plan`.
    """
    settled = settle(plan.recipe, settings, plan.scene)
    turned = _decide(plan.recipe, settings, plan.scene, plan.saliency, settled, plan.scheduler)
    # The sample of the search takes memory beside the blocks.
    block = min(plan.block, turned.block)
    return replace(turned, wish=plan.wish, block=block, sample_pixels=plan.sample_pixels)


def in_blocks(plan: Plan, block: int) -> Plan:
    """Make the same plan with blocks of other rows and columns; no file is opened again.

    Raises
    ------
    ResourceError
        They do not fit into the memory that is allowed.
    """
    recipe = plan.recipe.patch(block=block)
    settled = settle(recipe, plan.settings, plan.scene)
    cut = _decide(recipe, plan.settings, plan.scene, plan.saliency, settled, plan.scheduler)
    return replace(cut, wish=plan.wish, recipe=plan.recipe, is_usual=plan.is_usual)


def answered(plan: Plan, recipe: Recipe) -> Plan:
    """Answer another recipe for the scene and the saliency of a plan; nothing is opened again.

    Raises
    ------
    UsageError, ResourceError
        As `make_plan`.
    """
    return answered_for(plan.scene, plan.saliency, recipe, plan.scheduler)


def answered_for(scene: AnyScene, saliency: Saliency, recipe: Recipe, scheduler: Scheduler) -> Plan:
    """Answer a recipe for a scene and a saliency that are open; whether the output has its place is not looked at.

    Raises
    ------
    UsageError, ResourceError
        As `make_plan`.
    OutputError
        Files beside the output would tell another place than the scene's.
    """
    recipe = with_bytes_of(recipe, scene)
    settings = settings_of(recipe, scene)
    wish, recipe = recipe, with_usual_bytes(recipe, settings.treatment)
    decided = _decide(recipe, settings, scene, saliency, settle(recipe, settings, scene), scheduler)
    return replace(decided, wish=wish, is_usual=not wish.targets)


def scheduler_of(recipe: Recipe) -> Scheduler:
    """Decide where a recipe's blocks are worked on; a cluster is asked for its workers' memory.

    Raises
    ------
    UsageError, ClusterError
        No such scheduler, none that answers, or none that may be trusted.
    """
    return asked(Scheduler.of(recipe.scheduler, insecure=recipe.insecure_cluster))


def _decide(
    recipe: Recipe, settings: Settings, scene: AnyScene, saliency: Saliency, settled: Settled, scheduler: Scheduler
) -> Plan:
    target = target_for(
        recipe.output,
        settled.profile,
        scene.layout,
        overwrite=recipe.overwrite,
        treatment=settled.treatment,
        steps=settings.ladder.steps,
    )
    tile, last = None, 0
    if target.gdal_because is not None:
        refuse_tables(settings.options, target.gdal_because)
    else:
        encoder = target.own_encoder
        tile, last = encoder.tile, settled.profile.format.bytes_at_end(encoder, scene.grid.width)
    crew = scheduler.rooms if scheduler.is_cluster else cpu_count()
    fitted = fit(recipe, scene, saliency, halo=settings.ladder.halo, crew=crew, tile=tile, last=last)
    plan = Plan(
        wish=recipe,
        recipe=recipe,
        settings=settings,
        scene=scene,
        saliency=saliency,
        target=replace(target, threads=fitted.encoders),
        block=fitted.block,
        scheduler=scheduler,
        workers=recipe.workers if scheduler.is_cluster else fitted.workers,
        memory_bytes=fitted.memory,
        sample_pixels=fitted.sample,
        advice=fitted.advice,
    )
    if recipe.seal:
        refuse_seal(plan.target, plan.block, keeps_salient=plan.keeps_salient)
    return plan


def _sample_blocks(shape: tuple[int, int], count: int = 24, size: int = 8) -> list[Block]:
    """Small blocks in the middle of the cells of a coarse raster over the scene."""
    rows, cols = (sorted({int((place + 0.5) * length / count) for place in range(count)}) for length in shape)
    half = size // 2
    return [Block(row, col, 1, 1).expand(half, shape) for row in rows for col in cols]
