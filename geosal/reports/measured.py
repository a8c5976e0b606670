"""The numbers of one output: what it is held against, how far it is off, what is proved, and where its bytes lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from geosal.comparison import Comparison, Pair, judge
from geosal.core import provenance
from geosal.core.machine import trim_memory
from geosal.core.progress import Progress, ProgressCallback
from geosal.errors import GeosalError, UsageError
from geosal.job.proof import Held, checked, hold
from geosal.job.recall import recipe_in
from geosal.job.settings import input_bytes
from geosal.reports.counts import Counts, unit_of
from geosal.reports.spec import ReportSpec
from geosal.reports.spread import Spread, spread_of
from geosal.verification import Checks


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """An output beside its scene, before any pixel is read.

    Attributes
    ----------
    path
        Of the output.
    held
        Its scene, as the output says.
    pair
        Both of them.
    """

    path: str
    held: Held
    pair: Pair

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags of the output in the default domain."""
        return self.pair.candidate.layout.metadata.tags.get("", {})

    @cached_property
    def recipe(self) -> Mapping[str, Any] | None:
        """The recipe that the output tells; None where it tells none that can be read."""
        try:
            return recipe_in(self.path)
        except GeosalError:
            return None

    @property
    def stack(self) -> tuple[str, ...]:
        """Names of the files whose bands followed those of the scene, as the output tells them."""
        return tuple((self.recipe or {}).get("stack", ()))

    @property
    def effective_kernel(self) -> float | None:
        """K_e in pixels, as the output tells it; None where it does not."""
        try:
            found = float(self.tags[provenance.EFFECTIVE_KERNEL])
        except (KeyError, ValueError):
            return None
        return found if math.isfinite(found) else None

    @property
    def treatment(self) -> str:
        """What was done to pixels, as the output tells it; empty where it does not."""
        return self.tags.get(provenance.TREATMENT, "")


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What is known of an output when its pixels have been read.

    Attributes
    ----------
    opened
        The output and its scene.
    outcome
        How far it is off.
    checks
        What is proved; None for a file of another program, which promises nothing.
    spread
        Where its bytes lie; None where that cannot be known.
    """

    opened: Opened
    outcome: Comparison
    checks: Checks | None
    spread: Spread | None

    @classmethod
    def of(cls, opened: Opened, report: ProgressCallback) -> Self:
        """Judge an output and check it.

        Raises
        ------
        GeosalError
            A file cannot be decoded, or no sample counts in both.
        """
        checks = None
        if provenance.all_of(opened.tags):
            report(Progress("verify", 0, 1, "steps"))
            checks = checked(opened.path, opened.held)
            report(Progress("verify", 1, 1, "steps"))
            trim_memory()
        outcome = judge(opened.pair, flat_range=1.0, progress=report)
        trim_memory()
        spread = spread_of(opened.pair.candidate, opened.path)
        return cls(opened=opened, outcome=outcome, checks=checks, spread=spread)

    @property
    def input_bytes(self) -> int | None:
        """Size of all files of the scene, as the summary of a job counts it; None where it is not known."""
        return input_bytes(self.opened.pair.original)

    @property
    def smaller(self) -> float | None:
        """By how many percent the output is smaller than the files of the scene; below 0 where it is larger."""
        before, after = self.input_bytes, self.outcome.candidate_bytes
        return None if after is None or not before else 100 * (1 - after / before)

    @property
    def takes_part(self) -> bool:
        """Whether the scene is one file of which not all bands were taken."""
        scene = self.opened.pair.original
        return len(scene.files) == 1 and not scene.original.is_whole_file()

    @property
    def counts(self) -> Counts:
        """What is to be counted while its pictures are made."""
        pair, spread = self.opened.pair, self.spread
        dtype = pair.original.layout.dtype
        return Counts(
            unit=unit_of(dtype, self.outcome.data_range),
            tile=None if spread is None else spread.tile,
            shape=(0, 0) if spread is None else (spread.bytes.shape[0], spread.bytes.shape[1]),
            levels=pair.levels,
        )


def open_all(spec: ReportSpec) -> list[Opened]:
    """Open all outputs beside the scene, and check that they can be shown on one page.

    Raises
    ------
    GeosalError
        A file cannot be opened, or an output is not of this scene; `UsageError` where two outputs were made of other
        bands or in another type.
    """
    opened = []
    for path in spec.outputs:
        held = hold(path, spec.original, spec.saliency, **spec.options)
        opened.append(Opened(path=path, held=held, pair=held.pair(path)))
    _refuse_unlike(opened)
    return opened


def _refuse_unlike(opened: Sequence[Opened]) -> None:
    first, *others = opened
    for other in others:
        ours, theirs = other.pair.original.layout, first.pair.original.layout
        for what, here, there in (
            ("size", ours.grid.shape, theirs.grid.shape),
            ("type", ours.dtype, theirs.dtype),
            ("bands", other.pair.bands, first.pair.bands),
        ):
            if here != there:
                raise UsageError(
                    f"{other.path} beside {first.path}: made of another {what} of the scene ({here}, not {there}); "
                    "make a report of each"
                )
