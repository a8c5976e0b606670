"""Carry out a plan: work on all its blocks, count them, and make the file, not yet under its final name."""

from collections.abc import Sequence
from pathlib import Path

from geosal.core.ladder import effective_kernel
from geosal.core.progress import ProgressCallback
from geosal.job.plan import Plan
from geosal.job.tags import tags_of
from geosal.job.tally import Tally
from geosal.job.task import BlockFacts, task_of
from geosal.produce import Labour, Tags, make_file


def carry_out(plan: Plan, path: Path, report: ProgressCallback) -> Tally:
    """Make the file of a plan, and return the sums over its blocks.

    Parameters
    ----------
    plan
        Plan of the job.
    path
        A new file of the output's name, in a work directory.
    report
        Called in this thread after each block and at each stage.

    Raises
    ------
    GeosalError
        See `geosal.compress`.
    """
    tally = Tally(plan.ladder.steps)

    def take(facts: BlockFacts) -> None:
        tally.add(facts.levels, facts.levels_valid, facts.known)
        if facts.statistics:
            tally.add_statistics(facts.statistics)

    labour = Labour(
        stage="smooth" if plan.treatment.smooth else "encode",
        task=task_of(plan),
        blocks=list(plan.layout.grid.blocks(plan.block)),
        scheduler=plan.scheduler,
        workers=plan.workers,
    )
    tally.plain_bytes = make_file(
        path,
        plan.target,
        labour,
        take=take,
        tags=lambda: (tags_of(plan, _kernel(plan, tally)), _statistics(tally)),
        report=report,
    )
    return tally


def _kernel(plan: Plan, tally: Tally) -> float:
    return effective_kernel(plan.kernels(tally.shares(valid_only=True)))


def _statistics(tally: Tally) -> Sequence[Tags] | None:
    return [band.tags(tally.pixels) for band in tally.bands] if tally.bands else None
