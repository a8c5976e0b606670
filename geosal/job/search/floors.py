"""The search for the smallest file that keeps a quality."""

from pathlib import Path

from geosal.errors import TargetError, redact
from geosal.job.plan import Plan
from geosal.job.search.judge import figure, judge_file, margin, shortfall
from geosal.job.search.knobs import Knob, knob_beyond, told
from geosal.job.search.solve import climb
from geosal.job.search.trials import Trials
from geosal.job.search.turning import Turning
from geosal.job.targets import Targets
from geosal.metrics import Scores

_CLOSE_DB = 0.05
"""Margin in dB above a floor at which trials end."""
_SPARE_DB = 0.02
"""Margin in dB to aim at above a floor, so that the error of a sample does not break it."""
_HOPELESS_DB = 1.0
"""Largest error of a sample in dB: a setting that is farther off is not tried on the whole scene."""


class FloorSearch(Turning):
    """Turns a knob until the result is just above all floors."""

    def __init__(self, targets: Targets, knob: Knob, trials: Trials) -> None:
        super().__init__(targets, knob, trials)
        self._raised = [_SPARE_DB] * len(targets.floors)
        self._scores: dict[str, Scores] = {}

    def first(self) -> Plan:
        """Find the setting by the sample alone."""
        plan = self._solve()
        doubt = _SPARE_DB if self._trials.sample.is_whole(plan) else _HOPELESS_DB
        if self._margin(plan) < -doubt:
            self._scores = self._trials.scores_of(plan)
            self.refuse(told(plan, self._knob.setting))
        return plan

    def judge(self, plan: Plan, path: Path, plain: int | None = None, size: int | None = None) -> str | None:
        """Measure a file; return None when it is good enough, else what is wrong."""
        del plain, size
        self._scores = judge_file(plan, str(path), self._trials.range_of_data)
        floors, found = self._targets.floors, told(plan, self._knob.setting)
        expected = self._trials.scores_of(plan)
        self.reached = {
            "reached": {f"{floor.measure} {floor.part}": figure(self._scores, floor) for floor in floors},
            "predicted": {f"{floor.measure} {floor.part}": figure(expected, floor) for floor in floors},
        }
        if margin(self._scores, floors, [0.0] * len(floors)) >= 0:
            return None
        self._raised = [
            more + max(0.0, shortfall(expected, self._scores, floor))
            for more, floor in zip(self._raised, floors, strict=True)
        ]
        return found

    def refuse(self, found: str) -> None:
        """Refuse a file below a floor.

        Raises
        ------
        TargetError
            Always.
        """
        best = ", ".join(
            f"{floor.measure} {floor.part} {figure(self._scores, floor):.4f}" for floor in self._targets.floors
        )
        raise TargetError(
            redact(
                f"{self._targets}: cannot be reached by {self._knob.setting}; the best is {best} with {found}; "
                "ask for less, or smooth less (--steps), or use a finer codec"
            )
        )

    def _solve(self) -> Plan:
        knob = self._knob
        plan = knob.at(self._turn(knob))
        if self._margin(plan) < 0 and (further := knob_beyond(plan, knob.setting)) is not None:
            plan = further.at(self._turn(further))
        return plan

    def _turn(self, knob: Knob) -> float:
        return climb(lambda place: self._margin(knob.at(place)), 0.0, _CLOSE_DB, knob.within, above=True)

    def _margin(self, plan: Plan) -> float:
        return margin(self._trials.scores_of(plan), self._targets.floors, self._raised)
