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
_PROCESS_BYTES = 230 * 2**20
"""Interpreter and libraries, before the first block."""
_ENCODER_BYTES = 60 * 2**20
"""GDAL's writers and what the allocator has not given back after smoothing."""
_TILE = 1024
"""Of JPEG2000; a COG's are smaller."""


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
    encoders
        Threads that encode, here.
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
    encoders: int
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
    _tell_of_missing_place(scene)
    scheduler = _resolve_scheduler(recipe.scheduler)
    fit = _fit(recipe, scene, None if "://" in scheduler else cpu_count())
    plan = Plan(
        recipe=recipe,
        scene=scene,
        saliency=saliency,
        ladder=recipe.ladder,
        profile=profile,
        layout=layout_for(profile, scene.layout),
        block=fit.block,
        scheduler=scheduler,
        workers=recipe.workers if "://" in scheduler else fit.workers,
        encoders=fit.encoders,
        memory_bytes=fit.memory,
    )
    _warn_of_disk(plan)
    return plan


def layout_for(profile: Profile, layout: RasterLayout) -> RasterLayout:
    """What the output carries: where a lossy codec blurs the nodata code, a mask in its stead."""
    return replace(layout, has_mask=True, nodata=None) if profile.needs_mask(layout) else layout


def _tell_of_missing_place(scene: Scene) -> None:
    metadata = scene.layout.metadata
    if not scene.grid.georeferenced and not metadata.gcps and metadata.rpcs is None:
        warnings.warn(
            f"{scene.path}: has no georeferencing, so the output has none; a mask of the same size fits by pixels",
            GeosalWarning,
            stacklevel=3,
        )


def _resolve_scheduler(wish: str | None) -> str:
    """The user's word goes first, then dask's own environment variable, then threads."""
    return wish or os.environ.get("DASK_SCHEDULER_ADDRESS") or "threads"


@dataclass(frozen=True, slots=True)
class _Fit:
    block: int
    workers: int
    encoders: int
    memory: int


def _fit(recipe: Recipe, scene: Scene, cores: int | None) -> _Fit:
    """Choose block, workers and encoding threads: the most that fits under `max_memory`, smaller blocks first.

    On a cluster (`cores` None) the blocks in flight are the workers' business; those that wait here are few.
    """
    most = recipe.workers or cores or 1
    blocks = [recipe.block] if recipe.block else [BLOCK >> shift for shift in range(4)]
    workers = [recipe.workers] if recipe.workers else range(most, 0, -1)
    encoders = range(recipe.workers or cores or cpu_count(), 0, -1)
    layout, limit = scene.layout, recipe.max_memory
    smooth = [
        (b, w, _smoothing_bytes(b, w, recipe.ladder.halo, layout) + scene.tile_bytes) for w in workers for b in blocks
    ]
    encode = [(threads, _encoding_bytes(threads, layout)) for threads in encoders]
    fits = [option for option in smooth if limit is None or option[2] <= limit]
    encode_fits = [option for option in encode if limit is None or option[1] <= limit]
    if not fits or not encode_fits:
        least = max(min(option[2] for option in smooth), min(option[1] for option in encode))
        raise ResourceError(
            f"the job takes at least {least / 2**20:.0f} MiB with these options, {(limit or 0) / 2**20:.0f} MiB are "
            "allowed; raise --max-memory, or leave --block and --workers to geosal"
        )
    (block, chosen, smoothing), (threads, encoding) = fits[0], encode_fits[0]
    return _Fit(block, chosen, threads, max(smoothing, encoding))


def _smoothing_bytes(block: int, workers: int, halo: int, layout: RasterLayout) -> int:
    return _PROCESS_BYTES + _cache_bytes(layout) + (workers + 2) * _block_bytes(block, halo, layout)


def _encoding_bytes(threads: int, layout: RasterLayout) -> int:
    """Memory while GDAL encodes; measured on 13 bands of uint16: six to seven tiles for each thread."""
    height, width = (min(_TILE, length) for length in layout.grid.shape)
    tile = height * width * layout.count * np.dtype(layout.dtype).itemsize
    return _PROCESS_BYTES + _ENCODER_BYTES + _cache_bytes(layout) + 7 * threads * tile


def _cache_bytes(layout: RasterLayout) -> int:
    """GDAL's cache holds no more than there is."""
    raw = layout.grid.height * layout.grid.width * layout.count * np.dtype(layout.dtype).itemsize
    return min(GDAL_CACHE_BYTES, 2 * raw)


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
