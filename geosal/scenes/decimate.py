"""A scene made small: for statistics that need no more than a sample, and for pictures."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from geosal.errors import SceneError
from geosal.gdal_env import gdal_env, open_raster
from geosal.grid import Block
from geosal.raster import mask_out, valid_samples
from geosal.scenes.decoding import damage_as_scene_error
from geosal.scenes.raster import Scene

SAMPLE = 1024
"""Rows and columns of a sample at most; fewer where there are many bands."""
_SAMPLES = 2**24
"""Of all bands together."""
_PATCHES = 8
_BLOCK = 1024


class Small(NamedTuple):
    """A scene made small."""

    pixels: NDArray[Any]
    """(band, y, x), of the scene's dtype."""
    valid: NDArray[np.bool_]
    """(band, y, x), as in `geosal.raster.Samples`."""


def decimate(scene: Scene, factor: int, bands: Sequence[int] | None = None) -> Small:
    """Take one pixel of every `factor` x `factor`, ``ceil(rows / factor)`` x ``ceil(columns / factor)`` in all.

    A file's own overviews are used where it has some; otherwise the whole scene is read, block by block.

    Parameters
    ----------
    scene
        A scene of any kind; one that has a method ``decimate(factor, bands)`` does it itself.
    factor
        At least 1.
    bands
        Positions from 0; all when None.

    Raises
    ------
    SceneError
        A part of it cannot be decoded.
    """
    own = getattr(scene, "decimate", None)
    if own is not None:
        return Small(*own(factor, bands))
    chosen = np.arange(scene.layout.count) if bands is None else np.asarray(bands)
    shape = tuple(-(-length // factor) for length in scene.grid.shape)
    if type(scene) is Scene and factor > 1:
        small = _from_overviews(scene, (shape[0], shape[1]), chosen.tolist())
        if small is not None:
            return small
    pixels = np.empty((chosen.size, *shape), scene.layout.dtype)
    valid = np.empty(pixels.shape, np.bool_)
    for block in scene.grid.blocks(factor * max(1, _BLOCK // factor)):
        samples = scene.read(block)
        # The middle of a cell; of one cut off by the edge, its last pixel where that comes first.
        rows, cols = (np.minimum(np.arange(0, length, factor) + factor // 2, length - 1) for length in block.shape)
        top, left = block.row_off // factor, block.col_off // factor
        inside = np.s_[:, top : top + rows.size, left : left + cols.size]
        pixels[inside] = samples.pixels[np.ix_(chosen, rows, cols)]
        valid[inside] = samples.valid[np.ix_(chosen, rows, cols)]
    return Small(pixels, valid)


def sample(scene: Scene) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Take samples spread over the scene, about a million of a band at most; always the same ones.

    From the file's overviews where it has some, from small scenes whole, and otherwise from 64 patches.

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
    small: Small | None = None
    if factor == 1 or hasattr(scene, "decimate"):
        small = decimate(scene, factor)
    elif type(scene) is Scene:
        shape = [-(-length // factor) for length in scene.grid.shape]
        small = _from_overviews(scene, (shape[0], shape[1]), range(count))
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


def _from_overviews(scene: Scene, shape: tuple[int, int], bands: Sequence[int]) -> Small | None:
    """Read from the file's own overviews, (y, x) as `shape`; None where it has none, or no mask inside."""
    # What lies beside the file may be of another time; only the file's own overviews are looked at.
    try:
        with gdal_env():
            own = open_raster(scene.path, scene.drivers, alone=True)
    except SceneError:  # pixels and header lie apart, as ENVI has them, and such files have no overviews inside
        return None
    with damage_as_scene_error(f"{scene.path}: overviews"), gdal_env(), own as dataset:
        if not dataset.overviews(scene.indexes[0]) or (scene.mask and not _has_mask(dataset, scene.indexes[0])):
            return None
        pixels = dataset.read([scene.indexes[band] for band in bands], out_shape=(len(bands), *shape))
        mask = dataset.read_masks(scene.indexes[0], out_shape=shape) > 0 if scene.mask else None
        alpha = None if scene.alpha is None else dataset.read(scene.alpha, out_shape=shape)
    kept = next((place for place, band in enumerate(bands) if band == scene.layout.alpha), None)
    valid = mask_out(valid_samples(pixels, scene.layout.nodata), mask, alpha, kept)
    return Small(pixels, valid)


def _has_mask(dataset: DatasetReader, index: int) -> bool:
    return MaskFlags.per_dataset in dataset.mask_flag_enums[index - 1]
