"""Boxes as arrays (box, 4) of left, top, right and bottom: how much they share, and which of several to keep."""

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def areas(boxes: Boxes) -> NDArray[np.float64]:
    """Return the area of each box; 0 for one that is turned inside out."""
    return np.asarray(np.maximum(boxes[..., 2] - boxes[..., 0], 0) * np.maximum(boxes[..., 3] - boxes[..., 1], 0))


def shared(ours: Boxes, theirs: Boxes) -> NDArray[np.float64]:
    """Return the area that each box shares with its partner."""
    return areas(
        np.concatenate(
            [np.maximum(ours[..., :2], theirs[..., :2]), np.minimum(ours[..., 2:], theirs[..., 2:])], axis=-1
        )
    )


def over_union(ours: Boxes, theirs: Boxes) -> NDArray[np.float64]:
    """Return intersection over union of each box and its partner."""
    both = shared(ours, theirs)
    return np.asarray(both / np.maximum(areas(ours) + areas(theirs) - both, np.finfo(np.float64).tiny))


def over_smaller(ours: Boxes, theirs: Boxes) -> NDArray[np.float64]:
    """Return the share of the smaller of two boxes that lies in the other."""
    least = np.minimum(areas(ours), areas(theirs))
    return np.asarray(shared(ours, theirs) / np.maximum(least, np.finfo(np.float64).tiny))


def touching(boxes: Boxes) -> NDArray[np.int64]:
    """Return pairs (pair, 2) of boxes that share area or an edge, each once, the lower number first."""
    if len(boxes) < 2:
        return np.empty((0, 2), np.int64)
    shapes = shapely.box(*boxes.T)
    pairs = shapely.STRtree(shapes).query(shapes).T
    return np.asarray(pairs[pairs[:, 0] < pairs[:, 1]], np.int64)


def keep_best(
    order: NDArray[np.int64], pairs: NDArray[np.int64], is_same: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
) -> NDArray[np.int64]:
    """Return the boxes that are left when each takes away those after it that are the same thing, best first.

    Parameters
    ----------
    order
        Numbers of the boxes, the best first.
    pairs
        Pairs of boxes that may be the same.
    is_same
        Tells of each pair whether it is.
    """
    rivals: dict[int, list[int]] = {}
    for one, other in pairs[is_same(pairs)].tolist() if len(pairs) else ():
        rivals.setdefault(one, []).append(other)
        rivals.setdefault(other, []).append(one)
    gone: set[int] = set()
    kept = []
    for number in order.tolist():
        if number not in gone:
            kept.append(number)
            gone.update(rivals.get(number, ()))
    return np.asarray(kept, np.int64)


def suppress(boxes: Boxes, scores: NDArray[np.float64], labels: NDArray[np.int64], most: float) -> NDArray[np.int64]:
    """Return the boxes, best first, of which no two of a class share more than `most` of their union."""
    return keep_best(
        np.argsort(-scores, kind="stable"),
        touching(boxes),
        lambda pairs: (
            (labels[pairs[:, 0]] == labels[pairs[:, 1]]) & (over_union(boxes[pairs[:, 0]], boxes[pairs[:, 1]]) > most)
        ),
    )
