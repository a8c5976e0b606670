"""Find where a scene lies in the CRS of a vector file, and cut features to that place.

A projection is valid near its own place. Far from it points have no image, or one on the wrong side: a polygon that
spans the globe would vanish, or turn inside out. So only the surroundings of the scene are projected.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geosal.core.grid import Grid
from geosal.errors import SaliencyError, UsageError

Floats = NDArray[np.float64]

AROUND = 2
"""Pixels around the scene that are kept in any case."""
_NODES = 33
"""Points along each side of the scene that are projected; between them it may reach out by `_MARGIN` of its size."""
_MARGIN = 0.1
_STEP = 30
"""Degrees between the points by which a projection is recognised as cylindrical."""
_LATITUDES = (-40.0, 0.0, 50.0)


def require_place(text: str, grid: Grid) -> None:
    """Refuse a scene that has no place on the map.

    Raises
    ------
    SaliencyError
        It has none.
    """
    if not grid.georeferenced:
        raise SaliencyError(
            f"{text}: the scene lacks georeferencing and the features lie on the map; give the scene its place: "
            f"{grid.placing}, or give boxes in pixels (COCO, CSV)"
        )


def given_crs(text: str, given: str | None, grid: Grid) -> str | None:
    """Read ``crs=``: a number is an EPSG code, ``scene`` the scene's CRS.

    Raises
    ------
    UsageError
        The value is no EPSG code, no code with its authority, and not ``scene``.
    """
    if given is None:
        return None
    if given.lower() == "scene":
        require_place(text, grid)
        return grid.crs
    code = f"EPSG:{given}" if given.isdecimal() else given
    try:
        pyproj.CRS.from_user_input(code)
    except pyproj.exceptions.CRSError as error:
        raise UsageError(f"{text}: crs={given}; crs is an EPSG code, such as 5070 or EPSG:5070, or scene") from error
    return code


def source_crs(text: str, told: str | None, given: str | None) -> Any:
    """Make pyproj's CRS from what the file says, or from the code that the user gives.

    Raises
    ------
    SaliencyError
        There is neither.
    UsageError
        The two differ, or make no sense.
    """
    try:
        if told is not None:
            if given is not None and pyproj.CRS.from_user_input(told) != pyproj.CRS.from_user_input(given):
                raise UsageError(f"{text}: crs={given[:60]}, but the file says {told[:60]}; leave crs out")
            return pyproj.CRS.from_user_input(told)
        if given is None:
            raise SaliencyError(f"{text}: the file tells no CRS; add crs=CODE with its EPSG code, such as crs=4326")
        return pyproj.CRS.from_user_input(given)
    except pyproj.exceptions.CRSError as error:
        cause = " ".join(str(error).split())[:150]
        raise UsageError(f"{text}: its CRS cannot be used ({cause}); give one with an EPSG code") from error


@lru_cache(maxsize=64)
def period(wkt: str) -> float | None:
    """Return the period of a CRS along x, in its unit; None where the map is not periodic."""
    crs = pyproj.CRS.from_wkt(wkt)
    if crs.is_geographic:
        return float(round(2 * np.pi / crs.axis_info[0].unit_conversion_factor, 6))
    if not crs.is_projected or crs.geodetic_crs is None:
        return None
    longitude, latitude = np.meshgrid(np.arange(-180.0, 180, _STEP) + 7, _LATITUDES)
    per_degree = crs.geodetic_crs.axis_info[0].unit_conversion_factor * 180 / np.pi
    try:
        way = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
        x, y = way.transform(longitude / per_degree, latitude / per_degree)
    except pyproj.exceptions.ProjError:
        return None
    if not np.isfinite([x, y]).all():
        return None
    turn = float(np.median(np.diff(x[0]))) * 360 / _STEP
    off = (x - x[0, 0]) / turn - (longitude - longitude[0, 0]) / 360
    cylindrical = turn > 0 and np.abs(off - np.round(off)).max() < 1e-9 and np.ptp(y, axis=1).max() < 1e-9 * turn
    return turn if cylindrical else None


def scene_boxes(source: Any, grid: Grid, reach: float) -> Floats | None:
    """Find boxes in a CRS in which the scene lies, and `reach` pixels around it.

    Parameters
    ----------
    source
        The CRS, of pyproj.
    grid
        Grid of the scene.
    reach
        Pixels.

    Returns
    -------
    boxes
        (box, 4): left, bottom, right, top, with room; longitudes also a turn to the east and to the west, since files
        count them from -180 or from 0. None where the CRS has no place for some of the scene, or counts in grads.
    """
    bounds = _bounds(source, grid, reach)
    if bounds is None or not np.isfinite(bounds).all():
        return None
    left, bottom, right, top = bounds
    turn = period(source.to_wkt()) or 0
    if right < left:  # the antimeridian lies between them
        right += turn
    wide, high = _MARGIN * (right - left), _MARGIN * (top - bottom)
    box = np.array([left - wide, bottom - high, right + wide, top + high])
    if not turn:
        return box[None]
    if box[2] - box[0] >= turn:
        return np.array([[-2 * turn, box[1], 2 * turn, box[3]]])
    return np.asarray(box + np.array([[-turn], [0], [turn]]) * [1, 0, 1, 0])


def _bounds(source: Any, grid: Grid, reach: float) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right, top of the scene in a CRS; right is below left across the antimeridian."""
    target = pyproj.CRS.from_wkt(grid.crs or "")
    x, y = places_around(grid, reach + AROUND)
    bounds = x.min(), y.min(), x.max(), y.max()
    if source.is_geographic and abs(source.axis_info[0].unit_conversion_factor - np.pi / 180) > 1e-9:
        return None  # PROJ handles poles in degrees only
    if source.equals(target, ignore_axis_order=True):
        return bounds
    try:
        way = pyproj.Transformer.from_crs(target, source, always_xy=True)
        x, y = way.transform(x, y)
        if not np.isfinite([*x, *y]).all():
            return None
        if source.is_geographic:  # PROJ handles the poles and the antimeridian
            west, south, east, north = way.transform_bounds(*bounds, densify_pts=_NODES)
            return west, south, east, north
    except pyproj.exceptions.ProjError:
        return None
    return x.min(), y.min(), x.max(), y.max()


def cut(geometries: NDArray[Any], boxes: Floats | None) -> tuple[NDArray[Any], int]:
    """Cut features to boxes, (box, 4); a feature inside one of them keeps its bits.

    Returns
    -------
    geometries
        Cut geometries, empty where nothing is left; those with coordinates that are no numbers stay.
    mended
        Number of features that were invalid and had to be mended before they were cut.
    """
    if boxes is None or geometries.size == 0:
        return geometries, 0
    left, bottom, right, top = shapely.bounds(geometries).T[:, :, None]
    low_x, low_y, high_x, high_y = boxes.T
    inside = ((left >= low_x) & (right <= high_x) & (bottom >= low_y) & (top <= high_y)).any(axis=1)
    near = ((left <= high_x) & (right >= low_x) & (bottom <= high_y) & (top >= low_y)).any(axis=1)
    good = np.isfinite([left, bottom, right, top]).all(axis=(0, 2))
    out = geometries.copy()
    out[good & ~near] = shapely.Polygon()
    over = np.flatnonzero(good & near & ~inside)
    some = out[over]
    invalid = ~shapely.is_valid(some)
    some[invalid] = shapely.make_valid(some[invalid], method="structure", keep_collapsed=True)
    out[over] = shapely.intersection(some, shapely.union_all(shapely.box(*boxes.T)))
    return out, int(invalid.sum())


def places_around(grid: Grid, reach: float) -> tuple[Floats, Floats]:
    """Return places all over the scene and `reach` pixels around it, on the map."""
    col, row = np.meshgrid(
        np.linspace(-reach, grid.width + reach, _NODES), np.linspace(-reach, grid.height + reach, _NODES)
    )
    m = grid.transform
    x, y = m.a * col + m.b * row + m.c, m.d * col + m.e * row + m.f
    return x.ravel(), y.ravel()
