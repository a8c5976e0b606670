"""Run a detector over a scene of any size, tile by tile, and join what it finds at the seams."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.errors import SceneError
from geosal.lab.detection.boxes import Boxes, keep_best, over_smaller, over_union, touching
from geosal.lab.detection.detector import Detector, Found
from geosal.scenes import AnyScene

OVERLAP = 0.25
"""Share of a tile that its neighbour sees too."""
_EDGE = 1.5
"""Pixels from the edge of a tile within which a box counts as cut by it."""
_SAME = 0.5
"""Intersection over union from which two boxes of a class are one object."""
_PART = 0.6
"""Share of a cut box inside another tile's box from which it is a part of that."""
_ALIGNED = 0.5
"""Intersection over union along a seam from which two boxes that it cuts are the parts of one object."""
_LEFT, _TOP, _RIGHT, _BOTTOM = range(4)


def look(detector: Detector, scene: AnyScene, *, overlap: float = OVERLAP) -> Found:
    """Find the objects of a scene; memory grows with the tile and with what is found, not with the scene.

    An object on a seam is found once: neighbours overlap, so one of them sees it whole, and its parts in others go.
    One that is larger than the overlap is put together from its parts.

    Parameters
    ----------
    detector
        What looks.
    scene
        Uint8, of three bands or more (the first three are taken), or one.
    overlap
        Share of a tile that its neighbour sees too, 0 to 0.9.

    Raises
    ------
    SceneError
        The scene has no bytes, cannot be decoded, or the detector cannot be run.
    """
    if scene.layout.dtype != "uint8":
        raise SceneError(
            f"{scene.path}: {scene.layout.dtype}, and detectors look at bytes; say how: to_byte: percentile:2-98"
        )
    seen, cuts, tiles = [], [], []
    for number, block in enumerate(tiles_of(scene.grid.shape, detector.tile, overlap)):
        found = detector.detect(picture_of(scene, block))
        seen.append(Found(found.boxes + np.tile([block.col_off, block.row_off], 2), found.scores, found.labels))
        cuts.append(_cut(seen[-1].boxes, block, scene.grid.shape))
        tiles.append(np.full(len(found), number))
    everything = Found(
        *(np.concatenate([getattr(one, name) for one in seen]) for name in ("boxes", "scores", "labels"))
    )
    return join(everything, np.concatenate(cuts), np.concatenate(tiles))


def tiles_of(shape: tuple[int, int], size: int, overlap: float) -> Iterator[Block]:
    """Cut a grid of `shape` (rows, columns) into tiles that overlap; the last of a row or column ends with the grid."""
    step = max(1, size - round(size * overlap))
    starts = [[*range(0, max(length - size, 0), step), max(length - size, 0)] for length in shape]
    for row in starts[0]:
        for col in starts[1]:
            yield Block(row, col, min(size, shape[0]), min(size, shape[1]))


def join(found: Found, cut: NDArray[np.bool_], tiles: NDArray[np.int64]) -> Found:
    """Join what several tiles have found, in pixels of the scene.

    Parameters
    ----------
    found
        All of it.
    cut
        (object, 4): whether the left, top, right or lower edge of its tile cuts a box, where the scene goes on.
    tiles
        (object,): number of the tile.
    """
    boxes, scores, labels = found.boxes.copy(), found.scores.copy(), found.labels
    pairs = touching(boxes)
    pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    across = pairs[tiles[pairs[:, 0]] != tiles[pairs[:, 1]]]
    whole = _assemble(boxes, scores, cut, across[_are_parts(boxes, cut, across)])
    order = np.lexsort((-scores, ~whole & cut.any(axis=1)))  # the whole ones first, then by score
    pairs = touching(boxes)

    def is_same(pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        one, other = pairs.T
        alike = over_union(boxes[one], boxes[other]) > _SAME
        is_cut = (cut[one].any(axis=1) | cut[other].any(axis=1)) & (tiles[one] != tiles[other])
        part = is_cut & (over_smaller(boxes[one], boxes[other]) > _PART)
        return np.asarray((labels[one] == labels[other]) & (alike | part))

    kept = keep_best(order, pairs, is_same)
    return Found(boxes, scores, labels).take(kept[np.argsort(-scores[kept], kind="stable")])


def _are_parts(boxes: Boxes, cut: NDArray[np.bool_], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether two boxes are cut by facing edges of their tiles, and lie beside each other along the seam."""
    one, other = pairs.T
    facing = np.zeros(len(pairs), np.bool_)
    for low, high, along in ((_LEFT, _RIGHT, (_TOP, _BOTTOM)), (_TOP, _BOTTOM, (_LEFT, _RIGHT))):
        meet = (cut[one, low] & cut[other, high]) | (cut[one, high] & cut[other, low])
        first, last = along
        start, stop = (
            np.maximum(boxes[one, first], boxes[other, first]),
            np.minimum(boxes[one, last], boxes[other, last]),
        )
        hull = np.maximum(boxes[one, last], boxes[other, last]) - np.minimum(boxes[one, first], boxes[other, first])
        facing |= meet & (np.maximum(stop - start, 0) > _ALIGNED * hull)
    return facing


def _assemble(
    boxes: Boxes, scores: NDArray[np.float64], cut: NDArray[np.bool_], pairs: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Give each part of an object the box of all its parts, and the best score; return which boxes are so made."""
    group = np.arange(len(boxes))
    for one, other in pairs.tolist():
        group[group == group[other]] = group[one]
    made = np.zeros(len(boxes), np.bool_)
    for number in np.unique(group[pairs]) if len(pairs) else ():
        parts = group == number
        boxes[parts] = [*boxes[parts, :2].min(axis=0), *boxes[parts, 2:].max(axis=0)]
        scores[parts] = scores[parts].max()
        made |= parts
    return made & cut.any(axis=1)


def _cut(boxes: Boxes, block: Block, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which edges of a tile cut each box: those that it reaches, where the scene goes on."""
    edges = np.array([block.col_off, block.row_off, block.col_stop, block.row_stop])
    inner = np.array([block.col_off > 0, block.row_off > 0, block.col_stop < shape[1], block.row_stop < shape[0]])
    beyond = (boxes - edges) * np.array([1, 1, -1, -1])
    return np.asarray((beyond < _EDGE) & inner)


def picture_of(scene: AnyScene, block: Block) -> NDArray[np.uint8]:
    """Read a block as red, green and blue, (y, x, 3)."""
    bands = scene.read(block).pixels
    chosen = bands[:3] if len(bands) >= 3 else np.repeat(bands[:1], 3, axis=0)
    return np.ascontiguousarray(np.moveaxis(chosen, 0, -1))
