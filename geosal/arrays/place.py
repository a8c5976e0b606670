"""Find where an array lies in its file, and move the file's control points and RPCs to it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import xarray as xr
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from geosal.arrays.coordinates import has_points
from geosal.core.grid import Grid
from geosal.core.raster import RasterLayout, RasterMetadata
from geosal.errors import warn

_SAME = 1e-6
"""Tolerance of a position, in pixels."""
_CENTRE = 0.5


class FilePixels(NamedTuple):
    """Where the pixels of an array lie in its file."""

    transform: Affine
    """Maps (column, row) of the array to those of the file, for corners of pixels."""
    is_whole: bool


def pixels_in_file(array: xr.DataArray, grid: Grid, file: RasterLayout) -> FilePixels | None:
    """Find where an array lies in its file; None where it does not tell, or lies elsewhere.

    If a file has control points and no transform, coordinates count pixels, as `open_scene` makes them.
    """
    if grid == file.grid:
        return FilePixels(Affine.identity(), is_whole=True)
    if _is_uncounted(array) and (not grid.georeferenced or grid.transform == file.grid.transform):
        return FilePixels(Affine.identity(), is_whole=True) if grid.shape == file.grid.shape else None
    alike = grid.rasterio_crs == file.grid.rasterio_crs or (file.grid.crs is None and has_points(array))
    if not alike or file.grid.transform.is_degenerate:
        return None
    transform = ~file.grid.transform @ grid.transform
    is_whole = grid.shape == file.grid.shape and transform.almost_equals(Affine.identity(), _SAME)
    return FilePixels(transform, is_whole) if is_whole or _lies_in(transform, grid, file.grid) else None


def carry_place(
    array: xr.DataArray, grid: Grid, file: RasterLayout | None, pixels: FilePixels | None, metadata: RasterMetadata
) -> tuple[Grid, RasterMetadata]:
    """Move control points and RPCs to the pixels of an array; with control points, its grid has no transform.

    Parameters
    ----------
    array, grid
        The array, and where its coordinates say that it lies.
    file, pixels
        Its file, and where it lies in there; None where that is not known.
    metadata
        Metadata, with the control points and RPCs of the file, if that is known.

    Warns
    -----
    GeosalWarning
        Control points or RPCs are left out, and nothing else tells the place.
    """
    if file is None and not grid.georeferenced:  # a place that the user gave to an array replaces its points
        metadata = _with_own_points(array, metadata)
        pixels = None if _is_uncounted(array) else FilePixels(grid.transform, is_whole=False)
    if pixels is None:
        of_file = metadata if file is None else file.metadata
        astray = _is_uncounted(array) and file is not None and grid.transform == file.grid.transform
        if (of_file.gcps or of_file.rpcs is not None) and (astray or not grid.georeferenced):
            warn(
                "the array does not tell which part of its file it is, so its control points or RPCs are left out; "
                "open it by geosal.open_scene and cut that"
            )
            grid = replace(grid, crs=None, transform=Affine.identity())
        return grid, replace(metadata, gcps=(), gcp_crs=None, rpcs=None)
    if file is not None and pixels.is_whole:  # rioxarray gives a file with RPCs their CRS
        grid = file.grid
    if not metadata.gcps and metadata.rpcs is None:
        return grid, metadata
    if file is None or file.grid.transform.is_identity:  # a transform would replace either
        grid = replace(grid, crs=None if metadata.gcps else grid.crs, transform=Affine.identity())
    rpcs = None if metadata.rpcs is None else _moved_rpcs(metadata.rpcs, pixels.transform)
    return grid, replace(metadata, gcps=tuple(_moved_points(metadata.gcps, pixels.transform)), rpcs=rpcs)


def _with_own_points(array: xr.DataArray, metadata: RasterMetadata) -> RasterMetadata:
    """Take control points and RPCs from an array that knows no file; rioxarray keeps RPCs in its newer versions."""
    crs, points = array.rio.crs, tuple(array.rio.get_gcps() or ())
    rpcs = getattr(array.rio, "get_rpcs", lambda: None)()
    return replace(metadata, gcps=points, gcp_crs=crs.to_wkt() if crs and points else None, rpcs=rpcs)


def _is_uncounted(array: xr.DataArray) -> bool:
    """Return whether an array with control points or RPCs has no coordinates to tell its pixels by."""
    return has_points(array) and not {"x", "y"} <= array.coords.keys()


def _lies_in(transform: Affine, grid: Grid, file: Grid) -> bool:
    """Return whether all pixels lie in the file, give or take one."""
    corners = [transform @ (col, row) for col in (0, grid.width) for row in (0, grid.height)]
    near = max(1.0, *(abs(transform[i]) for i in (0, 1, 3, 4)))
    return all(-near <= col <= file.width + near and -near <= row <= file.height + near for col, row in corners)


def _moved_points(points: Iterable[GroundControlPoint], transform: Affine) -> Iterable[GroundControlPoint]:
    back = ~transform
    for point in points:
        col, row = back @ (point.col, point.row)
        yield GroundControlPoint(row, col, point.x, point.y, point.z, id=point.id, info=point.info)


def _moved_rpcs(rpcs: RPC, transform: Affine) -> RPC | None:
    """Move RPCs, which count from the centre of the first pixel; a rotated or flipped array cannot have any."""
    if transform.b or transform.d or transform.a <= 0 or transform.e <= 0:
        warn(
            "the array is rotated or flipped, which RPCs cannot express, so they are left out; turn it back: "
            "array.sortby('y'), or array[:, ::-1]"
        )
        return None
    col, row = ~transform @ (rpcs.samp_off + _CENTRE, rpcs.line_off + _CENTRE)
    moved = {"samp_off": col - _CENTRE, "samp_scale": rpcs.samp_scale / transform.a}
    moved |= {"line_off": row - _CENTRE, "line_scale": rpcs.line_scale / transform.e}
    return RPC(**(rpcs.to_dict() | moved))
