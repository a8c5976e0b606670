"""What a plan's job will take: bytes, time, memory and disk, from a sample that is really treated and encoded."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from geosal.core.grid import Block
from geosal.core.machine import cpu_count
from geosal.core.progress import Progress, ProgressCallback, ignore
from geosal.core.raster import Samples
from geosal.formats.pyramid import Cutter, Tile
from geosal.job.course import Course
from geosal.job.plan import Plan
from geosal.job.search.find import set_out
from geosal.job.search.kept import Kept
from geosal.job.search.places import choose_places, pieces_across
from geosal.job.search.sample import Sample, file_bytes
from geosal.job.search.scaling import scene_bytes
from geosal.job.task import task_of
from geosal.produce import Cut, CutTask
from geosal.verification import verify_structure

_ACROSS = 6
"""Pieces of the sample in a column and in a row."""
_SHORT, _AGAIN = 1.0, 2
"""A step that takes fewer seconds is timed again, and how often."""
_ENOUGH, _ROUNDS = 2.0, (1, 1, 4)
"""Seconds of blocks that suffice to time the whole job, and the blocks given to each worker, until it is so much."""
_GOLDEN = (5**0.5 - 1) / 2
"""The golden ratio: its multiples, modulo 1, lie spread evenly, however many they are."""
_ENCODES = 2
"""Encodes of a job with a target, unless one suffices: its sample is the whole scene, or its target a plain JPEG, from
whose size the sample is as far off as from that of the output."""

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a job will take.

    Attributes
    ----------
    bytes
        Size of the output.
    seconds
        Wall-clock time, with this machine as busy as it is now.
    memory_bytes
        Peak of memory.
    disk_bytes
        Room taken at most while the job runs, the output included.
    sample_pixels
        Number of pixels of the sample.
    treatment
        What saliency does, with the setting that a target asks for.
    found
        That setting in the words of the command line; None without a target.
    """

    bytes: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    sample_pixels: int
    treatment: str
    found: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is read of a scene to estimate a job, and others after it.

    Attributes
    ----------
    sample
        6 x 6 pieces of 512 px.
    reading
        Seconds that reading the whole scene takes, in one thread.
    room
        Bytes of blocks that may be kept for the next job.
    """

    sample: Sample
    reading: float
    room: int = 0
    _blocks: dict[Block, Samples] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, plan: Plan, room: int = 0) -> Self:
        """Read the sample in one thread, and learn from it how long the whole scene would take.

        Raises
        ------
        GeosalError
            As `geosal.compress`, for the part of the scene that is read.
        """
        plan.scene.read(Block(0, 0, 1, 1))  # opens it
        places = choose_places(plan, pieces_across(plan, most=_ACROSS))
        with _Watch() as watch:
            sample = Sample.read(plan, places, halo=plan.ladder.halo, threads=1)
        return cls(sample, watch.seconds * _share_of_tiles(plan, sample), room)

    def read(self, plan: Plan, block: Block) -> Samples:
        """Read a block of the scene, unless it was read before and kept."""
        samples = self._blocks.get(block) or plan.scene.read(block)
        others = tuple(self._blocks.values())  # at once: other threads add to them
        if sum(each.pixels.nbytes + each.valid.nbytes for each in (*others, samples)) <= self.room:
            self._blocks[block] = samples
        return samples


class Estimated(NamedTuple):
    """What a job will take, and its plan with the setting that a target asks for."""

    estimate: Estimate
    plan: Plan


def estimate(plan: Plan, report: ProgressCallback = ignore) -> Estimate:
    """Estimate bytes, time, memory and disk from 6 x 6 pieces of 512 px; with a target, also the setting.

    Parameters
    ----------
    plan
        Plan of the job.
    report
        Called in this thread at each stage, and for each trial of a search.

    Raises
    ------
    TargetError
        The sample cannot reach the target.
    GeosalError
        As `geosal.compress`, for the part of the scene that is read.
    """
    return estimate_on(None, plan, report).estimate


def estimate_on(drawn: Drawn | None, plan: Plan, report: ProgressCallback = ignore) -> Estimated:
    """Estimate a plan as `estimate` does, on what was read for another one of the same scene and saliency.

    Raises
    ------
    GeosalError
        As `estimate`.
    """
    begin = time.monotonic()
    found, encodes = None, 1
    course = Course(report, {"search": 1.0, "work": 1.0} if plan.recipe.targets else {"work": 1.0})
    if targets := plan.recipe.targets:
        plan, found, whole = set_out(plan, course.enter("search").trial)
        encodes = 1 if whole or targets.jpeg is not None else _ENCODES
    searching = time.monotonic() - begin
    course.enter("work")(Progress("sample", 0, 2, "steps"))
    drawn = drawn or Drawn.of(plan)
    course(Progress("sample", 1, 2, "steps"))
    with tempfile.TemporaryDirectory(prefix="geosal-") as folder:
        work = _timed_work(plan, drawn, Path(folder))
    reading = drawn.reading
    wall = max(reading, reading / _workers(plan) + work.treat) + work.write  # one handle reads at a time
    expected = Estimate(
        bytes=work.bytes,
        seconds=round(encodes * wall + (searching if found else 0.0), 2),
        memory_bytes=plan.memory_bytes,
        disk_bytes=plan.disk_for(work.bytes),
        sample_pixels=drawn.sample.pixels,
        treatment=str(plan.treatment),
        found=found,
    )
    return Estimated(expected, plan)


def _share_of_tiles(plan: Plan, sample: Sample) -> float:
    """Return the ratio of the input's tiles to those that the sample touches: a tile is decoded whole, and once."""
    rows, cols = plan.scene.block_shape
    touched = {
        (row, col)
        for outer, _ in sample.kept.blocks
        for row in range(outer.row_off // rows, -(-outer.row_stop // rows))
        for col in range(outer.col_off // cols, -(-outer.col_stop // cols))
    }
    height, width = plan.scene.grid.shape
    return -(-height // rows) * -(-width // cols) / len(touched)


class _Work(NamedTuple):
    """Size of the output, and the seconds that it takes beside reading."""

    bytes: int
    treat: float
    """Seconds of all workers together, with the encoding of tiles."""
    write: float
    """Seconds that the file takes at the end."""


def _timed_work(plan: Plan, drawn: Drawn, folder: Path) -> _Work:
    """Treat, encode and write the sample, and scale bytes and seconds to the scene."""
    sample, target = drawn.sample, plan.target
    scale = sample.scale(target)
    crew, by_gdal = replace(sample, threads=_workers(plan)), target.gdal_because is not None
    tiles: list[Tile] = []
    if by_gdal:
        treated, seconds = _timed(lambda: crew.treat(task_of(plan)))
        treating = seconds * scale
    else:
        treated = crew.treat(task_of(plan))
        tiles = crew.encode(treated, target)
        treating = _timed_blocks(plan, drawn)
    with _Watch() as watch:
        path = crew.write(treated, target, tiles, folder)
        if plan.profile.format.made_at_end:  # the check at the end of a job decodes the whole of it
            verify_structure(path, crew.layout(target))
    written = file_bytes(path)
    if by_gdal:
        size = round(written * scale)
    else:
        size = round(written - sample.own_bytes(tiles, target) + scene_bytes(sample, treated, target, tiles))
    if by_gdal or plan.profile.format.made_at_end:  # which are made at the end
        writing = watch.seconds * scale
    else:
        writing = watch.seconds + max(0.0, size / max(1, written) - 1) * _copying(
            path, twice=target.profile.format.has_spool
        )
    return _Work(size, treating, writing + _flushing(path) * size / max(1, written))


def _flushing(path: Path) -> float:
    """Return the seconds that a file takes to reach the disk."""
    with _Watch() as watch:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    return watch.seconds


def _copying(path: Path, *, twice: bool) -> float:
    """Return the seconds that writing a file takes; `twice` where its bytes lie in a spool first."""
    if not path.is_file():
        return 0.0
    with _Watch() as watch:
        for _ in range(2 if twice else 1):
            shutil.copyfile(path, path.with_name("copy"))
    return watch.seconds


def _timed_blocks(plan: Plan, drawn: Drawn) -> float:
    """Measure how long all workers treat and encode the scene, by some of its blocks that they really work on.

    They are read before: blocks that lie apart decode tiles that in the job were decoded for a neighbour already.
    """
    target, workers = plan.target, _workers(plan)
    cutter = Cutter.of(target.own_encoder, target.layout, target.rounding)
    work, halo = task_of(plan), plan.ladder.halo if plan.treatment.smooth else 0

    def seconds(block: Block) -> float:
        outer = block.expand(halo, plan.scene.grid.shape)
        kept = Kept(plan.scene, [(outer, drawn.read(plan, outer))])
        task = CutTask(replace(work, scene=kept), Cut(cutter, target.layout.has_mask))
        with _Watch() as watch:
            task(block)
        return watch.seconds

    waiting = _spread(list(plan.layout.grid.blocks(plan.block)))
    taken, pixels = 0.0, 0
    with ThreadPoolExecutor(workers, thread_name_prefix="geosal-sample") as pool:
        for each in _ROUNDS:
            blocks, waiting = waiting[: each * workers], waiting[each * workers :]
            # What each block takes, not all together: the last one of a job has no part of it.
            taken += sum(pool.map(seconds, blocks))
            pixels += sum(block.height * block.width for block in blocks)
            if taken / workers > _ENOUGH:
                break
    grid = plan.layout.grid
    return taken / workers * grid.height * grid.width / pixels


def _spread(blocks: list[Block]) -> list[Block]:
    """Order blocks so that the first n of them, for any n, are spread over the scene."""
    places = sorted(range(len(blocks)), key=lambda number: number * _GOLDEN % 1)
    return [block for _, block in sorted(zip(places, blocks, strict=True), key=lambda pair: pair[0])]


def _workers(plan: Plan) -> int:
    return min(plan.workers or cpu_count(), plan.blocks)


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Time some work, again if it was short: the cost of a first run would otherwise be scaled with it."""
    with _Watch() as watch:
        result = work()
    least = watch.seconds
    for _ in range(_AGAIN if least < _SHORT else 0):
        with _Watch() as watch:
            result = work()
        least = min(least, watch.seconds)
    return result, least


class _Watch:
    """Measures the seconds that a block of code takes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._begin = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begin


__all__ = ["Estimate", "estimate"]
