"""The card of a detector: a JSON file beside its ONNX file that says how to feed it and how to read it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from geosal.core.option_values import read_items, refuse_unknown
from geosal.errors import SceneError, UsageError
from geosal.files.atomic import open_plain

LAYOUTS = ("auto", "fasterrcnn", "yolo", "yolov5")
"""Outputs that are understood; see `DetectorCard`."""
ORDERS = ("RGB", "BGR")
MAX_INPUT = 4096
_LARGEST = 2**20
"""Limit of a card, in bytes."""


@dataclass(frozen=True, kw_only=True)
class DetectorCard:
    """How to feed a detector, and how to read what it returns.

    The network takes ``(samples / divide - mean) / std`` as float32, (1, 3, y, x) or (3, y, x).

    Attributes
    ----------
    classes
        Names, in the order of the outputs.
    layout
        ``fasterrcnn``: boxes (n, 4), labels (n,) that count from 1, as 0 is the background, and scores (n,), as
        torchvision exports it. ``yolo``: (1, 4 + classes, n), middle, size and a score for each class, as YOLOv8 and
        newer. ``yolov5``: (1, n, 5 + classes), the same with the score of any object before the classes', by which
        they are multiplied. ``auto``: by the shapes.
    input
        Rows and columns of the input.
    divide, mean, std, order
        What is done to samples; the order of the bands.
    zoom
        Pixels of the input for one of the scene, along a side: what has 100 pixels here and had 50 where the network
        learned asks for 0.5.
    score
        Least score of what is returned. Average precision needs faint ones too.
    iou
        Share of their union from which two boxes of a class are the same (for the layouts of YOLO).
    """

    classes: tuple[str, ...]
    layout: str = "auto"
    input: int = 640
    divide: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    order: str = "RGB"
    zoom: float = 1.0
    score: float = 0.01
    iou: float = 0.6

    def __post_init__(self) -> None:
        numbers = (*self.mean, *self.std, self.divide, self.zoom, self.score, self.iou)
        if not all(
            isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in numbers
        ):
            raise ValueError("divide, mean, std, zoom, score and iou are numbers")
        for is_wrong, what in (
            (isinstance(self.classes, str), f"classes: a list of names, such as [{self.classes!a:.40}]"),
            (not self.classes or not all(isinstance(name, str) and name for name in self.classes), "classes: names"),
            (len(set(self.classes)) != len(self.classes), "classes: each stands once"),
            (self.layout not in LAYOUTS, f"layout: one of {', '.join(LAYOUTS)}"),
            (self.order not in ORDERS, f"order: one of {', '.join(ORDERS)}"),
            (not (type(self.input) is int and 32 <= self.input <= MAX_INPUT), f"input: 32 to {MAX_INPUT} pixels"),
            (len(self.mean) != 3 or len(self.std) != 3, "mean and std: three numbers each"),
            (self.divide <= 0 or min(self.std) <= 0, "divide and std: above 0"),
            (not 1 / 16 <= self.zoom <= 16, "zoom: 1/16 to 16"),
            (not 0 <= self.score < 1, "score: 0 or more, and below 1"),
            (not 0 < self.iou <= 1, "iou: above 0, at most 1"),
        ):
            if is_wrong:
                raise ValueError(what)

    @classmethod
    def of(cls, values: Any) -> Self:
        """Make a card from plain data.

        Raises
        ------
        UsageError
            A key is unknown, or what is no list stands where one is wanted.
        TypeError, ValueError
            A value cannot be.
        """
        if not isinstance(values, Mapping):
            raise TypeError("it is no mapping")
        refuse_unknown(values, [one.name for one in fields(cls)], "no such key of a detector's card")
        listed = {name: read_items(name, values[name]) for name in ("classes", "mean", "std") if name in values}
        return cls(**{**values, **listed})

    @classmethod
    def beside(cls, model: str) -> Self:
        """Read the card of a model: the file of its name that ends in ``.json``.

        Raises
        ------
        SceneError
            There is none, or it makes no sense.
        """
        path = Path(model).with_suffix(".json")
        try:
            with open_plain(path) as file:
                values = json.loads(file.read(_LARGEST))
            return cls.of(values)
        except OSError as error:
            raise SceneError(
                f"{model}: its card {path} cannot be read: {error.strerror}; write one, "
                '{"classes": ["ship"], "input": 640} at least'
            ) from error
        except (TypeError, ValueError, RecursionError, UsageError) as error:
            raise SceneError(f"{path}: is no detector's card: {' '.join(str(error).split())[:200]}; mend it") from error

    def to_json(self) -> str:
        """Return the text of the card."""
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)}, indent=2) + "\n"
