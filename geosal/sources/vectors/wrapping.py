"""Periodic maps: longitudes, and the x of cylindrical projections, repeat after a turn; the antimeridian is their edge.

PROJ gives every place once, between two edges of the map. A side over the edge would jump across the map, and a
feature at one edge would miss a scene that continues over the other. So rings are made continuous, side by side, and
features are shifted by whole turns to the scene.
"""

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geosal.core.grid import Grid
from geosal.sources.vectors.cutting import AROUND, places_around

Floats = NDArray[np.float64]

_AREAL = (3, 6)


class MapWindow(NamedTuple):
    """The map around a scene: left, bottom, right, top, in map units."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def of(cls, grid: Grid, reach: float) -> "MapWindow":
        """Return where a scene lies, and `reach` pixels around it."""
        x, y = places_around(grid, reach + AROUND)
        return cls(x.min(), y.min(), x.max(), y.max())


def turns(steps: Any, turn: float) -> Any:
    """Return the whole turns in steps along x, to be removed: no step can be longer than half a turn."""
    return np.round(steps / turn)


def continuous(source: NDArray[Any], placed: NDArray[Any], turn: float, window: MapWindow) -> NDArray[Any]:
    """Remove the jumps of sides over the map's edge.

    Parameters
    ----------
    source
        Geometries in their own CRS, whose sides are shorter than half a turn.
    placed
        The same with coordinates on the scene's map.
    turn
        Length of a turn of that map.
    window
        Range along x that a feature around a pole, which has no end there, has to cover.
    """
    places, owner = shapely.get_coordinates(placed, return_index=True)
    with np.errstate(invalid="ignore"):
        jump = (turns(np.diff(places[:, 0]), turn) != 0) & (np.diff(owner) == 0)
    out = placed.copy()
    for one in np.unique(owner[1:][jump]):
        if np.isfinite(places[slice(*np.searchsorted(owner, [one, one + 1]))]).all():
            pairs = zip(shapely.get_parts(source[one]), shapely.get_parts(placed[one]), strict=True)
            out[one] = _joined([_part(*pair, turn, window) for pair in pairs])
    return out


def towards(placed: NDArray[Any], turn: float, window: MapWindow) -> NDArray[Any]:
    """Shift features by whole turns to the scene, each as often as it comes near it."""
    left, _, right, _ = shapely.bounds(placed).T
    with np.errstate(invalid="ignore"):
        first, last = np.ceil((window.left - right) / turn), np.floor((window.right - left) / turn)
        near = np.isfinite(first) & np.isfinite(last) & (first <= last)
    out = placed.copy()
    for one in np.flatnonzero(near & ((first != 0) | (last != 0))):
        some = [_shifted(placed[one], n * turn) for n in np.arange(first[one], last[one] + 1)]
        out[one] = some[0] if len(some) == 1 else _joined(some)
    return out


def _joined(parts: list[Any]) -> Any:
    """Join geometries; areas that touch become one, so that a cut at the map's edge is no outline."""
    if len(parts) == 1:
        return parts[0]
    if np.isin(shapely.get_type_id(parts), _AREAL).all():
        return shapely.union_all([_valid(part) for part in parts])
    return shapely.geometrycollections(shapely.get_parts(parts))


def _part(source: Any, placed: Any, turn: float, window: MapWindow) -> Any:
    """Make one polygon, line or point continuous."""
    if shapely.get_type_id(placed) != _AREAL[0]:
        places = _unwrapped(placed, turn)
        return shapely.transform(placed, lambda _: places)
    rings = [_unwrapped(ring, turn) for ring in shapely.get_rings(placed)]
    poles = [bool(turns(ring[-1, 0] - ring[0, 0], turn)) for ring in rings]
    if any(poles):
        covers = [
            _around_pole(ring, bool(shapely.is_ccw(own)), turn, window) if pole else _copies(ring, turn, window)
            for ring, own, pole in zip(rings, shapely.get_rings(source), poles, strict=True)
        ]
        area = shapely.difference(covers[0], shapely.union_all(covers[1:]))
        if shapely.is_empty(area):
            return area
        # Holes beyond the window may be missing.
        return shapely.intersection(area, shapely.box(window.left, area.bounds[1], window.right, area.bounds[3]))
    middles = [(ring[:, 0].min() + ring[:, 0].max()) / 2 for ring in rings]
    # A hole lies in its shell, whatever turn it starts in.
    shell, *holes = [
        _moved(ring, turns(middles[0] - middle, turn) * turn) for ring, middle in zip(rings, middles, strict=True)
    ]
    return shapely.Polygon(shell, holes)


def _unwrapped(line: Any, turn: float) -> Floats:
    """Return the coordinates of a line or a ring, (place, 2), in steps of at most half a turn."""
    places = shapely.get_coordinates(line)
    places[1:, 0] -= np.cumsum(turns(np.diff(places[:, 0]), turn)) * turn
    return np.asarray(places)


def _copies(ring: Floats, turn: float, window: MapWindow) -> Any:
    """Draw the area in a ring as often as the window shows it."""
    first, last = _turns_over(ring, turn, window)
    area = _valid(shapely.polygons(ring))
    return shapely.union_all([_shifted(area, n * turn) for n in np.arange(first, last + 1)])


def _around_pole(ring: Floats, anticlockwise: bool, turn: float, window: MapWindow) -> Any:
    """Draw the area in a ring around a pole: all beyond it, from one end of the window to the other.

    The inside of an anticlockwise ring is on the left: north of a ring that runs east.
    """
    east = ring[-1, 0] > ring[0, 0]
    ring = ring if east else ring[::-1]
    first, last = _turns_over(ring, turn, window)
    path = np.concatenate([_moved(ring, n * turn) for n in np.arange(first - 1, last + 2)])
    low, high = min(window.bottom, ring[:, 1].min()), max(window.top, ring[:, 1].max())
    beyond = high + (high - low) if east == anticlockwise else low - (high - low)
    corners = [[path[-1, 0], beyond], [path[0, 0], beyond]]
    return _valid(shapely.polygons(np.concatenate([path, corners])))


def _turns_over(ring: Floats, turn: float, window: MapWindow) -> tuple[int, int]:
    """Return the first and the last turn by which a ring falls on the window."""
    first = np.ceil((window.left - ring[:, 0].max()) / turn)
    return int(first), int(max(first, np.floor((window.right - ring[:, 0].min()) / turn)))


def _shifted(geometry: Any, by: float) -> Any:

    return shapely.transform(geometry, lambda places: _moved(places, by))


def _moved(places: Floats, by: float) -> Floats:
    return np.asarray(places + np.array([by, 0]))


def _valid(area: Any) -> Any:

    return area if shapely.is_valid(area) else shapely.make_valid(area, method="structure", keep_collapsed=True)
