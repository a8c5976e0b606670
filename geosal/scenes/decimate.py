"""Reduce a scene, for pictures and for statistics that need only a sample."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.scenes.base import AnyScene, Small

SAMPLE = 1024
"""Most rows and columns of a sample; fewer where there are many bands."""
_SAMPLES = 2**24
"""Most samples of all bands together."""
_PATCHES = 8
_BLOCK = 1024


def decimate(scene: AnyScene, factor: int, bands: Sequence[int] | None = None) -> Small:
    """Take one pixel of every `factor` x `factor`, ``ceil(rows / factor)`` x ``ceil(columns / factor)`` in all.

    A file's own overviews are used where it has some; otherwise the whole scene is read, block by block.

    Parameters
    ----------
    scene
        A scene of any kind.
    factor
        The reduction, at least 1.
    bands
        Positions from 0; all when None.

    Raises
    ------
    SceneError
        A part of it cannot be decoded.
    """
    small = scene.decimate(factor, bands)
    if small is not None:
        return small
    chosen = np.arange(scene.layout.count) if bands is None else np.asarray(bands)
    shape = tuple(-(-length // factor) for length in scene.grid.shape)
    pixels = np.empty((chosen.size, *shape), scene.layout.dtype)
    valid = np.empty(pixels.shape, np.bool_)
    for block in scene.grid.blocks(factor * max(1, _BLOCK // factor)):
        samples = scene.read(block)
        # Take the middle of a cell, or its last pixel where the edge cuts the cell before the middle.
        rows, cols = (np.minimum(np.arange(0, length, factor) + factor // 2, length - 1) for length in block.shape)
        top, left = block.row_off // factor, block.col_off // factor
        inside = np.s_[:, top : top + rows.size, left : left + cols.size]
        pixels[inside] = samples.pixels[np.ix_(chosen, rows, cols)]
        valid[inside] = samples.valid[np.ix_(chosen, rows, cols)]
    return Small(pixels, valid)


def sample(scene: AnyScene) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Take samples spread over the scene, at most about a million per band; always the same ones.

    They come from the file's overviews if it has some, from the whole of a small scene, and otherwise from 64 patches.

    Returns
    -------
    pixels, valid
        (band, sample) each.

    Raises
    ------
    SceneError
        A part of the scene cannot be decoded.
    """
    count = scene.layout.count
    side = min(SAMPLE, math.isqrt(_SAMPLES // count))
    factor = -(-max(scene.grid.shape) // side)
    small = decimate(scene, 1) if factor == 1 else scene.decimate(factor)
    if small is not None:
        return small.pixels.reshape(count, -1), small.valid.reshape(count, -1)
    patches = [scene.read(block) for block in _patches(scene.grid.shape, max(1, side // _PATCHES))]
    return (
        np.concatenate([patch.pixels.reshape(count, -1) for patch in patches], axis=1),
        np.concatenate([patch.valid.reshape(count, -1) for patch in patches], axis=1),
    )


def _patches(shape: tuple[int, int], side: int) -> list[Block]:
    """Squares in the middle of the cells of a coarse raster over the scene, smaller at its edge."""
    rows, cols = (
        sorted({max(0, (2 * n + 1) * length // (2 * _PATCHES) - side // 2) for n in range(_PATCHES)})
        for length in shape
    )
    return [Block(row, col, min(side, shape[0] - row), min(side, shape[1] - col)) for row in rows for col in cols]
