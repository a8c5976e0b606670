"""Attributes of a Zarr store: CF for xarray and rioxarray, GeoZarr's conventions, and all that GDAL knew.

GeoZarr is three conventions: ``proj:`` (CRS), ``spatial:`` (transform) and ``multiscales`` (overviews).
"""

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from affine import Affine

from geosal.core.grid import Grid
from geosal.core.raster import RasterLayout

IMAGE, MASK, GRID_MAPPING = "image", "mask", "spatial_ref"
"""Names of the arrays in a store."""
METADATA = "gdal_metadata"
"""Attribute of the root group that holds `geosal.core.metadata.metadata_to_json`."""

Json = dict[str, Any]

_MEANINGFUL = frozenset({
    "_ARRAY_DIMENSIONS", "_CRS", "_FillValue", "_Unsigned", "add_offset", "ancillary_variables", "axis", "bounds",
    "calendar", "cell_methods", "colorinterp", "coordinates", "dtype", "flag_masks", "flag_meanings", "flag_values",
    "grid_mapping", "long_name", "missing_value", "scale_factor", "standard_name", "units", "valid_max", "valid_min",
    "valid_range",
})  # fmt: skip
"""Attributes that change how CF, xarray or GDAL read an array."""


def _convention(name: str, uuid: str, description: str) -> Json:
    place = f"zarr-conventions/{name}"
    return {
        "uuid": uuid,
        "name": name,
        "schema_url": f"https://raw.githubusercontent.com/{place}/refs/tags/v0.1/schema.json",
        "spec_url": f"https://github.com/{place}/blob/v0.1/README.md",
        "description": description,
    }


_LEVELS = _convention("multiscales", "d35379db-88df-4056-af3a-620245f8e347", "Multiscale layout of zarr datasets")
_PROJ = _convention("proj", "f17cb550-5864-4468-aeb7-f3180cfb622f", "Coordinate reference system information")
_SPATIAL = _convention("spatial", "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information")


_ON_ARRAYS: Json = {"spatial:dimensions": ["y", "x"]}
"""What the convention ``spatial:`` asks of an array; transform and shape are those of its group."""


def group_of(level: int, *, groups: bool) -> str:
    """Return the path of a level's group; the full resolution lies in the root, unless all levels are in `groups`.

    GDAL counts arrays below ``ovr_`` as overviews (3.13), and opens the one image that is left.
    """
    if groups:
        return str(level)
    return f"ovr_{2**level}x" if level else ""


def path_in(group: str, name: str) -> str:
    """Return the path of an array in a group."""
    return f"{group}/{name}" if group else name


def level_grid(grid: Grid, level: int, shape: tuple[int, int]) -> Grid:
    """Return the grid of an overview: its pixels are 2**level pixels wide, the last may reach beyond the image."""
    a, b, c, d, e, f = tuple(grid.transform)[:6]
    factor = 2.0**level
    return Grid(grid.crs, Affine(a * factor, b * factor, c, d * factor, e * factor, f), *shape)


def has_axes(grid: Grid) -> bool:
    """Return whether x depends on the column alone and y on the row alone, so that both can be coordinates."""
    return bool(grid.transform.b == 0 and grid.transform.d == 0)


def group_attributes(grid: Grid) -> Json:
    """Make the attributes of the group of one level."""
    conventions = [_SPATIAL] if grid.crs is None else [_SPATIAL, _PROJ]
    return {"Conventions": "CF-1.11", "zarr_conventions": conventions, **_spatial(grid), **_proj(grid)}


def with_multiscales(attributes: Json, grids: Sequence[Grid], *, groups: bool) -> Json:
    """Add the description of the levels, whose grids are `grids`, to the attributes of the root."""
    return attributes | {
        "zarr_conventions": [*attributes["zarr_conventions"], _LEVELS],
        "multiscales": _multiscales(grids, groups=groups),
    }


def image_attributes(layout: RasterLayout) -> Json:
    """Make the attributes of the pixels; values that differ between bands are only in `METADATA`."""
    bands = layout.metadata.bands
    found: Json = {"grid_mapping": GRID_MAPPING, "coordinates": GRID_MAPPING, **_ON_ARRAYS}
    names = [band.description or "" for band in bands]
    if any(names):
        found["long_name"] = names if len(names) > 1 else names[0]  # rioxarray's form
    units = {band.unit for band in bands}
    if len(units) == 1 and (unit := units.pop()):
        found["units"] = unit
    scales = {(band.scale, band.offset) for band in bands}
    if len(scales) == 1 and (pair := scales.pop()) != (1.0, 0.0):
        found["scale_factor"], found["add_offset"] = pair
    if layout.nodata is not None:
        found["_FillValue"] = _fill_value(layout.nodata, layout.dtype)
    found["colorinterp"] = [band.colorinterp.name for band in bands]
    if layout.has_mask:
        found["ancillary_variables"] = MASK
    return found


def plain_tags(tags: Mapping[str, str]) -> Json:
    """Choose the tags that can be attributes of the pixels, as in rioxarray; `METADATA` holds all tags."""
    return {name: text for name, text in tags.items() if name not in _MEANINGFUL}


def mask_attributes() -> Json:
    """Make the attributes of the mask."""
    return {
        "long_name": "valid pixels",
        "flag_values": [0, 1],
        "flag_meanings": "invalid valid",
        "grid_mapping": GRID_MAPPING,
        "coordinates": GRID_MAPPING,
        **_ON_ARRAYS,
    }


def axis_attributes(grid: Grid) -> tuple[Json, Json]:
    """Make the attributes of x and of y."""
    found: dict[str, Json] = {"x": {"axis": "X"}, "y": {"axis": "Y"}}
    for axis in _crs(grid).cs_to_cf() if grid.crs else ():
        which = {"X": "x", "longitude": "x", "Y": "y", "latitude": "y"}
        name = which.get(axis.get("axis", "")) or which.get(axis.get("standard_name", ""))
        if name:
            found[name] |= axis
    return found["x"], found["y"]


def grid_mapping_attributes(grid: Grid) -> Json:
    """Make the attributes of the scalar that holds CRS and transform."""
    found: Json = {**_crs(grid).to_cf(), "crs_wkt": grid.crs, "spatial_ref": grid.crs} if grid.crs else {}
    return found | {"GeoTransform": " ".join(map(repr, map(float, grid.transform.to_gdal())))}


def _multiscales(grids: Sequence[Grid], *, groups: bool) -> Json:
    layout: list[Json] = []
    names = [group_of(level, groups=groups) for level in range(len(grids))]
    assets = names if groups else [path_in(name, IMAGE) for name in names]  # of a store's own root there is no name
    for level, grid in enumerate(grids):
        entry: Json = {"asset": assets[level], "transform": {"scale": [1.0, 1.0], "translation": [0.0, 0.0]}}
        if level:
            entry["derived_from"] = assets[level - 1]
            entry["transform"] = {"scale": [2.0, 2.0], "translation": [0.0, 0.0]}
        layout.append({**entry, "spatial:shape": list(grid.shape), "spatial:transform": list(grid.transform)[:6]})
    return {"layout": layout, "resampling_method": "average"}


def _crs(grid: Grid) -> Any:
    from pyproj import CRS  # slow to import

    return CRS.from_wkt(grid.crs or "")


def _proj(grid: Grid) -> Json:
    crs = grid.rasterio_crs
    if not crs:
        return {}
    code = crs.to_epsg()
    return {"proj:code": f"EPSG:{code}"} if code else {"proj:wkt2": crs.to_wkt(version="WKT2_2019")}


def _spatial(grid: Grid) -> Json:
    left, bottom, right, top = grid.bounds
    return {
        "spatial:dimensions": ["y", "x"],
        "spatial:shape": list(grid.shape),
        "spatial:transform": list(grid.transform)[:6],
        "spatial:bbox": [min(left, right), min(bottom, top), max(left, right), max(bottom, top)],
    }


def _fill_value(nodata: float, dtype: str) -> int | str:
    """Write nodata as xarray does in Zarr v3: floats as the Base64 of their eight bytes."""
    if not dtype.startswith("float"):
        return int(nodata)
    return base64.standard_b64encode(struct.pack("<d", nodata)).decode()
