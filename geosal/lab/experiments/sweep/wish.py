"""The wish of a sweep: a YAML file, with every key checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from geosal.core.ladder import MAX_STEPS, USUAL_SIGMA, Ladder
from geosal.core.option_values import read_number, require
from geosal.errors import UsageError
from geosal.formats.table import PROFILES
from geosal.lab.experiments.wish import Convert, Wish, flag, integer, integers, text, texts
from geosal.names import did_you_mean

ORIGINAL = "png"
"""Encoder whose file of the unsmoothed image is the original, as in the paper."""
NO_MASK = "none"
"""What stands for the mask of an image that is smoothed by one kernel."""
RATE, QUALITY = "rate", "quality"
_JP2 = "jp2"


class Setting(NamedTuple):
    """One setting of an encoder."""

    encoder: str
    parameter: str
    """What varies; empty where nothing does."""
    value: float | None

    @property
    def name(self) -> str:
        """Tell it from the other settings, in names of files."""
        return self.encoder if self.value is None else f"{self.encoder}-{self.parameter}={self.value:g}"


@dataclass(frozen=True, kw_only=True)
class EncoderWish:
    """An encoder and its settings.

    Attributes
    ----------
    profile
        Profile of geosal's.
    parameter, values
        What varies: ``quality`` or a creation option in small letters; for ``jp2`` also ``rate``, as ImageMagick means
        it: raw bytes over bytes of the file, 1 for lossless.
    options
        Creation options that stay.
    """

    profile: str
    parameter: str = ""
    values: tuple[float, ...] = ()
    options: Mapping[str, str]

    def to_plain(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "profile": self.profile, "parameter": self.parameter, "values": list(self.values),
            "options": dict(self.options),
        }  # fmt: skip

    @classmethod
    def read(cls, name: str, value: Any) -> "EncoderWish":
        """Read what stands behind the name of an encoder.

        Raises
        ------
        UsageError
            It is not understood.
        """
        given = {} if value is None else value
        require(isinstance(given, Mapping), f"encoders.{name}", value, "a mapping such as {quality: [30, 50]}")
        given = dict(given)
        profile = given.pop("profile", name)
        if profile not in PROFILES:
            hint = did_you_mean(str(profile), PROFILES) or f"known: {', '.join(PROFILES)}"
            raise UsageError(f"encoders.{name}: no such profile: {profile}; {hint}")
        options = given.pop("options", None) or {}
        require(isinstance(options, Mapping), f"encoders.{name}.options", options, "a mapping of creation options")
        if len(given) > 1:
            raise UsageError(f"encoders.{name}: one parameter varies at a time, not {' and '.join(map(str, given))}")
        parameter, values = next(iter(given.items()), ("", ()))
        several = values if isinstance(values, list | tuple) else [values]
        numbers = tuple(read_number(f"encoders.{name}.{parameter}", each) for each in several)
        if parameter == RATE:
            if profile != _JP2:
                raise UsageError(f"encoders.{name}.rate: only the profile {_JP2} has rates; say quality")
            for rate in numbers:
                require(rate >= 1, f"encoders.{name}.rate", rate, "1 (lossless) or more")
        unlike = len(set(numbers)) == len(numbers) and (numbers or not parameter)
        require(unlike, f"encoders.{name}.{parameter}", list(numbers), "a list in which none stands twice")
        return cls(
            profile=profile,
            parameter=str(parameter).lower(),
            values=numbers,
            options=MappingProxyType({str(key).upper(): str(each) for key, each in options.items()}),
        )


def _masks(name: str, value: Any) -> Mapping[str, tuple[str, ...]]:
    """Read masks: names with SOURCE texts, or a list of SOURCEs that are their own names."""
    if not isinstance(value, Mapping):
        value = {each: each for each in texts(name, value or [])}
    return MappingProxyType({str(key): texts(f"{name}.{key}", item) for key, item in value.items()})


def _encoders(name: str, value: Any) -> Mapping[str, EncoderWish]:
    """Read encoders: names with settings, or a list of profiles."""
    if not isinstance(value, Mapping):
        value = dict.fromkeys(texts(name, value))
    require(value, name, value, "profiles of geosal, such as png")
    return MappingProxyType({str(key): EncoderWish.read(str(key), item) for key, item in value.items()})


@dataclass(frozen=True, kw_only=True)
class Sweep(Wish):
    """What is swept.

    Attributes
    ----------
    masks
        Name of a mask -> SOURCE texts; in one, ``{name}`` stands for the name of the image without its suffix, and
        ``{annotations}`` for the path of the boxes or outlines that its data set has of it.
    kernels
        Widths of the kernels that an image is smoothed by as a whole.
    encoders
        Name of an encoder -> its settings.
    original
        Name of the encoder whose file of the unsmoothed image counts as the original.
    steps, sigma
        The ladder, see `geosal.Ladder`; `sigma` also of the uniform kernels.
    levels
        Whether the rate of each level of saliency is measured too, which encodes each of them apart.
    """

    output: str = "sweep"
    masks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _masks("masks", ["half", "grid", "perlin"]))
    kernels: tuple[int, ...] = (1, 3, 5, 7, 9, 11, 13, 15, 17)
    encoders: Mapping[str, EncoderWish] = field(default_factory=lambda: _encoders("encoders", [ORIGINAL]))
    original: str = ORIGINAL
    steps: int = 8
    sigma: str = USUAL_SIGMA
    levels: bool = True

    converts: ClassVar[Mapping[str, Convert]] = MappingProxyType({
        "masks": _masks, "kernels": integers, "encoders": _encoders, "original": text, "steps": integer, "sigma": text,
        "levels": flag,
    })  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.steps <= MAX_STEPS, "steps", self.steps, f"from 1 to {MAX_STEPS}")
        _ = self.ladder
        for width in self.kernels:
            ok = width % 2 == 1 and 1 <= width <= 2 * MAX_STEPS + 1
            require(ok, "kernels", width, f"odd, from 1 to {2 * MAX_STEPS + 1}")
        require(len(set(self.kernels)) == len(self.kernels), "kernels", self.kernels, "without one twice")
        require(NO_MASK not in self.masks, "masks", NO_MASK, "another name; kernels smooth without a mask")
        known = self.original in self.encoders
        require(known, "original", self.original, f"one of encoders, {', '.join(self.encoders)}")
        one = len(self.encoders[self.original].values) <= 1
        require(one, "original", self.original, "an encoder with one setting")

    @property
    def ladder(self) -> Ladder:
        """The ladder of the masks."""
        return Ladder(self.steps, self.sigma)

    @property
    def settings(self) -> Iterator[Setting]:
        """Return every setting of every encoder, in order."""
        for name, encoder in self.encoders.items():
            for value in encoder.values or (None,):
                yield Setting(name, encoder.parameter if value is not None else "", value)
