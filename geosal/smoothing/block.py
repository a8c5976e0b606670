"""The operator on NumPy arrays: smooth each pixel of a block by the kernel of its level."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal import native
from geosal.core.ladder import Ladder
from geosal.core.raster import is_mean_apart, is_nodata, move_off_nodata
from geosal.errors import UsageError
from geosal.smoothing.weights import kernels


@dataclass(frozen=True, slots=True)
class SampleRules:
    """Samples that are treated in a special way.

    Attributes
    ----------
    nodata
        Code that a smoothed valid sample must not take; it is moved one step away.
    alpha
        Position of a band that is carried over untouched.
    """

    nodata: float | None = None
    alpha: int | None = None


def smooth_block(
    pixels: NDArray[Any],
    levels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    ladder: Ladder,
    rules: SampleRules = SampleRules(),
) -> NDArray[Any]:
    """Smooth each pixel by the kernel of its level.

    A pixel of level n takes the value that the *original* image, convolved with the ladder's kernel n, has there.
    Level 0 and invalid samples keep their bits. At the border of the array the image is mirrored; where that is not the
    scene's border, pass a halo of `ladder.halo` pixels and cut it off the result.

    Parameters
    ----------
    pixels
        (band, y, x), integer or float.
    levels
        (y, x), 0 to ``ladder.steps``.
    valid
        (band, y, x), True where a sample counts; None when all do. Invalid samples have no weight in valid ones: the
        sum of weight * value over the sum of weights (normalised convolution; H. Knutsson and C.-F. Westin, "Normalized
        and differential convolution", CVPR 1993).
    ladder
        Widths and sigmas.
    rules
        Nodata code and alpha band.

    Returns
    -------
    ndarray
        A new array like `pixels`. Integers are rounded half up.

    Raises
    ------
    UsageError
        A level is not on the ladder, or the shapes of the arrays differ.
    """
    result = np.array(pixels, pixels.dtype.newbyteorder("="), order="C")
    highest = int(levels.max()) if levels.size else 0
    if highest == 0:
        return result
    if highest > ladder.steps:
        raise UsageError(f"level {highest} on a ladder of {ladder.steps} steps; make the levels by Ladder.levels")
    for number, band in enumerate(pixels):
        if number == rules.alpha:
            continue
        says = None if valid is None else valid[number]
        for bits, taps in kernels(result.dtype, ladder, highest):
            native.smooth(band, levels, says, result[number], taps, bits)
        if rules.nodata is not None and not is_mean_apart(rules.nodata, result.dtype):
            _keep_off_nodata(result[number], levels, says, rules.nodata)
    return result


def _keep_off_nodata(
    result: NDArray[Any], levels: NDArray[np.uint8], valid: NDArray[np.bool_] | None, nodata: float
) -> None:
    """Move smoothed valid samples that equal the nodata code."""
    hit = is_nodata(result, nodata)
    if valid is not None:
        hit &= valid
    if hit.any():
        hit &= levels > 0
        move_off_nodata(result, hit, nodata)
