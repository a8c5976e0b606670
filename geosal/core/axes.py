"""Coordinates of a grid's rows or columns: whether they are evenly spaced."""

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.01
"""Tolerance of coordinates, in pixels: those in degrees are often rounded."""
ROUNDING = 2
"""Tolerance in units in the last place; for float32 degrees this is more than `TOLERANCE`."""
_CENTRE = 0.5


def even_step(centres: NDArray[np.float64], ulp: float) -> float | None:
    """Return the distance of two pixels, 0 for a single one; None where it is not even.

    Parameters
    ----------
    centres
        (n,), of pixels.
    ulp
        Spacing of the floats in which they are given.
    """
    if centres.size < 2:
        return 0.0
    step = float(centres[-1] - centres[0]) / (centres.size - 1)
    even = centres[0] + np.arange(centres.size) * step
    uneven = step == 0 or np.abs(centres - even).max() > allowed(abs(step), ulp)
    return None if uneven else step


def allowed(pixel: float, ulp: float) -> float:
    """Return the tolerance of centres: a hundredth of a pixel, or what the precision of their numbers needs."""
    return max(TOLERANCE * pixel, min(ROUNDING * ulp, _CENTRE * pixel))
