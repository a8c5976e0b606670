"""How near a candidate is to the scene: on the sample for each trial, on the whole file at the end."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.cluster import open_pool
from geosal.gdal_env import close_shared_rasters
from geosal.grid import Block
from geosal.ladder import Ladder
from geosal.metrics import ALIGNMENT, HALO, ErrorSums, Scores, StructureSums, sum_by_level
from geosal.plan import Plan
from geosal.scenes import Scene
from geosal.search.sample import Sample, valid_of
from geosal.sources import Saliency
from geosal.targets import PARTS, Floor

_BLOCK = 1024
_SALIENT, _BACKGROUND = 0, 1
_LIMIT = 1e-12
"""Keeps the logarithm of 1 - SSIM finite."""


@dataclass(frozen=True)
class Sums:
    """What was counted: of the salient part and of the background, one of each for every band."""

    errors: tuple[tuple[ErrorSums, ...], ...]
    structure: tuple[tuple[StructureSums, ...], ...]

    def __add__(self, other: "Sums") -> "Sums":
        errors = tuple(tuple(map(add, *bands)) for bands in zip(self.errors, other.errors, strict=True))
        structure = tuple(tuple(map(add, *bands)) for bands in zip(self.structure, other.structure, strict=True))
        return Sums(errors, structure)

    def scores(self, data_range: float) -> dict[str, Scores]:
        """Scores of `geosal.targets.PARTS`."""
        parts = zip(self.errors, self.structure, strict=True)
        salient, background = (Scores.of(errors, structure, data_range) for errors, structure in parts)
        both = [tuple(map(add, *pair)) for pair in (self.errors, self.structure)]
        return dict(zip(PARTS, (Scores.of(both[0], both[1], data_range), salient, background), strict=True))


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares blocks of a candidate with the scene's; pickled to workers.

    Attributes
    ----------
    scene, saliency, ladder
        Of the job: pixels of level 0 are salient.
    candidate
        The file, opened.
    data_range
        Width of the range of values.
    """

    scene: Scene
    saliency: Saliency
    ladder: Ladder
    candidate: Scene
    data_range: float

    def __call__(self, block: Block) -> Sums:
        """Compare one block."""
        outer = block.expand(HALO, self.scene.grid.shape)
        original, found = self.scene.read(outer), self.candidate.read(outer).pixels
        levels = self.ladder.levels(self.saliency.read(block))
        pixels, valid = valid_of(original, self.scene.layout.alpha)
        return _judge(pixels, valid, found, levels, block.slices_in(outer), self.data_range)


def _judge(
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    found: NDArray[Any],
    levels: NDArray[np.uint8],
    inside: tuple[slice, slice],
    data_range: float,
) -> Sums:
    """Compare a block, all (band, y, x) with a halo but the levels (y, x)."""
    split = (levels > 0).view(np.uint8)
    bands = [
        sum_by_level(
            reference, candidate, data_range, inside, valid=None if counts.all() else counts, levels=split, count=2
        )
        for reference, candidate, counts in zip(pixels, found[: len(pixels)], valid, strict=True)
    ]
    errors = tuple(tuple(band[0][part] for band in bands) for part in (_SALIENT, _BACKGROUND))
    structure = tuple(tuple(band[1][part] for band in bands) for part in (_SALIENT, _BACKGROUND))
    return Sums(errors, structure)


def judge_sample(plan: Plan, sample: Sample, found: NDArray[Any], data_range: float) -> dict[str, Scores]:
    """Compare a sample that was encoded and decoded, (band, y, x), with its scene."""
    whole = Block(0, 0, *sample.shape)

    def sums() -> Iterable[Sums]:
        for place in sample.places:
            pixels, valid = valid_of(sample.kept.read(place.source), plan.scene.layout.alpha)
            levels = plan.ladder.levels(plan.saliency.read(place.source))
            everywhere = slice(0, place.target.height), slice(0, place.target.width)
            piece = np.ascontiguousarray(found[:, *place.target.slices_in(whole)])
            yield _judge(pixels, valid, piece, levels, everywhere, data_range)

    return reduce(add, sums()).scores(data_range)


def judge_file(plan: Plan, path: str, data_range: float) -> dict[str, Scores]:
    """Compare a whole file with its scene, block by block.

    Raises
    ------
    GeosalError
        One of the two cannot be read.
    """
    candidate = open_candidate(path)
    size = min(_BLOCK, plan.block) // ALIGNMENT * ALIGNMENT
    blocks = list(plan.layout.grid.blocks(size))
    judge = Judge(plan.scene, plan.saliency, plan.ladder, candidate, data_range)
    scheduler = plan.scheduler if plan.scheduler == "processes" else "threads"  # a cluster does not see our own folder
    try:
        with open_pool(scheduler, plan.workers if scheduler == plan.scheduler else None) as pool:
            return reduce(add, pool.map_unordered(judge, blocks)).scores(data_range)
    finally:
        close_shared_rasters()  # another file may take this one's name


def open_candidate(path: str) -> Scene:
    """Open a file of ours."""
    from geosal.scenes.zarr_store import ZarrScene, is_store  # noqa: PLC0415  loads zarr

    return ZarrScene.open(path) if is_store(path) else Scene.open(path, max_pixels=2**62)


def figure(scores: Mapping[str, Scores], floor: Floor) -> float:
    """The figure that a floor is about; where there is nothing to compare, the best there is."""
    value = float(getattr(scores[floor.part], floor.measure))
    return {"psnr": math.inf, "ssim": 1.0}[floor.measure] if math.isnan(value) else value


def margin(scores: Mapping[str, Scores], floors: Sequence[Floor], raised: Sequence[float]) -> float:
    """How far all floors are kept, in dB: the least of them, each raised by so much; negative where one is not."""
    excess = (_decibel(floor, figure(scores, floor)) - _decibel(floor, floor.least) for floor in floors)
    return min(value - more for value, more in zip(excess, raised, strict=True))


def shortfall(scores: Mapping[str, Scores], others: Mapping[str, Scores], floor: Floor) -> float:
    """By how many dB the first is better than the second."""
    first, second = _decibel(floor, figure(scores, floor)), _decibel(floor, figure(others, floor))
    return first - second if math.isfinite(first) and math.isfinite(second) else 0.0


def _decibel(floor: Floor, value: float) -> float:
    """SSIM by the logarithm of what it lacks: it grows as evenly with quality as PSNR does."""
    return value if floor.measure == "psnr" else -10 * math.log10(max(_LIMIT, 1 - value))
