"""The plain JPEG that a target names: the same scene by the same encoder, without a treatment."""

from dataclasses import replace
from pathlib import Path

from geosal.core.treatment import NOTHING
from geosal.job.carry_out import carry_out
from geosal.job.plan import Plan
from geosal.job.search.trials import Trials
from geosal.produce import ProgressCallback, target_for


def plain_of(plan: Plan, quality: float) -> Plan:
    """Plan the plain JPEG of a job.

    Parameters
    ----------
    plan
        Plan of the job.
    quality
        Quality of the whole JPEG.
    """
    options = dict(plan.profile.creation_options) | {"QUALITY": f"{quality:.10g}"}
    profile = replace(plan.profile, creation_options=tuple(options.items()))
    target = target_for(
        plan.target.output, profile, plan.scene.layout, overwrite=plan.target.overwrite, treatment=NOTHING
    )
    return replace(plan, target=replace(target, threads=plan.target.threads))


def expected_bytes(plan: Plan, trials: Trials) -> int:
    """Return the bytes that a plan's targets ask for; those of a plain JPEG are predicted from a sample."""
    targets, grid = plan.recipe.targets, plan.layout.grid
    if targets.jpeg is None:
        return targets.bytes_for(grid.height * grid.width, plan.raw_bytes)
    return round(trials.bytes_of(plain_of(plan, targets.jpeg)))


def made_bytes(plan: Plan, path: Path, report: ProgressCallback) -> int | None:
    """Make the plain JPEG at a path, return its size and delete it; None where no target names one."""
    quality = plan.recipe.targets.jpeg
    if quality is None:
        return None
    carry_out(plain_of(plan, quality), path, report)
    size = path.stat().st_size
    path.unlink()
    return size
