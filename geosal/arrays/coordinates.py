"""Find the grid of an array from its coordinates.

rioxarray keeps the transform of the file beside the coordinates. Thinning, averaging, interpolating and turning an
array change only the coordinates, so these come first. Numbers of pixels are no coordinates: there the transform
counts.
"""

import math

import numpy as np
import rioxarray  # noqa: F401  registers `.rio`, whoever made the array
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from geosal.core.axes import ROUNDING, TOLERANCE, allowed, even_step
from geosal.core.grid import Grid
from geosal.errors import SceneError, warn
from geosal.sizes import as_number

_CENTRE = 0.5
_STACKED = frozenset({"spec", "transform", "resolution"})
"""Attributes by which an array of stackstac is known."""
_SAME = 1e-3
"""Tolerance of a position or a step, in pixels."""
_FAR = 100_000
"""Pixels from the corner of the transform beyond which small whole numbers are no coordinates of its map."""
_MOST_PIXELS = 2**17
"""Limit of pixel numbers; coordinates in metres are larger."""
_OTHER_NAMES = frozenset({"lat", "latitude", "lon", "longitude", "northing", "easting"})
_STANDARD_NAMES = frozenset({"latitude", "longitude", "projection_x_coordinate", "projection_y_coordinate"})


def grid_of(scene: xr.DataArray) -> Grid:
    """Read the grid of an array (…, y, x) from its coordinates, and the rest from rioxarray's transform.

    Parameters
    ----------
    scene
        With the coordinates ``y`` and ``x``, or, on a rotated grid, ``yc`` and ``xc`` (y, x) as rioxarray has them.
        Without any, the transform of ``spatial_ref`` counts, and without that the identity.

    Raises
    ------
    SceneError
        The coordinates are not evenly spaced or name no numbers, the transform is none, or one
        contradicts the other.
    """
    height, width = scene.shape[-2:]
    transform = _transform_of(scene)
    return Grid.from_crs(None if _is_of_points(scene) else scene.rio.crs, transform, height, width)


def has_points(scene: xr.DataArray) -> bool:
    """Return whether an array has control points or RPCs, as rioxarray keeps them; a warped one has none."""
    mapping = scene.rio.grid_mapping
    return mapping in scene.coords and bool({"gcps", "rpcs"} & scene.coords[mapping].attrs.keys())


def _is_of_points(scene: xr.DataArray) -> bool:
    """Return whether control points or RPCs define the place: the CRS is theirs and coordinates count pixels."""
    kept = _kept_transform(scene)
    return (kept is None or kept.is_identity) and has_points(scene)


def _transform_of(scene: xr.DataArray) -> Affine:
    kept = _kept_transform(scene)
    along = [name for name in ("y", "x") if name in scene.coords]
    if len(along) == 2:
        return _upright(scene, kept)
    if "xc" in scene.coords and "yc" in scene.coords and scene.coords["xc"].ndim == 2:
        return _rotated(kept, scene.coords["xc"].values, scene.coords["yc"].values)
    if along and scene.rio.crs is not None:
        _refuse_half(scene, along[0], kept)
    if kept is None:
        _warn_of_other_names(scene)
    return Affine.identity() if kept is None else kept


def _kept_transform(scene: xr.DataArray) -> Affine | None:
    """Return the transform of the array's grid mapping or attributes, whatever its coordinates are."""
    mapping = scene.rio.grid_mapping
    said = scene.coords[mapping].attrs.get("GeoTransform") if mapping in scene.coords else None
    if said is None:
        return _transform_of_attributes(scene)
    try:
        kept = Affine.from_gdal(*map(float, said.split() if isinstance(said, str) else said))
    except (TypeError, ValueError):
        kept = Affine(*[math.nan] * 6)
    if not all(map(math.isfinite, kept)) or kept.is_degenerate:
        raise SceneError(
            f"the GeoTransform of the array's {mapping} is {str(said)[:100]!r}, and it has to be six numbers, with "
            "pixels of some size; write it again: array.rio.write_transform(...)"
        )
    return kept


def _transform_of_attributes(scene: xr.DataArray) -> Affine | None:
    """Return the transform of the array's own attributes: Zarr's convention, or xarray's old ``open_rasterio``."""
    for key in ("spatial:transform", "transform"):
        try:
            told = Affine(*map(float, scene.attrs[key][:6]))
        except (KeyError, TypeError, ValueError):
            continue
        if all(map(math.isfinite, told)) and not told.is_degenerate:
            return told
    return None


def _refuse_half(scene: xr.DataArray, name: str, kept: Affine | None) -> None:
    """Refuse coordinates of one axis alone, unless they are those of the transform."""
    other = "x" if name == "y" else "y"
    if kept is not None and not kept.b and not kept.d:
        centres, ulp = _numbers(name, scene.coords[name].values)
        origin, unit = (kept.c, kept.a) if name == "x" else (kept.f, kept.e)
        if _axis(name, centres, ulp, (origin, unit), unit) == (origin, unit):
            return
    raise SceneError(
        f"the array has a CRS and coordinates {name}, and none of {other} to tell its place with; assign them: "
        f"array.assign_coords({other}=...), or drop them: array.drop_vars('{name}')"
    )


def _warn_of_other_names(scene: xr.DataArray) -> None:
    """Warn where coordinates have other names than the dimensions, so that they locate nothing."""
    named = {}
    for name, coord in scene.coords.items():
        known = str(name).lower() in _OTHER_NAMES or coord.attrs.get("standard_name") in _STANDARD_NAMES
        if known and coord.dims in (("y",), ("x",)):
            named[str(coord.dims[0])] = str(name)
    if len(named) == 2:
        y, x = named["y"], named["x"]
        warn(
            f"the array's coordinates are called {y} and {x}, its dimensions y and x, so nothing tells its place; name "
            f"them alike: array.assign_coords(y=array['{y}'].values, x=array['{x}'].values)"
        )


def _upright(scene: xr.DataArray, kept: Affine | None) -> Affine:
    if kept is not None and (kept.b or kept.d):
        raise SceneError(
            "the array has a rotated transform and coordinates of an upright grid; drop one of them: "
            "array.drop_vars(['x', 'y']), or array.rio.write_transform(...)"
        )
    (xs, x_ulp), (ys, y_ulp) = (_numbers(name, scene.coords[name].values) for name in ("x", "y"))
    if kept is not None and scene.attrs.keys() >= _STACKED:
        xs, ys = _centres_of_stackstac(kept, xs, ys)
    across, down = (1.0, -1.0) if kept is None else (kept.a, kept.e)
    if kept is None:  # one row or column: its pixels are square
        across = abs(_step("y", ys, y_ulp, down)) if xs.size == 1 else across
        down = -abs(_step("x", xs, x_ulp, across)) if ys.size == 1 else down
    left, across = _axis("x", xs, x_ulp, None if kept is None else (kept.c, kept.a), across)
    top, down = _axis("y", ys, y_ulp, None if kept is None else (kept.f, kept.e), down)
    found = Affine(across, 0.0, left, 0.0, down, top)
    whole = all(scene.coords[name].dtype.kind in "iu" for name in ("x", "y"))
    return found if kept is None or not _are_numbers_of_pixels(found, kept, xs, ys, whole=whole) else kept


def _centres_of_stackstac(
    kept: Affine, xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres of pixels, where stackstac has their upper left corners, as it does by default.

    It tells the transform beside them: with its step, corners lie a whole number of pixels from the origin, and centres
    half a pixel more.
    """
    axes = ((xs, kept.c, kept.a), (ys, kept.f, kept.e))
    if any(axis.size > 1 and abs((axis[-1] - axis[0]) / (axis.size - 1) / unit - 1) > _SAME for axis, _, unit in axes):
        warn(
            "the array was thinned or averaged since stackstac made it, so its coordinates may be half a pixel off; "
            "let it give centres: stackstac.stack(..., xy_coords='center')"
        )
        return xs, ys
    places = [(float(axis[0]) - origin) / unit for axis, origin, unit in axes]
    if any(abs(place - round(place)) > _SAME for place in places):
        return xs, ys
    return xs + _CENTRE * kept.a, ys + _CENTRE * kept.e


def _are_numbers_of_pixels(
    found: Affine, kept: Affine, xs: NDArray[np.float64], ys: NDArray[np.float64], *, whole: bool
) -> bool:
    """Return whether coordinates only count pixels, so that the transform is taken; refuse what may be either.

    Parameters
    ----------
    found
        Transform that the coordinates define.
    kept
        Transform that the array keeps.
    xs, ys
        Centres of columns and of rows.
    whole
        The coordinates are integers, as coordinates seldom are.
    """
    ends = (*xs[[0, -1]], *ys[[0, -1]])
    from_0 = all(axis[0] in (0, _CENTRE) and bool((axis == axis[0] + np.arange(axis.size)).all()) for axis in (xs, ys))
    if kept.is_identity or not (from_0 or whole) or min(ends) < 0 or max(ends) >= _MOST_PIXELS:
        return False
    columns = [(x - kept.c) / kept.a for x in ends[:2]]
    rows = [(y - kept.f) / kept.e for y in ends[2:]]
    near = all(-1 <= place <= _FAR for place in (*columns, *rows))
    a, _, c, _, e, f, *_ = ~kept @ found
    on_pixels = all(abs(number - round(number)) < TOLERANCE for number in (a, c, e, f)) and round(a) and round(e)
    a_cut = on_pixels and (round(a) == round(e) == 1 or not whole)
    if near and (a_cut or not from_0):
        return False
    numbers = f"x {as_number(ends[0])} to {as_number(ends[1])} and y {as_number(ends[2])} to {as_number(ends[3])}"
    if from_0 and not near:
        warn(
            f"the array's coordinates {numbers} number its pixels, so its place is that of its transform; to say so, "
            "drop them: array.drop_vars(['x', 'y'])"
        )
        return True
    raise SceneError(
        f"the array's coordinates {numbers} look like numbers of pixels, and its transform begins at x={kept.c:.9g}, "
        f"y={kept.f:.9g}; keep one of them: array.drop_vars(['x', 'y']), or "
        "array.rio.write_transform(array.rio.transform(recalc=True))"
    )


def _axis(
    name: str, centres: NDArray[np.float64], ulp: float, kept: tuple[float, float] | None, otherwise: float
) -> tuple[float, float]:
    """Return where an axis begins and how far its pixels lie apart.

    Parameters
    ----------
    name
        Name of the axis, for messages.
    centres
        (n,), of pixels.
    ulp
        Spacing of the floats in which the coordinates are given.
    kept
        Beginning and distance of the file's pixels. Where the coordinates lie on them, theirs are the exact numbers.
    otherwise
        Distance for a single pixel where nothing else defines it.
    """
    step = _step(name, centres, ulp, otherwise)
    if kept is None:
        return float(centres[0]) - _CENTRE * step, step
    origin, unit = kept
    # Less than a quarter: the pixels lie on halves of the file's pixels.
    near = max(TOLERANCE, min(ROUNDING * ulp / abs(unit), 0.24))
    times = round(step / unit)
    if times and abs(times * unit - step) * centres.size < near * abs(unit):
        step = times * unit
    begin = float(centres[0]) - _CENTRE * step
    halves = 2 * (begin - origin) / unit  # thinning puts pixels of two half a pixel off
    if abs(halves - round(halves)) < 2 * near:
        begin = origin + round(halves) / 2 * unit
    return begin, step


def _step(axis: str, centres: NDArray[np.float64], ulp: float, otherwise: float) -> float:
    """Return the distance of two pixels, which must be even; `otherwise` for a single pixel."""
    if centres.size < 2:
        return otherwise
    step = even_step(centres, ulp)
    if step is None:
        gaps = np.abs(np.diff(centres))
        raise SceneError(
            f"the coordinate {axis} is not evenly spaced (steps of {gaps.min():g} to {gaps.max():g}), and a raster is; "
            f"bring the array to a grid first: array.interp({axis}=...), or array.rio.reproject(...)"
        )
    return step


def _rotated(kept: Affine | None, x: NDArray[np.generic], y: NDArray[np.generic]) -> Affine:
    """Find the transform whose pixels have these centres, (y, x) each; `kept` tells of a single row or column."""
    (xs, x_ulp), (ys, y_ulp) = _numbers("xc", x), _numbers("yc", y)
    known = Affine.identity() if kept is None else kept
    down = [known.b, known.e] if xs.shape[0] == 1 else [float(c[-1, 0] - c[0, 0]) / (len(c) - 1) for c in (xs, ys)]
    across = (
        [known.a, known.d] if xs.shape[1] == 1 else [float(c[0, -1] - c[0, 0]) / (c.shape[1] - 1) for c in (xs, ys)]
    )
    left, top = (float(c[0, 0]) - _CENTRE * (a + d) for c, a, d in zip((xs, ys), across, down, strict=True))
    found = Affine(across[0], down[0], left, across[1], down[1], top)
    tolerance = allowed(min(math.hypot(*across), math.hypot(*down)), max(x_ulp, y_ulp))
    if found.is_degenerate or _farthest(found, xs, ys) > tolerance:
        raise SceneError(
            "the coordinates xc and yc are not those of a rotated grid, with the same step from row to row and from "
            "column to column; bring the array to a grid, or drop them: array.drop_vars(['xc', 'yc'])"
        )
    return kept if kept is not None and _farthest(kept, xs, ys) <= tolerance else found


def _farthest(transform: Affine, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> float:
    """Return the largest distance of a centre, along x or y, from the transform's; row by row, to save memory."""
    a, b, c, d, e, f, *_ = transform
    cols = np.arange(xs.shape[1]) + _CENTRE
    far = 0.0
    for row, (x, y) in enumerate(zip(xs, ys, strict=True)):
        down = row + _CENTRE
        off_x, off_y = np.abs(a * cols + (b * down + c) - x), np.abs(d * cols + (e * down + f) - y)
        far = max(far, float(off_x.max()), float(off_y.max()))
    return far


def _numbers(name: str, axis: NDArray[np.generic]) -> tuple[NDArray[np.float64], float]:
    """Return coordinates as float64, and their precision: the unit in the last place of the largest."""
    refusal = SceneError(
        f"the coordinates of an array are numbers of its CRS, these are {axis.dtype}; assign such: "
        "array.assign_coords(x=..., y=...)"
    )
    if axis.dtype.kind in "mMbc":  # dates, which NumPy would convert to numbers, booleans, complex numbers
        raise refusal
    try:
        centres = np.asarray(axis, np.float64)
    except (TypeError, ValueError) as error:
        raise refusal from error
    if not np.isfinite(centres).all():
        raise SceneError(
            f"the coordinate {name} holds NaN or infinity in {(~np.isfinite(centres)).sum()} of {centres.size} places, "
            f"and every pixel has one; assign it again: array.assign_coords({name}=...)"
        )
    largest = np.abs(axis).max() if axis.dtype.kind == "f" else 0
    return centres, float(np.spacing(largest)) if axis.dtype.kind == "f" else 0.0
