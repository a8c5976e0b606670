"""Make Gaussian taps, in fixed point where that makes sums exact, so that no block, thread or engine changes a bit.

For 8 and 16-bit samples the taps are rounded to multiples of 2**-bits whose sum is exactly 1. Every product and partial
sum is then a multiple of 2**-2bits, below 2**53 of them: float64 holds it exactly, in any order of summation, and the
weight of a window without invalid pixels is exactly 1.0, so that plain and normalised convolution agree. On uint8, up
to the paper's 17 pixels, the taps equal those of OpenCV's fixed-point `GaussianBlur`, and so do the results.

For 32 and 64-bit samples the taps are float64. Sums are then made in one order, and a window that is full weighs 1.
Every machine has the same taps, so that a file can be made on one and verified on another: the exponentials are rounded
correctly, which those of NumPy and of C are not, and NumPy's differ between processors.
"""

import math
from collections.abc import Iterator
from decimal import Context, Decimal
from functools import cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geosal.core.ladder import Ladder

Taps = NDArray[np.float64]

_BITS = {1: 8, 2: 18}
_BITS_FINE = 18
"""Fractional bits for uint8 under kernels wider than OpenCV's identity is promised for: 8 are too few for tails."""
_WIDEST_8_BIT = 17
_DIGITS = Context(prec=34)
"""Twice those of a float64."""
_LEAST_POWER = -800.0
"""Its exponential is 0 as a float64."""


def kernels(dtype: DTypeLike, ladder: Ladder, highest: int) -> Iterator[tuple[int | None, dict[int, Taps]]]:
    """Choose the taps for samples of `dtype`, for the levels from 1 to `highest`.

    Yields
    ------
    bits
        Fractional bits of the taps; None when they are float64 and their sums are rounded.
    taps
        Level -> (2 * level + 1,) float64.
    """
    chosen: dict[int | None, dict[int, Taps]] = {}
    for level in range(1, highest + 1):
        width = ladder.widths[level]
        bits = bits_for(dtype, width)
        sigma = ladder.sigma_of(width)
        chosen.setdefault(bits, {})[level] = (
            gaussian_taps(width, sigma) if bits is None else fixed_point_taps(width, sigma, bits)
        )
    yield from chosen.items()


def bits_for(dtype: DTypeLike, width: int) -> int | None:
    """Return the fractional bits of taps for samples of `dtype` and a kernel of `width` pixels; None for float64."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return None
    return _BITS_FINE if kind.itemsize == 1 and width > _WIDEST_8_BIT else _BITS.get(kind.itemsize)


@cache
def gaussian_taps(width: int, sigma: float) -> NDArray[np.float64]:
    """Return taps ``exp(-x^2 / (2 sigma^2))``, x from -(width-1)/2 up, normalised; equation 1 of the seed paper.

    Returns
    -------
    ndarray
        (width,) float64, read-only.
    """
    places = [(width - 1) / 2 - at for at in range((width + 1) // 2)]
    powers = [max(-x * x / (2 * sigma * sigma), _LEAST_POWER) for x in places]
    half = [float(_DIGITS.exp(Decimal(power))) for power in powers]
    exact = [*half, *half[: width // 2][::-1]]
    taps = np.array(exact) / math.fsum(exact)
    taps.setflags(write=False)
    return taps


@cache
def fixed_point_taps(width: int, sigma: float, bits: int) -> NDArray[np.float64]:
    """Return Gaussian taps as multiples of ``2**-bits`` with sum exactly 1.

    Rounding errors are carried from the tails inwards and the centre takes the remainder: the error diffusion that
    OpenCV's fixed-point Gaussian uses (``modules/imgproc/src/smooth.dispatch.cpp``).

    Parameters
    ----------
    width
        Odd number of taps.
    sigma
        Standard deviation in pixels.
    bits
        Bits behind the point.

    Returns
    -------
    ndarray
        (width,) float64, read-only.
    """
    exact = gaussian_taps(width, sigma) * 2.0**bits
    taps = np.zeros(width)
    error = 0.0
    for i in range(width // 2):
        wanted = exact[i] + error
        taps[i] = taps[-1 - i] = np.rint(wanted)
        error = wanted - taps[i]
    taps[width // 2] = 2.0**bits - taps.sum()
    taps /= 2.0**bits
    taps.setflags(write=False)
    return taps
