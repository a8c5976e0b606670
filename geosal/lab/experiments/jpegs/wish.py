"""The wish of the study of JPEGs: a YAML file, with every key checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from geosal.core.ladder import MAX_STEPS
from geosal.core.option_values import read_number, require
from geosal.core.treatment import Treatment
from geosal.lab.experiments.wish import Convert, Wish, integer, integers, text, texts

SUBSAMPLINGS = ("420", "444")
_MOST_PASSES = 100


def _number_or_text(name: str, value: Any) -> str:
    """Text that YAML reads as a number where nobody puts quotes around it."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(name, value)


@dataclass(frozen=True, kw_only=True)
class Experiment(Wish):
    """What an experiment compares, and how.

    Attributes
    ----------
    images
        See `Wish`; each collection has averages of its own (Tables 3 and 4).
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
    """

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

    converts: ClassVar[Mapping[str, Convert]] = MappingProxyType({
        "saliency": texts, "passes": integer, "qualities": integers, "modes": texts, "subsampling": _number_or_text,
        "steps": integer, "salient": read_number, "distinct": read_number, "detail": integer,
        "detail_quality": integer,
    })  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
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

    @property
    def shown_quality(self) -> int:
        """The quality of Tables 1 and 2."""
        if self.detail_quality is not None:
            return self.detail_quality
        return 50 if 50 in self.qualities else self.qualities[len(self.qualities) // 2]
