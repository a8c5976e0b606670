"""Regions of a tile that get another QP: rectangles, as few as describe the levels of saliency."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""Rows and columns of the smallest square that can have a QP of its own."""
_LARGEST_BLOCK = 64
_MOST = 1024
"""Most regions of a tile: a filter is made of each. With more, they follow squares of twice the size."""
_SPAN = 51.0
"""QPs that an offset of 1 stands for, in FFmpeg."""


class Region(NamedTuple):
    """A rectangle of pixels, and how far its QP is from that of the picture, in parts of all QPs."""

    top: int
    left: int
    height: int
    width: int
    offset: float


def regions(levels: NDArray[np.uint8], offsets: tuple[float, ...]) -> tuple[Region, ...]:
    """Describe levels (y, x) by rectangles; each square has the offset of its least level, in QPs.

    A square that needs no offset is in none.
    """
    side = BLOCK
    while True:
        found = _rectangles(_least(levels, side), side, offsets)
        if len(found) <= _MOST or side == _LARGEST_BLOCK:
            return tuple(found)
        side *= 2


def _least(levels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the least level of each square; those at the edges are cut."""
    rows = np.minimum.reduceat(levels, np.arange(0, levels.shape[0], side), axis=0)
    return np.asarray(np.minimum.reduceat(rows, np.arange(0, levels.shape[1], side), axis=1))


def _rectangles(squares: NDArray[np.uint8], side: int, offsets: tuple[float, ...]) -> list[Region]:
    """Join squares of the same level to runs, and runs below each other to rectangles."""
    done: list[Region] = []
    open_runs: dict[tuple[int, int, int], int] = {}
    for row in range(len(squares) + 1):
        runs = set(_runs(squares[row])) if row < len(squares) else set()
        for run in [run for run in open_runs if run not in runs]:
            left, right, level = run
            top = open_runs.pop(run)
            if offsets[level]:
                done.append(
                    Region(top * side, left * side, (row - top) * side, (right - left) * side, offsets[level] / _SPAN)
                )
        for run in runs - open_runs.keys():
            open_runs[run] = row
    return sorted(done)


def _runs(row: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Return where runs of the same level begin and end, and the level."""
    edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
    return [(left, right, int(row[left])) for left, right in pairwise(edges)]
