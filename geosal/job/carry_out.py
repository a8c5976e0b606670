"""Carry out a plan: work on all its blocks, count them, and make the file, not yet under its final name."""

from collections.abc import Sequence
from pathlib import Path

from geosal.core.ladder import effective_kernel
from geosal.core.progress import ProgressCallback
from geosal.core.provenance import SEAL
from geosal.job.plan import Plan
from geosal.job.sealing import Sealing
from geosal.job.tags import tags_of
from geosal.job.tally import Tally
from geosal.job.task import BlockFacts
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
    )
    tally.plain_bytes = make_file(
        path,
        plan.target,
        labour,
        take=take,
        tags=tags,
        report=report,
    )
    return tally


def _kernel(plan: Plan, tally: Tally) -> float:
    return effective_kernel(plan.kernels(tally.shares(valid_only=True)))


def _statistics(tally: Tally) -> Sequence[Tags] | None:
    return [band.tags(tally.pixels) for band in tally.bands] if tally.bands else None
