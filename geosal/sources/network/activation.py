"""Turn class activation maps into one map of saliency: which classes are seen, how clearly, and how much they matter.

It works on arrays only. Tiles of a scene are reduced one by one (`seen`) and joined (`Canvas`); steps that depend on
the whole scene come last (`by_probability`, `by_rank`).
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RANK_STEP, RANK_LAST = 0.5, 1.2
"""Shares of ranks: the original code of MS-ROI halves from rank to rank, and gives the last one 1.2 times its share."""


def neighbourhood(cam: Floats, side: int) -> NDArray[np.float64]:
    """Return means of maps (class, y, x) in windows of `side` rows and columns around each cell, cut at the edge.

    These are the logits of the picture that lies around the cell: a logit is the mean of its map.
    """
    means = cam.astype(np.float64)
    for axis in (1, 2):
        size = means.shape[axis]
        sums = np.cumsum(means, axis=axis)
        sums = np.insert(sums, 0, 0, axis=axis)
        place = np.arange(size)
        first, stop = np.maximum(place - side // 2, 0), np.minimum(place - side // 2 + side, size)
        lengths = (stop - first).reshape((1, -1, 1) if axis == 1 else (1, 1, -1))
        means = (sums.take(stop, axis=axis) - sums.take(first, axis=axis)) / lengths
    return means


def best(logits: NDArray[np.float64], top: int) -> NDArray[np.intp]:
    """Return the classes of the `top` greatest logits (class, ...), the greatest first; of equal ones the first."""
    return np.asarray(np.argsort(-logits, axis=0, kind="stable")[:top])


def seen(cam: Floats, weights: Floats, top: int, window: int) -> Floats:
    """Return how clearly the likeliest classes are seen, and that times how much they matter, (2, y, x).

    With p the softmax of the `top` greatest logits of the neighbourhood: ``sum(p max(cam, 0))`` and the same with
    each class times its weight.
    """
    logits = neighbourhood(cam, window)
    chosen = best(logits, top)
    shares = np.take_along_axis(logits, chosen, axis=0)
    shares = np.exp(shares - shares[:1])
    shares /= shares.sum(axis=0)
    strength = shares * np.maximum(np.take_along_axis(cam, chosen, axis=0), 0)
    planes = np.stack([strength.sum(axis=0), (strength * weights[chosen]).sum(axis=0)])
    return np.asarray(planes, np.float32)


def by_probability(strengths: Floats, known: NDArray[np.bool_], low: float, high: float) -> Floats:
    """Return saliency (y, x) from the result of `seen`: clearness between two percentiles, times mean weight."""
    clear, mattering = strengths
    least, most = (float(end) for end in np.percentile(clear[known], (low, high)))
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(clear > 0, mattering / clear, 0)
    share = np.clip((clear - least) / (most - least), 0, 1) if most > least else (clear > 0).astype(np.float32)
    return np.asarray(np.clip(share * weight, 0, 1), np.float32)


def by_rank(cam: Floats, known: NDArray[np.bool_], weights: Floats, top: int) -> Floats:
    """Return saliency (y, x) as in the paper's code: weigh scaled maps of the `top` classes by rank, scale the sum."""
    logits = np.asarray([one[known].mean(dtype=np.float64) for one in cam])
    shares = rank_weights(min(top, len(cam)))
    total = np.zeros(known.shape)
    for share, number in zip(shares, best(logits, top), strict=True):
        total += share * float(weights[number]) * _stretch(cam[number], known)
    return _stretch(total, known)


def rank_weights(top: int) -> tuple[float, ...]:
    """Return the share of each rank: 1/2, 1/4, 1/8, 1/16, 1.2/16 for five, scaled to a sum of 1."""
    raw = [RANK_STEP ** (rank + 1) for rank in range(top - 1)] + [RANK_LAST * RANK_STEP ** (top - 1)]
    return tuple(one / math.fsum(raw) for one in raw)


def _stretch(values: NDArray[np.floating], known: NDArray[np.bool_]) -> Floats:
    low, high = float(values[known].min()), float(values[known].max())
    if high <= low:
        return np.zeros(values.shape, np.float32)
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def tile_starts(size: int, tile: int, overlap: int) -> list[int]:
    """Return the first cells of the tiles along an axis; the last tile ends with it, and may overlap more."""
    if size <= tile:
        return [0]
    return [*range(0, size - tile, tile - overlap), size - tile]


class Canvas:
    """Joins tiles of several planes; each fades into the next by a raised cosine.

    Parameters
    ----------
    planes
        Number of maps of a tile.
    shape
        Rows, columns of the whole.
    overlap
        Cells that tiles share with their neighbours.
    """

    def __init__(self, planes: int, shape: tuple[int, int], overlap: int) -> None:
        self.sums = np.zeros((planes, *shape), np.float32)
        self.weights = np.zeros(shape, np.float32)
        self.known = np.zeros(shape, np.bool_)
        self.overlap = overlap

    def add(self, row: int, col: int, values: Floats, known: NDArray[np.bool_]) -> None:
        """Add a tile (plane, y, x) at a row and column; the same order gives the same bits."""
        height, width = known.shape
        down = _fade(row, row + height, self.known.shape[0], self.overlap)
        across = _fade(col, col + width, self.known.shape[1], self.overlap)
        fade = np.outer(down, across).astype(np.float32)
        place = np.s_[row : row + height, col : col + width]
        self.sums[:, *place] += values * fade
        self.weights[place] += fade
        self.known[place] |= known

    def finish(self) -> Floats:
        """Return the planes when all tiles are there; the canvas is then used up."""
        self.sums /= self.weights
        return self.sums


def _fade(start: int, stop: int, size: int, overlap: int) -> NDArray[np.float64]:
    """Return the weight of a tile along an axis of `size` cells.

    The weight is 0 along its edges, where the network sees no neighbours, then a raised cosine, each over a third of
    the overlap. It is 1 at the edge of the scene, where no other tile lies.
    """
    edge = overlap // 3
    part = np.clip((np.arange(stop - start) + 0.5 - edge) / (overlap - 2 * edge), 0, 1)
    ramp = np.sin(np.pi / 2 * part) ** 2
    whole = np.ones(ramp.size)
    return np.asarray((ramp if start > 0 else whole) * (ramp[::-1] if stop < size else whole))
