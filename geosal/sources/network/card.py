"""The card of a trained model: its description, carried in the ONNX file as text."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from geosal.core.option_values import read_items
from geosal.errors import SceneError

FORMAT = "geosal-msroi"
VERSION = 1
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ModelCard:
    """All that is needed to use a model.

    The network takes ``(rgb / 255 - mean) / std`` as float32 ``(batch, 3, y, x)``, y and x multiples of `stride`, and
    gives ``cam`` ``(batch, class, y / stride, x / stride)`` and ``logits`` ``(batch, class)``.

    Attributes
    ----------
    classes
        Names, in the order of the outputs.
    weights
        Weight of each class, 0 to 1; the same length.
    stride
        Pixels of the input for one of the maps.
    size
        Pixels along an edge of the images it was trained on.
    ground_resolution
        Metres of a pixel it was trained on; None for photographs.
    mean, std
        Values subtracted from the samples in 0..1, and divisors; red, green, blue.
    backbone
        Name of the architecture.
    notes
        Notes for people: data, licence, recipe, accuracy.
    """

    classes: tuple[str, ...]
    weights: tuple[float, ...]
    stride: int
    size: int
    ground_resolution: float | None = None
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    backbone: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for is_wrong, what in (
            (not all(isinstance(name, str) for name in self.classes), "a name of a class is no text"),
            (not self.classes or len(set(self.classes)) != len(self.classes), "its classes are absent or not distinct"),
            (len(self.weights) != len(self.classes), f"{len(self.weights)} weights for {len(self.classes)} classes"),
            (not all(0 <= weight <= 1 for weight in self.weights), "a weight of a class is not in 0..1"),
            (not 1 <= self.stride <= self.size, f"stride {self.stride} and image size {self.size}"),
            (len(self.mean) != 3 or len(self.std) != 3, "mean and std are not three numbers each"),
            (not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0, "mean or std is no scale"),
            (
                self.ground_resolution is not None and not 0 < self.ground_resolution < math.inf,
                "its ground resolution is no length",
            ),
        ):
            if is_wrong:
                raise ValueError(what)

    def to_metadata(self) -> dict[str, str]:
        """Write the card as ONNX metadata: text by key, each value JSON but for `format`."""
        values: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        text = {name: json.dumps(dict(value) if name == "notes" else value) for name, value in values.items()}
        return {"format": FORMAT, "version": str(VERSION), **text}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: str) -> Self:
        """Read the card that an ONNX file carries.

        Raises
        ------
        SceneError
            The file is no model of geosal's, is of a newer version, or its card makes no sense.
        """
        if metadata.get("format") != FORMAT:
            raise SceneError(f"{path}: is no MS-ROI model of geosal; make one with geosal train")
        if metadata.get("version") != str(VERSION):
            raise SceneError(
                f"{path}: its model card has version {metadata.get('version')}, this geosal reads {VERSION}; "
                f"install a newer geosal or train again"
            )
        try:
            values = {one.name: json.loads(metadata[one.name]) for one in fields(cls) if one.name in metadata}
            for name in ("classes", "weights", "mean", "std"):
                if name in values:
                    values[name] = read_items(name, values[name])
            return cls(**values)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise SceneError(f"{path}: its model card cannot be read: {error}; export the model again") from error
