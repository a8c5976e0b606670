"""How near a candidate is to the scene, in the terms of `geosal.comparison`: on the sample, at the end on the file."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.comparison import JudgeTask, Pair, Ready, Sums, bits_of, ends_of, in_colours, sum_up
from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters
from geosal.job.plan import Plan
from geosal.job.search.sample import Sample
from geosal.job.targets import Floor
from geosal.metrics import ALIGNMENT, Scores
from geosal.scenes import NO_LIMIT, AnyScene, Scene

_LIMIT = 1e-12
"""Least value of 1 - SSIM, so that its logarithm stays finite."""

Found = tuple[NDArray[Any], NDArray[np.bool_] | None]
"""The sample after treatment and codec, (band, y, x) without alpha, and the samples that count, None when all do."""


def judge_sample(plan: Plan, sample: Sample, found: Found, data_range: float) -> dict[str, Scores]:
    """Compare a sample that was encoded and decoded with its scene."""
    pair = Pair(original=plan.scene, candidate=plan.scene, saliency=sample.saliency, ladder=plan.ladder)
    sums = Sums(pair)
    with ThreadPoolExecutor(sample.threads, thread_name_prefix="geosal-sample") as pool:
        for facts in pool.map(JudgeTask(pair=pair, data_range=data_range), _ready(plan, sample, found)):
            sums.take(facts)
    return sums.scores(data_range)


def _ready(plan: Plan, sample: Sample, found: Found) -> Iterator[Ready]:
    """Yield pieces of the original with those of the result; where the sample is the scene, with their surroundings."""
    whole, (pixels, counts) = Block(0, 0, *sample.shape), found
    around = ALIGNMENT if sample.is_whole(plan) else 0  # otherwise neighbours in the sample are not neighbours
    for place in sample.places:
        outer = place.source.expand(around, plan.layout.grid.shape)
        original, valid = in_colours(sample.kept.read(outer), plan.scene.layout)
        inside = place.target.expand(around, sample.shape).slices_in(whole)
        if counts is not None:
            valid = counts[:, *inside] if valid is None else valid & counts[:, *inside]
        yield Ready(place.source, place.source.slices_in(outer), original, pixels[:, *inside], valid)


def judge_file(plan: Plan, path: str, data_range: float) -> dict[str, Scores]:
    """Compare a whole file with its scene, block by block; the figures are those of `geosal compare`.

    Raises
    ------
    GeosalError
        The candidate or the scene cannot be read.
    """
    pair = Pair.of(plan.scene, open_candidate(path), plan.saliency, plan.ladder)
    try:
        return sum_up(pair, data_range, workers=plan.workers).scores(data_range)
    finally:
        close_shared_rasters()  # another file may take this one's name


def data_range(plan: Plan) -> float:
    """Return the width of the range of values; for floats it takes all valid samples, so the whole scene is read."""
    bits = bits_of(plan.scene.layout)
    if bits is not None:
        return float(2**bits - 1)
    least, greatest = ends_of(plan.scene, workers=plan.workers) or (0.0, 0.0)
    return greatest - least if 0 < greatest - least < math.inf else 1.0


def open_candidate(path: str) -> AnyScene:
    """Open a file of ours."""
    from geosal.scenes.zarr_store import ZarrScene, is_store  # loads zarr

    return ZarrScene.open(path, max_pixels=NO_LIMIT) if is_store(path) else Scene.open(path, max_pixels=NO_LIMIT)


def figure(scores: Mapping[str, Scores], floor: Floor) -> float:
    """Return the figure that a floor limits; the best possible one where there is nothing to compare."""
    value = float(getattr(scores[floor.part], floor.measure))
    return {"psnr": math.inf, "ssim": 1.0}[floor.measure] if math.isnan(value) else value


def margin(scores: Mapping[str, Scores], floors: Sequence[Floor], raised: Sequence[float]) -> float:
    """Return the least margin of all floors in dB, each floor raised by its own; negative where one is missed."""
    excess = (
        in_decibels(floor.measure, figure(scores, floor)) - in_decibels(floor.measure, floor.least) for floor in floors
    )
    return min(value - more for value, more in zip(excess, raised, strict=True))


def shortfall(scores: Mapping[str, Scores], others: Mapping[str, Scores], floor: Floor) -> float:
    """Return by how many dB the first is better than the second."""
    first, second = (in_decibels(floor.measure, figure(each, floor)) for each in (scores, others))
    return first - second if math.isfinite(first) and math.isfinite(second) else 0.0


def in_decibels(measure: str, value: float) -> float:
    """Return a value in dB; SSIM becomes the logarithm of 1 - SSIM, which grows as evenly with quality as PSNR."""
    return value if measure == "psnr" else -10 * math.log10(max(_LIMIT, 1 - value))
