"""The search for bytes where a JPEG has room to spare: what is not salient stays as good as in a plain JPEG.

A plain JPEG of the same bytes, as libjpeg writes it, is the measure. Better tables and better use of bits leave a gain
over it, and salient pixels get all of it: the gap between their quality and that of the rest is the widest at which
neither the PSNR of the rest nor the SSIM of the whole falls below those of the plain JPEG. Where every gap costs
something (a scene that is a JPEG, the lowest qualities), the usual one stays.
"""

import math
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from geosal.core.treatment import Quality
from geosal.job.plan import Plan
from geosal.job.search.judge import in_decibels
from geosal.job.search.knobs import Knob, tiles_knob
from geosal.job.search.places import PIECE
from geosal.job.search.plain import plain_of
from geosal.job.search.rates import RateSearch
from geosal.job.search.sample import Sample
from geosal.job.search.solve import Range, climb
from geosal.job.search.trials import Trials
from geosal.job.targets import Targets
from geosal.metrics import Scores

_WIDEST, _FIRST, _STEP, _FINE = 80.0, 42.0, 12.0, 0.25
"""Gaps: the widest, the first that is tried, the distance of the second, and the smallest difference that matters."""
_SPARE_DB, _CLOSE_DB = 0.04, 0.04
"""Margin to keep above the plain JPEG, and what may remain unused, in dB."""
_MARGIN_PER_GAP = 0.05
"""dB that the rest loses for each unit of the gap, where a search looks next; 0.03 to 0.07 on the benchmark's crops."""
_ALIKE, _NEAR = 0.005, 0.01
"""Largest difference of bytes from those of the plain JPEG, as a share, of its quality and of a gap's trial."""
_DB_OF_BYTES = 6.0
"""dB for a unit of the logarithm of bytes, by which a margin is brought to the plain JPEG's bytes."""
_LITTLE = 1.5
"""Quality by which a search turns first where it begins close to its end."""
_LOWER, _LOWER_EACH = 0.55, 0.7
"""How far the rest lies below the plain JPEG's quality for a unit of the gap, and below what another gap has shown:
where a search begins."""
_BYTES_OF_QUALITY = 0.025
"""The same for the logarithm of bytes and a unit of quality."""
_ACROSS = 3
"""Pieces of the sample in a row and in a column, at most: a gap needs a smaller one than bytes."""


class BalancedSearch(RateSearch):
    """Finds the widest gap that costs the rest nothing, then the qualities that bring the file to its size."""

    def __init__(self, targets: Targets, knob: Knob, trials: Trials) -> None:
        super().__init__(targets, knob, trials)
        self._sides: list[dict[str, float | None]] = []

    @cached_property
    def _balance(self) -> "_Balance":
        """Made at the first trial, of a sample that may be smaller."""
        few = self._trials
        if few.sample.pixels > (_ACROSS * PIECE) ** 2:
            few = replace(few, sample=Sample.draw(few.plan, (_ACROSS, _ACROSS)))
        return _Balance(few, self._quality_of_plain())

    @staticmethod
    def suits(plan: Plan) -> bool:
        """Return whether a plan asks for bytes, and leaves both qualities of a JPEG open."""
        return (
            plan.recipe.targets.is_rate
            and not plan.treatment.smooth
            and plan.settings.treatment.then == Quality()
            and "QUALITY" not in {name.upper() for name, _ in plan.settings.options}
            and plan.target.gdal_because is None
            and plan.profile.format.plain(plan.target.own_encoder, 75) is not None
        )

    def first(self) -> Plan:
        """Find the gap and the setting by the sample alone."""
        gap = self._balance.widest_gap()
        if gap is not None:
            self._knob = self._balance.knob_for(gap)
        return super().first()

    def judge(self, plan: Plan, path: Path, plain: int | None = None, size: int | None = None) -> str | None:
        """Measure a file; return None when it is good enough, else what is wrong."""
        found = super().judge(plan, path, plain, size)
        self.reached["beside_plain"] = self._balance.of(plan)
        self._sides.append(self.reached["beside_plain"])
        return found

    def was_better(self) -> bool:
        """Return whether the file before the last is the result; see `RateSearch`."""
        better = super().was_better()
        if better:
            self.reached["beside_plain"] = self._sides[-2]
        return better

    def _quality_of_plain(self) -> float:
        """Find the plain JPEG that takes the bytes of the target."""
        if self._targets.jpeg is not None:
            return self._targets.jpeg

        def logarithm(quality: float) -> float:
            return math.log(self._predicted(plain_of(self._trials.plan, quality)))

        return climb(logarithm, math.log(self._asked), _ALIKE, Range(1, 100, 75, 10, 0.1), above=None)


class _Balance:
    """What salient pixels and the rest gain over a plain JPEG, on a sample.

    Parameters
    ----------
    trials
        Trials on the sample.
    quality
        Quality of the plain JPEG.
    """

    def __init__(self, trials: Trials, quality: float) -> None:
        self._trials, self._plan, self._quality = trials, trials.plan, quality
        alike = plain_of(trials.plan, quality)
        self._wanted = math.log(trials.bytes_of(alike))
        self._plain = trials.scores_of(alike)
        self._lows: dict[float, float] = {}
        """Gap -> quality of the rest that brings the file to its size."""
        self._slope = _BYTES_OF_QUALITY

    def widest_gap(self) -> float | None:
        """Return the widest gap that costs the rest nothing; None where each costs something, or all is salient."""
        if any(math.isnan(self._plain[part].psnr) for part in ("salient", "background")):
            return 0.0 if math.isnan(self._plain["salient"].psnr) else None  # finer tables would serve nothing
        margins: dict[float, float] = {}

        def margin(place: float) -> float:
            margins[place] = self._margin(-place)
            return margins[place]

        within = Range(-_WIDEST, 0.0, -_FIRST, _STEP, _FINE, _MARGIN_PER_GAP)
        place = climb(margin, 0.0, _CLOSE_DB, within, above=True)
        return -place if margins[place] >= 0 else None

    def of(self, plan: Plan) -> dict[str, float | None]:
        """Return how much better a plan is than the plain JPEG; None where there are no such pixels."""
        ours = self._trials.scores_of(plan)
        better = {f"{part}_db": ours[part].psnr - self._plain[part].psnr for part in ("salient", "background")}
        better["ssim"] = ours["whole"].ssim - self._plain["whole"].ssim
        return {name: round(value, 4) if math.isfinite(value) else None for name, value in better.items()}

    def knob_for(self, gap: float) -> Knob:
        """Make the knob of a gap that begins about where it will end."""
        knob = tiles_knob(self._plan, gap, self._low_for(gap))
        return replace(knob, within=replace(knob.within, step=_LITTLE, slope=self._slope))

    def _low_for(self, gap: float) -> float:
        """Return about the quality of the rest at a gap."""
        known = sorted(self._lows, key=lambda other: abs(other - gap))[:2]
        if not known:
            return max(1.0, self._quality - _LOWER * gap)
        each = -_LOWER_EACH
        if len(known) > 1:
            each = (self._lows[known[1]] - self._lows[known[0]]) / (known[1] - known[0])
        return max(1.0, self._lows[known[0]] + each * (gap - known[0]))

    def _margin(self, gap: float) -> float:
        """Return the margin above the plain JPEG in dB, with a gap at the plain JPEG's size."""
        knob, found = self.knob_for(gap), dict[float, float]()

        def logarithm(place: float) -> float:
            found[place] = math.log(self._trials.bytes_of(knob.at(place)))
            return found[place]

        low = climb(logarithm, self._wanted, _NEAR, knob.within, above=None)
        excess = logarithm(low) - self._wanted
        self._learn(found, low)
        self._lows[gap] = low - excess / self._slope
        ours = self._trials.scores_of(knob.at(low))
        rest = ours["background"].psnr - self._plain["background"].psnr
        return min(rest, _structure(ours) - _structure(self._plain)) - _DB_OF_BYTES * excess - _SPARE_DB

    def _learn(self, found: dict[float, float], low: float) -> None:
        """Take the slope of bytes from the two trials of a gap that are nearest to its end."""
        near = sorted(found, key=lambda other: abs(other - low))[:2]
        if len(near) > 1 and (found[near[1]] - found[near[0]]) * (near[1] - near[0]) > 0:
            self._slope = (found[near[1]] - found[near[0]]) / (near[1] - near[0])


def _structure(scores: dict[str, Scores]) -> float:
    return in_decibels("ssim", scores["whole"].ssim)
