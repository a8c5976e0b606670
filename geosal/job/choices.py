"""Every profile that fits a scene, tried on one sample of it: bytes, seconds, errors, and who can open the file."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import Any, Unpack

from geosal.comparison import bits_of
from geosal.core.bars import Reporting, reporter
from geosal.core.machine import trim_memory
from geosal.core.progress import Progress, ProgressCallback, ignore
from geosal.core.tables import Table, Tabled
from geosal.core.treatment import Bound
from geosal.errors import GeosalError, OutputError, ResourceError, TargetError, UsageError, redact
from geosal.files.names import stem_of
from geosal.formats.codec import Codec
from geosal.formats.format import Format
from geosal.formats.table import FORMATS, PROFILES, format_with
from geosal.job.command import command_of
from geosal.job.estimate import Drawn, estimate_on
from geosal.job.plan import Plan, answered_for, scheduler_of
from geosal.job.recipe import CompressOptions, Recipe
from geosal.job.search.sample import Sample
from geosal.job.search.trials import Trials, spread_of
from geosal.job.settings import input_bytes, saliency_of
from geosal.metrics import Scores
from geosal.scenes import AnyScene, open_input
from geosal.sizes import as_bytes
from geosal.sources import Saliency

ALL = "all"
"""The word for all profiles."""
_ROOM = 2**27
"""Bytes of the scene's blocks that all profiles are timed by; an eighth of the memory that the user allows, if less."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What one profile would make of the scene.

    Attributes
    ----------
    profile, format, output
        Its name, that of its format, and the path that the output would have.
    is_default
        Whether `geosal compress` would take it where the user does not choose.
    lossless, treatment, setting
        Whether the codec loses nothing, and what saliency does with it; with a target, the setting that meets it, in
        the words of the command line, and None without one.
    bytes, of_input_percent
        Size of the output, and its share of the input's; None where that is not known.
    seconds, memory_bytes, disk_bytes
        As `geosal.job.estimate.Estimate`.
    largest_error, is_promised
        Largest error in units of the samples. Promised: no sample will be off by more, of which the sample was not
        asked. Else the largest in the sample; another pixel may be off by more.
    keeps_salient
        Whether pixels of saliency 1 stay as they are for certain.
    psnr, psnr_salient, psnr_background
        PSNR of the sample in dB: of all pixels, of those of level 0, and of all others. Infinite where nothing differs,
        NaN where there are no such pixels.
    opens_in
        Who can open the file, see `geosal.formats.format.Codec`.
    command
        The command that makes it, for a shell.
    """

    profile: str
    format: str
    output: str
    is_default: bool
    lossless: bool
    treatment: str
    setting: str | None
    bytes: int
    of_input_percent: float | None
    seconds: float
    memory_bytes: int
    disk_bytes: int
    largest_error: float
    is_promised: bool
    keeps_salient: bool
    psnr: float
    psnr_salient: float
    psnr_background: float
    opens_in: str
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; unknown figures are None."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: None if value != value else value for name, value in own.items()}  # noqa: PLR0124  NaN alone


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A profile that cannot be had, and why."""

    profile: str
    because: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Choices(Tabled):
    """What a user may choose from.

    Attributes
    ----------
    input, input_bytes
        Path of the scene, and bytes of its files; None where they are not known.
    width, height, count, dtype
        What is read of it.
    saliency
        As its sources call it.
    sample_pixels, is_whole
        Pixels of the sample, and whether that is the scene.
    data_range
        Width of the range of values on which PSNR is based; of floats, that of the sample.
    profiles
        What keeps salient pixels exactly goes first, then by bytes.
    left_out
        Profiles that were asked for and cannot be had.
    """

    input: str
    input_bytes: int | None
    width: int
    height: int
    count: int
    dtype: str
    saliency: str
    sample_pixels: int
    is_whole: bool
    data_range: float
    profiles: tuple[Choice, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        left_out = [{"profile": left.profile, "because": left.because} for left in self.left_out]
        return own | {"profiles": [choice.to_dict() for choice in self.profiles], "left_out": left_out}

    def _table(self) -> Table:
        """Return the profiles, one a row."""
        names = ("of_input_percent", "seconds", "largest_error", "psnr_salient", "psnr_background", "opens_in")
        rows = [
            [choice.profile, as_bytes(choice.bytes), *(getattr(choice, name) for name in names)]
            for choice in self.profiles
        ]
        header = ("profile", "size", "% of input", "seconds", "largest error", "PSNR salient", "PSNR rest", "opens in")
        return Table(f"{self.input}, on a sample", header, rows)


def plan_profiles(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    profiles: str | Sequence[str] = ALL,
    progress: Reporting = None,
    **options: Unpack[CompressOptions],
) -> Choices:
    """Estimate what each profile would make of a scene: bytes, seconds, errors; a sample is read, nothing is written.

    Parameters
    ----------
    input
        As `geosal.compress`.
    output
        A file, whose suffix is changed for the other formats; a folder, which gets the name of the input; or a path
        without a suffix.
    profiles
        ``"all"``, or names: a list, or a text with commas.
    progress
        Called in this thread before each profile; True for a bar.
    **options
        As `geosal.compress`; the profile among them is the one that is marked. With a target of bytes or quality,
        each profile is tried with the setting that meets it.

    Raises
    ------
    UsageError
        No such profile, or none of them fits.
    GeosalError
        As `geosal.compress`, for the part of the scene that is read.

    Examples
    --------
    >>> choices = geosal.plan_profiles("scene.tif", "smaller", profiles="deflate,zstd", saliency="mask.tif")
    >>> sorted(choice.profile for choice in choices.profiles)
    ['deflate', 'zstd']
    """
    recipe = Recipe.from_mapping({"input": input, "output": output, **options})
    return choices_for(recipe, profiles, reporter(progress))


def choices_for(recipe: Recipe, profiles: str | Sequence[str] = ALL, report: ProgressCallback = ignore) -> Choices:
    """Try profiles for a recipe, one after the other on one sample; see `plan_profiles`."""
    codecs = _named(profiles)
    scene = open_input(recipe.input, recipe.reading)
    saliency = saliency_of(recipe, scene)
    plans, left_out = _plans(recipe, codecs, scene, saliency)
    room = min(_ROOM, (recipe.max_memory or 8 * _ROOM) // 8)
    drawn = Drawn.of(min(plans, key=lambda plan: plan.sample_pixels), room)
    data_range = _range_of(plans[0], drawn.sample)
    with tempfile.TemporaryDirectory(prefix="geosal-") as folder:
        found, missed = _tried(plans, _Tries(drawn, data_range, Path(folder), _default_of(recipe)), report)
    layout = scene.layout
    return Choices(
        input=redact(recipe.input),
        input_bytes=input_bytes(scene),
        width=layout.grid.width,
        height=layout.grid.height,
        count=layout.count,
        dtype=layout.dtype,
        saliency=saliency.label,
        sample_pixels=drawn.sample.pixels,
        is_whole=drawn.sample.is_whole(plans[0]),
        data_range=data_range,
        profiles=tuple(sorted(found, key=lambda choice: (not choice.keeps_salient, choice.bytes))),
        left_out=(*left_out, *missed),
    )


def _plans(
    recipe: Recipe, codecs: Sequence[Codec], scene: AnyScene, saliency: Saliency
) -> tuple[list[Plan], list[LeftOut]]:
    """Answer the recipe with each codec that fits; one that does not is left out with the reason."""
    plans, left_out, scheduler = [], [], scheduler_of(recipe)
    for codec in codecs:
        wish = recipe.patch(profile=codec.name, output=_output_of(recipe, format_with(codec)))
        try:
            plans.append(answered_for(scene, saliency, wish, scheduler))
        except (UsageError, ResourceError, OutputError) as error:
            left_out.append(_left_out(codec.name, error))
    if not plans:
        raise UsageError(f"--profiles: none fits; {left_out[0].profile} {left_out[0].because}")
    return plans, left_out


def _tried(plans: Sequence[Plan], tries: "_Tries", report: ProgressCallback) -> tuple[list[Choice], list[LeftOut]]:
    found, missed = [], []
    for done, plan in enumerate(plans):
        report(Progress("sample", done, len(plans), "profiles", share=done / len(plans)))
        try:
            found.append(tries.choice(plan))
        except TargetError as error:
            missed.append(_left_out(plan.profile.name, error))
        trim_memory()
    report(Progress("sample", len(plans), len(plans), "profiles", share=1.0))
    if not found:
        raise TargetError(f"--profiles: none does; {missed[0].profile} {missed[0].because}")
    return found, missed


def _left_out(profile: str, error: GeosalError) -> LeftOut:
    return LeftOut(profile=profile, because=redact(str(error)).removeprefix(f"profile {profile}: "))


class _Tries:
    """Profiles tried on one sample, one after the other."""

    def __init__(self, drawn: Drawn, data_range: float, folder: Path, default: str) -> None:
        self._drawn, self._data_range, self._folder, self._default = drawn, data_range, folder, default
        self._of_lossless: dict[str, dict[str, Scores]] = {}

    def choice(self, plan: Plan) -> Choice:
        """Estimate and judge a plan.

        Raises
        ------
        TargetError
            The sample cannot reach a target, or the output would be larger than the input and must not be.
        """
        expected, turned = estimate_on(self._drawn, plan)
        before = plan.input_bytes
        if plan.recipe.not_larger and before is not None and expected.bytes > before:
            raise TargetError(f"--not-larger: would take about {as_bytes(expected.bytes)} of {as_bytes(before)}")
        scores, promised = self._scores(turned), _promise(turned)
        codec = plan.profile.codec
        return Choice(
            profile=codec.name,
            format=plan.profile.format.name,
            output=plan.recipe.output,
            is_default=codec.name == self._default,
            lossless=turned.profile.lossless,
            treatment=expected.treatment,
            setting=expected.found,
            bytes=expected.bytes,
            of_input_percent=round(100 * expected.bytes / before, 2) if before else None,
            seconds=expected.seconds,
            memory_bytes=expected.memory_bytes,
            disk_bytes=expected.disk_bytes,
            largest_error=scores["whole"].max_error if promised is None else promised,
            is_promised=promised is not None,
            keeps_salient=turned.profile.lossless or isinstance(turned.treatment.then, Bound),
            psnr=scores["whole"].psnr,
            psnr_salient=scores["salient"].psnr,
            psnr_background=scores["background"].psnr,
            opens_in=codec.opens_in,
            command=command_of(plan.wish),
        )

    def _scores(self, plan: Plan) -> dict[str, Scores]:
        """Judge the sample; all lossless codecs bring back the same pixels."""
        key = f"{plan.treatment} {plan.ladder}"
        if plan.profile.lossless and key in self._of_lossless:
            return self._of_lossless[key]
        scores = Trials(plan, self._drawn.sample, self._folder, self._data_range).scores_of(plan)
        if plan.profile.lossless:
            self._of_lossless[key] = scores
        return scores


def _promise(plan: Plan) -> float | None:
    """Return the largest error that no sample will exceed; None where nobody can tell before the job."""
    bound = plan.treatment.then
    if plan.treatment.smooth or not isinstance(bound, Bound):
        return None
    return bound.settled(plan.layout.dtype).error


def _range_of(plan: Plan, sample: Sample) -> float:
    """Return the width of the range of values; of floats it would take the whole scene, so that of the sample."""
    bits = bits_of(plan.scene.layout)
    return spread_of(sample) if bits is None else float(2**bits - 1)


def _named(profiles: str | Sequence[str]) -> tuple[Codec, ...]:
    """Read names of profiles."""
    texts = profiles.split(",") if isinstance(profiles, str) else profiles
    names = list(dict.fromkeys(text.strip().lower() for text in texts if text.strip()))
    if names == [ALL]:
        return tuple(PROFILES.values())
    if unknown := [name for name in names if name not in PROFILES]:
        raise UsageError(f"--profiles: no profile {unknown[0]}; say {ALL}, or some of {', '.join(PROFILES)}")
    if not names:
        raise UsageError(f"--profiles: names none; say {ALL}, or some of {', '.join(PROFILES)}")
    return tuple(PROFILES[name] for name in names)


def _format_of(output: str) -> Format[Any] | None:
    """Find the format that an output's suffix picks; None of a folder, and of a path without such a suffix."""
    suffix = PurePath(output).suffix.lower()
    return next((form for form in FORMATS if suffix in form.suffixes), None)


def _default_of(recipe: Recipe) -> str:
    return (recipe.profile or (_format_of(recipe.output) or FORMATS[0]).usual.name).lower()


def _output_of(recipe: Recipe, form: Format[Any]) -> str:
    """Name the output of a format: the user's own name where its suffix is one of the format's."""
    given, own = recipe.output, _format_of(recipe.output)
    if own is form:
        return given
    if own is not None:
        return str(PurePath(given).with_suffix(form.suffixes[0]))
    is_folder = given.endswith(os.sep) or os.path.isdir(given)
    return (os.path.join(given, stem_of(recipe.input)) if is_folder else given) + form.suffixes[0]


__all__ = ["ALL", "Choice", "Choices", "LeftOut", "choices_for", "plan_profiles"]
