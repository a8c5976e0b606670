"""The wish of a study of detection: a YAML file, with every key checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from geosal.core.option_values import read_number, require
from geosal.errors import UsageError
from geosal.lab.detection.imperfect import Imperfection
from geosal.lab.detection.looking import OVERLAP
from geosal.lab.detection.truth import CROWDS
from geosal.lab.experiments.sweep.wish import NO_MASK, Sweep
from geosal.lab.experiments.wish import Convert, integer, text, texts
from geosal.sources.length import read_length

EACH = ""
"""Key of what goes for every collection that has no value of its own."""
_MOST_DRAWS = 10_000


def _each(convert: Convert) -> Convert:
    """Read values by collection, or one for all."""

    def read(name: str, value: Any) -> Mapping[str, Any]:
        given = value if isinstance(value, Mapping) else {EACH: value}
        found = {str(key): convert(f"{name}.{key}" if key else name, item) for key, item in given.items()}
        return MappingProxyType(found)

    return read


def _boxes(name: str, value: Any) -> Mapping[str, str]:
    require(isinstance(value, Mapping), name, value, 'a mapping such as {true: "", poor: "shift=0.2,drop=0.2"}')
    found = {str(key): text(f"{name}.{key}", item) if item else "" for key, item in value.items()}
    return MappingProxyType(found)


@dataclass(frozen=True, kw_only=True)
class Detection(Sweep):
    """What is detected where, after which smoothing.

    `annotations`, `detectors`, `classes`, `buffer` and `square` go by collection, or are one for all (the key "").

    Attributes
    ----------
    annotations
        COCO files or tables of boxes.
    detectors
        ONNX files with their cards beside them.
    classes
        Classes to find; all by default. Objects of others are ignored.
    crowds
        See `geosal.lab.detection.truth.Truth.read`.
    boxes
        Name of a mask -> how the boxes of the annotations are spoiled for it, see
        `geosal.lab.detection.imperfect.Imperfection.parse`; "" for not at all.
    saliency, buffer
        Saliency in the boxes, and how far they are enlarged, such as ``20px``.
    overlap
        Share of a detector's tile that its neighbour sees too.
    square, draws, seed
        Rows and columns of the squares that are drawn, number of draws, and what their chance comes from.
    """

    output: str = "detection"
    masks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levels: bool = False
    annotations: Mapping[str, str]
    detectors: Mapping[str, str]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crowds: str = CROWDS[0]
    boxes: Mapping[str, str] = field(default_factory=lambda: {"boxes": ""})
    saliency: float = 0.8
    buffer: Mapping[str, str] = field(default_factory=lambda: {EACH: "20px"})
    overlap: float = OVERLAP
    square: Mapping[str, int] = field(default_factory=lambda: {EACH: 512})
    draws: int = 200
    seed: int = 0

    converts: ClassVar[Mapping[str, Convert]] = MappingProxyType({
        **Sweep.converts,
        "annotations": _each(text), "detectors": _each(text), "classes": _each(texts), "buffer": _each(text),
        "square": _each(integer), "boxes": _boxes, "crowds": text, "saliency": read_number, "overlap": read_number,
        "draws": integer, "seed": integer,
    })  # fmt: skip
    needs: ClassVar[Mapping[str, str]] = MappingProxyType({
        "annotations": "annotations.json", "detectors": "detector.onnx",
    })  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("annotations", "detectors", "buffer", "square"):
            self._check_known(name)
            for collection in self.images:
                require(self.of(name, collection), name, collection, "one for each collection of images")
        self._check_known("classes")
        require(self.crowds in CROWDS, "crowds", self.crowds, f"one of {', '.join(CROWDS)}")
        require(0 <= self.saliency <= 1, "saliency", self.saliency, "from 0 to 1")
        require(0 <= self.overlap <= 0.9, "overlap", self.overlap, "from 0 to 0.9")
        require(2 <= self.draws <= _MOST_DRAWS, "draws", self.draws, f"from 2 to {_MOST_DRAWS}")
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        for length in self.buffer.values():
            read_length("buffer", length, bare=True)
        for side in self.square.values():
            require(side >= 16, "square", side, "16 pixels or more")
        for name, spoiled in self.boxes.items():
            require(name not in {NO_MASK, *self.masks}, "boxes", name, "a name that no other mask has")
            Imperfection.parse(spoiled)

    def _check_known(self, name: str) -> None:
        for collection in getattr(self, name):
            if collection != EACH and collection not in self.images:
                raise UsageError(f"{name}: no images are called {collection}; there are {', '.join(self.images)}")

    def of(self, name: str, collection: str) -> Any:
        """Return what goes for a collection; None where nothing does."""
        values = getattr(self, name)
        return values.get(collection, values.get(EACH))
