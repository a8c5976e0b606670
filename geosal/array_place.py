"""Where an array lies in the file it was opened from, and what of the file's place moves along with it."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import xarray as xr
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from geosal.errors import GeosalWarning
from geosal.grid import Grid
from geosal.raster import RasterLayout, RasterMetadata

_SAME = 1e-6
"""Of a pixel."""
_CENTRE = 0.5


class Pixels(NamedTuple):
    """Where the pixels of an array lie in its file."""

    transform: Affine
    """From (column, row) of the array to those of the file, of corners."""
    is_whole: bool


def pixels_in_file(array: xr.DataArray, grid: Grid, file: RasterLayout) -> Pixels | None:
    """Tell where an array lies in its file; None where it does not tell, or does not lie in there.

    Of a file with control points and no transform, coordinates count pixels, as `open_scene` gives them.
    """
    if grid == file.grid:
        return Pixels(Affine.identity(), is_whole=True)
    if _is_of_points(array, file):
        if not _counts_pixels(array) and grid.shape != file.grid.shape:
            return None
        transform = grid.transform
    elif grid.rasterio_crs == file.grid.rasterio_crs and not file.grid.transform.is_degenerate:
        transform = ~file.grid.transform @ grid.transform
    else:
        return None
    is_whole = grid.shape == file.grid.shape and transform.almost_equals(Affine.identity(), _SAME)
    return Pixels(transform, is_whole) if is_whole or _lies_in(transform, grid, file.grid) else None


def carry_place(
    array: xr.DataArray, grid: Grid, file: RasterLayout | None, pixels: Pixels | None, metadata: RasterMetadata
) -> tuple[Grid, RasterMetadata]:
    """Move control points and RPCs to the pixels of an array; tell its grid, which has none beside control points.

    Parameters
    ----------
    array, grid
        The array, and where its coordinates say that it lies.
    file, pixels
        Its file, and where it lies in there; None where that is not known.
    metadata
        With the control points and RPCs of the file, if that is known.

    Warns
    -----
    GeosalWarning
        They are left out, and nothing else tells the place.
    """
    points = tuple(array.rio.get_gcps() or ())
    if file is None and points:
        pixels = Pixels(grid.transform, is_whole=False) if _counts_pixels(array) else None
        crs = array.rio.crs
        metadata = replace(metadata, gcps=points, gcp_crs=crs.to_wkt() if crs else None)
    if pixels is None:
        if not (points or (file is not None and (file.metadata.gcps or file.metadata.rpcs is not None))):
            return grid, metadata
        if not grid.georeferenced:
            warnings.warn(
                "the array does not tell which part of its file it is, so its control points or RPCs do not go along; "
                "open it by geosal.open_scene and cut that",
                GeosalWarning,
                stacklevel=4,
            )
        return grid, replace(metadata, gcps=(), gcp_crs=None, rpcs=None)
    if not metadata.gcps and metadata.rpcs is None:
        return grid, metadata
    if file is None or file.grid.transform.is_identity:  # a transform would go before either
        grid = replace(grid, crs=None if metadata.gcps else grid.crs, transform=Affine.identity())
    rpcs = None if metadata.rpcs is None else _moved_rpcs(metadata.rpcs, pixels.transform)
    return grid, replace(metadata, gcps=tuple(_moved_points(metadata.gcps, pixels.transform)), rpcs=rpcs)


def _is_of_points(array: xr.DataArray, file: RasterLayout) -> bool:
    """Whether control points alone tell the place, of the array too: one that was warped has them no longer."""
    return bool(file.metadata.gcps) and file.grid.crs is None and array.rio.get_gcps() is not None


def _counts_pixels(array: xr.DataArray) -> bool:
    """Whether coordinates tell the pixels of an array whose place control points tell."""
    return "x" in array.coords and "y" in array.coords


def _lies_in(transform: Affine, grid: Grid, file: Grid) -> bool:
    """Whether all pixels lie in the file, give or take one."""
    corners = [transform @ (col, row) for col in (0, grid.width) for row in (0, grid.height)]
    near = max(1.0, *(abs(transform[i]) for i in (0, 1, 3, 4)))
    return all(-near <= col <= file.width + near and -near <= row <= file.height + near for col, row in corners)


def _moved_points(points: Iterable[GroundControlPoint], transform: Affine) -> Iterable[GroundControlPoint]:
    back = ~transform
    for point in points:
        col, row = back @ (point.col, point.row)
        yield GroundControlPoint(row, col, point.x, point.y, point.z, id=point.id, info=point.info)


def _moved_rpcs(rpcs: RPC, transform: Affine) -> RPC | None:
    """RPCs count from the centre of the first pixel; those of a turned array cannot be told."""
    if transform.b or transform.d or transform.a <= 0 or transform.e <= 0:
        warnings.warn(
            "the array is turned or flipped, and RPCs cannot tell of that, so they do not go along; turn it back: "
            "array.sortby('y'), or array[:, ::-1]",
            GeosalWarning,
            stacklevel=5,
        )
        return None
    col, row = ~transform @ (rpcs.samp_off + _CENTRE, rpcs.line_off + _CENTRE)
    moved = {"samp_off": col - _CENTRE, "samp_scale": rpcs.samp_scale / transform.a}
    moved |= {"line_off": row - _CENTRE, "line_scale": rpcs.line_scale / transform.e}
    return RPC(**(rpcs.to_dict() | moved))
