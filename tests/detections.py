"""A detector of a few lines, truth and detections from plain lists, for tests of detection."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from geosal.lab.detection.detector import Found
from geosal.lab.detection.truth import Marked, Truth

BRIGHT = 200


@dataclass(frozen=True)
class Bright:
    """A detector of bright things: a box around each, surer of larger ones."""

    tile: int = 64
    classes: tuple[str, ...] = ("square",)
    name: str = "bright"

    def detect(self, tile: np.ndarray) -> Found:
        marks, count = ndimage.label(tile[..., 0] > BRIGHT)
        boxes = [[at[1].start, at[0].start, at[1].stop, at[0].stop] for at in ndimage.find_objects(marks)]
        shape = np.array(boxes, np.float64).reshape(-1, 4)
        sizes = (shape[:, 2] - shape[:, 0]) * (shape[:, 3] - shape[:, 1])
        return Found(shape, sizes / (sizes + 100), np.zeros(count, np.int64))


def truth_of(
    *images: Sequence[Sequence[float]],
    ignored: Sequence[bool] = (),
    classes: tuple[str, ...] = ("square",),
    shape: tuple[int, int] = (256, 256),
) -> Truth:
    """Make the truth of images called 0.png and so on, with boxes of the first class."""
    made = []
    for number, boxes in enumerate(images):
        array = np.array(boxes, np.float64).reshape(-1, 4)
        made.append(
            Marked(
                name=f"{number}.png",
                path="",
                shape=shape,
                boxes=array,
                labels=np.zeros(len(array), np.int64),
                ignored=np.array(ignored or [False] * len(array), np.bool_),
            )
        )
    return Truth(classes=classes, images=tuple(made))


def found_of(boxes: Sequence[Sequence[float]], scores: Sequence[float], labels: Sequence[int] = ()) -> Found:
    """Make detections, of the first class unless told."""
    array = np.array(boxes, np.float64).reshape(-1, 4)
    return Found(array, np.array(scores, np.float64), np.array(labels or [0] * len(scores), np.int64))
