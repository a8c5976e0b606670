"""What a job does to pixels, in words for people."""

from collections.abc import Mapping

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Bound, Quality, TwoPass
from geosal.job.plan import Plan
from geosal.sizes import as_percent

_NONE = 0.0005
"""Share of the pixels below which none is said."""


def of_pixels(plan: Plan, shares: Mapping[int, float], *, will: bool = False) -> str:
    """Say what stays as it is and what becomes of the rest, in a sentence.

    Parameters
    ----------
    plan
        Plan of the job.
    shares
        Share of each kernel width of the ladder.
    will
        The job is to come.
    """
    then, widest, kept = plan.treatment.then, max(shares), shares.get(1, 0.0)
    stay, are = ("will stay", "will be") if will else ("stayed", "are")
    rest = []
    if plan.treatment.smooth and widest > 1:
        rest.append(f"blurred by up to {widest} px")
    match then:
        case Bound():
            off = "then rounded" if rest else "off"  # by so much from what the blur has made of them
            rest.append(f"{off} by at most {then.settled(plan.layout.dtype).error:g}")
        case Quality() if will and plan.recipe.targets:
            rest.append("coded less well, as the target asks")
        case Quality(low, high) | TwoPass(low, high) if low is not None and high is not None:
            rest.append(f"coded at a quality down to {low:.4g} of {high:.4g}")
    done = f"{are} {' and '.join(rest)}" if rest and kept < 1 else ""
    if not plan.keeps_salient:
        all_ = f"; pixels {done}" if done else ""
        return f"No pixel has to stay exactly as it was: {plan.profile.name} may lose a little everywhere{all_}."
    if kept < _NONE:
        return f"No pixel has to stay exactly as it was; all {done}." if done else "No pixel has to stay as it was."
    others = f"; the others {done}" if done else ""
    counted = "the pixels"
    if _has_invalid(plan.layout):
        counted = "all pixels, those without data too," if will else "the valid pixels"
    return f"{as_percent(kept)} % of {counted} {stay} exactly as they were{others}."


def _has_invalid(layout: RasterLayout) -> bool:
    """Return whether some pixels may count for nothing: a plan counts them, a job does not."""
    return layout.nodata is not None or layout.has_mask or layout.alpha is not None
