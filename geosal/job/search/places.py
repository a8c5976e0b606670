"""Choose how many pieces a sample has, and where they lie in the scene."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.ladder import MAX_STEPS
from geosal.job.plan import Plan

PIECE = 512
"""Rows and columns of a piece of the sample."""
ACROSS = 6
"""Pieces of a sample in a column and in a row, at most."""
_SHARE = 0.1
"""Share of a scene's pixels beyond which a sample need not go."""
_FEW = 4
"""Pieces in a column and in a row that are worth their time at any size of the scene."""
_PHASE = 16
"""Pieces begin at multiples of this many pixels, as tiles do: codecs of 8 x 8 squares, and scenes that such a codec has
made, then have their squares where the job will have them."""
_LOOK = 8
"""Rows and columns of the spots by which the levels of a piece are judged."""
_SPOTS = (0.125, 0.375, 0.625, 0.875)
_OFFERS = (0.5, 0.2, 0.8)
"""Positions of a piece that are tried, as shares of its cell."""


class Place(NamedTuple):
    """A piece."""

    target: Block
    """Position in the sample."""
    source: Block
    """Position in the scene."""


def choose_places(plan: Plan, across: tuple[int, int]) -> tuple[Place, ...]:
    """Lay a raster of cells over the scene and choose a piece in each, so that all together have the scene's levels.

    Parameters
    ----------
    plan
        Plan of the job; its saliency is read at small spots.
    across
        Cells in a column and in a row; fewer where the scene is smaller than so many pieces, and then taken whole.
    """
    scene = plan.layout.grid.shape
    sides = (min(across[0] * PIECE, scene[0]), min(across[1] * PIECE, scene[1]))
    if sides == scene:
        return tuple(Place(block, block) for block in _cut(sides))
    wanted = _level_shares(plan)
    seen = np.zeros_like(wanted)
    chosen: list[Place] = []
    for target in _cut(sides):
        offers = list(dict.fromkeys(_inside(_source(target, sides, scene, share), plan) for share in _OFFERS))
        levels = [_levels_of(plan, source) for source in offers]
        misses = [float(np.abs((seen + found) / (len(chosen) + 1) - wanted).sum()) for found in levels]
        best = int(np.argmin(misses))
        seen += levels[best]
        chosen.append(Place(target, offers[best]))
    return tuple(chosen)


def _cut(sides: tuple[int, int]) -> list[Block]:
    height, width = sides
    return [
        Block(row, col, min(PIECE, height - row), min(PIECE, width - col))
        for row in range(0, height, PIECE)
        for col in range(0, width, PIECE)
    ]


def _source(target: Block, sides: Sequence[int], scene: Sequence[int], share: float) -> Block:
    """Find the block of the scene for a piece, inside the piece's cell."""
    offsets = []
    for offset, length, side, whole in zip((target.row_off, target.col_off), target.shape, sides, scene, strict=True):
        begin, end = offset * whole / side, (offset + length) * whole / side
        place = begin + share * max(0.0, end - begin - length)
        offsets.append(min(int(place) // _PHASE * _PHASE, whole - length) if whole > side else offset)
    return Block(offsets[0], offsets[1], *target.shape)


def _inside(source: Block, plan: Plan) -> Block:
    """Move a piece into one of the scene's tiles where they hold it with its halo: each is decoded as a whole."""
    offsets = []
    rows = zip(
        (source.row_off, source.col_off), source.shape, plan.scene.block_shape, plan.layout.grid.shape, strict=True
    )
    for offset, length, tile, whole in rows:
        begin = (offset + length // 2) // tile * tile
        low, high = -(-(begin + MAX_STEPS) // _PHASE) * _PHASE, min(begin + tile, whole) - length - MAX_STEPS
        offsets.append(max(low, min(offset, high // _PHASE * _PHASE)) if low <= high and tile < whole else offset)
    return Block(offsets[0], offsets[1], *source.shape)


def _level_shares(plan: Plan) -> NDArray[np.float64]:
    shares = plan.shares()
    return np.array([shares.get(width, 0.0) for width in plan.ladder.widths])


def _levels_of(plan: Plan, source: Block) -> NDArray[np.float64]:
    """Return the share of each level in a piece, from a few spots."""
    counts = np.zeros(plan.ladder.steps + 1)
    shape = plan.layout.grid.shape
    for down in _SPOTS:
        spot = Block(source.row_off + int(down * source.height), source.col_off, 1, source.width)
        strip = spot.expand(_LOOK // 2, shape)  # one read for all spots of a row
        levels = plan.ladder.levels(plan.saliency.read(strip))
        for across in _SPOTS:
            middle = source.col_off + int(across * source.width) - strip.col_off
            seen = levels[:, max(0, middle - _LOOK // 2) : middle + _LOOK // 2 + 1]
            counts += np.bincount(seen.ravel(), minlength=counts.size)
    return np.asarray(counts / counts.sum())


def pieces_across(plan: Plan, *, most: int) -> tuple[int, int]:
    """Choose how many pieces to draw in a column and in a row.

    Parameters
    ----------
    plan
        Plan of the job.
    most
        Limit of both; fewer suffice where they are a tenth of the scene, or fill the memory that the plan allows.
    """
    grid = plan.layout.grid
    fitting = math.isqrt(plan.sample_pixels // PIECE**2)
    enough = max(_FEW, round((_SHARE * grid.height * grid.width) ** 0.5 / PIECE))
    across = max(1, min(most, fitting, enough))
    return across, across


def sample_pixels(plan: Plan) -> int:
    """Return the pixels of the sample on which settings are tried, about."""
    rows, cols = pieces_across(plan, most=ACROSS)
    grid = plan.layout.grid
    return min(rows * cols * PIECE**2, grid.height * grid.width)
