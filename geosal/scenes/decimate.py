"""A scene made small: for statistics that need no more than a sample, and for pictures."""

from typing import Any, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from geosal.gdal_env import gdal_env, open_raster
from geosal.grid import Block
from geosal.raster import mask_out, valid_samples
from geosal.scenes.raster import Scene, _damage_as_scene_error

SAMPLE = 1024
"""Rows and columns of a sample at most."""
_PATCH, _PATCHES = 128, 8
_BLOCK = 1024


class Small(NamedTuple):
    """A scene made small."""

    pixels: NDArray[Any]
    """(band, y, x), of the scene's dtype."""
    valid: NDArray[np.bool_]
    """(band, y, x), as in `geosal.raster.Samples`."""


def decimate(scene: Scene, factor: int) -> Small:
    """Take one pixel of every `factor` x `factor`, ``ceil(rows / factor)`` x ``ceil(columns / factor)`` in all.

    A file's own overviews are used where it has some; otherwise the whole scene is read, block by block.

    Parameters
    ----------
    scene
        A scene of any kind; one that has a method ``decimate(factor)`` does it itself.
    factor
        At least 1.

    Raises
    ------
    SceneError
        A part of it cannot be decoded.
    """
    own = getattr(scene, "decimate", None)
    if own is not None:
        return Small(*own(factor))
    shape = tuple(-(-length // factor) for length in scene.grid.shape)
    if type(scene) is Scene and factor > 1:
        small = _from_overviews(scene, (shape[0], shape[1]))
        if small is not None:
            return small
    pixels = np.empty((scene.layout.count, *shape), scene.layout.dtype)
    valid = np.empty(pixels.shape, np.bool_)
    for block in scene.grid.blocks(factor * max(1, _BLOCK // factor)):
        samples = scene.read(block)
        row, col = (min(factor // 2, length - 1) for length in block.shape)
        picked = samples.pixels[:, row::factor, col::factor]
        top, left = block.row_off // factor, block.col_off // factor
        # In the last row and column of cells the middle may lie beyond the edge; the cell before stands for them.
        rows, cols = (-(-length // factor) for length in block.shape)
        row_of = np.minimum(np.arange(rows), picked.shape[1] - 1)
        col_of = np.minimum(np.arange(cols), picked.shape[2] - 1)
        inside = np.s_[:, top : top + rows, left : left + cols]
        pixels[inside] = picked[:, row_of][:, :, col_of]
        valid[inside] = samples.valid[:, row::factor, col::factor][:, row_of][:, :, col_of]
    return Small(pixels, valid)


def sample(scene: Scene) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Take samples spread over the scene, about a million of each band at most; always the same ones.

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
    factor = -(-max(scene.grid.shape) // SAMPLE)
    count = scene.layout.count
    small: Small | None = None
    if factor == 1:
        whole = scene.read(scene.grid.whole())
        small = Small(whole.pixels, whole.valid)
    elif hasattr(scene, "decimate"):
        small = decimate(scene, factor)
    elif type(scene) is Scene:
        shape = [-(-length // factor) for length in scene.grid.shape]
        small = _from_overviews(scene, (shape[0], shape[1]))
    if small is not None:
        return small.pixels.reshape(count, -1), small.valid.reshape(count, -1)
    patches = [scene.read(block) for block in _patches(scene.grid.shape)]
    return (
        np.concatenate([patch.pixels.reshape(count, -1) for patch in patches], axis=1),
        np.concatenate([patch.valid.reshape(count, -1) for patch in patches], axis=1),
    )


def _patches(shape: tuple[int, int]) -> list[Block]:
    """Squares in the middle of the cells of a coarse raster over the scene."""
    starts = [
        sorted({max(0, min(length - _PATCH, (2 * n + 1) * length // (2 * _PATCHES) - _PATCH // 2)) for n in range(_PATCHES)})
        for length in shape
    ]
    return [
        Block(row, col, min(_PATCH, shape[0] - row), min(_PATCH, shape[1] - col)) for row in starts[0] for col in starts[1]
    ]


def _from_overviews(scene: Scene, shape: tuple[int, int]) -> Small | None:
    """Read from the file's own overviews, (y, x) as `shape`; None where it has none, or no mask inside."""
    # GDAL opens an .ovr beside the file with any driver, a VRT that calls home too; only the file's own are looked at.
    with (
        _damage_as_scene_error(f"{scene.path}: overviews"),
        gdal_env(),
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        open_raster(scene.path, scene.drivers) as dataset,
    ):
        if not dataset.overviews(scene.indexes[0]) or (scene.mask and not _has_mask(dataset, scene.indexes[0])):
            return None
        wanted = (len(scene.indexes), *shape)
        pixels = dataset.read(scene.indexes, out_shape=wanted)
        mask = dataset.read_masks(scene.indexes[0], out_shape=shape) > 0 if scene.mask else None
        alpha = None if scene.alpha is None else dataset.read(scene.alpha, out_shape=shape)
    valid = mask_out(valid_samples(pixels, scene.layout.nodata), mask, alpha, scene.layout.alpha)
    return Small(pixels, valid)


def _has_mask(dataset: DatasetReader, index: int) -> bool:
    return MaskFlags.per_dataset in dataset.mask_flag_enums[index - 1]
