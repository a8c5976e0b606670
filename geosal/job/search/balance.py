"""The search for bytes where a JPEG has room to spare: what is not salient stays as good as in a plain JPEG.

A plain JPEG of the same bytes, as libjpeg writes it, is the measure. Better tables and better use of bits leave a gain
over it, and salient pixels get all of it: the gap between their quality and that of the rest is the widest at which
neither the PSNR of the rest nor the SSIM of the whole falls below those of the plain JPEG. Where every gap costs
something (a scene that is a JPEG, the lowest qualities), the usual one stays.
"""

import math
from dataclasses import replace
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

_WIDEST, _FIRST, _STEP, _FINE = 80.0, 42.0, 12.0, 0.5
"""Gaps: the widest, the first that is tried, the distance of the second, and the smallest difference that matters."""
_SPARE_DB, _CLOSE_DB = 0.04, 0.08
"""Margin to keep above the plain JPEG, and what may remain unused, in dB."""
_ALIKE = 0.005
"""Largest difference of bytes from those of the plain JPEG, as a share: it is worth 0.03 dB."""
_LITTLE = 1.5
"""Quality by which a search turns first where it begins close to its end."""
_ACROSS = 3
"""Pieces of the sample in a row and in a column, at most: a gap needs a smaller one than bytes."""


class BalancedSearch(RateSearch):
    """Finds the widest gap that costs the rest nothing, then the qualities that bring the file to its size."""

    def __init__(self, targets: Targets, knob: Knob, trials: Trials) -> None:
        super().__init__(targets, knob, trials)
        plan = trials.plan
        self._alike = plain_of(plan, self._quality_of_plain())
        few = trials
        if trials.sample.pixels > (_ACROSS * PIECE) ** 2:
            few = replace(trials, sample=Sample.draw(plan, (_ACROSS, _ACROSS)))
        self._balance = _Balance(few, self._alike)
        self._sides: list[dict[str, float | None]] = []

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
            self._knob = _near(tiles_knob(self._trials.plan, gap, self._balance.low_for(gap)))
        return super().first()

    def judge(self, plan: Plan, path: Path, plain: int | None = None) -> str | None:
        """Measure a file; return None when it is good enough, else what is wrong."""
        found = super().judge(plan, path, plain)
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
    alike
        Plan of the plain JPEG.
    """

    def __init__(self, trials: Trials, alike: Plan) -> None:
        self._trials, self._plan = trials, trials.plan
        self._plain = trials.scores_of(alike)
        self._wanted = math.log(trials.bytes_of(alike))
        self._lows: dict[float, float] = {}
        """Gap -> quality of the rest that brings the file to its size."""

    def widest_gap(self) -> float | None:
        """Return the widest gap that costs the rest nothing; None where each costs something, or all is salient."""
        if any(math.isnan(self._plain[part].psnr) for part in ("salient", "background")):
            return 0.0 if math.isnan(self._plain["salient"].psnr) else None  # finer tables would serve nothing
        margins: dict[float, float] = {}

        def margin(place: float) -> float:
            margins[place] = self._margin(-place)
            return margins[place]

        place = climb(margin, 0.0, _CLOSE_DB, Range(-_WIDEST, 0.0, -_FIRST, _STEP, _FINE), above=True)
        return -place if margins[place] >= 0 else None

    def of(self, plan: Plan) -> dict[str, float | None]:
        """Return how much better a plan is than the plain JPEG; None where there are no such pixels."""
        ours = self._trials.scores_of(plan)
        better = {f"{part}_db": ours[part].psnr - self._plain[part].psnr for part in ("salient", "background")}
        better["ssim"] = ours["whole"].ssim - self._plain["whole"].ssim
        return {name: round(value, 4) if math.isfinite(value) else None for name, value in better.items()}

    def low_for(self, gap: float) -> float | None:
        """Return about the quality of the rest at a gap, from those that are known; None at first."""
        known = sorted(self._lows, key=lambda other: abs(other - gap))[:2]
        if len(known) < 2:
            return self._lows[known[0]] if known else None
        slope = (self._lows[known[1]] - self._lows[known[0]]) / (known[1] - known[0])
        return max(1.0, self._lows[known[0]] + slope * (gap - known[0]))

    def _margin(self, gap: float) -> float:
        """Return the margin above the plain JPEG in dB, with a gap at the plain JPEG's size."""
        knob = _near(tiles_knob(self._plan, gap, self.low_for(gap)))

        def logarithm(place: float) -> float:
            return math.log(self._trials.bytes_of(knob.at(place)))

        low = self._lows[gap] = climb(logarithm, self._wanted, _ALIKE, knob.within, above=None)
        ours = self._trials.scores_of(knob.at(low))
        rest = ours["background"].psnr - self._plain["background"].psnr
        return min(rest, _structure(ours) - _structure(self._plain)) - _SPARE_DB


def _near(knob: Knob) -> Knob:
    """Return a knob that is turned little at first."""
    return replace(knob, within=replace(knob.within, step=_LITTLE))


def _structure(scores: dict[str, Scores]) -> float:
    return in_decibels("ssim", scores["whole"].ssim)
