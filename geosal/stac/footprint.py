"""Where a grid lies on the globe: its outline in longitude and latitude, as GeoJSON (RFC 7946) wants it."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from shapely.geometry import MultiPolygon, Polygon, box, mapping
from shapely.geometry.polygon import orient

from geosal.core.grid import Grid
from geosal.errors import UsageError

_WGS84 = "OGC:CRS84"
_PIECES = 32
"""Pieces of each edge: a straight edge of a projection is none on the globe."""
_DIGITS = 7
"""Decimals of a degree that are kept: a centimetre. Outlines of some metres have more."""
_TOLERANCE = 1e-5
"""Most degrees by which leaving out points may move an edge, a metre; and..."""
_SHARE = 1e-3
"""... the most as a share of the shorter side."""
_TURN = 360.0
_EDGE = 180.0
_WHOLE = 1e-6
"""Degrees by which an outline may fail to close a whole turn."""


class Footprint(NamedTuple):
    """An outline on the globe."""

    geometry: dict[str, Any]
    """GeoJSON, a Polygon or, on both sides of the antimeridian, a MultiPolygon."""
    bbox: tuple[float, float, float, float]
    """West, south, east, north; west is larger than east where the antimeridian lies between them."""


def footprint_of(grid: Grid, path: str) -> Footprint:
    """Project the outline of a grid to WGS 84.

    Parameters
    ----------
    grid
        The grid, all of whose pixels count: nodata at its edges is not cut off.
    path
        For messages.

    Raises
    ------
    UsageError
        The grid has no place on the globe, or a part of it lies where its projection is not defined.
    """
    if not grid.georeferenced or grid.crs is None:
        raise UsageError(
            f"--stac: {path} has no place on the map, and a STAC item needs one; give it a place: {grid.placing}; "
            "or leave --stac out"
        )
    try:
        to_globe = Transformer.from_crs(CRS.from_wkt(grid.crs), _WGS84, always_xy=True)
        lon, lat = to_globe.transform(*_outline(grid))
    except ProjError as error:
        raise UsageError(
            f"--stac: {path} has a CRS that leads to no longitude and latitude ({error}); leave --stac out"
        ) from error
    if not (np.isfinite(lon).all() and np.isfinite(lat).all() and np.abs(lat).max() <= _TURN / 4 + _WHOLE):
        raise UsageError(
            f"--stac: a part of the outline of {path} lies where its projection is not defined, so it has no place on "
            "the globe; cut it, or leave --stac out"
        )
    lat = np.clip(np.append(lat, lat[0]), -90, 90)
    return _footprint(_continuous(lon), lat, list(_poles_in(grid, to_globe)))


def _outline(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return map coordinates of points along the edges, without the first once more."""
    along = np.arange(_PIECES) / _PIECES
    none, all_ = np.zeros(_PIECES), np.ones(_PIECES)
    col = np.concatenate([along, all_, 1 - along, none]) * grid.width
    row = np.concatenate([none, along, all_, 1 - along]) * grid.height
    place = grid.transform
    return place.a * col + place.b * row + place.c, place.d * col + place.e * row + place.f


def _continuous(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let no longitude be half a turn from the one before; the first once more is the last."""
    steps = np.diff(np.append(lon, lon[0]))
    steps = (steps + _EDGE) % _TURN - _EDGE
    there = np.concatenate([lon[:1], lon[0] + np.cumsum(steps)])
    if abs(there[-1] - lon[0]) < _EDGE:
        there[-1] = lon[0]  # sums are rounded, and a ring that nearly closes crosses itself
    return there


def _poles_in(grid: Grid, to_globe: Transformer) -> Iterator[int]:
    """Yield 90 and -90 where the pole lies on the grid."""
    for lat in (90, -90):
        x, y = to_globe.transform(0, lat, direction="INVERSE")
        if not np.isfinite([x, y]).all():
            continue
        col, row = ~grid.transform @ (x, y)
        if 0 < col < grid.width and 0 < row < grid.height:
            yield lat


def _footprint(lon: NDArray[np.float64], lat: NDArray[np.float64], poles: list[int]) -> Footprint:
    """Make the footprint of a closed ring whose longitudes are continuous."""
    west, east, south, north = lon.min(), lon.max(), lat.min(), lat.max()
    if abs(lon[-1] - lon[0]) > _EDGE:  # the ring goes around a pole: it is closed over that
        pole = poles[0] if poles else math.copysign(90, lat.mean())
        shape = Polygon([*zip(lon, lat, strict=True), (lon[-1], pole), (lon[0], pole)])
        return _of_shape(shapely.union_all(list(_within_a_turn(shape))), -_EDGE, _EDGE)
    if east - west >= _TURN - _WHOLE:  # all longitudes, and no pole within: a map of the world
        return _of_shape(box(-_EDGE, south, _EDGE, north), -_EDGE, _EDGE)
    turns = _TURN * math.floor((west + _EDGE) / _TURN)
    parts = list(_within_a_turn(Polygon(np.column_stack([lon, lat]))))
    return _of_shape(MultiPolygon(parts), west - turns, east - turns - (_TURN if len(parts) > 1 else 0))


def _within_a_turn(shape: Polygon) -> Iterator[Polygon]:
    """Cut a shape at the antimeridian, and lay its parts from -180 to 180 degrees."""
    west, _, east, _ = shape.bounds
    for turn in range(math.floor((west + _EDGE) / _TURN), math.ceil((east + _EDGE) / _TURN)):
        part = shape & box(turn * _TURN - _EDGE, -90, turn * _TURN + _EDGE, 90)
        yield from _polygons(shapely.transform(part, lambda xy, shift=turn * _TURN: xy - [shift, 0]))


def _polygons(shape: Any) -> Iterator[Polygon]:
    """Yield the parts of a shape that have an area."""
    yield from (part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon) and part.area > 0)


def _of_shape(shape: Polygon | MultiPolygon, west: float, east: float) -> Footprint:
    size = min(shape.bounds[2] - shape.bounds[0], shape.bounds[3] - shape.bounds[1])
    plain = shapely.simplify(shape, min(_TOLERANCE, size * _SHARE))
    digits = max(_DIGITS, 4 - math.floor(math.log10(size)))
    parts = [orient(part) for part in _polygons(shapely.set_precision(plain, 10.0**-digits))]
    geometry = mapping(parts[0] if len(parts) == 1 else MultiPolygon(parts))
    _, south, _, north = shape.bounds
    bbox = tuple(_rounded([west, south, east, north], digits))
    return Footprint({"type": geometry["type"], "coordinates": _rounded(geometry["coordinates"], digits)}, bbox)


def _rounded(value: Any, digits: int) -> Any:
    """Return lists for tuples, and numbers with few decimals."""
    if isinstance(value, list | tuple):
        return [_rounded(each, digits) for each in value]
    return round(float(value), digits)
