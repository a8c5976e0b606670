"""Encodes a sample with one setting after the other, and remembers the results."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from geosal.comparison import colours, in_colours
from geosal.core.shared_raster import close_shared_rasters
from geosal.core.treatment import Bound, TwoPass
from geosal.files.swap import remove
from geosal.formats.pyramid import Piece, Tile
from geosal.formats.treatments import goes_by_tile
from geosal.job.plan import Plan
from geosal.job.search.judge import judge_sample, open_candidate
from geosal.job.search.sample import Sample, file_bytes
from geosal.job.search.scaling import scene_bytes
from geosal.job.task import task_of
from geosal.metrics import Scores
from geosal.produce import Target


@dataclass(eq=False)
class Trials:
    """Trials on one sample.

    Attributes
    ----------
    plan
        Plan of the job.
    sample
        Drawn for the plan.
    folder
        Folder of ours, for the sample's files.
    range_of_data
        Width of the range of values, for scores.
    tried
        Called with the number of each trial before it is made.
    count
        Trials made.
    """

    plan: Plan
    sample: Sample
    folder: Path
    range_of_data: float = 1.0
    tried: Callable[[int], None] = lambda _: None
    count: int = 0
    _treated: dict[str, Piece] = field(default_factory=dict, init=False)
    _bytes: dict[object, float] = field(default_factory=dict, init=False)
    _scores: dict[object, dict[str, Scores]] = field(default_factory=dict, init=False)
    _header: float | None = field(default=None, init=False)
    _encoded: tuple[object, list[Tile]] = field(default=(None, []), init=False)
    """Setting and tiles of the last encode: what was counted is often what is judged next."""

    def bytes_of(self, plan: Plan) -> float:
        """Return the bytes of the whole file."""
        key = setting_of(plan)
        if key not in self._bytes:
            self._bytes[key] = self._measure(plan)
        return self._bytes[key]

    def scores_of(self, plan: Plan) -> dict[str, Scores]:
        """Quality of the sample."""
        key = setting_of(plan)
        if key not in self._scores:
            self._scores[key] = self._judge(plan)
        return self._scores[key]

    def _measure(self, plan: Plan) -> float:
        self._begin_trial()
        treated, sample, target = self._treat(plan), self.sample, _of_treated(plan.target)
        if target.gdal_because is not None:
            return self._written(sample.write(treated, target, (), self.folder)) * sample.scale(target)
        tiles = self._encode(plan, treated, target)
        if self._header is None:
            written = self._written(sample.write(treated, target, tiles, self.folder))
            self._header = written - sample.own_bytes(tiles, target)
        return self._header + scene_bytes(sample, treated, target, tiles)

    def _judge(self, plan: Plan) -> dict[str, Scores]:
        self._begin_trial()
        treated, sample, target = self._treat(plan), self.sample, _of_treated(plan.target)
        if plan.profile.lossless:
            found = treated.pixels[colours(plan.scene.layout)], None
            return judge_sample(plan, sample, found, self.range_of_data)
        tiles = [] if target.gdal_because is not None else self._encode(plan, treated, target)
        path = sample.write(treated, target, tiles, self.folder)
        candidate = open_candidate(str(path))
        samples = candidate.read(treated.block)
        shown = plan.profile.format.shown(path)
        decoded = in_colours(samples if shown is None else samples._replace(pixels=shown), candidate.layout)
        close_shared_rasters()  # the file will not be read again
        remove(path)
        return judge_sample(plan, sample, decoded, self.range_of_data)

    def _begin_trial(self) -> None:
        self.count += 1
        self.tried(self.count)

    def _treat(self, plan: Plan) -> Piece:
        """Treat the sample, unless only the codec has changed since the last time."""
        levels = goes_by_tile(plan.treatment, plan.profile.codec)
        changes_pixels = isinstance(plan.treatment.then, Bound | TwoPass)
        settings = plan.treatment if changes_pixels else plan.treatment.smooth
        key = f"{plan.ladder} {settings} {levels}"
        if key not in self._treated:
            self._treated.clear()  # before the next takes memory
            treated = self.sample.treat(task_of(plan))
            self.sample.first_pass(treated, plan.target)
            self._treated[key] = treated
        return self._treated[key]

    def _encode(self, plan: Plan, treated: Piece, target: Target) -> list[Tile]:
        key = setting_of(plan)
        if self._encoded[0] != key:
            self._encoded = None, []  # before the next take memory
            self._encoded = key, self.sample.encode(treated, target)
        return self._encoded[1]

    def _written(self, path: Path) -> int:
        """Return the size of a file, and delete it."""
        size = file_bytes(path)
        remove(path)
        return size


def _of_treated(target: Target) -> Target:
    """Return the target for pixels after the first of two passes."""
    if not isinstance(target.treatment.then, TwoPass):
        return target
    return replace(target, encoder=target.profile.format.second_pass(target.own_encoder))


def setting_of(plan: Plan) -> tuple[object, ...]:
    """Return all settings that a knob may have changed."""
    encoder = plan.target.encoder
    return plan.profile, plan.treatment, plan.ladder, getattr(encoder, "finer", 0.0), getattr(encoder, "tables", "")


def spread_of(sample: Sample) -> float:
    """Return the width of the range of the valid samples; 1 where they are all alike."""
    least, most = math.inf, -math.inf
    for _, samples in sample.kept.blocks:
        if samples.valid.any():
            found = samples.pixels[samples.valid]
            least, most = min(least, float(found.min())), max(most, float(found.max()))
    return most - least if most > least else 1.0
