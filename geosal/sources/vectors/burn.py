"""Fill polygons: find which pixel centres lie in which feature, with the same result in every block.

A row of pixels is filled between the places where its centre line crosses the outline, taken in pairs from the left
(even-odd rule; the scan-line conversion of J. D. Foley et al., *Computer Graphics: Principles and Practice*, 2nd ed.,
section 3.6). A crossing is computed from one edge and one row in global pixel coordinates and from nothing else, so it
cannot depend on the block. Edges are all run from top to bottom: neighbours that share one leave no gap and no overlap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STRIP = 512
"""Most rows that are filled at once."""
_MAX_PIXELS = 2**21
"""Pixels painted at once; each takes some 30 bytes meanwhile."""
_MAX_EDGES, _MAX_CROSSINGS = 2**18, 2**18
"""Edges, and their crossings with rows, that are handled at once."""
_EDGE_BYTES = 100
"""Bytes of each of them meanwhile."""
_OFTEN = 4
"""Mean number of times that a strip's pixels are painted, above which it is cheaper to double runs."""
_FAR = 2.0**40
"""Coordinate beyond which a point counts as infinitely far."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlines:
    """Outlines of polygons in pixel coordinates, 0 at the outer edge of the first pixel; x is a column, y a row.

    Attributes
    ----------
    top, bottom
        (edge, 2), x and y of the ends of each edge that is not horizontal, ``top`` being the upper one.
    first
        Offsets, (feature + 1,): edges of feature i are ``first[i]`` to ``first[i + 1]``.
    rank
        Position of each feature's saliency in `values`, (feature,).
    values
        Distinct saliencies, float32, ascending.
    rows, cols
        First row and row after the last that a feature can fill, (feature, 2), and columns likewise.
    """

    top: Floats
    bottom: Floats
    first: Ints
    rank: Ints
    values: NDArray[np.float32]
    rows: Ints
    cols: Ints

    @classmethod
    def of(cls, polygons: NDArray[Any], values: NDArray[np.float32]) -> Self:
        """Make outlines from polygons and multi-polygons.

        Parameters
        ----------
        polygons
            (feature,), of shapely, in pixel coordinates, valid.
        values
            (feature,), saliency.
        """
        import shapely  # quality bands import this module, and few of them have polygons

        parts, feature_of_part = shapely.get_parts(polygons, return_index=True)
        rings, part_of_ring = shapely.get_rings(parts, return_index=True)
        places, ring_of_place = shapely.get_coordinates(rings, return_index=True)
        np.clip(places, -_FAR, _FAR, out=places)
        along = (ring_of_place[1:] == ring_of_place[:-1]) & (places[1:, 1] != places[:-1, 1])
        start, end = places[:-1][along], places[1:][along]
        down = (start[:, 1] < end[:, 1])[:, None]
        feature = feature_of_part[part_of_ring[ring_of_place[:-1][along]]]
        distinct, rank = np.unique(values, return_inverse=True)
        bounds = np.ceil(np.clip(shapely.bounds(polygons), -_FAR, _FAR) - 0.5).astype(np.int64)
        return cls(
            top=np.where(down, start, end),
            bottom=np.where(down, end, start),
            first=np.searchsorted(feature, np.arange(polygons.size + 1)),
            rank=rank.reshape(-1).astype(np.int64),
            values=distinct.astype(np.float32),
            rows=bounds[:, 1::2],
            cols=bounds[:, 0::2],
        )

    @classmethod
    def joined(cls, pieces: Sequence[Self]) -> Self:
        """Join outlines, one after the other."""
        values = np.concatenate([piece.values[piece.rank] for piece in pieces])
        distinct, rank = np.unique(values, return_inverse=True)
        counts = np.concatenate([np.diff(piece.first) for piece in pieces])
        return cls(
            top=np.concatenate([piece.top for piece in pieces]),
            bottom=np.concatenate([piece.bottom for piece in pieces]),
            first=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
            rank=rank.reshape(-1).astype(np.int64),
            values=distinct,
            rows=np.concatenate([piece.rows for piece in pieces]),
            cols=np.concatenate([piece.cols for piece in pieces]),
        )

    def ranks(self, block: Block) -> NDArray[np.int32]:
        """Return the rank of the highest saliency over each pixel, (y, x), counted from 1; 0 without a feature.

        The block may reach beyond the scene.
        """
        out = np.zeros(block.shape, np.int32)
        features = self._under(block)
        features = features[np.argsort(self.rank[features], kind="stable")]  # higher ranks are painted over lower ones
        for group in _pieces(self.first[features + 1] - self.first[features], _MAX_EDGES):
            some = features[group]
            edges = self._edges(some, block)
            for strip in _strips(edges, block):
                rows = out[strip.row_off - block.row_off : strip.row_stop - block.row_off]
                self._paint(rows.reshape(-1), some, edges.within(strip), strip)
        return out

    def empty(self, features: Ints, within: Block) -> NDArray[np.bool_]:
        """Return which small or thin features cover no pixel centre of a block, which may reach beyond the scene."""
        filled = np.zeros(features.size, np.bool_)
        for group in _pieces(self.first[features + 1] - self.first[features], _MAX_EDGES):
            edges = self._edges(features[group], within)
            for strip in _strips(edges, within):
                place, _, start, stop = _spans(edges.within(strip), strip)
                filled[group.start + place[stop > start]] = True
        return ~filled

    @property
    def nbytes(self) -> int:
        """Return the bytes that they take."""
        parts = (self.top, self.bottom, self.first, self.rank, self.values, self.rows, self.cols)
        return sum(part.nbytes for part in parts)

    @property
    def work_bytes(self) -> int:
        """Return the bytes that one reader takes besides any block."""
        edges = len(self.top)
        return _EDGE_BYTES * (min(edges, _MAX_EDGES) + min(edges * STRIP, _MAX_CROSSINGS))

    def _paint(self, flat: NDArray[np.int32], features: Ints, edges: "_Edges", strip: Block) -> None:
        """Write ranks into a strip, (y * x,), that holds no higher ones; `features` ascend by rank."""
        place, row, start, stop = _spans(edges, strip)
        there = stop > start
        rank = (self.rank[features[place[there]]] + 1).astype(np.int32)
        base, length = (row * strip.width + start)[there], (stop - start)[there]
        if length.sum() > _OFTEN * flat.size:
            _double(flat, base, length, rank)
            return
        for piece in _pieces(length, _MAX_PIXELS):
            # Of an index that occurs twice the last value stays: the higher rank.
            flat[_ranges(base[piece], length[piece])] = np.repeat(rank[piece], length[piece])

    def _under(self, block: Block) -> Ints:
        """Return the features that may fill a pixel of a block."""
        rows, cols = self.rows, self.cols
        near = (rows[:, 0] < block.row_stop) & (rows[:, 1] > block.row_off)
        near &= (cols[:, 0] < block.col_stop) & (cols[:, 1] > block.col_off)
        return np.flatnonzero(near)

    def _edges(self, features: Ints, block: Block) -> "_Edges":
        """Return the edges of some features that reach into the rows of a block."""
        count = self.first[features + 1] - self.first[features]
        edges = _ranges(self.first[features], count)
        owner = np.repeat(np.arange(features.size), count)
        near = (self.top[edges, 1] < block.row_stop) & (self.bottom[edges, 1] > block.row_off)
        edges = edges[near]
        return _Edges(owner[near], self.top[edges], self.bottom[edges])


class _Edges(NamedTuple):
    owner: Ints
    """Number of the feature that each edge belongs to, (edge,), ascending."""
    top: Floats
    bottom: Floats

    def within(self, strip: Block) -> "_Edges":
        """Return the edges that reach into the rows of a strip."""
        near = (self.top[:, 1] < strip.row_stop) & (self.bottom[:, 1] > strip.row_off)
        return _Edges(self.owner[near], self.top[near], self.bottom[near])


def _spans(edges: _Edges, block: Block) -> tuple[Ints, Ints, Ints, Ints]:
    """Return runs of pixels inside features: the feature, the row, and columns (start, stop) in the block."""
    owner, top, bottom = edges
    low, high = _crossed(edges, block)
    crossed = np.repeat(np.arange(owner.size), high - low)
    row = _ranges(low, high - low)
    slope = (bottom[:, 0] - top[:, 0]) / (bottom[:, 1] - top[:, 1])
    x = top[crossed, 0] + (row + 0.5 - top[crossed, 1]) * slope[crossed]
    col = np.clip(np.ceil(x - 0.5), block.col_off, block.col_stop).astype(np.int64) - block.col_off
    # One number that sorts by feature, row and column.
    line = owner[crossed] * block.height + (row - block.row_off)
    key = np.sort(line * (block.width + 1) + col)
    line, col = np.divmod(key, block.width + 1)
    place, row = np.divmod(line[::2], block.height)
    return place, row, col[::2], col[1::2]


def _strips(edges: _Edges, block: Block) -> Iterator[Block]:
    """Cut a block into rows so that each strip has about `_MAX_CROSSINGS` crossings or one row, and at most `STRIP`."""
    low, high = (np.bincount(rows - block.row_off, minlength=block.height + 1) for rows in _crossed(edges, block))
    crossings = np.cumsum(np.cumsum(low - high)[: block.height])
    cuts = np.flatnonzero(np.diff(crossings // _MAX_CROSSINGS)) + 1
    for top, stop in pairwise(np.unique([*range(0, block.height, STRIP), *cuts.tolist(), block.height]).tolist()):
        if crossings[stop - 1] > (crossings[top - 1] if top else 0):
            yield Block(block.row_off + top, block.col_off, stop - top, block.width)


def _crossed(edges: _Edges, block: Block) -> tuple[Ints, Ints]:
    """Return the first row of a block that each edge crosses, and the row after the last."""
    # A row counts if its centre is at or below the upper end and above the lower one, so no end counts twice.
    low, high = np.ceil(edges.top[:, 1] - 0.5), np.ceil(edges.bottom[:, 1] - 0.5)
    low, high = np.clip([low, high], block.row_off, block.row_stop).astype(np.int64)
    return low, high


def _double(flat: NDArray[np.int32], base: Ints, length: Ints, rank: NDArray[np.int32]) -> None:
    """Raise runs of pixels to their ranks, which ascend, at a cost that does not grow with their lengths.

    A run consists of two runs of the largest power of two that fits in it, at its two ends; a run of a power of two
    consists of two of the power below. So runs are marked by their first pixels, power by power, from the largest.
    """
    power = np.frexp(length.astype(np.float64))[1] - 1
    lead = np.zeros_like(flat)
    for size in range(int(power.max()), -1, -1):
        some = power == size
        for first in (base[some], base[some] + length[some] - (1 << size)):
            # Of an index that occurs twice the last value stays: the higher rank.
            lead[first] = np.maximum(lead[first], rank[some])
        if size:
            half = 1 << size - 1
            lead[half:] = np.maximum(lead[half:], lead[:-half])
    np.maximum(flat, lead, out=flat)


def _ranges(start: Ints, length: Ints) -> Ints:
    """Return ``start[0], start[0] + 1, ...`` for `length[0]` numbers, then those of the next."""
    ends = np.cumsum(length)
    total = int(ends[-1]) if ends.size else 0
    return np.arange(total) + np.repeat(start - ends + length, length)


def _pieces(length: Ints, most: int) -> Iterator[slice]:
    """Cut a list of runs so that each piece has about `most` pixels or one run."""
    cuts = np.flatnonzero(np.diff(np.cumsum(length) // most)) + 1
    edges = [0, *cuts.tolist(), length.size]
    for low, high in pairwise(edges):
        yield slice(low, high)
