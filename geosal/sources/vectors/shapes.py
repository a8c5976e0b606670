"""Make polygons of geometries in pixel coordinates: grow them, draw points and lines, and widen thin ones."""

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.sources.length import Length, pixel_metres
from geosal.sources.vectors.burn import Outlines
from geosal.sources.vectors.placing import TOLERANCE, on_scene

Floats = NDArray[np.float64]

_THIN = 0.75
"""Area per length of outline above which a disc of radius 0.71 fits inside, which holds a pixel's centre."""
_COLLECTION = 7
_AREAL = (3, 6)
_POINTS = (0, 4)


def flat(geometries: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Divide collections into their parts; return them with the number of the geometry that each is from."""
    owner = np.arange(geometries.size)
    while (shapely.get_type_id(geometries) == _COLLECTION).any():
        geometries, of_part = shapely.get_parts(geometries, return_index=True)
        owner = owner[of_part]
    return geometries, owner


def polygons_of(
    placed: NDArray[Any], grid: Grid, reach: float, buffer: Length, *, outline: bool
) -> tuple[NDArray[Any], NDArray[np.int64], int]:
    """Make valid polygons of geometries in pixel coordinates, grown: those that come within `reach` of the scene.

    Parameters
    ----------
    placed
        Geometries, (feature,), in pixel coordinates; they are released, so the caller must not use them again.
    grid
        Grid of the scene.
    reach
        Pixels around the scene that count.
    buffer
        Distance by which features are grown.
    outline
        Whether only the edges of areas count.

    Returns
    -------
    polygons
        (polygon,).
    owner
        Number of the geometry that each polygon is from, (polygon,).
    mended
        Number of geometries that were invalid.
    """
    sides = np.ones((placed.size, 2)) if buffer.pixels else pixel_metres(_middles(placed, grid), grid)
    grown = buffer.amount / sides.min(axis=1)
    owner = np.flatnonzero(on_scene(placed, grid, reach + grown + 1))
    placed = placed[owner]
    invalid = ~shapely.is_valid(placed)
    if invalid.any():
        placed[invalid] = shapely.make_valid(placed[invalid], method="structure", keep_collapsed=True)
    placed, of_part = flat(placed)
    owner = owner[of_part]
    if outline:
        areas = np.isin(shapely.get_type_id(placed), _AREAL)
        placed = np.where(areas, shapely.boundary(placed), placed)
    if buffer.amount > 0:
        placed = grow(placed, buffer.amount, sides[owner])
    there = ~shapely.is_empty(placed)
    polygons, owner = areal(placed[there]), owner[there]
    near = ~shapely.is_empty(polygons) & on_scene(polygons, grid, reach)
    return polygons[near], owner[near], int(invalid.sum())


def _middles(placed: NDArray[Any], grid: Grid) -> NDArray[np.float64]:
    """Return where each feature measures the size of a pixel: the middle of that part of its bounds on the scene."""
    bounds = np.clip(shapely.bounds(placed), 0, [grid.width, grid.height] * 2)
    return np.asarray(np.nan_to_num((bounds[:, :2] + bounds[:, 2:]) / 2), np.float64)


def covering(polygons: NDArray[Any], values: NDArray[np.float32], around: Block) -> Outlines:
    """Make outlines in which every feature has a pixel: one too thin for a pixel centre is drawn a pixel wide."""
    outlines = Outlines.of(polygons, values)
    thin = np.flatnonzero(shapely.area(polygons) <= _THIN * shapely.length(polygons))
    for drawn in (lambda few: shapely.buffer(few, 0.5), _pixels):
        thin = thin[outlines.empty(thin, around)]
        if thin.size == 0:
            break
        polygons = polygons.copy()
        polygons[thin] = drawn(polygons[thin])
        outlines = Outlines.of(polygons, values)
    return outlines


def _pixels(polygons: NDArray[Any]) -> NDArray[Any]:
    """Return the pixel of a point in each polygon."""
    return around_points(shapely.get_coordinates(shapely.point_on_surface(polygons)))


def grow(geometries: NDArray[Any], distance: float, sides: Floats) -> NDArray[Any]:
    """Grow features by a distance, in the unit of `sides`, (feature, 2), width and height of a pixel."""
    if geometries.size == 0:
        return geometries
    # Corners are round: a chord of an arc of radius r and angle a misses it by r * (1 - cos(a / 2)).
    radius = distance / float(sides.min())
    chord = 2 * np.arccos(max(0.0, 1 - TOLERANCE / radius)) if radius > TOLERANCE else np.pi / 2
    grown = shapely.buffer(_scaled(geometries, sides), distance, quad_segs=min(64, math.ceil(np.pi / 2 / chord)))
    return _scaled(np.asarray(grown), 1 / sides)


def _scaled(geometries: NDArray[Any], factors: Floats) -> NDArray[Any]:

    places, owner = shapely.get_coordinates(geometries, return_index=True)
    return np.asarray(shapely.set_coordinates(geometries.copy(), places * factors[owner]))


def areal(geometries: NDArray[Any]) -> NDArray[Any]:
    """Make areas of points (the pixel that holds each) and lines (one pixel wide)."""
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
    corner = np.floor(places)
    return np.asarray(shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + 1, corner[:, 1] + 1))
