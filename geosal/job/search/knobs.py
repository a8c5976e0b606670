"""One setting of a plan as a number: a larger one gives more bytes, and a result closer to the scene."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from geosal.core.ladder import MAX_STEPS, USUAL_SIGMA, Ladder
from geosal.core.treatment import BEST, Bound, Quality
from geosal.errors import UsageError
from geosal.formats.quality import Percent, QpScale
from geosal.formats.tuning import Setting, setting_for
from geosal.job.plan import Plan, retuned
from geosal.job.search.solve import Range

_FINE = 0.01
"""Smallest step of a quality."""
_DIGITS = 6
"""Significant digits of a setting: more are hard to read, and change nothing."""
_NEARLY_LOSSLESS = 99.5
"""Largest quality short of lossless: WebP is lossless at 100, and JPEG's tables no longer change above this."""
_ENOUGH = 92.0
"""Quality at which a search leaves salient tiles as long as others are below it: more does not show there."""
_LEAST_FACTOR, _MOST_FACTOR = 0.02, 1.0
"""Limits of sigma over kernel width: below the first a kernel changes nothing, beyond the second it is a plain mean."""
_WIDEST_ALIKE = 0.8 / 3
"""Factor from which every kernel is at least as wide as the rule "opencv" makes it."""


@dataclass(frozen=True, eq=False)
class Knob:
    """A setting that can be changed step by step.

    Attributes
    ----------
    setting
        What is turned.
    within
        Range in which it can be turned.
    at
        Function that makes the plan with the knob at a position.
    treats
        Whether pixels must be treated again at each position, not only encoded.
    """

    setting: Setting
    within: Range
    at: Callable[[float], Plan]
    treats: bool = False


def knob_for(plan: Plan, spread: float) -> Knob:
    """Choose the knob of a plan; for the ladder it is the number of steps.

    Parameters
    ----------
    plan
        Plan of the job.
    spread
        Width of the range of the scene's samples.

    Raises
    ------
    UsageError
        The job has nothing to turn.
    """
    targets, given = plan.recipe.targets, dict(plan.settings.options)
    setting = setting_for(plan.profile, plan.treatment, given, for_bytes=targets.is_rate)
    return _MAKERS[setting](_freed(plan), spread)


def _freed(plan: Plan) -> Plan:
    """Return the plan without its targets: a plan that a knob makes has the setting instead."""
    recipe = plan.recipe.patch(
        target_bpp=None, target_size=None, target_ratio=None, target_jpeg=None, min_psnr=(), min_ssim=()
    )
    return replace(plan, recipe=recipe)


def _quality(plan: Plan, spread: float) -> Knob:
    if isinstance(plan.profile.codec.scale, QpScale):
        return _qp(plan, spread)
    whole = plan.target.gdal_because is not None  # GDAL takes no fractions
    fineness, best = (1.0, math.floor(_NEARLY_LOSSLESS)) if whole else (_FINE, _NEARLY_LOSSLESS)

    def at(place: float) -> Plan:
        return retuned(plan, plan.settings.with_option("QUALITY", f"{round(place, 2):.10g}"))

    return Knob(Setting.QUALITY, Range(1, best, 75, 12, fineness), at)


def _qp(plan: Plan, _: float) -> Knob:
    """Make the knob of HEVC's QP: what is left up to the worst."""

    def at(place: float) -> Plan:
        return retuned(plan, plan.settings.with_option("QUALITY", str(round(QpScale.qp(place)))))

    return Knob(Setting.QUALITY, Range(1, QpScale.top, QpScale.top - 28, 4, 1), at)


def _rate(plan: Plan, _: float) -> Knob:
    """Make the knob of the rate: the logarithm of the percentage of raw bytes."""

    def at(place: float) -> Plan:
        return retuned(plan, plan.settings.with_option("QUALITY", f"{min(BEST, 2**place):.6g}"))

    return Knob(Setting.RATE, Range(math.log2(0.01), math.log2(BEST), math.log2(10), 1.5, 1e-4), at)


def _largest_error(plan: Plan, spread: float) -> Knob:
    """Make the knob of LERC's largest error: its logarithm for floats, that of the error plus one for integers."""
    whole = not plan.layout.dtype.startswith("float")

    def at(place: float) -> Plan:
        error = 2**-place - whole
        if not whole:
            return retuned(plan, plan.settings.with_option("MAX_Z_ERROR", f"{error:.17g}"))
        bound = math.ceil(error - _FINE)
        turned = retuned(plan, plan.settings.with_option("MAX_Z_ERROR", str(bound)))
        target, share = turned.target, max(0.0, bound - error)
        if target.gdal_because is not None or share < _FINE:
            return turned
        encoder = turned.profile.format.with_finer_tiles(target.own_encoder, share)
        return replace(turned, target=replace(target, encoder=encoder))

    if whole:
        return Knob(Setting.MAX_Z_ERROR, Range(-math.log2(1 + spread / 2), 0, -2, 1, 1e-3), at)
    start = -math.log2(spread / 1000)
    return Knob(Setting.MAX_Z_ERROR, Range(-math.log2(spread), start + 20, start, 2, 1e-4), at)


def _bound(plan: Plan, spread: float) -> Knob:
    """Make the knob of the treatment's largest error: the logarithm of it for floats, of it plus one for integers.

    Integers have whole errors; between two of them a share of the scene has the smaller one.
    """
    dtype = plan.layout.dtype

    def at(place: float) -> Plan:
        return _treated(plan, Bound(_to_digits(2**-place)))

    def at_whole(place: float) -> Plan:
        error = 2**-place - 1
        bound = max(1, math.ceil(error - _FINE))
        finer = round(min(1.0, bound - error), 3)
        return _treated(plan, Bound(float(bound), finer if finer >= _FINE else None))

    if not dtype.startswith("float"):
        limits = np.iinfo(dtype)
        widest = min(max(2.0, spread / 2), (int(limits.max) - int(limits.min)) // 2)
        return Knob(Setting.BOUND, Range(-math.log2(1 + widest), 0, -math.log2(5), 1, 1e-3), at_whole, True)
    start = -math.log2(spread / 1000)
    return Knob(Setting.BOUND, Range(-math.log2(spread), start + 20, start, 1, 1e-3), at, True)


def _tiles(plan: Plan, _: float) -> Knob:
    """Make the knob of the treatment's qualities: one that the user gave for salient tiles stays, the rest moves."""
    settled = plan.treatment.then
    if not isinstance(settled, Quality):
        raise TypeError(f"{plan.treatment} has no qualities to turn")
    low, high = settled.low or 1.0, settled.high or BEST
    return _of_tiles(plan, high, high - low, low)


def tiles_knob(plan: Plan, gap: float, start: float | None = None) -> Knob:
    """Make a knob of the treatment's qualities that keeps them at a distance of each other.

    Parameters
    ----------
    plan
        Plan of the job, with a treatment that leaves both open.
    gap
        Distance, in units of quality.
    start
        Lower quality that is tried first.
    """
    settled = plan.treatment.then
    if not isinstance(settled, Quality) or settled.high is None:
        raise TypeError(f"{plan.treatment} has no qualities to turn")
    return _of_tiles(_freed(plan), settled.high, gap, start or max(1.0, settled.high - gap))


def _of_tiles(plan: Plan, high: float, gap: float, start: float) -> Knob:
    asked = plan.settings.treatment.then
    tables = plan.profile.format.is_jpeg and "QUALITY" in {name.upper() for name, _ in plan.settings.options}
    fixed = tables or (isinstance(asked, Quality) and asked.high is not None)
    free = replace(plan, settings=plan.settings.without_option("QUALITY"))  # the treatment sets it
    top = high if fixed or high == BEST else _NEARLY_LOSSLESS
    least = 1.0
    enough = _ENOUGH if isinstance(plan.profile.codec.scale, Percent) else top

    def at(place: float) -> Plan:
        best = high if fixed else min(top, max(least, place, min(enough, place + gap)))
        return _treated(free, Quality(_to_digits(min(max(least, place), best)), _to_digits(best)))

    bottom = least if fixed else least - gap  # at last both are the least
    return Knob(Setting.TILES, Range(bottom, top, start, max(least, start / 4), least / 100), at)


def _steps(plan: Plan, _: float) -> Knob:
    def at(place: float) -> Plan:
        return retuned(plan, replace(plan.settings, ladder=Ladder(-round(place), plan.ladder.sigma)))

    return Knob(Setting.LADDER, Range(-MAX_STEPS, -1, -plan.ladder.steps, 4, 1), at, True)


def sigma_knob(plan: Plan) -> Knob:
    """Turn sigma, at the steps of a plan, from kernels that do nothing to plain means."""
    ladder = plan.ladder
    start = _factor(ladder)

    def at(place: float) -> Plan:
        return retuned(plan, replace(plan.settings, ladder=Ladder(ladder.steps, f"{2**-place:.5f}*K")))

    ends = -math.log2(max(_MOST_FACTOR, start)), -math.log2(_LEAST_FACTOR)
    return Knob(Setting.LADDER, Range(*ends, -math.log2(start), 0.5, 1e-3), at, True)


def knob_beyond(plan: Plan, setting: Setting) -> Knob | None:
    """Return what can still be turned for quality where a knob is at its end; None where that is all.

    Parameters
    ----------
    plan
        The plan with the knob at its end.
    setting
        What the knob turns.
    """
    match setting:
        case Setting.LADDER if plan.ladder.steps == 1:
            return sigma_knob(plan)
        case Setting.QUALITY | Setting.TILES:
            return _lossless(plan, setting)
    return None


def _lossless(plan: Plan, setting: Setting) -> Knob | None:
    """Make the knob of a quality of 100, where a codec that loses below it is lossless, as WebP is.

    Of tiles, the salient ones have it, and the others come up to them from the usual distance.
    """
    best = plan.profile.options | {"QUALITY": f"{BEST:g}"}
    if not plan.profile.format.is_lossless(plan.profile.codec, best):
        return None
    asked, settled = plan.settings.treatment.then, plan.treatment.then
    if setting is Setting.QUALITY:
        turned = retuned(plan, plan.settings.with_option("QUALITY", f"{BEST:g}"))
        return Knob(setting, Range(BEST, BEST, BEST, 1, 1), lambda _: turned)
    if not isinstance(asked, Quality) or not isinstance(settled, Quality) or settled.high != _NEARLY_LOSSLESS:
        return None  # the user has fixed it
    try:
        least = _treated(plan, Quality(high=BEST)).treatment.then
    except UsageError:  # not with alpha
        return None
    low = least.low if isinstance(least, Quality) and least.low is not None else 1.0

    def at(place: float) -> Plan:
        return _treated(plan, Quality(_to_digits(place), BEST))

    return Knob(setting, Range(low, BEST, low, (BEST - low) / 2, _FINE), at)


def _factor(ladder: Ladder) -> float:
    """Return the factor of the rule ``FACTOR*K`` whose kernels are as wide as a ladder's."""
    if ladder.sigma == USUAL_SIGMA:
        return _WIDEST_ALIKE
    return ladder.sigma_of(ladder.widths[-1]) / ladder.widths[-1]


def told(plan: Plan, setting: Setting) -> str:
    """Return the setting of a knob in the user's own words: options of the command line."""
    options = {name.upper(): value for name, value in plan.settings.options}
    match setting:
        case Setting.QUALITY | Setting.RATE:
            return f"--co QUALITY={options.get('QUALITY', '')}"
        case Setting.MAX_Z_ERROR:
            finer = getattr(plan.target.encoder, "finer", 0.0)
            some = f" ({100 * finer:.0f} % of the tiles at one less)" if finer else ""
            return f"--co MAX_Z_ERROR={options.get('MAX_Z_ERROR', '')}{some}"
        case Setting.LADDER:
            return f"--steps {plan.ladder.steps} --sigma {plan.ladder.sigma}"
        case _:
            return " ".join(f"--treatment {text}" for text in plan.settings.treatment.texts)


def _treated(plan: Plan, then: Bound | Quality) -> Plan:
    """Return the plan with another second step of its treatment."""
    return retuned(plan, replace(plan.settings, treatment=replace(plan.settings.treatment, then=then)))


def _to_digits(value: float) -> float:
    """Round a number above 0 to `_DIGITS` significant digits."""
    return round(value, _DIGITS - 1 - math.floor(math.log10(value)))


_MAKERS: dict[Setting, Callable[[Plan, float], Knob]] = {
    Setting.QUALITY: _quality,
    Setting.RATE: _rate,
    Setting.MAX_Z_ERROR: _largest_error,
    Setting.LADDER: _steps,
    Setting.TILES: _tiles,
    Setting.BOUND: _bound,
}
