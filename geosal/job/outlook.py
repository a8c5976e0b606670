"""Whether a job makes its input smaller; where it does not, why, and which command would: all tried on a sample."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.cluster.scheduler import THREADS
from geosal.core.decoded_tiles import TILE_CACHE_BYTES
from geosal.core.raster import RasterLayout
from geosal.errors import UsageError
from geosal.formats.format import ByGdal
from geosal.job.command import command_of
from geosal.job.fit import is_of_tiles
from geosal.job.plan import Plan, answered
from geosal.job.recipe import Recipe
from geosal.job.search.places import pieces_across
from geosal.job.task import task_of
from geosal.job.words import of_pixels
from geosal.scenes.coding import Coding, coding_of
from geosal.sizes import as_bytes, counted

if TYPE_CHECKING:
    from geosal.job.search.sample import Sample

_ACROSS = 4
"""Pieces of the sample in a column and in a row."""
_ACROSS_AFTER = 2
"""The same where the size of the output is known, by which others are scaled: nearer with a quarter of them on three of
four scenes, and 1.7 % farther off on one."""
_TIGHT = 8
"""Uncompressed bytes over those of the input from which a lossless output may well be larger."""
_WORTH = 0.97
"""Share of the input's bytes that another command must stay below to be told: a sample is not exact."""
_MANY = 1.5
"""Times as many values as before from which smoothing is told to have multiplied them."""
_CLASSES = 64
"""Most values of a band that make it a map of classes, or a drawing."""
_KEPT = 0.9
"""Share of the pixels that stay as they are from which little can be gained."""
_SHARE_OF_TARGET = 0.7
"""Share of the input's bytes that is proposed as a target, where nothing else is smaller."""


@dataclass(frozen=True, kw_only=True)
class Instead:
    """Another command for the same scene and saliency.

    Attributes
    ----------
    command
        For a shell.
    output
        The path of its output.
    bytes
        Size of its output, as a sample lets expect.
    pixels
        What it does to them, in a sentence.
    """

    command: str
    output: str
    bytes: int
    pixels: str


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a job makes of the size of its input.

    Attributes
    ----------
    input_bytes
        As `Plan.input_bytes`.
    bytes
        Size of the output: expected, or known.
    cause
        Why the output is not smaller; None where it is.
    instead
        What would be smaller; None where the output is, or where nothing that was tried would be.
    """

    input_bytes: int | None
    bytes: int
    cause: str | None = None
    instead: Instead | None = None

    @property
    def is_larger(self) -> bool:
        """Return whether the output takes more than the input."""
        return self.input_bytes is not None and self.bytes > self.input_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        smaller = None if not self.input_bytes else round(100 * (1 - self.bytes / self.input_bytes), 2)
        told = {"input_bytes": self.input_bytes, "smaller_percent": smaller, "cause": self.cause}
        return told | {"instead": None if self.instead is None else asdict(self.instead)}

    def advice(self) -> str:
        """What would be smaller, in a sentence that fits behind a cause."""
        if self.instead is None:
            return "nothing that was tried is smaller: keep the input as it is"
        return f"smaller, on a sample: {as_bytes(self.instead.bytes)} by {self.instead.command}"


def look_out(plan: Plan) -> Outlook:
    """Estimate the size of the output from 4 x 4 pieces of 512 px, and explain it where that is not smaller.

    Scenes not larger than the sample are encoded whole. Of a job with a target, the bytes that are asked for are taken,
    or those with the codec's defaults where quality is.

    Raises
    ------
    GeosalError
        As `geosal.compress`, for the part of the scene that is read.
    """
    targets, grid = plan.recipe.targets, plan.layout.grid
    if targets.is_rate and targets.jpeg is None:
        asked = targets.bytes_for(grid.height * grid.width, plan.raw_bytes)
        outlook = Outlook(input_bytes=plan.input_bytes, bytes=asked)
        return explained(plan, asked) if outlook.is_larger else outlook
    with _Tries(plan, _drawn(plan, _ACROSS)) as tries:
        return tries.outlook(tries.bytes_of(plan))


def drawn_ahead(plan: Plan) -> "Sample | None":
    """Draw the sample that `explained` may need before the work, where the work then finds its tiles decoded.

    A lossless JPEG 2000 is smaller than most lossless outputs, and drawn after the work, the sample would cost the
    decoding of its tiles once more. None where that cannot be, or where the tiles would not be kept until then.
    """
    original = plan.scene.original
    kept = _ACROSS_AFTER**2 * original.tile_bytes * len(original.files) <= TILE_CACHE_BYTES // 2
    if not (is_of_tiles(plan.scene) and kept and plan.profile.lossless) or plan.recipe.targets:
        return None
    here = plan.scheduler == THREADS and plan.recipe.max_memory is None
    return _drawn(plan, _ACROSS_AFTER) if here and plan.input_bytes is not None else None


def explained(plan: Plan, size: int, sample: "Sample | None" = None) -> Outlook:
    """Explain the size of an output that is known: nothing is tried where it is smaller than the input.

    Parameters
    ----------
    plan, size
        The job, and the bytes of its output.
    sample
        What `drawn_ahead` has drawn; drawn now where it is None.

    Raises
    ------
    GeosalError
        As `look_out`.
    """
    if not Outlook(input_bytes=plan.input_bytes, bytes=size).is_larger:
        return Outlook(input_bytes=plan.input_bytes, bytes=size)
    across = _ACROSS if plan.recipe.targets else _ACROSS_AFTER
    with _Tries(plan, sample or _drawn(plan, across)) as tries:
        if tries.sees_all or not tries.is_of_classes:
            return tries.outlook(size)
    with _Tries(plan, _drawn(plan, _ACROSS)) as tries:  # a few pieces may lie in the sea
        return tries.outlook(size)


def is_doubtful(plan: Plan) -> bool:
    """Return whether headers let fear that the output is larger than the input: that is cheap to know.

    A lossless codec has to keep what a lossy one, or a codec of few values, had packed into few bytes.
    """
    size = plan.input_bytes
    if size is None or not plan.profile.lossless or plan.recipe.targets:
        return False
    coding = coding_of(plan.scene)
    return (coding is not None and coding.is_lossy) or size * _TIGHT < plan.raw_bytes


def _drawn(plan: Plan, across: int) -> "Sample":
    from geosal.job.search.sample import Sample  # a smaller output needs none

    return Sample.draw(plan, pieces_across(plan, most=across), halo=plan.ladder.halo)


class _Tries:
    """Plans of one scene tried on one sample of it; a context manager."""

    def __init__(self, plan: Plan, sample: "Sample") -> None:
        self._plan = plan
        self._sample = sample

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="geosal-")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def bytes_of(self, plan: Plan) -> int:
        """Bytes that a plan's output will have."""
        from geosal.job.search.plain import expected_bytes
        from geosal.job.search.trials import Trials

        trials = Trials(plan, self._sample, Path(self._folder.name))
        return expected_bytes(plan, trials) if plan.recipe.targets.is_rate else round(trials.bytes_of(plan))

    @cached_property
    def _own_bytes(self) -> int:
        return self.bytes_of(self._plan)

    def outlook(self, size: int) -> Outlook:
        """Explain a size of the plan's output."""
        outlook = Outlook(input_bytes=self._plan.input_bytes, bytes=size)
        if not outlook.is_larger:
            return outlook
        return replace(outlook, cause=self._cause(size), instead=self._instead(size))

    def _cause(self, size: int) -> str:
        plan, before = self._plan, self._plan.input_bytes or 0
        coding = coding_of(plan.scene)
        if plan.recipe.targets and not plan.is_usual:
            return f"{plan.recipe.targets} is more than the input takes"
        causes = []
        if coding is not None and coding.is_lossy:
            causes.append(_of_loss(plan, coding))
        elif plan.profile.codec.raw:
            causes.append(f"profile {plan.profile.name} packs nothing")
        elif coding is not None and not coding.overviews and (more := self._overviews(size)) > size - before:
            causes.append(f"overviews take {as_bytes(more)} of it, and the input has none")
        causes += filter(None, [self._of_values(), self._of_kept()])
        if not causes:
            name = "" if coding is None else f", {coding.name},"
            from geosal.job.search.plain import untreated

            plain = f"untouched it takes {as_bytes(self.bytes_of(untreated(plan)))} with {plan.profile.name}"
            causes.append(f"the input's codec{name} packs it tightly: {plain}")
        return "; ".join(causes)

    def _overviews(self, size: int) -> int:
        """Bytes of the overviews: what the image alone leaves, as the sample tells; that has fewer levels itself."""
        target = self._plan.target
        if isinstance(target.encoder, ByGdal) or not target.encoder.overviews:
            return 0
        tiles = self._sample.encode(self._sample.treat(task_of(self._plan)), target)
        image = self._sample.own_bytes([tile for tile in tiles if not tile.level], target) * self._sample.scale(target)
        return max(0, round(size * (1 - image / self._own_bytes)))

    @cached_property
    def _values(self) -> tuple[tuple[int, int, int], ...]:
        """Number of each band, of its values as they are in the sample, and of those that the treatment makes."""
        if self._plan.layout.dtype.startswith("float"):
            return ()
        from geosal.job.search.plain import untreated

        plain, treated = (self._sample.treat(task_of(plan)).pixels for plan in (untreated(self._plan), self._plan))
        return tuple(
            (band, _distinct(old), _distinct(new))
            for band, (old, new) in enumerate(zip(plain, treated, strict=True), start=1)
        )

    @property
    def sees_all(self) -> bool:
        """Whether the sample is the scene."""
        return self._sample.is_whole(self._plan)

    @property
    def is_of_classes(self) -> bool:
        return bool(self._values) and all(values <= _CLASSES for _, values, _ in self._values)

    def _of_values(self) -> str | None:
        """Tell of few values, and of many that smoothing has made of them: a lossless codec keeps them all."""
        if not self._plan.profile.lossless or not self._values:
            return None
        band, old, new = max(self._values, key=lambda row: row[2] / row[1])
        told = f"smoothing gave band {band} {new:,} values of {old:,}, all of which a lossless codec keeps"
        if self.is_of_classes:
            few = f"it has {counted(old, 'value')} only, as a map of classes has"
            return f"{few}, and {told}" if new > _MANY * old else few
        return told if new > _MANY * old else None

    def _of_kept(self) -> str | None:
        kept = self._plan.shares().get(1, 0.0)
        return f"the saliency keeps {100 * kept:.0f} % of the pixels as they are" if kept >= _KEPT else None

    def _instead(self, size: int) -> Instead | None:
        """Find another command whose output is smaller, among those that fit the samples."""
        if self.is_of_classes:  # a lossy codec would make classes that there are not
            return None
        limit = _WORTH * (self._plan.input_bytes or 0)
        # A sample that is too large for one is so for the others; one setting of a search says nothing of the rest.
        scale = 1.0 if self._plan.recipe.targets else size / self._own_bytes
        for recipe in _others(self._plan):
            with suppress(UsageError):  # the codec cannot hold it
                tried = answered(self._plan, recipe)
                expected = round(scale * self.bytes_of(tried))
                if expected < limit:
                    pixels = of_pixels(tried, self._plan.shares(), will=True)
                    return Instead(command=command_of(recipe), output=recipe.output, bytes=expected, pixels=pixels)
        return None


def _distinct(samples: NDArray[Any]) -> int:
    """Count the values of samples; narrow ones mark a table, in a tenth of the time that sorting takes."""
    if samples.itemsize > 2:
        return len(np.unique(samples))
    occurs = np.zeros(1 << 8 * samples.itemsize, np.bool_)
    occurs[np.ascontiguousarray(samples).view(f"u{samples.itemsize}")] = True
    return int(np.count_nonzero(occurs))


def _of_loss(plan: Plan, coding: Coding) -> str:
    if plan.profile.lossless:
        return f"the input has lost samples already ({coding.name}), and a lossless file keeps every trace of that"
    return f"the input has lost samples already ({coding.name}), and another loss does not pack it more tightly"


_OF_8_BITS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (".tif", {"profile": "jpeg", "treatment": ("quality",)}),
    (".tif", {"profile": "webp", "treatment": ("quality",)}),
    (".jpg", {}),
    (".jp2", {"profile": "jp2", "treatment": ("quality",)}),
    (".jpg", {"target_jpeg": 50.0}),
)
_OF_16_BITS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (".tif", {"profile": "zstd", "treatment": ("smooth", "bound:error=32")}),
    (".tif", {"profile": "lerc", "treatment": ("bound:error=32",)}),
    (".jp2", {"profile": "jp2", "treatment": ("quality",)}),
)
_OF_MORE: tuple[tuple[str, Mapping[str, Any]], ...] = ((".tif", {"profile": "zstd"}), (".tif", {"profile": "lerc"}))
_OTHERS: Mapping[str, tuple[tuple[str, Mapping[str, Any]], ...]] = MappingProxyType({
    "uint8": _OF_8_BITS, "uint16": _OF_16_BITS, "int16": _OF_16_BITS,
})  # fmt: skip
"""Suffixes and keys of a recipe that win most often, by type of the samples; the output's own suffix goes first."""
_UNASKED = MappingProxyType({
    "profile": None, "treatment": None, "creation_options": (), "target_bpp": None, "target_size": None,
    "target_ratio": None, "target_jpeg": None, "min_psnr": (), "min_ssim": (), "sigma": Recipe.sigma,
})  # fmt: skip
"""What a recipe says of its codec and treatment, unsaid."""


def _others(plan: Plan) -> Iterator[Recipe]:
    """Recipes for the same scene that may come to less, the most likely first; at last one that has to."""
    recipe, layout = plan.recipe, plan.scene.layout
    table = _OTHERS.get(layout.dtype, _OF_MORE)
    own = PurePath(recipe.output).suffix.lower()
    for suffix, keys in sorted(table, key=lambda row: row[0] != own):
        other = recipe.patch(**{**_UNASKED, **keys}, output=_named(recipe.output, suffix))
        if other != recipe.patch(target_jpeg=None):
            yield other
    asked = int(_SHARE_OF_TARGET * (plan.input_bytes or 0)) // 1000 * 1000
    if asked and (last := _last(layout, own)):
        suffix, keys = last
        yield recipe.patch(**{**_UNASKED, **keys, "target_size": asked}, output=_named(recipe.output, suffix))


def _last(layout: RasterLayout, own: str) -> tuple[str, Mapping[str, Any]] | None:
    """A codec that reaches any size."""
    if layout.dtype == "uint8" and own in {".tif", ".tiff"}:
        return own, {"profile": "jpeg", "treatment": ("quality",)}
    return (".jp2", {"profile": "jp2"}) if layout.dtype in {"uint8", "uint16", "int16"} else None


def _named(output: str, suffix: str) -> str:
    """The output's name with another suffix, unless it says the same."""
    path = PurePath(output)
    same = {path.suffix.lower(), suffix} <= {".tif", ".tiff"} or path.suffix.lower() == suffix
    return output if same else str(path.with_suffix(suffix))
