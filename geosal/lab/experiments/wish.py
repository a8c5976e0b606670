"""The wish of an experiment: a YAML file, with every key checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from geosal.core.gdal_env import path_text
from geosal.core.ladder import MAX_STEPS
from geosal.core.option_values import read_number, refuse_unknown, require
from geosal.core.treatment import Treatment
from geosal.core.yaml_file import read_yaml
from geosal.errors import UsageError
from geosal.scenes import Reading
from geosal.scenes.rules import ByteRule

SUBSAMPLINGS = ("420", "444")
_MOST_PASSES = 100


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What an experiment compares, and how.

    Attributes
    ----------
    images
        Name of a collection and its folders and files; each collection has averages of its own (Tables 3 and 4).
    output
        Folder of the report.
    saliency
        SOURCE texts, as in the recipe of a job.
    passes
        Number of times that the map of each image is made, to see whether it is always the same.
    qualities
        Qualities of the plain JPEG, whose size the others must have.
    modes
        Treatments that are compared with the plain JPEG; ``twopass`` is the paper's.
    subsampling
        Subsampling of colour, in all files: ``420`` or ``444``.
    steps
        Levels of saliency below the highest.
    salient
        Saliency from which a pixel belongs to the salient part.
    distinct
        Share of the pixels up to which a salient part is distinct: Table 1 has these images, Table 2 the others.
    detail, detail_quality
        How many images Tables 1 and 2 show each at most, the first ones, and at which quality; None: at 50 where that
        is among `qualities`, else at the middle one.
    bidx, bands, to_byte
        See `geosal.Recipe`.
    keep
        Keep the JPEG files in the folder ``images`` of the output.
    """

    images: Mapping[str, tuple[str, ...]]
    output: str = "ms-roi-tables"
    saliency: tuple[str, ...] = ("cnn",)
    passes: int = 5
    qualities: tuple[int, ...] = (30, 50, 70)
    modes: tuple[str, ...] = ("twopass:low=30,high=70", "quality")
    subsampling: str = "420"
    steps: int = 8
    salient: float = 0.5
    distinct: float = 0.3
    detail: int = 5
    detail_quality: int | None = None
    bidx: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    to_byte: str | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        if not self.images or not all(self.images.values()):
            raise UsageError(
                "images: nothing to look at; name a folder, a list of files, or a mapping of names to them"
            )
        require(self.saliency, "saliency", self.saliency, "a SOURCE, such as cnn")
        require(self.modes, "modes", self.modes, "a treatment, such as twopass:low=30,high=70")
        require(0 < self.passes <= _MOST_PASSES, "passes", self.passes, f"from 1 to {_MOST_PASSES}")
        require(self.qualities, "qualities", self.qualities, "a list such as [30, 50, 70]")
        for quality in self.qualities:
            require(1 <= quality <= 100, "qualities", quality, "from 1 to 100")
        for name in ("qualities", "modes"):
            values = getattr(self, name)
            require(len(set(values)) == len(values), name, values, "without one that stands there twice")
        require(self.subsampling in SUBSAMPLINGS, "subsampling", self.subsampling, " or ".join(SUBSAMPLINGS))
        require(1 <= self.steps <= MAX_STEPS, "steps", self.steps, f"from 1 to {MAX_STEPS}")
        require(0 < self.salient <= 1, "salient", self.salient, "above 0, at most 1")
        require(0 < self.distinct <= 1, "distinct", self.distinct, "above 0, at most 1")
        require(self.detail >= 1, "detail", self.detail, "above 0")
        known = self.detail_quality in (None, *self.qualities)
        require(known, "detail_quality", self.detail_quality, f"one of qualities, {list(self.qualities)}")
        for mode in self.modes:
            Treatment.parse([mode])
        if self.to_byte is not None:
            ByteRule.parse(self.to_byte)

    @property
    def reading(self) -> Reading:
        """Return how images are read."""
        return Reading(bidx=self.bidx, bands=self.bands, to_byte=self.to_byte)

    @property
    def shown_quality(self) -> int:
        """The quality of Tables 1 and 2."""
        if self.detail_quality is not None:
            return self.detail_quality
        return 50 if 50 in self.qualities else self.qualities[len(self.qualities) // 2]

    @classmethod
    def from_yaml(cls, path: str | Path, **overrides: Any) -> Self:
        """Read a YAML file; `overrides` that are not None go before what it says.

        Raises
        ------
        SceneError
            The file cannot be read.
        UsageError
            It is no YAML mapping, or as `from_mapping`.
        """
        return cls.from_mapping(read_yaml(path) | {name: v for name, v in overrides.items() if v is not None})

    @classmethod
    def from_mapping(cls, wish: Mapping[str, Any]) -> Self:
        """Check and convert plain data.

        Raises
        ------
        UsageError
            An unknown key (with the nearest known one), no images, or a value that cannot be.
        """
        refuse_unknown(wish, [field.name for field in fields(cls)], "no such option of an experiment")
        given = {key: _CONVERT[key](key, value) for key, value in wish.items() if value is not None}
        if "images" not in given:
            raise UsageError("images: nothing to look at; name a folder or a list of files (images: my-pictures)")
        return cls(**given)


def _text(name: str, value: Any) -> str:
    require(isinstance(value, str) and value, name, value, "text")
    return path_text(name, value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    require(isinstance(value, str | list | tuple), name, value, "text, or a list of texts")
    return tuple(_text(name, item) for item in ([value] if isinstance(value, str) else value))


def _integer(name: str, value: Any) -> int:
    require(isinstance(value, int) and not isinstance(value, bool), name, value, "a whole number")
    return int(value)


def _integers(name: str, value: Any) -> tuple[int, ...]:
    return tuple(_integer(name, item) for item in (value if isinstance(value, list | tuple) else [value]))


def _flag(name: str, value: Any) -> bool:
    require(isinstance(value, bool), name, value, "true or false")
    return bool(value)


def _number_or_text(name: str, value: Any) -> str:
    """Text that YAML reads as a number where nobody puts quotes around it."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(name, value)


def _collections(name: str, value: Any) -> Mapping[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): _texts(f"{name}.{key}", item) for key, item in value.items()})
    return MappingProxyType({"images": _texts(name, value)})


_CONVERT: Mapping[str, Callable[[str, Any], Any]] = MappingProxyType({
    "images": _collections, "output": _text, "saliency": _texts, "passes": _integer, "qualities": _integers,
    "modes": _texts, "subsampling": _number_or_text, "steps": _integer, "salient": read_number, "distinct": read_number,
    "detail": _integer, "detail_quality": _integer, "bidx": _integers, "bands": _texts, "to_byte": _text,
    "keep": _flag,
})  # fmt: skip
