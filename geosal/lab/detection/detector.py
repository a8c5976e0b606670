"""What a detector is, and what it finds."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import SceneError


@dataclass(frozen=True, eq=False)
class Found:
    """Objects that were found in an image or a part of one.

    Attributes
    ----------
    boxes
        Float64 (object, 4): left, top, right and bottom in pixels; 0 is the left or upper edge.
    scores
        Float64 (object,): how sure the detector is, the higher the surer.
    labels
        Int64 (object,): number of the class, from 0.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, boxes: Any, scores: Any, labels: Any, *, by: str, classes: int) -> Self:
        """Check what a detector returns, and convert it.

        Raises
        ------
        SceneError
            The shapes do not fit each other, a value is no number, or a class does not exist.
        """
        found = cls(
            np.asarray(boxes, np.float64).reshape(-1, 4) if np.size(boxes) == 0 else np.asarray(boxes, np.float64),
            np.asarray(scores, np.float64),
            np.asarray(labels).astype(np.int64),
        )
        count = len(found.scores)
        if found.boxes.shape != (count, 4) or found.scores.shape != (count,) or found.labels.shape != (count,):
            shapes = [array.shape for array in (found.boxes, found.scores, found.labels)]
            raise SceneError(
                f"{by}: returns boxes, scores and labels of the shapes {shapes}; they are (n, 4), (n,), (n,)"
            )
        if not (np.isfinite(found.boxes).all() and np.isfinite(found.scores).all()):
            raise SceneError(f"{by}: returns a box or a score that is no number; export or train it again")
        if count and (found.labels.min() < 0 or found.labels.max() >= classes):
            raise SceneError(
                f"{by}: returns class {found.labels.max()}, and it has {classes} counted from 0; name all its classes"
            )
        return found

    @classmethod
    def nothing(cls) -> Self:
        """Return no objects."""
        return cls(np.empty((0, 4)), np.empty(0), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, which: NDArray[Any]) -> "Found":
        """Return some of the objects, by number or by a mask."""
        return Found(self.boxes[which], self.scores[which], self.labels[which])


class Detector(Protocol):
    """Finds objects in pictures: a network of any kind, or a function of yours."""

    @property
    def name(self) -> str:
        """What messages and tables call it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of labels."""

    @property
    def tile(self) -> int:
        """Rows and columns of a scene that it looks at at once."""

    def detect(self, tile: NDArray[np.uint8]) -> Found:
        """Find the objects in a picture, uint8 (y, x, 3), red, green and blue; smaller at a scene's edge.

        Returns
        -------
        Found
            In pixels of the picture.

        Raises
        ------
        SceneError
            The detector cannot be run, or returns what makes no sense.
        """
