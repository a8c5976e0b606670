"""What the searches share: a knob that is turned, trials on the sample, and full encodes that teach them."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from geosal.job.plan import Plan
from geosal.job.search.knobs import Knob
from geosal.job.search.trials import Trials, setting_of
from geosal.job.targets import Targets


class Turning(ABC):
    """Turns a knob until a file is what was asked for.

    Parameters
    ----------
    targets
        What the user asks for.
    knob
        The setting to turn.
    trials
        Trials on the sample.

    Attributes
    ----------
    reached
        Figures of the last file, for the summary.
    """

    def __init__(self, targets: Targets, knob: Knob, trials: Trials) -> None:
        self._targets, self._knob, self._trials = targets, knob, trials
        self.reached: dict[str, Any] = {}

    @abstractmethod
    def first(self) -> Plan:
        """Find the setting by the sample alone.

        Raises
        ------
        TargetError
            The sample is so far off that the scene cannot reach it.
        """

    @abstractmethod
    def judge(self, plan: Plan, path: Path) -> str | None:
        """Measure a file; None when it will do, else what is wrong."""

    def again(self, plan: Plan) -> Plan | None:
        """Find the setting anew, with what the whole file has taught; None when it is the same."""
        following = self._solve()
        return None if setting_of(following) == setting_of(plan) else following

    @property
    def fits(self) -> bool:
        """Return whether the last file would do if nothing comes closer: it is below a limit."""
        return False

    def was_better(self) -> bool:
        """Return whether the file before the last, which would do, comes closer; then it is what was reached."""
        return False

    @abstractmethod
    def refuse(self, found: str) -> None:
        """Warn where a target was not reached.

        Raises
        ------
        TargetError
            The file will not do.
        """

    @abstractmethod
    def _solve(self) -> Plan:
        """Turn the knob by the trials, and by what full encodes have taught."""
