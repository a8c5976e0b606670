"""The frame of both searches: a knob, trials on the sample, and corrections from full encodes."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from geosal.job.plan import Plan
from geosal.job.search.knobs import Knob
from geosal.job.search.trials import Trials, setting_of
from geosal.job.targets import Targets


class Turning(ABC):
    """Turns a knob until a file meets the targets.

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
    def judge(self, plan: Plan, path: Path, plain: int | None = None, size: int | None = None) -> str | None:
        """Measure a file; return None when it is good enough, else what is wrong.

        Parameters
        ----------
        plan, path
            The file, and the plan that made it.
        plain
            Bytes of the plain JPEG that was counted beside it, if one was.
        size
            Its own bytes, where it is there no more.
        """

    def again(self, plan: Plan) -> Plan | None:
        """Find the setting again, corrected by the whole file; None when it is the same."""
        following = self._solve()
        return None if setting_of(following) == setting_of(plan) else following

    @property
    def fits(self) -> bool:
        """Return whether the last file suffices if no other comes closer: it is below a limit."""
        return False

    def was_better(self) -> bool:
        """Return whether the file before the last suffices and comes closer; then it is the result."""
        return False

    @abstractmethod
    def refuse(self, found: str) -> None:
        """Refuse a file that misses its target; warn where it may be kept.

        Raises
        ------
        TargetError
            The file is not good enough.
        """

    @abstractmethod
    def _solve(self) -> Plan:
        """Turn the knob by trials, corrected by full encodes."""
