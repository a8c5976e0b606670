"""The plain JPEG that a target names: the same scene without a treatment, as libjpeg writes it."""

from dataclasses import replace

from geosal.core.treatment import NOTHING
from geosal.formats.format import Profile
from geosal.job.plan import Plan
from geosal.job.search.trials import Trials
from geosal.produce import target_for


def plain_of(plan: Plan, quality: float) -> Plan:
    """Plan the plain JPEG of a job, as libjpeg writes it.

    Parameters
    ----------
    plan
        Plan of the job; its format has a plain JPEG (`Format.plain`).
    quality
        Quality of the whole JPEG.
    """
    options = dict(plan.profile.creation_options) | {"QUALITY": f"{quality:.10g}"}
    plain = untreated(plan, replace(plan.profile, creation_options=tuple(options.items())))
    encoder = plain.profile.format.plain(plain.target.own_encoder, quality)
    if encoder is None:
        raise TypeError(f"{plain.profile.name} has no plain JPEG")
    return replace(plain, target=replace(plain.target, encoder=encoder))


def untreated(plan: Plan, profile: Profile | None = None) -> Plan:
    """Plan the same output with pixels that are left as they are.

    Parameters
    ----------
    plan
        Plan of the job.
    profile
        Another one of the same format; the plan's own where None.
    """
    target = target_for(
        plan.target.output,
        profile or plan.profile,
        plan.scene.layout,
        overwrite=plan.target.overwrite,
        treatment=NOTHING,
    )
    return replace(plan, target=replace(target, threads=plan.target.threads))


def expected_bytes(plan: Plan, trials: Trials) -> int:
    """Return the bytes that a plan's targets ask for; those of a plain JPEG are predicted from a sample."""
    targets, grid = plan.recipe.targets, plan.layout.grid
    if targets.jpeg is None:
        return targets.bytes_for(grid.height * grid.width, plan.raw_bytes)
    return round(trials.bytes_of(plain_of(plan, targets.jpeg)))


def counting(plan: Plan, quality: float) -> Plan:
    """Return the plan with an encoder that counts the bytes of the plain JPEG beside its own.

    Where pixels are smoothed the encoder does not see the scene's: nothing is counted then.

    Parameters
    ----------
    plan
        Plan of the job.
    quality
        Quality of the plain JPEG.
    """
    if plan.treatment.smooth:
        return plan
    encoder = plan.profile.format.counting(plan.target.own_encoder, quality)
    return replace(plan, target=replace(plan.target, encoder=encoder))
