"""The decision: everything resolved before the first pixel moves. Every refusal happens here."""

import os
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from geosal.cluster import cpu_count
from geosal.codecs.profiles import Profile, resolve_profile
from geosal.errors import GeosalWarning, ResourceError
from geosal.gdal_env import GDAL_CACHE_BYTES
from geosal.grid import Block
from geosal.ladder import Ladder, effective_kernel
from geosal.raster import RasterLayout
from geosal.recipe import Recipe
from geosal.scenes import Scene
from geosal.sources import Saliency, open_saliency
from geosal.sources.text import SourceText
from geosal.writers.publish import check_output

BLOCK = 2048
_SMALLEST_BLOCK = 256
_PROCESS_BYTES = 300 * 2**20
"""Interpreter, libraries and GDAL's own buffers, before the first block."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What will be done.

    Attributes
    ----------
    recipe
        The wish it answers.
    scene
        What is read.
    saliency
        How much each pixel matters.
    ladder
        Saliency to kernel width.
    profile
        Codec and driver of the output.
    layout
        Grid, dtype and metadata of the output.
    block
        Rows and columns of a block.
    scheduler, workers
        Where blocks are worked on; `workers` is None when a cluster decides.
    memory_bytes
        Expected peak of this process.
    """

    recipe: Recipe
    scene: Scene
    saliency: Saliency
    ladder: Ladder
    profile: Profile
    layout: RasterLayout
    block: int
    scheduler: str
    workers: int | None
    memory_bytes: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        rows, cols = (-(-length // self.block) for length in self.layout.grid.shape)
        return rows * cols

    @property
    def raw_bytes(self) -> int:
        """Bytes of the output's pixels before any codec."""
        grid = self.layout.grid
        return grid.height * grid.width * self.layout.count * np.dtype(self.layout.dtype).itemsize

    @property
    def disk_bytes(self) -> int:
        """Room taken at most beside the output while the job runs: the staged pixels and the output with overviews."""
        return self.raw_bytes + self.raw_bytes * 4 // 3

    def shares(self) -> dict[int, float]:
        """Share of the scene's pixels per kernel width, from a sample of small blocks spread over the scene."""
        counts = np.zeros(self.ladder.steps + 1, np.int64)
        for block in _sample_blocks(self.layout.grid.shape):
            levels = self.ladder.levels(self.saliency.read(block))
            counts += np.bincount(levels.ravel(), minlength=counts.size)
        return {width: float(n / counts.sum()) for width, n in zip(self.ladder.widths, counts, strict=True) if n}

    def describe(self) -> dict[str, Any]:
        """Tell the plan in JSON-ready data; reads a sample of the saliency and no pixel of the scene."""
        shares = self.shares()
        grid = self.layout.grid
        return {
            "input": self.recipe.input,
            "output": self.recipe.output,
            "driver": self.profile.driver,
            "profile": self.profile.name,
            "lossless": self.profile.lossless,
            "creation_options": dict(self.profile.creation_options),
            "width": grid.width,
            "height": grid.height,
            "count": self.layout.count,
            "dtype": self.layout.dtype,
            "saliency": self.saliency.label,
            "coverage": self.saliency.coverage,
            "ladder": {"steps": self.ladder.steps, "sigma": self.ladder.sigma},
            "kernel_shares": {str(width): round(share, 4) for width, share in shares.items()},
            "effective_kernel": round(effective_kernel(shares), 3),
            "block": self.block,
            "blocks": self.blocks,
            "halo": self.ladder.halo,
            "scheduler": self.scheduler,
            "workers": self.workers,
            "memory_bytes": self.memory_bytes,
            "disk_bytes": self.disk_bytes,
            "raw_bytes": self.raw_bytes,
        }


def make_plan(recipe: Recipe) -> Plan:
    """Resolve a recipe against its files: headers and masks are read, nothing is written.

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
    """
    inputs = [recipe.input, *(SourceText.parse(text).target for text in recipe.saliency)]
    check_output(recipe.output, overwrite=recipe.overwrite, inputs=inputs)
    scene = Scene.open(recipe.input, recipe.bidx, drivers=recipe.drivers, max_pixels=recipe.max_pixels)
    profile = resolve_profile(recipe.output, recipe.profile, dict(recipe.creation_options), scene.layout)
    saliency = open_saliency(
        recipe.saliency, scene.grid, combine=recipe.combine, outside=recipe.outside, drivers=recipe.drivers
    )
    layout = replace(scene.layout, has_mask=True) if profile.needs_mask(scene.layout) else scene.layout
    scheduler = _resolve_scheduler(recipe.scheduler)
    workers = recipe.workers or (None if "://" in scheduler else cpu_count())
    block, memory = _fit_block(recipe, layout, workers or 1)
    plan = Plan(
        recipe=recipe,
        scene=scene,
        saliency=saliency,
        ladder=recipe.ladder,
        profile=profile,
        layout=layout,
        block=block,
        scheduler=scheduler,
        workers=workers,
        memory_bytes=memory,
    )
    _warn_of_disk(plan)
    return plan


def _resolve_scheduler(wish: str | None) -> str:
    """The user's word goes first, then dask's own environment variable, then threads."""
    return wish or os.environ.get("DASK_SCHEDULER_ADDRESS") or "threads"


def _fit_block(recipe: Recipe, layout: RasterLayout, workers: int) -> tuple[int, int]:
    """Choose the block and tell the memory: halved from the default until it fits under `max_memory`."""
    block = recipe.block or BLOCK
    while True:
        memory = _PROCESS_BYTES + GDAL_CACHE_BYTES + (workers + 2) * _block_bytes(block, recipe.ladder.halo, layout)
        if recipe.max_memory is None or memory <= recipe.max_memory:
            return block, memory
        if recipe.block or block <= _SMALLEST_BLOCK:
            raise ResourceError(
                f"blocks of {block} px with {workers} workers take about {memory / 2**20:.0f} MiB, "
                f"{recipe.max_memory / 2**20:.0f} MiB are allowed; raise --max-memory, or lower --workers or --block"
            )
        block //= 2


def _block_bytes(block: int, halo: int, layout: RasterLayout) -> int:
    """Memory of one block in work: pixels in and out, validity, saliency and levels; cells in float64 are small."""
    height, width = (min(block + 2 * halo, length) for length in layout.grid.shape)
    per_pixel = layout.count * (2 * np.dtype(layout.dtype).itemsize + 1) + 16
    return height * width * per_pixel


def _sample_blocks(shape: tuple[int, int], count: int = 24, size: int = 8) -> list[Block]:
    """Small blocks in the middle of the cells of a coarse raster over the scene."""
    rows = np.unique(((np.arange(count) + 0.5) * shape[0] / count).astype(int))
    cols = np.unique(((np.arange(count) + 0.5) * shape[1] / count).astype(int))
    half = size // 2
    return [Block(int(row), int(col), 1, 1).expand(half, shape) for row in rows for col in cols]


def _warn_of_disk(plan: Plan) -> None:
    """Tell early that the disk may fill up; how small the pixels become is known only afterwards."""
    directory = Path(plan.recipe.output).absolute().parent
    free = shutil.disk_usage(directory).free
    if free < plan.raw_bytes:
        warnings.warn(
            f"{directory}: {free / 1e6:.0f} MB free, the job may need up to {plan.disk_bytes / 1e6:.0f} MB there",
            GeosalWarning,
            stacklevel=2,
        )
