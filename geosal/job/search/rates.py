"""The search for bytes."""

import math
from contextlib import suppress
from pathlib import Path

import numpy as np

from geosal.core.ladder import MAX_STEPS
from geosal.errors import TargetError, UsageError, redact, warn
from geosal.formats.profiles import lossy_profiles
from geosal.formats.tuning import Setting
from geosal.job.plan import Plan, answered
from geosal.job.search.knobs import Knob, knob_for, sigma_knob, told
from geosal.job.search.plain import expected_bytes
from geosal.job.search.sample import file_bytes
from geosal.job.search.solve import climb
from geosal.job.search.trials import Trials, spread_of
from geosal.job.search.turning import Turning
from geosal.job.targets import Targets
from geosal.sizes import as_bytes

_TOLERANCE = 0.01
"""Tolerance of a target, as a share of the bytes."""
_USUAL_TOLERANCE = 0.02
"""The same for the usual size of a JPEG: nobody has asked for it, and a second encode takes as long again."""
_AIM = 0.997
"""Share of the bytes to aim at where they are a limit, which the file must not exceed."""
_CLOSE = 0.002
"""Distance from the aim, as a share of the bytes, at which trials end; below the aim where it is a limit."""
_HOPELESS = 0.15
"""Largest error of a sample, as a share: a setting that is farther off is not tried on the whole scene."""


class RateSearch(Turning):
    """Turns a knob until the file has the right size.

    Parameters
    ----------
    targets, knob, trials
        See `Turning`.
    """

    def __init__(self, targets: Targets, knob: Knob, trials: Trials) -> None:
        super().__init__(targets, knob, trials)
        self._asked = expected_bytes(trials.plan, trials)
        self._ratio = 1.0
        """Ratio of a whole file's bytes to what the sample predicts."""
        self._bytes = 0
        self._encoded: list[dict[str, int]] = []

    def first(self) -> Plan:
        """Find the setting by the sample alone."""
        plan = self._solve()
        predicted = self._predicted(plan)
        doubt = _TOLERANCE if self._trials.sample.is_whole(plan) else _HOPELESS
        off = predicted / self._asked - 1
        is_hopeless = off > doubt or (off < -doubt and not self._targets.is_limit)
        if is_hopeless and not self._trials.plan.is_usual:
            self._bytes = round(predicted)
            raise self._error(plan, "about ")
        return plan

    def judge(self, plan: Plan, path: Path, plain: int | None = None, size: int | None = None) -> str | None:
        """Measure a file; return None when it is good enough, else what is wrong.

        The sample has predicted the bytes of the plain JPEG that the targets name; `plain` are those that were counted.
        """
        self._asked = plain or self._asked
        self._bytes = file_bytes(path) if size is None else size
        predicted = self._predicted(plan)
        self._ratio *= self._bytes / predicted if predicted else 1.0
        self._encoded.append({"predicted_bytes": round(predicted), "bytes": self._bytes})
        self.reached = {"asked_bytes": self._asked, "reached_bytes": self._bytes, "encoded": self._encoded}
        if self._targets.jpeg is not None:
            self.reached["plain_bytes"] = self._asked
        off = self._bytes / self._asked - 1
        tolerance = _USUAL_TOLERANCE if self._trials.plan.is_usual else _TOLERANCE
        within = -tolerance <= off <= (0.0 if self._targets.is_limit else tolerance)
        return None if within else told(plan, self._knob.setting)

    @property
    def fits(self) -> bool:
        """Return whether the last file is below a limit: it then suffices if no other comes closer."""
        return self._targets.is_limit and self._bytes <= self._asked

    def was_better(self) -> bool:
        """Return whether the file before the last is below a limit and comes closer to it; then it is the result."""
        before = self._encoded[-2]["bytes"]
        if before < self._bytes <= self._asked:
            return False
        self._bytes = before
        self.reached["reached_bytes"] = before
        return True

    def refuse(self, found: str) -> None:
        """Warn where the file is below a limit or the user gave no target; refuse every other miss.

        Raises
        ------
        TargetError
            The file is above a limit, or misses a rate by more than 1 %.
        """
        if self._targets.is_limit and self._bytes <= self._asked:
            warn(
                f"{self._targets}: the output takes {self._bytes} bytes, {100 - 100 * self._bytes / self._asked:.1f} % "
                f"below the limit, with {found}; nothing comes closer"
            )
            return
        if self._trials.plan.is_usual:
            warn(
                f"the output takes {self._bytes} bytes, a plain JPEG of quality {self._targets.jpeg:g} {self._asked}; "
                f"nothing comes closer than {found}; say --target-jpeg or --co QUALITY= for another size"
            )
            return
        raise self._error(self._trials.plan, "", found)

    def _error(self, plan: Plan, about: str, found: str = "") -> TargetError:
        grid = plan.layout.grid
        rate = 8 * self._bytes / (grid.height * grid.width)
        found = found or told(plan, self._knob.setting)
        return TargetError(
            redact(
                f"{self._targets}: cannot be reached by {self._knob.setting}; {as_bytes(self._asked)} were asked for, "
                f"the best is {about}{as_bytes(self._bytes)} ({rate:.4g} bits per pixel) with {found}; {self._mend()}"
            )
        )

    def _mend(self) -> str:
        """Return advice on what else to ask for."""
        more = self._bytes > self._asked
        if self._targets.jpeg is not None:
            return f"give --target-jpeg a {'higher' if more else 'lower'} quality, or use another --treatment"
        if not more:
            return "ask for fewer bytes"
        plan = self._trials.plan
        tighter = lossy_profiles(plan.recipe.output, plan.scene.layout) if plan.profile.lossless else ()
        reaching = [name for name in tighter if self._reaches(name)]
        codec = "write fewer pixels" if tighter else "use a tighter codec"
        if reaching:
            codec = f"use --profile {' or '.join(reaching)}, which reaches it on a sample"
        if plan.profile.lossless and np.dtype(plan.layout.dtype).itemsize > 1 and plan.treatment.then is None:
            codec = f"add an error: --treatment smooth --treatment bound, or {codec}"
        # The ladder is at its end where it is what was turned.
        at_end = self._knob.setting is Setting.LADDER or plan.recipe.steps == MAX_STEPS
        smoother = "smooth more, or " if plan.treatment.smooth and not at_end else ""
        return f"ask for more bytes, or {smoother}{codec}"

    def _reaches(self, profile: str) -> bool:
        """Return whether a profile comes to so few bytes on the sample, at its lowest setting."""
        plan, trials = self._trials.plan, self._trials
        with suppress(UsageError):  # it does not go with the rest of the recipe
            other = answered(plan, plan.recipe.patch(profile=profile, treatment=None, creation_options=()))
            knob = knob_for(other, spread_of(trials.sample))
            lowest = knob.at(knob.within.low)
            return Trials(lowest, trials.sample, trials.folder).bytes_of(lowest) <= self._asked
        return False

    def _predicted(self, plan: Plan) -> float:
        return self._trials.bytes_of(plan) * self._ratio

    def _solve(self) -> Plan:
        """Turn the knob; after the ladder, which has whole steps, turn sigma."""
        is_limit = self._targets.is_limit
        wanted = math.log(self._asked * (_AIM if is_limit else 1.0))

        def turn(knob: Knob, *, above: bool | None) -> float:
            def logarithm(place: float) -> float:
                return math.log(self._predicted(knob.at(place)))

            return climb(logarithm, wanted, _CLOSE, knob.within, above=above)

        either = False if is_limit else None
        in_steps = self._knob.setting is Setting.LADDER
        plan = self._knob.at(turn(self._knob, above=False if in_steps else either))
        if in_steps and abs(math.log(self._predicted(plan)) - wanted) > _CLOSE:
            finer = sigma_knob(plan)
            plan = finer.at(turn(finer, above=either))
        return plan
