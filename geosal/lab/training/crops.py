"""Pictures for a detector to learn from: parts of scenes, drawn anew at each step, with the boxes in them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geosal.lab.detection.truth import Marked

_SHOWN = 0.4
"""Share of an object from which a picture that cuts it teaches it; less is neither object nor background."""
_NEAR = 0.75
"""Share of the pictures that show an object at least."""
_STRETCH = 1.3
"""Most that a picture is made larger or smaller."""


class Scene(NamedTuple):
    """A scene with its objects, in memory."""

    pixels: NDArray[np.uint8]
    """(y, x, 3)."""
    marked: Marked


class Crop(NamedTuple):
    """A picture, and what is in it."""

    pixels: NDArray[np.uint8]
    """(y, x, 3)."""
    boxes: NDArray[np.float64]
    """(object, 4), corners in its pixels."""
    labels: NDArray[np.int64]
    unknown: NDArray[np.float64]
    """(place, 4): where it is not known what lies there."""


def draw_crop(scenes: Sequence[Scene], side: int, zoom: float, jitter: float, chance: np.random.Generator) -> Crop:
    """Draw a part of a scene at random: its place, size, turn, mirror image and light.

    Parameters
    ----------
    scenes
        The scenes; one with twice the objects is taken twice as often.
    side
        Rows and columns of the picture.
    zoom
        Pixels of the picture for one of the scene, along a side.
    jitter
        Share by which contrast, brightness and each band may change.
    chance
        Where all chance comes from.
    """
    counts = np.array([1 + len(scene.marked.boxes) for scene in scenes], np.float64)
    scene = scenes[int(chance.choice(len(scenes), p=counts / counts.sum()))]
    height, width = scene.pixels.shape[:2]
    scale = zoom * _STRETCH ** chance.uniform(-1, 1)
    reach = min(side / scale, height, width)
    places = scene.marked.boxes[~scene.marked.ignored]
    if len(places) and chance.random() < _NEAR:
        box = places[int(chance.integers(len(places)))]
        middle = (box[:2] + box[2:]) / 2 + chance.uniform(-0.4, 0.4, 2) * reach
        corner = middle - reach / 2
    else:
        corner = chance.uniform(0, 1, 2) * (width - reach, height - reach)
    left, top = np.clip(corner, 0, (width - reach, height - reach))
    picture = Image.fromarray(scene.pixels).resize(
        (side, side), Image.Resampling.BILINEAR, (left, top, left + reach, top + reach)
    )
    boxes = (scene.marked.boxes - np.array([left, top, left, top])) * (side / reach)
    inside = np.clip(boxes, 0, side)
    shown = _areas(inside) / _areas(boxes)
    taught = (shown >= _SHOWN) & ~scene.marked.ignored
    hidden = (shown > 0) & ~taught
    pixels, turned = _turn(np.asarray(picture), inside, chance)
    return Crop(_relight(pixels, jitter, chance), turned[taught], scene.marked.labels[taught], turned[hidden])


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def _turn(
    pixels: NDArray[np.uint8], boxes: NDArray[np.float64], chance: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Turn a square by quarters and mirror it: from above no side is up."""
    side, (left, top, right, bottom) = pixels.shape[0], boxes.T
    for _ in range(int(chance.integers(4))):  # counterclockwise: what was right is above
        pixels = np.rot90(pixels)
        left, top, right, bottom = top, side - right, bottom, side - left
    if chance.random() < 0.5:
        pixels = pixels[:, ::-1]
        left, right = side - right, side - left
    return pixels, np.stack([left, top, right, bottom], axis=1)


def _relight(pixels: NDArray[np.uint8], most: float, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Change contrast and brightness, and a little of each band."""
    contrast = 1 + most * chance.uniform(-1, 1)
    offset = 255 * most * (0.5 * chance.uniform(-1, 1) + 0.25 * chance.uniform(-1, 1, 3))
    mean = pixels.mean()
    return np.asarray(np.clip((pixels - mean) * contrast + mean + offset, 0, 255), np.uint8)
