"""Features on the scene's grid: projected, in columns and rows, grown by a distance, points and lines made areas."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.errors import SaliencyError, UsageError
from geosal.grid import Grid
from geosal.sources.vectorfile import Features

Floats = NDArray[np.float64]

TOLERANCE = 0.05
"""Largest distance, in pixels, between a projected line and what is drawn for it."""
_MAX_PIECES = 1000
"""Pieces into which the longest side of a feature is cut, at most."""
_AREAL = (3, 6)
_POINTS = (0, 4)


def to_pixels(text: str, features: Features, grid: Grid, crs: int | None) -> tuple[NDArray[Any], int]:
    """Bring geometries into pixel coordinates: x a column, y a row, 0 at the outer edge of the first pixel.

    Parameters
    ----------
    text
        The SOURCE as the user wrote it, for messages.
    features
        As the file has them.
    grid
        Of the scene.
    crs
        EPSG code that the user gives for a file without a CRS; None without one.

    Returns
    -------
    geometries
        (feature,); empty where the scene's CRS has no such place.
    lost
        How many are empty.

    Raises
    ------
    SaliencyError
        One of the two has no place on the map, or there is no way from one CRS to the other.
    UsageError
        `crs` is given though the file has one, or is no code.
    """
    import shapely  # noqa: PLC0415

    geometries = features.geometries
    if features.pixels:
        placed = shapely.get_coordinates(geometries)
    else:
        project = _way(text, features, grid, crs)
        if project is not None:
            geometries = _densify(geometries, project, grid)
        places = shapely.get_coordinates(geometries)
        placed = _columns_rows(places if project is None else project(places), grid)
    good = np.asarray(np.isfinite(placed).all(axis=1))
    out = shapely.set_coordinates(geometries.copy(), np.where(good[:, None], placed, 0))
    if good.all():
        return out, 0
    _, owner = shapely.get_coordinates(geometries, return_index=True)
    lost = np.unique(owner[~good])
    out[lost] = shapely.Polygon()
    return out, lost.size


def _way(text: str, features: Features, grid: Grid, crs: int | None) -> Any:
    """Make the function from the file's coordinates to the scene's; None where they are the same."""
    if not grid.georeferenced:
        raise SaliencyError(
            f"{text}: the scene lacks georeferencing and the features lie on the map; give the scene a CRS with rio "
            "edit-info, or boxes in pixels (COCO, CSV)"
        )
    return _projection(text, _source_crs(text, features.crs, crs), grid)


def _source_crs(text: str, told: str | None, given: int | None) -> Any:
    import pyproj  # noqa: PLC0415

    try:
        if told is not None:
            if given is not None and pyproj.CRS.from_user_input(told) != pyproj.CRS.from_epsg(given):
                raise UsageError(f"{text}: crs={given}, but the file says {told[:60]}; leave crs out")
            return pyproj.CRS.from_user_input(told)
        if given is None:
            raise SaliencyError(f"{text}: the file tells no CRS; add crs=CODE with its EPSG code, such as crs=4326")
        return pyproj.CRS.from_epsg(given)
    except pyproj.exceptions.CRSError as error:
        cause = " ".join(str(error).split())[:150]
        raise UsageError(f"{text}: its CRS cannot be used ({cause}); give one with an EPSG code") from error


def _projection(text: str, source: Any, grid: Grid) -> Any:
    """Make the function from the file's coordinates to the scene's, (n, 2) to (n, 2); None where they are the same."""
    import pyproj  # noqa: PLC0415

    target = pyproj.CRS.from_wkt(grid.crs or "")
    if source.equals(target, ignore_axis_order=True):
        return None
    try:
        transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise SaliencyError(
            f"{text}: its CRS cannot be reached from the scene's (another planet, or a local CRS); give it in the "
            "scene's CRS"
        ) from error

    def project(places: Floats) -> Floats:
        return np.stack(transformer.transform(places[:, 0], places[:, 1]), axis=1)

    return project


def _columns_rows(places: Floats, grid: Grid) -> Floats:
    """From map coordinates (n, 2) to columns and rows."""
    m = grid.transform
    # The difference to the origin first: both are large, and what is left is small.
    x, y = places[:, 0] - m.c, places[:, 1] - m.f
    if m.b == 0 and m.d == 0:
        return np.stack([x / m.a, y / m.e], axis=1)
    size = m.a * m.e - m.b * m.d
    with np.errstate(invalid="ignore"):
        return np.stack([(m.e * x - m.b * y) / size, (m.a * y - m.d * x) / size], axis=1)


def _densify(geometries: NDArray[Any], project: Any, grid: Grid) -> NDArray[Any]:
    """Add vertices where a straight side becomes a curve, so that it is off by less than `TOLERANCE`."""
    import shapely  # noqa: PLC0415

    places, owner = shapely.get_coordinates(geometries, return_index=True)
    if len(places) < 2:
        return geometries
    ends = _columns_rows(project(places), grid)
    middles = _columns_rows(project((places[:-1] + places[1:]) / 2), grid)
    with np.errstate(invalid="ignore"):
        off = np.hypot(*(middles - (ends[:-1] + ends[1:]) / 2).T)
    length = np.hypot(*(places[1:] - places[:-1]).T)
    same = (owner[1:] == owner[:-1]) & np.isfinite(off)
    worst, longest = np.zeros(geometries.size), np.zeros(geometries.size)
    np.maximum.at(worst, owner[1:][same], off[same])
    np.maximum.at(longest, owner[1:][same], length[same])
    # What a chord misses falls with the square of its length.
    pieces = np.minimum(np.ceil(np.sqrt(worst / TOLERANCE)), _MAX_PIECES)
    bent = np.flatnonzero(pieces > 1)
    if bent.size:
        geometries = geometries.copy()
        geometries[bent] = shapely.segmentize(geometries[bent], longest[bent] / pieces[bent])
    return geometries


def pixel_metres(places: Floats, grid: Grid) -> Floats:
    """Width and height of a pixel in metres on the ground, (n, 2), at places (n, 2) given in columns and rows.

    By geodesics on the CRS's ellipsoid; where the CRS has no place on the globe, by its own unit.
    """
    import pyproj  # noqa: PLC0415

    m = grid.transform
    crs = pyproj.CRS.from_wkt(grid.crs or "")
    unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
    plain = np.broadcast_to([np.hypot(m.a, m.d) * unit, np.hypot(m.b, m.e) * unit], places.shape)
    geod = None if crs.geodetic_crs is None else crs.geodetic_crs.get_geod()
    if geod is None:
        return np.array(plain)
    to_globe = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)

    def on_globe(across: float, down: float) -> Any:
        x, y = places[:, 0] + across, places[:, 1] + down
        return to_globe.transform(m.a * x + m.b * y + m.c, m.d * x + m.e * y + m.f)

    here, right, below = on_globe(0, 0), on_globe(1, 0), on_globe(0, 1)
    good = np.isfinite([*here, *right, *below]).all(axis=0)
    sides = np.array(plain)
    if good.any():
        ends = [np.asarray(values)[good] for values in (*here, *right, *below)]
        sides[good, 0] = geod.inv(ends[0], ends[1], ends[2], ends[3])[2]
        sides[good, 1] = geod.inv(ends[0], ends[1], ends[4], ends[5])[2]
    # A pixel at a pole has no width.
    return np.asarray(np.maximum(sides, 1e-6 * sides.max(initial=1e-6)))


def grow(geometries: NDArray[Any], distance: float, sides: Floats) -> NDArray[Any]:
    """Grow features by a distance, in the unit of `sides`, (feature, 2), width and height of a pixel."""
    import shapely  # noqa: PLC0415

    if geometries.size == 0:
        return geometries
    # Corners are round: a chord of an arc of radius r and angle a misses it by r * (1 - cos(a / 2)).
    radius = distance / float(sides.min())
    chord = 2 * np.arccos(max(0.0, 1 - TOLERANCE / radius)) if radius > TOLERANCE else np.pi / 2
    grown = shapely.buffer(_scaled(geometries, sides), distance, quad_segs=min(64, math.ceil(np.pi / 2 / chord)))
    return _scaled(np.asarray(grown), 1 / sides)


def _scaled(geometries: NDArray[Any], factors: Floats) -> NDArray[Any]:
    import shapely  # noqa: PLC0415

    places, owner = shapely.get_coordinates(geometries, return_index=True)
    return np.asarray(shapely.set_coordinates(geometries.copy(), places * factors[owner]))


def areal(geometries: NDArray[Any]) -> NDArray[Any]:
    """Make areas of points (the pixel that holds each) and lines (one pixel wide)."""
    import shapely  # noqa: PLC0415

    out = geometries.copy()
    kinds = shapely.get_type_id(out)
    points = np.isin(kinds, _POINTS)
    if points.any():
        parts, owner = shapely.get_parts(out[points], return_index=True)
        boxes = around_points(shapely.get_coordinates(parts))
        groups = np.split(boxes, np.searchsorted(owner, np.arange(1, int(points.sum()))))
        out[points] = [shapely.union_all(group) for group in groups]
    lines = ~points & ~np.isin(kinds, _AREAL)
    if lines.any():
        out[lines] = shapely.buffer(out[lines], 0.5, cap_style="flat")
    return out


def around_points(places: Floats) -> NDArray[Any]:
    """Draw the pixels that hold places (n, 2)."""
    import shapely  # noqa: PLC0415

    corner = np.floor(places)
    return np.asarray(shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + 1, corner[:, 1] + 1))


def no_overlap(text: str, features: Features, grid: Grid) -> SaliencyError:
    """Say that no feature lies on the scene, where both lie, and what may be the reason."""
    import pyproj  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    if features.pixels:
        left, top, right, bottom = shapely.total_bounds(features.geometries)
        return SaliencyError(
            f"{text}: no feature lies on the scene of {grid.width}x{grid.height} pixels; they lie at columns "
            f"{left:.0f} to {right:.0f}, rows {top:.0f} to {bottom:.0f}; give those of this image"
        )
    own = shapely.total_bounds(features.geometries)
    hint = ""
    try:
        crs = pyproj.CRS.from_user_input(features.crs)
        if crs.is_projected and np.abs(own[[0, 2]]).max() <= 180 and np.abs(own[[1, 3]]).max() <= 90:
            hint = "; its coordinates look geographic, mend its CRS with ogr2ogr -a_srs EPSG:4326"
    except pyproj.exceptions.CRSError:
        pass
    if not hint and _swapped_fits(text, features, grid):
        hint = "; its coordinates seem to be swapped, mend them with ogr2ogr -swap-xy"
    scene, theirs = _degrees(grid.crs, grid.bounds), _degrees(features.crs, own)
    return SaliencyError(
        f"{text}: no feature lies on the scene; the scene lies at {scene}, the features at {theirs}{hint}; give "
        "features of the same place"
    )


def _degrees(crs: str | None, bounds: Any) -> str:
    """West, south, east, north as text: in degrees, or as they are where that is impossible."""
    import pyproj  # noqa: PLC0415

    try:
        degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform_bounds(*bounds)
    except (pyproj.exceptions.ProjError, ValueError):
        degrees = (np.inf, np.inf, np.inf, np.inf)
    if not np.isfinite(degrees).all():
        return f"{', '.join(f'{value:.9g}' for value in bounds)} (own CRS)"
    return f"{', '.join(f'{value:.5f}' for value in degrees)} (EPSG:4326: west, south, east, north)"


def on_scene(placed: NDArray[Any], grid: Grid, reach: float | Floats = 0.0) -> NDArray[np.bool_]:
    """Which geometries have a bounding box that comes within `reach` pixels of the scene."""
    import shapely  # noqa: PLC0415

    left, top, right, bottom = shapely.bounds(placed).T
    on = (right > -reach) & (bottom > -reach) & (left < grid.width + reach) & (top < grid.height + reach)
    return np.asarray(on)


def _swapped_fits(text: str, features: Features, grid: Grid) -> bool:
    import shapely  # noqa: PLC0415

    few = features.geometries[:1000]
    turned = shapely.set_coordinates(few.copy(), shapely.get_coordinates(few)[:, ::-1])
    try:
        placed, _ = to_pixels(text, Features(turned, None, features.crs), grid, None)
    except (SaliencyError, UsageError):
        return False
    return bool(on_scene(placed, grid).any())
