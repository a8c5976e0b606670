"""Carry out a plan: work on all its blocks, count them, and make the file, not yet under its final name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geosal.core.cluster.opening import open_pool
from geosal.core.grid import Block
from geosal.core.ladder import effective_kernel
from geosal.core.progress import ProgressCallback
from geosal.core.provenance import SEAL
from geosal.core.shared_raster import close_shared_rasters
from geosal.files.journal import Journal
from geosal.job.plan import Plan
from geosal.job.sealing import Sealing
from geosal.job.tags import of_the_file, tags_of
from geosal.job.tally import Tally
from geosal.job.task import BlockFacts, BlockTask, task_of
from geosal.produce import Labour, Ledger, Tags, make_file


def carry_out(plan: Plan, path: Path, report: ProgressCallback, journal: Journal | None = None) -> Tally:
    """Make the file of a plan, and return the sums over its blocks.

    Parameters
    ----------
    plan
        Plan of the job.
    path
        A new file of the output's name, in a work directory.
    report
        Called in this thread after each block and at each stage.
    journal
        Journal of the job: what a killed job has noted of the same file is taken over.

    Raises
    ------
    GeosalError
        See `geosal.compress`.
    """
    tally, sealing = Tally(plan.ladder.steps), Sealing(plan)

    def take(facts: BlockFacts) -> None:
        tally.add(facts.levels, facts.levels_valid, facts.known)
        sealing.take(facts.sealed)
        if facts.statistics:
            tally.add_statistics(facts.statistics)

    def tags() -> tuple[Tags, Sequence[Tags] | None]:
        seal = sealing.tags(path)
        tally.seal = seal.get(SEAL)
        return {**tags_of(plan, _kernel(plan, tally)), **seal}, _statistics(tally)

    labour = Labour(
        stage="smooth" if plan.treatment.smooth else "encode",
        task=sealing.task,
        blocks=list(plan.layout.grid.blocks(plan.block)),
        scheduler=plan.scheduler,
        workers=plan.workers,
        advice=plan.advice,
    )
    if journal is not None:
        journal.enter(part_of(plan))
    tally.plain_bytes = make_file(
        path,
        plan.target,
        labour,
        take=take,
        tags=tags,
        report=report,
        ledger=None if journal is None else Ledger(journal, BlockFacts.to_plain, BlockFacts.of_plain),
    )
    if journal is not None:
        tally.resumed = journal.taken
    return tally


def count(plan: Plan) -> Tally:
    """Return the sums over the blocks of a plan; nothing is treated or written."""
    tally = Tally(plan.ladder.steps)
    task = _Counting(replace(task_of(plan), smooth=False, rounding=None, statistics=False, by_level=False))
    with open_pool(plan.scheduler, plan.workers, plan.advice) as pool:
        for facts in pool.map_unordered(task, list(plan.layout.grid.blocks(plan.block))):
            tally.add(facts.levels, facts.levels_valid, facts.known)
    close_shared_rasters()
    return tally


@dataclass(frozen=True)
class _Counting:
    """Finds out the facts of a block alone."""

    task: BlockTask

    def __call__(self, block: Block) -> BlockFacts:
        return self.task(block).facts


def part_of(plan: Plan) -> dict[str, Any]:
    """Tell a file of a job from others with another setting, which a search has tried."""
    encoder = hashlib.sha256(repr(plan.target.encoder).encode()).hexdigest()
    return {
        "treated": list(plan.treatment.texts),
        "ladder": str(plan.ladder),
        "written_with": of_the_file(plan.profile.creation_options),
        "encoder": encoder,
    }


def _kernel(plan: Plan, tally: Tally) -> float:
    return effective_kernel(plan.kernels(tally.shares(valid_only=True)))


def _statistics(tally: Tally) -> Sequence[Tags] | None:
    return [band.tags(tally.pixels) for band in tally.bands] if tally.bands else None
