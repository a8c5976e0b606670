"""Where an array of a Zarr store lies: CRS and transform as GeoZarr, CF, GDAL and EOPF tell them.

- CRS: the grid mapping of CF (``crs_wkt``, ``spatial_ref`` or CF's parameters), then ``proj:code``, ``proj:wkt2``,
  ``proj:projjson`` or ``proj:epsg`` of the array or of the nearest group, then GDAL's ``_CRS``.
- Transform: ``GeoTransform`` of the grid mapping, ``spatial:transform`` or ``proj:transform``; and the coordinates. A
  cut of an array changes the coordinates alone, so where the two differ, coordinates count.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError

from geosal.core.axes import even_step
from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.core.zarr.chunks import values_of
from geosal.core.zarr.nodes import Json, Node, finite, node_in, parents_of
from geosal.errors import SceneError, warn

_ROWS = frozenset({"y", "lat", "latitude", "northing", "row", "rows", "yc", "nj"})
_COLS = frozenset({"x", "lon", "longitude", "long", "easting", "col", "cols", "column", "columns", "xc", "ni"})
_ALONG_Y = ("projection_y_coordinate", "latitude", "grid_latitude")
_ALONG_X = ("projection_x_coordinate", "longitude", "grid_longitude")
_MAPPINGS = ("spatial_ref", "crs")
"""Names of grid mappings that an array need not name."""
_MOST_CENTRES = 10_000_000
_NEAR = 0.01
"""Pixels by which coordinates and a transform may differ."""
_CENTRE = 0.5


class Axes(NamedTuple):
    """Positions of rows and columns among an array's dimensions."""

    rows: int
    cols: int


def axes_of(node: Node) -> Axes | None:
    """Find rows and columns among the dimensions of an array; None where it is no raster."""
    dims = node.dims
    if len(dims) < 2:
        return None
    told = _inherited(node, "spatial:dimensions")
    if isinstance(told, list) and len(told) >= 2 and all(name in dims for name in told[-2:]):
        return Axes(dims.index(told[-2]), dims.index(told[-1]))
    if not any(dims):
        return Axes(len(dims) - 2, len(dims) - 1)
    rows = [axis for axis, name in enumerate(dims) if _runs(node, name, _ROWS, _ALONG_Y, "Y")]
    cols = [axis for axis, name in enumerate(dims) if _runs(node, name, _COLS, _ALONG_X, "X")]
    return Axes(rows[-1], cols[-1]) if rows and cols and rows[-1] != cols[-1] else None


def grid_of(node: Node, axes: Axes) -> Grid:
    """Find the grid of an array.

    Raises
    ------
    SceneError
        The coordinates are not evenly spaced, or the transform is none.
    """
    height, width = node.shape[axes.rows], node.shape[axes.cols]
    mapping = _mapping_of(node)
    crs = _crs_of(node, mapping)
    told, exact = _told_transform(node, mapping, (height, width))
    if told is not None and (exact or told.b or told.d):
        return Grid(_degrees(node, axes) if crs is None else crs, told, height, width)
    found = _by_coordinates(node, axes, told)
    transform = told if found is None else found
    if crs is None and transform is not None:
        crs = _degrees(node, axes)
    if crs is None and found is not None and _counts_pixels(found):
        transform = None
    return Grid(crs, Affine.identity() if transform is None else transform, height, width)


def coordinate_of(node: Node, name: str) -> Node | None:
    """Return the coordinate of a dimension: the array of its name beside the node, or in a group above it."""
    for group in parents_of(node):
        found = node_in(group, name)
        if found is not None and found.is_array and len(found.shape) == 1:
            return found
    return None


def _runs(node: Node, name: str, names: frozenset[str], standard: tuple[str, ...], axis: str) -> bool:
    if name.lower() in names:
        return True
    found = coordinate_of(node, name)
    return found is not None and (
        found.attributes.get("axis") == axis or found.attributes.get("standard_name") in standard
    )


def _inherited(node: Node, key: str) -> Any:
    """Return an attribute of an array, or of the nearest group that has it."""
    return next((one.attributes[key] for one in (node, *parents_of(node)) if key in one.attributes), None)


def _mapping_of(node: Node) -> Json:
    """Return the attributes of the grid mapping; none where there is none."""
    told = node.attributes.get("grid_mapping")
    names = [told.split(":")[0].split()[0]] if isinstance(told, str) and told.split() else []
    for group in parents_of(node)[:1]:
        for name in (*names, *_MAPPINGS):
            found = node_in(group, name)
            if found is not None and found.is_array:
                return found.attributes
    return {}


def _crs_of(node: Node, mapping: Json) -> str | None:
    """Return what is told of the CRS, and warn where nobody knows what is told."""
    descriptions = list(_descriptions(node, mapping))
    with gdal_env():
        for told in descriptions:
            try:
                crs = CRS.from_user_input(told) if not isinstance(told, dict) else CRS.from_dict(told)
            except (CRSError, TypeError, ValueError, RecursionError):
                continue
            if crs:
                return str(crs.to_wkt())
    found = _by_cf(mapping)
    named = mapping.get("grid_mapping_name")
    if found is None and (descriptions or named):
        shown = " ".join(str(descriptions[0] if descriptions else named).split())[:60]
        warn(
            f"{node.label}: its CRS is {shown!r}, which PROJ does not know, so it counts as none; write it with "
            "one that is known: .rio.write_crs(...)"
        )
    return found


def _descriptions(node: Node, mapping: Json) -> Iterator[Any]:
    """Yield what is told of the CRS, that which counts first."""
    for key in ("crs_wkt", "spatial_ref"):
        if mapping.get(key) and isinstance(mapping[key], str):
            yield mapping[key]
    for one in (node, *parents_of(node)):
        told = one.attributes
        code = told.get("proj:code") or told.get("proj:epsg")
        if code:
            yield f"EPSG:{code}" if isinstance(code, int) else str(code)
        for key in ("proj:wkt2", "proj:projjson"):
            if told.get(key):
                yield told[key]
        inside = told.get("_CRS")
        if isinstance(inside, dict):
            yield from (inside[key] for key in ("wkt", "projjson", "url") if inside.get(key))


def _by_cf(mapping: Json) -> str | None:
    """Read a CRS that CF's parameters describe."""
    if "grid_mapping_name" not in mapping:
        return None
    from pyproj import CRS as OfPyproj  # noqa: PLC0415, N811  slow to import
    from pyproj.exceptions import CRSError as OtherError  # noqa: PLC0415

    try:
        return str(OfPyproj.from_cf(mapping).to_wkt())
    except (OtherError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _degrees(node: Node, axes: Axes) -> str | None:
    """Return WGS 84 where the coordinates are degrees and nothing else tells the CRS."""
    units = []
    for axis in axes:
        found = coordinate_of(node, node.dims[axis])
        units.append("" if found is None else str(found.attributes.get("units", "")))
    if not (units[0].startswith(("degrees_n", "degree_n")) and units[1].startswith(("degrees_e", "degree_e"))):
        return None
    warn(f"{node.label}: tells degrees and no CRS, so WGS 84 is taken; write it with one: .rio.write_crs(...)")
    with gdal_env():
        return str(CRS.from_epsg(4326).to_wkt())


def _told_transform(node: Node, mapping: Json, shape: tuple[int, int]) -> tuple[Affine | None, bool]:
    """Return what is told of the transform, and whether the shape is told as well, so that no cut is to be feared."""
    text = mapping.get("GeoTransform")
    for one in (node, *parents_of(node)[:1]):
        for prefix in ("spatial", "proj"):
            told = one.attributes.get(f"{prefix}:transform")
            numbers = finite(told, 6)
            if numbers is None or Affine(*numbers).is_degenerate:
                if told is not None:
                    warn(
                        f"{one.label}: its {prefix}:transform is {str(told)[:60]}, which is none, so it is not "
                        "used; write it anew: .rio.write_transform(...)"
                    )
                continue
            found = Affine(*numbers)
            if prefix == "spatial" and one.attributes.get("spatial:registration") == "node":
                found = found @ Affine.translation(-_CENTRE, -_CENTRE)
            return found, one.attributes.get(f"{prefix}:shape") == list(shape)
    if text is None:
        return None, False
    numbers = finite(text.split() if isinstance(text, str) else text, 6)
    if numbers is None or (found := Affine.from_gdal(*numbers)).is_degenerate:
        raise SceneError(
            f"{node.label}: its GeoTransform is {str(text)[:60]!r}; write it again: .rio.write_transform(...)"
        )
    return found, False


def _by_coordinates(node: Node, axes: Axes, told: Affine | None) -> Affine | None:
    """Return the transform that the coordinates tell; that which is told where they agree, None without both."""
    rows, cols = (_centres(node, node.dims[axis], node.shape[axis]) for axis in axes)
    if rows is None or cols is None:
        return None
    (ys, down), (xs, across) = _step(node, node.dims[axes.rows], rows), _step(node, node.dims[axes.cols], cols)
    across = across or (told.a if told else abs(down) or 1.0)
    down = down or (told.e if told else -abs(across))
    found = Affine(across, 0.0, float(xs[0]) - _CENTRE * across, 0.0, down, float(ys[0]) - _CENTRE * down)
    if told is None:
        return found
    off = ~told @ found  # from one's pixels to the other's
    ends = (off.c, off.f, off.a * xs.size + off.c - xs.size, off.e * ys.size + off.f - ys.size)
    apart = max(map(abs, ends))
    return told if apart < _NEAR else found


def _centres(node: Node, name: str, length: int) -> NDArray[np.generic] | None:
    found = coordinate_of(node, name) if name else None
    if found is None:
        return None
    if found.shape != (length,) and found.parent == node.parent:  # that of a group above may be another level's
        raise SceneError(
            f"{node.label}: the coordinate {name} has {found.shape[0]} values for {length}; write the store anew"
        )
    if found.shape != (length,) or length > _MOST_CENTRES:
        return None
    return values_of(found)


def _step(node: Node, name: str, centres: NDArray[np.generic]) -> tuple[NDArray[np.float64], float]:
    """Return centres as float64, and how far they lie apart; 0 for one alone."""
    if centres.dtype.kind not in "iuf" or not np.isfinite(numbers := centres.astype(np.float64)).all():
        raise SceneError(f"{node.label}: the coordinate {name} is no row of numbers; write the store with one that is")
    ulp = float(np.spacing(np.abs(centres).max())) if centres.dtype.kind == "f" else 0.0
    step = even_step(numbers, ulp)
    if step is None:
        gaps = np.abs(np.diff(numbers))
        raise SceneError(
            f"{node.label}: the coordinate {name} is not evenly spaced (steps {gaps.min():g} to {gaps.max():g}), and "
            f"a raster is; bring it to a grid first: .interp({name}=...), or .rio.reproject(...)"
        )
    return numbers, step


def _counts_pixels(found: Affine) -> bool:
    """Return whether coordinates only number pixels."""
    return (found.a, abs(found.e)) == (1.0, 1.0) and {abs(found.c), abs(found.f)} <= {0.0, _CENTRE}
