"""Put features on the scene's grid: project them, and convert them to columns and rows."""

from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geosal.core.grid import Grid
from geosal.errors import SaliencyError, UsageError
from geosal.sources.vectors.cutting import cut, period, require_place, scene_boxes, source_crs
from geosal.sources.vectors.reading import Features
from geosal.sources.vectors.wrapping import MapWindow, continuous, towards, turns

Floats = NDArray[np.float64]

TOLERANCE = 0.05
"""Largest distance, in pixels, between a projected line and what is drawn for it."""
_MAX_PIECES = 1000
"""Most pieces into which the longest side of a feature is cut."""
_ROUNDS = 4
"""Number of rounds in which sides are checked again after they were cut."""
_SHORT = 64.0
"""Length in pixels below which sides are first checked in the middle."""
_DEGREES = 360.0
"""Largest longitude in any convention; a latitude has a quarter of it."""
_POLYGON = 3


class Placed(NamedTuple):
    """Features in pixel coordinates: x a column, y a row, 0 at the outer edge of the first pixel."""

    geometries: NDArray[Any]
    """Geometries, (feature,); empty where no part comes near the scene, or the scene's CRS has no such place."""
    lost: int
    """Number of features for which the scene's CRS has no place."""
    mended: int
    """Number of invalid features that had to be mended before they were cut."""


def to_pixels(text: str, features: Features, grid: Grid, crs: str | None, reach: float = 0.0) -> Placed:
    """Convert geometries to pixel coordinates.

    Parameters
    ----------
    text
        The SOURCE as the user wrote it, for messages.
    features
        Features from the file; no collections.
    grid
        Grid of the scene.
    crs
        CRS that the user gives for a file without one, such as ``EPSG:5070``; None without it.
    reach
        Pixels around the scene that count. Parts farther away are cut off before the projection, which may have no
        place there, or the wrong one.

    Raises
    ------
    SaliencyError
        One of the two has no place on the map, or no transformation exists from one CRS to the other.
    UsageError
        `crs` is given, although the file has another one.
    """
    if features.pixels:
        places = shapely.get_coordinates(features.geometries)
        return _with_places(features.geometries, places, 0)
    require_place(text, grid)
    source = source_crs(text, features.crs, crs)
    way = _Way(grid, _projection(text, source, grid), period(grid.crs or ""))
    geometries, mended = cut(features.geometries, scene_boxes(source, grid, reach))
    if way.project is not None:
        geometries = _densify(geometries, way)
    laid = way.on_map(geometries, reach)
    return _with_places(laid, way.columns_rows(shapely.get_coordinates(laid)), mended)


def _with_places(laid: NDArray[Any], placed: Floats, mended: int) -> Placed:
    """Convert geometries on the map to pixels; empty where a coordinate is not finite."""
    good = np.asarray(np.isfinite(placed).all(axis=1))
    out = shapely.set_coordinates(laid.copy(), np.where(good[:, None], placed, 0))
    if good.all():
        return Placed(out, 0, mended)
    _, owner = shapely.get_coordinates(laid, return_index=True)
    lost = np.unique(owner[~good])
    out[lost] = shapely.Polygon()
    return Placed(out, lost.size, mended)


class _Way(NamedTuple):
    """Map from a file's coordinates to the scene's pixels."""

    grid: Grid
    project: Any
    """Maps the file's coordinates to the scene's map, (n, 2) to (n, 2); None where they are the same."""
    turn: float | None
    """Period of the scene's map along x, None where it is not periodic."""

    def columns_rows(self, places: Floats) -> Floats:
        """Convert map coordinates (n, 2) to columns and rows."""
        m = self.grid.transform
        # The difference to the origin comes first: both are large, and their difference is small.
        x, y = places[:, 0] - m.c, places[:, 1] - m.f
        if m.b == 0 and m.d == 0:
            return np.stack([x / m.a, y / m.e], axis=1)
        size = m.a * m.e - m.b * m.d
        with np.errstate(invalid="ignore"):
            return np.stack([(m.e * x - m.b * y) / size, (m.a * y - m.d * x) / size], axis=1)

    def pixels(self, places: Floats) -> Floats:
        """Convert the file's coordinates (n, 2) to columns and rows."""
        return self.columns_rows(places if self.project is None else self.project(places))

    def short(self, steps: Floats) -> Floats:
        """Remove whole turns of the map from steps in pixels, (n, 2): a side over its edge does not cross the map."""
        if self.turn is None:
            return steps
        m = self.grid.transform
        with np.errstate(invalid="ignore"):
            over = turns(m.a * steps[:, 0] + m.b * steps[:, 1], self.turn)[:, None] * self.turn
        size = m.a * m.e - m.b * m.d
        return np.asarray(steps - over * [m.e / size, -m.d / size])

    def on_map(self, geometries: NDArray[Any], reach: float) -> NDArray[Any]:
        """Put geometries on the scene's map, shifted by whole turns to the scene."""
        laid = geometries
        if self.project is not None:
            laid = shapely.set_coordinates(geometries.copy(), self.project(shapely.get_coordinates(geometries)))
        if self.turn is None:
            return np.asarray(laid)
        window = MapWindow.of(self.grid, reach)
        if self.project is not None:
            laid = continuous(geometries, laid, self.turn, window)
        return towards(laid, self.turn, window)


def _projection(text: str, source: Any, grid: Grid) -> Any:
    """Make the function from the file's coordinates to the scene's, (n, 2) to (n, 2); None where they are the same."""
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


def _densify(geometries: NDArray[Any], way: _Way) -> NDArray[Any]:
    """Add vertices where a straight side becomes a curve, so that it is off by less than `TOLERANCE`."""
    geometries = geometries.copy()
    look, floor = np.arange(geometries.size), np.zeros(geometries.size)
    for _ in range(_ROUNDS):
        start, end, off, owner = _sides(geometries[look], way)
        length = np.hypot(*(end - start).T)
        known = np.isfinite(off)
        step, longest, worst = np.full(look.size, np.inf), np.zeros(look.size), np.zeros(look.size)
        # The error of a chord falls with the square of its length.
        np.minimum.at(step, owner[known], (length / np.maximum(np.ceil(np.sqrt(off / TOLERANCE)), 1))[known])
        np.maximum.at(longest, owner[known], length[known])
        np.maximum.at(worst, owner[known], off[known])
        floor[look] = np.where(floor[look] > 0, floor[look], longest / _MAX_PIECES)
        step = np.maximum(step, floor[look])
        bent = (worst > TOLERANCE) & (step < longest * (1 - 1e-9))
        look, step = look[bent], step[bent]
        if look.size == 0:
            break
        geometries[look] = shapely.segmentize(geometries[look], step)
    return geometries


def _sides(geometries: NDArray[Any], way: _Way) -> tuple[Floats, Floats, NDArray[np.float64], NDArray[np.int64]]:
    """Return all sides: start and end (side, 2), the error of a straight line in pixels, and the geometry of each.

    No side joins two rings or parts.
    """
    parts, owner = shapely.get_parts(geometries, return_index=True)
    area = shapely.get_type_id(parts) == _POLYGON
    rings, of_area = shapely.get_rings(parts[area], return_index=True)
    lines, owner = np.concatenate([rings, parts[~area]]), np.concatenate([owner[area][of_area], owner[~area]])
    places, of_line = shapely.get_coordinates(lines, return_index=True)
    placed = way.pixels(places)
    same = of_line[1:] == of_line[:-1]
    start, end, first, last = places[:-1][same], places[1:][same], placed[:-1][same], placed[1:][same]
    off = _off((start + end) / 2, first, last, way)
    # A side whose halves bend to opposite sides may have its middle on the line; a short one bends only little.
    with np.errstate(invalid="ignore"):
        more = np.flatnonzero((off > TOLERANCE / 4) | (np.hypot(*way.short(last - first).T) > _SHORT))
    for part in (0.25, 0.75):
        some = start[more] + (end[more] - start[more]) * part
        off[more] = np.maximum(off[more], _off(some, first[more], last[more], way))
    return start, end, off, owner[of_line[1:][same]]


def _off(places: Floats, first: Floats, last: Floats, way: _Way) -> Floats:
    """Return how far places, projected, are from straight lines between ends in pixels, (side, 2) all."""
    chord = way.short(last - first)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        squared = (chord**2).sum(axis=1)
        away = way.short(way.pixels(places) - first)
        along = np.where(squared > 0, np.clip((away * chord).sum(axis=1) / squared, 0, 1), 0)
        return np.asarray(np.hypot(*(away - chord * along[:, None]).T))


def no_overlap(text: str, features: Features, grid: Grid) -> SaliencyError:
    """Explain that no feature lies on the scene, where both lie, and what may be the reason."""
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
        if crs.is_geographic and (np.abs(own[[0, 2]]).max() > _DEGREES or np.abs(own[[1, 3]]).max() > _DEGREES / 4):
            mend = "add crs=EPSG:CODE, or crs=scene" if features.assumed else "mend it with ogr2ogr -a_srs EPSG:CODE"
            hint = f"; its coordinates are no degrees, so they are in another CRS: {mend}"
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
    """Return west, south, east, north as text: in degrees, or unchanged where that is impossible."""
    try:
        degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform_bounds(*bounds)
    except (pyproj.exceptions.ProjError, ValueError):
        degrees = (np.inf, np.inf, np.inf, np.inf)
    if not np.isfinite(degrees).all():
        return f"{', '.join(f'{value:.9g}' for value in bounds)} (own CRS)"
    return f"{', '.join(f'{value:.5f}' for value in degrees)} (EPSG:4326: west, south, east, north)"


def on_scene(placed: NDArray[Any], grid: Grid, reach: float | Floats = 0.0) -> NDArray[np.bool_]:
    """Return which geometries have a bounding box that comes within `reach` pixels of the scene."""
    left, top, right, bottom = shapely.bounds(placed).T
    on = (right > -reach) & (bottom > -reach) & (left < grid.width + reach) & (top < grid.height + reach)
    return np.asarray(on)


def _swapped_fits(text: str, features: Features, grid: Grid) -> bool:

    few = features.geometries[:1000]
    turned = shapely.set_coordinates(few.copy(), shapely.get_coordinates(few)[:, ::-1])
    try:
        placed = to_pixels(text, Features(turned, None, features.crs), grid, None).geometries
    except (SaliencyError, UsageError):
        return False
    return bool(on_scene(placed, grid).any())
