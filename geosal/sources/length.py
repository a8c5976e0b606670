"""Read distances as users write them, and measure the size of a pixel on the ground."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Grid
from geosal.errors import UsageError

Floats = NDArray[np.float64]

_LENGTH = re.compile(r"(\d+\.?\d*|\.\d+)(px|m|km|)", re.ASCII)
_LONGEST = 1e7
"""Longest length, in metres or pixels: a quarter of the way around the globe."""


class Length(NamedTuple):
    """A distance."""

    amount: float
    pixels: bool
    """Whether the unit is a pixel of the scene, and not a metre on the ground."""


def parse_length(text: str, key: str, value: str | None, grid: Grid, *, bare: bool) -> Length:
    """Read a distance: pixels of the scene (``5px``) or metres on the ground (``60m``, ``0.5km``).

    Parameters
    ----------
    text, key
        SOURCE and its parameter, for messages.
    value
        The length as written; None is 0.
    grid
        Grid of the scene.
    bare
        A number without a unit is in metres; otherwise only 0 may have none.

    Raises
    ------
    UsageError
        The text is no length, or is in metres where the scene has no georeferencing.
    """
    if value is None:
        return Length(0.0, pixels=True)
    length = read_length(key, value, bare=bare, of=f"{text}: ")
    if length.amount > 0 and not length.pixels and not grid.georeferenced:
        raise UsageError(
            f"{text}: {key}={value} is in metres and the scene lacks georeferencing; write pixels such as {key}=5px"
        )
    return length


def read_length(key: str, value: str, *, bare: bool, of: str = "") -> Length:
    """Read a distance as `parse_length` does, before a scene is known; `of` goes before the message.

    Raises
    ------
    UsageError
        The text is no length.
    """
    match = _LENGTH.fullmatch(value)
    amount = -1.0 if match is None else float(match[1]) * (1000 if match[2] == "km" else 1)
    if match is None or (not match[2] and not bare and amount > 0) or amount > _LONGEST:
        raise UsageError(
            f"{of}{key}={value}; write metres such as {key}=60m, or pixels such as {key}=5px, from 0 to "
            f"{_LONGEST / 1000:.0f} km or {_LONGEST:.0f}px"
        )
    return Length(amount, match[2] == "px")


def middle_metres(grid: Grid) -> tuple[float, float]:
    """Return width and height of the pixel in the middle of a scene, in metres on the ground."""
    across, down = pixel_metres(np.array([[grid.width / 2, grid.height / 2]]), grid)[0].tolist()
    return across, down


def pixel_metres(places: Floats, grid: Grid) -> Floats:
    """Return width and height of a pixel in metres on the ground, (n, 2), around places (n, 2) in columns and rows.

    They are measured by geodesics on the CRS's ellipsoid, or in its own unit where the CRS has no place on the globe.
    """
    import pyproj

    m = grid.transform
    crs = pyproj.CRS.from_wkt(grid.crs or "")
    unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
    plain = np.broadcast_to([np.hypot(m.a, m.d) * unit, np.hypot(m.b, m.e) * unit], places.shape)
    globe = crs.geodetic_crs
    geod = None if globe is None else globe.get_geod()
    if globe is None or geod is None:
        return np.array(plain)
    to_globe = pyproj.Transformer.from_crs(crs, globe, always_xy=True)
    # Longitudes may be in grads; geodesics take degrees.
    degree = np.degrees(globe.axis_info[0].unit_conversion_factor) if globe.axis_info else 1.0

    def on_globe(across: float, down: float) -> Floats:
        x, y = places[:, 0] + across, places[:, 1] + down
        return np.stack(to_globe.transform(m.a * x + m.b * y + m.c, m.d * x + m.e * y + m.f)) * degree

    left, right, above, below = on_globe(-0.5, 0), on_globe(0.5, 0), on_globe(0, -0.5), on_globe(0, 0.5)
    good = np.isfinite([*left, *right, *above, *below]).all(axis=0)
    sides = np.array(plain)
    if good.any():
        sides[good, 0] = geod.inv(*left[:, good], *right[:, good])[2]
        sides[good, 1] = geod.inv(*above[:, good], *below[:, good])[2]
    # A pixel at a pole has no width.
    return np.asarray(np.maximum(sides, 1e-6 * sides.max(initial=1e-6)))
