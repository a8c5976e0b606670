"""Settings of training: the paper's recipe, one that reaches more in less time, and all their options."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from geosal.errors import UsageError

STRIDES: Mapping[str, int] = {"vgg16": 16, "compact": 8}
"""Backbone -> pixels of a picture for one of its maps, along a side."""
BACKBONES = tuple(STRIDES)
OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("constant", "one-cycle")
MAX_SIZE = 4096


@dataclass(frozen=True)
class Settings:
    """Settings of training; the defaults are the paper's.

    Attributes
    ----------
    backbone
        Architecture: `BACKBONES`.
    size
        Pixels along an edge, to which pictures are resized; a multiple of the backbone's stride.
    epochs, batch, seed
        Rounds over the pictures, pictures of a step, and what all chance comes from.
    optimizer, learning_rate, weight_decay, schedule
        `OPTIMIZERS`, its rate (the highest one of a one-cycle), the decay of AdamW, `SCHEDULES`.
    label_smoothing
        Share of a picture's target that is spread over all classes.
    average
        Decay of the moving average of the weights, which is what is judged and exported; 0 for none.
    rotation, zoom, flips, quarter_turns
        Degrees either way, share either way, mirrored or not, turned by 90 degrees or not: from above no side is up.
    jitter
        Share by which brightness, contrast and each band may change.
    mosaic
        Share of the steps in which pictures lie side by side, as land does in a scene, each judged on its own part of
        the map: what a class is must be seen inside it, not in its neighbours or in the picture's border.
    validation, test
        Pictures of each class set aside to choose the best epoch, and to judge the outcome.
    head_relu
        Whether VGG16's three added convolutions have a ReLU.
    """

    backbone: str = "vgg16"
    size: int = 224
    epochs: int = 100
    batch: int = 32
    seed: int = 0
    optimizer: str = "adam"
    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    schedule: str = "constant"
    label_smoothing: float = 0.0
    average: float = 0.0
    rotation: float = 30.0
    zoom: float = 0.3
    flips: bool = True
    quarter_turns: bool = False
    jitter: float = 0.0
    mosaic: float = 0.0
    validation: int = 15
    test: int = 0
    head_relu: bool = False

    def __post_init__(self) -> None:
        stride = STRIDES.get(self.backbone, 1)
        for is_wrong, what in (
            (self.backbone not in BACKBONES, f"--backbone {self.backbone}: give one of {', '.join(BACKBONES)}"),
            (self.optimizer not in OPTIMIZERS, f"--optimizer {self.optimizer}: give one of {', '.join(OPTIMIZERS)}"),
            (self.schedule not in SCHEDULES, f"--schedule {self.schedule}: give one of {', '.join(SCHEDULES)}"),
            (not 0 < self.size <= MAX_SIZE, f"--size {self.size}: give 1 to {MAX_SIZE} px"),
            (self.size % stride != 0, f"--size {self.size}: {self.backbone} takes multiples of {stride} px"),
            (self.epochs < 1, f"--epochs {self.epochs}: at least one is needed"),
            (self.batch < 2, f"--batch {self.batch}: at least two pictures make a step"),
            (not 0 < self.learning_rate <= 1, f"--learning-rate {self.learning_rate}: give one above 0, up to 1"),
            (not 0 <= self.weight_decay < 1, f"--weight-decay {self.weight_decay}: give one in 0..1"),
            (not 0 <= self.average < 1, f"--average {self.average}: a decay is 0 or more and below 1"),
            (not 0 <= self.zoom < 1, f"--zoom {self.zoom}: a share is 0 or more and below 1"),
            (not 0 <= self.rotation <= 180, f"--rotation {self.rotation}: give degrees, 0 to 180"),
            (not 0 <= self.label_smoothing < 1, f"--label-smoothing {self.label_smoothing}: give a share below 1"),
            (not 0 <= self.jitter < 1, f"--jitter {self.jitter}: give a share below 1"),
            (not 0 <= self.mosaic <= 1, f"--mosaic {self.mosaic}: give a share, 0 to 1"),
            (not 0 <= self.seed < 2**31, f"--seed {self.seed}: give a number from 0 to 2147483647"),
            (self.validation < 1, f"--validation {self.validation}: one picture of a class at least chooses the epoch"),
            (self.test < 0, f"--test {self.test}: give 0 or more pictures of a class"),
        ):
            if is_wrong:
                raise UsageError(what)

    @classmethod
    def of(cls, backbone: str, recipe: str, changes: Mapping[str, Any]) -> Self:
        """Take the settings of a backbone and a recipe, and the user's changes to them.

        Raises
        ------
        UsageError
            A value cannot be.
        """
        known = {one.name for one in fields(cls)}
        size = {} if backbone == "vgg16" else {"size": COMPACT_SIZE}
        values = size | dict(RECIPES[recipe]) | {key: value for key, value in changes.items() if key in known}
        return replace(cls(), backbone=backbone, **values)


COMPACT_SIZE = 64
"""Rows and columns of the images of EuroSAT."""
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "paper": {},
    "brisk": {
        "epochs": 40,
        "batch": 64,
        "optimizer": "adamw",
        "learning_rate": 4e-3,
        "weight_decay": 0.02,
        "schedule": "one-cycle",
        "label_smoothing": 0.05,
        "average": 0.98,
        "quarter_turns": True,
        "jitter": 0.1,
        "mosaic": 0.5,
    },
}
"""Recipes by name: the paper's, and one for a small network and few minutes."""
