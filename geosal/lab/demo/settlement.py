"""Draw what people built in the demo scene: roads, a town of small bright roofs, a harbour, and ships with wakes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, ndimage

from geosal.lab.demo.terrain import Picture, Terrain

Point = tuple[float, float]
"""A point: row and column, in pixels."""

_ROOFS = np.array(
    [[186, 116, 92], [204, 138, 110], [226, 220, 212], [168, 164, 160], [240, 238, 232], [150, 96, 78]],
    dtype=np.float32,
)
"""Colours of roofs: tiles, old tiles, plaster, slate, white sheet metal, brick."""
_PIER = np.array([188, 184, 176], dtype=np.float32)
_ROAD = np.array([164, 158, 148], dtype=np.float32)
_WAKE = 200
"""Pixels behind a ship at which its foam has fallen below one grey level."""


@dataclass(frozen=True, eq=False)
class Settlement:
    """The finished picture, and its salient pixels.

    Attributes
    ----------
    picture
        Red, green, blue in 0-255, shape (3, y, x).
    salient
        Shape (y, x), True = town, harbour or ship.
    """

    picture: Picture
    salient: NDArray[np.bool_]


def settle(terrain: Terrain, rng: np.random.Generator) -> Settlement:
    """Build roads, town, harbour and ships on the ground.

    Parameters
    ----------
    terrain
        The ground; it is left as it is.
    rng
        Source of all randomness.
    """
    picture, size = terrain.picture.copy(), terrain.sea.shape[0]
    centre = _town_site(terrain)
    _build_roads(picture, terrain, centre)
    salient = _build_town(picture, terrain, centre, rng)
    salient |= _build_harbour(picture, terrain, centre)
    for row, column, heading in _ship_places(terrain.sea & ~salient, max(4, round(9 * size / 1536)), rng):
        salient |= _sail(picture, (row, column), heading, rng)
    return Settlement(picture, salient)


def _town_site(terrain: Terrain) -> Point:
    """Return a place a little inland of the middle of the coast."""
    size = terrain.sea.shape[0]
    for step in np.linspace(0.25, 0.95, 400):
        row, column = int(step * 0.92 * size), int(min(0.999, step * 1.06) * size)
        if terrain.sea[row, column]:
            back = 0.055 * size
            return row - 0.7 * back, column - 0.7 * back
    return 0.5 * size, 0.5 * size


def _stroke(shape: tuple[int, int], points: list[Point], width: float, smooth: bool = True) -> NDArray[np.float32]:
    """Draw a curve through `points`; return its coverage of each pixel, 0-1."""
    rows, columns = np.array(points, dtype=np.float64).T
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(rows), np.diff(columns)))])
    at = np.arange(0, length[-1], 0.5)
    if smooth:
        curve = interpolate.PchipInterpolator(length, np.stack([rows, columns], axis=1))(at)
    else:
        curve = np.stack([np.interp(at, length, rows), np.interp(at, length, columns)], axis=1)
    index = np.round(curve).astype(np.int64)
    index = index[((index >= 0) & (index < np.array(shape))).all(axis=1)]
    cover = np.zeros(shape, dtype=np.float32)
    if len(index) == 0:
        return cover
    # The distance is only needed near the curve, and its cost grows with the area.
    low, high = np.maximum(index.min(axis=0) - 4, 0), index.max(axis=0) + 5
    near = (slice(low[0], high[0]), slice(low[1], high[1]))
    free = np.ones_like(cover[near], dtype=np.bool_)
    free[tuple((index - low).T)] = False
    cover[near] = np.clip(width / 2 + 0.5 - ndimage.distance_transform_edt(free), 0, 1)
    return cover


def _paint(picture: Picture, colour: NDArray[np.float32], cover: NDArray[np.float32]) -> None:
    picture += (colour[:, None, None] - picture) * cover


def _build_roads(picture: Picture, terrain: Terrain, centre: Point) -> None:
    """Draw three roads from the town: along the coast both ways, and inland."""
    size = terrain.sea.shape[0]
    row, column = centre
    roads: list[tuple[float, list[Point]]] = [
        (2.0, [centre, (row - 0.18 * size, column - 0.10 * size), (0.22 * size, 0.42 * size), (-5, 0.30 * size)]),
        (1.4, [centre, (row + 0.09 * size, column - 0.17 * size), (0.80 * size, 0.22 * size), (size + 5, 0.13 * size)]),
        (1.4, [centre, (row - 0.16 * size, column + 0.10 * size), (0.28 * size, 0.88 * size), (0.2 * size, size + 5)]),
        (1.0, [(0.42 * size, 0.12 * size), (0.36 * size, 0.36 * size), (row - 0.18 * size, column - 0.10 * size)]),
    ]
    for width, points in roads:
        cover = _stroke(terrain.sea.shape, points, width)
        _paint(picture, _ROAD, np.where(terrain.sea, 0, 0.8 * cover).astype(np.float32))


def _build_town(picture: Picture, terrain: Terrain, centre: Point, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw streets on a rotated grid, with houses denser towards the centre; return where the town is."""
    size = terrain.sea.shape[0]
    radius = 0.105 * size
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    away = np.hypot((y - centre[0]) * 1.15, x - centre[1]) / radius
    away *= 1 + 0.25 * np.sin(3 * np.arctan2(y - centre[0], x - centre[1]) + 1.0)
    away = np.where(terrain.sea, 9, away).astype(np.float32)
    built = np.clip(1.25 - away, 0, 1).astype(np.float32)
    _paint(picture, np.array([112, 108, 98], np.float32), 0.75 * np.clip(built * 2, 0, 1))
    turn = np.deg2rad(35)
    houses = _house_places(built, turn, rng)
    # Each house has a label: the colour of the roof and the shadow come from tables, not from a loop over houses.
    roof = np.zeros(terrain.sea.shape, dtype=np.int64)
    for number, (row, column, long, wide) in enumerate(houses, start=1):
        roof[_rectangle((row, column), (long, wide), turn, terrain.sea.shape)] = number
    colours = np.vstack([np.zeros((1, 3)), _ROOFS[rng.integers(0, len(_ROOFS), len(houses))]])
    colours = colours * rng.uniform(0.85, 1.08, (len(houses) + 1, 1))
    shadow = np.roll(roof > 0, (-1, -1), axis=(0, 1)) & (roof == 0)
    picture[:, shadow] *= 0.55
    picture[:, roof > 0] = colours[roof[roof > 0]].T.astype(np.float32)
    return np.asarray(away < 1.2)


def _house_places(
    built: NDArray[np.float32], turn: float, rng: np.random.Generator
) -> list[tuple[float, float, float, float]]:
    """Return row, column, length, width of each house, on random lots of a rotated street grid, by density."""
    size = built.shape[0]
    lots = np.mgrid[-size:size:5.0, -size:size:5.0].reshape(2, -1).T
    lots = lots[(np.round(lots[:, 0] / 5) % 4 != 0) & (np.round(lots[:, 1] / 5) % 7 != 0)]  # streets stay free
    lots = lots + rng.uniform(-0.7, 0.7, lots.shape)
    rows = size / 2 + lots[:, 0] * np.cos(turn) - lots[:, 1] * np.sin(turn)
    columns = size / 2 + lots[:, 0] * np.sin(turn) + lots[:, 1] * np.cos(turn)
    inside = (rows >= 0) & (rows < size - 1) & (columns >= 0) & (columns < size - 1)
    rows, columns = rows[inside], columns[inside]
    chance = built[rows.astype(np.int64), columns.astype(np.int64)]
    chosen = rng.uniform(0, 1, len(rows)) < np.clip(1.6 * chance, 0, 0.95)
    count = int(chosen.sum())
    long, wide = rng.uniform(2.4, 4.6, count), rng.uniform(1.8, 3.0, count)
    big = rng.uniform(0, 1, count) < 0.04
    long, wide = np.where(big, long * 2.2, long), np.where(big, wide * 1.9, wide)
    return list(zip(rows[chosen], columns[chosen], long, wide, strict=True))


def _rectangle(
    centre: Point, sides: tuple[float, float], turn: float, shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the pixels in a rotated rectangle."""
    reach = int(np.ceil(max(sides))) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    rows, columns = rows + round(centre[0]), columns + round(centre[1])
    along = (rows - centre[0]) * np.sin(turn) + (columns - centre[1]) * np.cos(turn)
    across = (rows - centre[0]) * np.cos(turn) - (columns - centre[1]) * np.sin(turn)
    hit = (np.abs(along) <= sides[0] / 2) & (np.abs(across) <= sides[1] / 2)
    hit &= (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    return rows[hit], columns[hit]


def _build_harbour(picture: Picture, terrain: Terrain, centre: Point) -> NDArray[np.bool_]:
    """Draw three piers and a breakwater at the town; return where the harbour is."""
    size = terrain.sea.shape[0]
    out = np.array([0.72, 0.69])
    side = np.array([-out[1], out[0]])
    quay = np.array(centre)
    while all(quay >= 0) and all(quay < size - 1) and not terrain.sea[int(quay[0]), int(quay[1])]:
        quay = quay + out
    structures = np.zeros(terrain.sea.shape, dtype=np.float32)
    unit = size / 1536
    for offset in (-46, -22, 2, 26):
        foot = quay + offset * unit * side - 4 * unit * out
        tip = foot + 34 * unit * out
        structures = np.maximum(structures, _stroke(terrain.sea.shape, [tuple(foot), tuple(tip)], 2.6 * unit + 0.6))
    bends = ((-78, -4), (-70, 48), (-20, 66), (38, 62))
    wall = [quay + along * unit * side + reach * unit * out for along, reach in bends]
    structures = np.maximum(structures, _stroke(terrain.sea.shape, [tuple(p) for p in wall], 2.0 * unit + 0.6))
    _paint(picture, _PIER, structures)
    middle = quay + 26 * unit * out - 18 * unit * side
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    near = np.hypot(y - middle[0], x - middle[1]) < 78 * unit
    return np.asarray(near | (structures > 0.5))


def _ship_places(water: NDArray[np.bool_], count: int, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return row, column and heading of each ship, far from the shore, the harbour and each other."""
    size = water.shape[0]
    offshore = ndimage.distance_transform_edt(np.pad(water, 1))[1:-1, 1:-1]
    places: list[tuple[float, float, float]] = []
    for _ in range(400):
        row, column = rng.uniform(0, size, 2)
        clear = all(np.hypot(row - r, column - c) > 0.09 * size for r, c, _ in places)
        if len(places) < count and clear and offshore[int(row), int(column)] > 0.03 * size:
            places.append((row, column, rng.uniform(0, 2 * np.pi)))
    return places


def _sail(picture: Picture, at: Point, heading: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a ship and the foam behind it; return the ship's surroundings."""
    size = picture.shape[1]
    window = tuple(slice(max(0, int(place) - _WAKE), min(size, int(place) + _WAKE)) for place in at)
    view = picture[:, *window]
    y, x = np.mgrid[window].astype(np.float32)
    along = (y - at[0]) * np.sin(heading) + (x - at[1]) * np.cos(heading)
    across = (y - at[0]) * np.cos(heading) - (x - at[1]) * np.sin(heading)
    length, beam = rng.uniform(6, 13), rng.uniform(2.0, 3.0)
    behind = np.clip(-(along + length / 2), 0, None)
    trail = np.where(behind > 0, np.exp(-behind / rng.uniform(24, 44)), 0)
    foam = trail * np.exp(-((across / (1.0 + 0.035 * behind)) ** 2))
    arms = 0.45 * trail * np.exp(-(((np.abs(across) - 0.24 * behind - 1) / 1.1) ** 2))
    speckle = 0.75 + 0.25 * rng.uniform(-1, 1, foam.shape)
    view += (70 * (foam + arms) * speckle).astype(np.float32)
    hull = np.clip(1.6 - np.maximum(np.abs(along) / length * 3.2, np.abs(across) / beam * 3.2), 0, 1)
    _paint(view, np.array([208, 204, 198], np.float32), hull.astype(np.float32))
    deck = np.clip(1.6 - np.hypot((along + 0.3 * length) / 1.6, across / 1.2), 0, 1)
    _paint(view, np.array([248, 246, 240], np.float32), deck.astype(np.float32))
    near = np.zeros(picture.shape[1:], dtype=np.bool_)
    near[window] = np.hypot(along, across) < length / 2 + 5
    return near
