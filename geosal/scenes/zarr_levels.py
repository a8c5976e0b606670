"""Coarser levels of a Zarr store (GeoZarr's ``multiscales``), of which a picture is made without reading the whole."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.raster import RasterLayout, mask_out, valid_samples
from geosal.core.shared_raster import read_bands
from geosal.core.zarr.arrays import base_of
from geosal.core.zarr.nodes import Node, node_at, node_in, parents_of
from geosal.core.zarr.raster import ZarrRaster, open_zarr
from geosal.errors import ResourceError, SceneError
from geosal.scenes.base import Small

_ROWS = 64
"""Rows of a picture that are read at once."""


@dataclass(frozen=True, eq=False)
class _Level:
    """A coarser level: by how much it is reduced, its size, and its arrays by those of the full resolution."""

    factor: int
    shape: tuple[int, int]
    arrays: Mapping[str, str]
    mask: str | None


def reduced(bands: Sequence[tuple[str, int]], mask: str | None, layout: RasterLayout, factor: int) -> Small | None:
    """Take one pixel of every `factor` x `factor` from the coarsest level that is fine enough; None without one.

    Parameters
    ----------
    bands
        Array and number in it, from 1, of each band.
    mask
        Array of the mask; None without.
    layout
        That of the bands at full resolution, without alpha.
    factor
        The reduction.

    Raises
    ------
    SceneError
        A chunk of the level cannot be decoded.
    """
    rasters = {path: open_zarr(path) for path, _ in bands}
    fitting = [level for level in _levels(rasters, mask) if level.factor <= factor]
    if not fitting:
        return None
    level = max(fitting, key=lambda one: one.factor)
    rows, cols = (
        np.minimum(np.minimum(np.arange(0, whole, factor) + factor // 2, whole - 1) // level.factor, own - 1)
        for whole, own in zip(layout.grid.shape, level.shape, strict=True)
    )
    pixels = np.empty((len(bands), rows.size, cols.size), layout.dtype)
    counts = None if level.mask is None else np.empty(pixels.shape[1:], np.bool_)
    for first in range(0, rows.size, _ROWS):
        here, own = slice(first, first + _ROWS), rows[first : first + _ROWS]
        block = Block(int(own[0]), 0, int(own[-1] - own[0]) + 1, level.shape[1])
        inside = np.ix_(own - own[0], cols)
        for place, (path, index) in enumerate(bands):
            pixels[place, here] = _read(level.arrays[path], index, block)[inside]
        if level.mask is not None and counts is not None:
            counts[here] = _read(level.mask, 1, block)[inside] > 0
    return Small(pixels, mask_out(valid_samples(pixels, layout.nodata), counts, None, None))


def _read(path: str, index: int, block: Block) -> NDArray[Any]:
    return np.asarray(read_bands(path, (index,), block, alone=True)[0])


def _levels(rasters: Mapping[str, ZarrRaster], mask: str | None) -> Iterator[_Level]:
    """Yield the levels that hold all arrays, alike but for their size."""
    first = next(iter(rasters.values()))
    group = next((each for each in parents_of(first.node)[:2] if _begins_with(each, first.node)), None)
    for entry in [] if group is None else group.attributes["multiscales"]["layout"]:
        asset = entry.get("asset") if isinstance(entry, dict) else None
        with suppress(SceneError, ResourceError, KeyError):
            node = node_in(group, asset) if group and isinstance(asset, str) else None
            found = {path: _like(raster, node, alone=len(rasters) == 1) for path, raster in rasters.items()}
            coarse = next(iter(found.values()))
            factors = {round(whole / own) for whole, own in zip(first.planes.size, coarse.planes.size, strict=True)}
            beside = None if mask is None else _mask(coarse.node, mask)
            alike = all(one.planes.size == coarse.planes.size for one in found.values())
            if len(factors) == 1 and (factor := factors.pop()) > 1 and alike:
                arrays = {path: one.path for path, one in found.items()}
                yield _Level(factor, coarse.planes.size, arrays, beside)


def _begins_with(group: Node, array: Node) -> bool:
    """Return whether the finest level of a group is an array, or the group that holds it."""
    base = base_of(group)
    return base is not None and f"{group.path}/{base}".lstrip("/") in {array.path, array.parent}


def _like(raster: ZarrRaster, level: Node | None, *, alone: bool) -> ZarrRaster:
    """Return the array of a level that is like one of the full resolution.

    Raises
    ------
    KeyError
        There is none.
    """
    node = level if level is None or (level.is_array and alone) else node_in(level, raster.node.name)
    if node is None or not node.is_array:
        raise KeyError(raster.node.name)
    found = ZarrRaster.of(node)
    facts = [(one.dtype, one.planes.count, str(one.nodata), one.scaling) for one in (raster, found)]
    if facts[0] != facts[1]:
        raise KeyError(raster.node.name)
    return found


def _mask(array: Node, mask: str) -> str:
    """Return the mask beside an array of a level; `KeyError` where there is none."""
    node = node_at(array.store, f"{array.parent}/{mask.rpartition('/')[2]}")
    if node is None or not node.is_array:
        raise KeyError(mask)
    return ZarrRaster.of(node).path
