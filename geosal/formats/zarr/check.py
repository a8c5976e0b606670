"""Check a Zarr store by itself: every chunk is there and decodes, and its metadata agrees with itself."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from geosal.core.grid import Grid, level_shapes
from geosal.core.shared_raster import read_bands
from geosal.core.zarr.chunks import values_of
from geosal.core.zarr.files import Store, store_at, walk
from geosal.core.zarr.nodes import Node, existing, node_at
from geosal.core.zarr.raster import ZarrRaster
from geosal.errors import GeosalError, SceneError
from geosal.files.addresses import is_remote
from geosal.scenes.zarr_store import IMAGE, MASK, ZarrScene

_GRID_MAPPING = "spatial_ref"
_LISTED = 3
"""Number of faults of one kind that are listed."""
_READ_BYTES = 64 * 2**20
"""Bytes that are decoded at once, unless a single chunk of all bands has more."""


def complete_faults(path: str) -> list[str]:
    """Decode every chunk of the image, of its mask and of its overviews."""
    faults: list[str] = []
    try:
        group = existing(store_at(path), "")
        for name in _rasters(group):
            faults += _undecodable(name, group)
    except (GeosalError, KeyError, TypeError, ValueError) as error:
        faults.append(str(error))
    return faults[:_LISTED]


def layout_faults(path: str) -> list[str]:
    """Check that the metadata agrees with itself, and that overviews reach down to a single chunk."""
    try:
        group = existing(store_at(path), "")
        described = [] if is_remote(path) else list(_description_faults(Path(path)))
        faults = [*described, *_level_faults(group), *_coordinate_faults(path, group)]
    except (GeosalError, OSError, KeyError, TypeError, ValueError) as error:
        faults = [f"the metadata cannot be read ({' '.join(str(error).split()) or type(error).__name__})"]
    return faults[:_LISTED]


def _levels_of(group: Node) -> list[dict[str, Any]]:
    """Take what a store says of its levels, the full resolution first."""
    levels: list[dict[str, Any]] = group.attributes["multiscales"]["layout"]
    return levels


def _array_of(group: Node, name: str) -> Node:
    node = existing(group.store, name)
    if not node.is_array:
        raise ValueError(f"{name} is no array")
    return node


def _rasters(group: Node) -> list[str]:
    """Return the paths of the image and its overviews, and of their masks."""
    images = _images(group)
    masks = [name[: -len(IMAGE)] + MASK for name in images]
    return images + (masks if node_at(group.store, masks[0]) else [])


def _images(group: Node) -> list[str]:
    """Return the paths of the image and its overviews; a level is named by its array, or by the group of that."""
    assets = [str(level["asset"]) for level in _levels_of(group)]
    return [name if existing(group.store, name).is_array else f"{name}/{IMAGE}" for name in assets]


def _undecodable(name: str, group: Node) -> Iterator[str]:
    raster = ZarrRaster.of(_array_of(group, name))
    pixel_bytes = np.dtype(raster.dtype).itemsize * raster.planes.count
    tile = max(raster.block_shape)
    size = max(tile, int((_READ_BYTES / pixel_bytes) ** 0.5) // tile * tile)
    for block in Grid(None, Affine.identity(), *raster.planes.size).blocks(size):
        try:
            read_bands(raster.path, range(1, raster.planes.count + 1), block, alone=True)
        except SceneError as error:
            yield str(error)
            return


def _description_faults(root: Path) -> Iterator[str]:
    """Compare the descriptions of each array: there are up to three, alone, in the root, and for readers of Zarr v2."""
    described = _load(root / "zarr.json")["consolidated_metadata"]["metadata"]
    for name in walk(Store(str(root)), "", len(described) + 1):
        if name not in described:
            yield f"{name}: not in the consolidated metadata"
    for name, found in described.items():
        if _load(root / name / "zarr.json") != found:
            yield f"{name}: zarr.json and the consolidated metadata differ"
        old = root / name / ".zarray"
        if old.exists() and not _is_alike(_load(old), found):
            yield f"{name}: .zarray and zarr.json differ"


def _is_alike(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return bool(
        old["shape"] == new["shape"]
        and old["chunks"] == new["chunk_grid"]["configuration"]["chunk_shape"]
        and np.dtype(old["dtype"]) == np.dtype(new["data_type"])
        and old["fill_value"] in {None, new["fill_value"]}
        and old["compressor"]["cname"] == new["codecs"][-1]["configuration"]["cname"]
    )


def _level_faults(group: Node) -> Iterator[str]:
    levels, images = _levels_of(group), _images(group)
    image = ZarrRaster.of(_array_of(group, images[0]))
    height, width = image.planes.size
    wanted = level_shapes((height, width), max(image.coding.chunks))
    found = [_array_of(group, name).shape[-2:] for name in images]
    if found != list(wanted):
        yield f"levels of {_list(found)} px, not {_list(wanted)}"
    if [tuple(level["spatial:shape"]) for level in levels] != found:
        yield "multiscales and the arrays differ in size"
    for name in _rasters(group)[len(levels) :]:
        if _array_of(group, name).shape not in found:
            yield f"{name} is of another size than the image"


def _coordinate_faults(path: str, group: Node) -> Iterator[str]:
    grid = ZarrScene.open_store(path).grid
    full = existing(group.store, _images(group)[0]).parent
    told = _array_of(group, f"{full}/{_GRID_MAPPING}".lstrip("/")).attributes["GeoTransform"]
    if [float(number) for number in told.split()] != list(grid.transform.to_gdal()):
        yield f"the GeoTransform of {_GRID_MAPPING} is not the store's spatial:transform"
    for name, size, first in (("x", grid.width, grid.transform.c), ("y", grid.height, grid.transform.f)):
        if name not in group.store.children(full):
            if grid.transform.b == 0 and grid.transform.d == 0:
                yield f"coordinate {name} is missing"
            continue
        values = values_of(_array_of(group, f"{full}/{name}".lstrip("/")))
        step = grid.transform.a if name == "x" else grid.transform.e
        if values.shape != (size,) or not np.allclose(values, first + step * (np.arange(size) + 0.5), rtol=1e-12):
            yield f"coordinate {name} is not that of the transform"


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _list(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(f"{cols} x {rows}" for rows, cols in shapes)
