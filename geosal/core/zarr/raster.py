"""An array of a Zarr store as a raster of bands: its header, and its pixels by the process's one reader of it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from geosal.core.grid import Grid
from geosal.core.zarr.arrays import arrays_of, refuse_other
from geosal.core.zarr.chunks import ZarrTiles
from geosal.core.zarr.coding import Coding
from geosal.core.zarr.files import locate
from geosal.core.zarr.nodes import Json, Node, existing, node_at, number_of
from geosal.core.zarr.place import axes_of, grid_of
from geosal.core.zarr.tiling import Planes, as_stored, bands_at_once, kept_bytes, tile_bytes, tile_of
from geosal.errors import ResourceError, SceneError
from geosal.files.addresses import joined

_MOST_TILE_BYTES = 2**30
_MOST_SAMPLES = 2**62
OURS = "gdal_metadata"
"""Attribute of the root of stores that geosal wrote, which hold all of their chunks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ZarrRaster:
    """The header of an array.

    Attributes
    ----------
    path
        Absolute: that of the store, and of the array in it.
    node
        The array.
    coding
        How it is stored.
    planes
        How it is seen: its dimensions but for rows and columns are bands, the last one fastest.
    grid
        Where it lies.
    nodata
        Sample that says nothing; None without.
    """

    path: str
    node: Node
    coding: Coding
    planes: Planes
    grid: Grid
    nodata: float | None

    @classmethod
    def of(cls, node: Node) -> Self:
        """Read the header of an array.

        Raises
        ------
        SceneError
            It is no raster, or its metadata is damaged.
        ResourceError
            A chunk takes too much memory.
        """
        axes = axes_of(node) or refuse_other(node)
        coding = Coding.of(node)
        planes = Planes(node.shape, axes.rows, axes.cols)
        if 0 in node.shape:
            raise SceneError(f"{node.label}: is empty ({' x '.join(map(str, node.shape))}); name another array")
        if math.prod(node.shape) > _MOST_SAMPLES:
            raise SceneError(f"{node.label}: its shape is {node.shape}, which no disk holds; copy the store again")
        found = cls(
            path=joined(node.store.root, node.path),
            node=node,
            coding=as_stored(node, coding, planes),
            planes=planes,
            grid=grid_of(node, axes),
            nodata=_nodata(node, coding),
        )
        if found.tile_bytes > _MOST_TILE_BYTES:
            raise ResourceError(
                f"{node.label}: one chunk takes {found.tile_bytes:.3g} bytes in memory; write it anew with smaller ones"
            )
        return found

    @property
    def attributes(self) -> Json:
        """The array's own attributes."""
        return self.node.attributes

    @property
    def dtype(self) -> str:
        """NumPy's name of the samples' type."""
        return self.coding.dtype.name

    @property
    def scaling(self) -> tuple[float, float]:
        """Scale and offset: by the codecs where they pack, else by CF's attributes."""
        return scaling_of(self.node, self.coding)

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of what is decoded at once."""
        rows, cols = tile_of(self.coding, self.planes)
        return min(rows, self.grid.height), min(cols, self.grid.width)

    @property
    def tile_bytes(self) -> int:
        """Bytes of what is decoded at once, in all bands that are stored in it."""
        return tile_bytes(self.coding, self.planes)

    def kept_bytes(self, bands: Iterable[int]) -> int:
        """Return the bytes that have to stay decoded while bands, from 1, are read row of blocks by row of blocks."""
        each = bands_at_once(self.coding, self.planes)
        chunks = [self.coding.chunks[axis] for axis in self.planes.lead] if each > 1 else [1] * len(self.planes.lead)
        groups = {
            tuple(n // size for n, size in zip(self.planes.index(band - 1), chunks, strict=True)) for band in bands
        }
        return len(groups) * kept_bytes(self.coding, self.planes)

    def tiles(self) -> ZarrTiles:
        """Make the reader of the pixels."""
        root = node_at(self.node.store, "")
        whole = root is not None and OURS in root.attributes
        return ZarrTiles(self.node, self.coding, self.planes, complete=whole)


def open_zarr(path: str) -> ZarrRaster:
    """Open an array of a store by its path.

    Raises
    ------
    SceneError
        There is no such array, or it is no raster.
    """
    return ZarrRaster.of(array_at(path))


def scaling_of(node: Node, coding: Coding) -> tuple[float, float]:
    """Return scale and offset of an array: by the codecs where they pack, else by CF's attributes."""
    if (coding.scale, coding.offset) != (1.0, 0.0):
        return coding.scale, coding.offset
    scale, offset = (number_of(node.attributes.get(key)) for key in ("scale_factor", "add_offset"))
    return (1.0 if not scale or not math.isfinite(scale) else scale), offset or 0.0


def only_raster(path: str) -> ZarrRaster:
    """Open an array of a store by its path, or by that of a group that holds no other.

    Raises
    ------
    SceneError
        There is none, or several.
    """
    place = locate(path)
    node = None if place is None else existing(place.store, place.node)
    if node is None or node.is_array:
        return open_zarr(path)
    arrays = arrays_of(node, path)
    if len(arrays) > 1:
        names = ", ".join(array.name for array in arrays)
        raise SceneError(f"{path}: holds several rasters ({names}); name one: {path.rstrip('/')}/{arrays[0].name}")
    return ZarrRaster.of(arrays[0])


def array_at(path: str) -> Node:
    """Find an array of a store by its path.

    Raises
    ------
    SceneError
        There is none.
    """
    place = locate(path)
    if place is None:
        raise SceneError(f"{path}: no such Zarr store; give the path of one")
    node = existing(place.store, place.node)
    if not node.is_array:
        raise SceneError(f"{path}: is a group of a Zarr store; name an array in it")
    return node


def state_of(path: str) -> tuple[int, ...] | None:
    """Return what identifies the present content of an array: size and time of the files that describe it.

    None where there is none.
    """
    place = locate(path)
    return None if place is None else place.store.state(place.node)


def _nodata(node: Node, coding: Coding) -> float | None:
    """Return the sample that says nothing: by the codecs, by CF's attributes, or as xarray has it in Zarr v2."""
    if coding.nodata is not None:
        return coding.nodata
    for key in ("_FillValue", "missing_value"):
        told = node.attributes.get(key)
        if told is not None:
            number = number_of(told)
            if number is None:
                raise SceneError(
                    f"{node.label}: its {key} is {str(told)[:40]!r}, which is no number; write it with one, or none"
                )
            return _as_sample(number, coding.dtype)
    fill = number_of(node.meta.get("fill_value"))
    # Zarr v3 demands a fill value; GDAL, whose arrays have _CRS, writes a nodata code there and 0 without one.
    is_code = node.version == 2 or ("_CRS" in node.attributes and fill != 0)
    return _as_sample(fill, coding.dtype) if is_code else None


def _as_sample(number: float | None, dtype: np.dtype[Any]) -> float | None:
    """Return the number as the samples have it: in float32, a code is the nearest float32."""
    if number is None or dtype.kind != "f":
        return number
    return float(dtype.type(number))
