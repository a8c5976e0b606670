"""Gaussian taps in fixed point, so that sums come out exact and no blocking, thread or engine can change a bit.

The taps of DESIGN's formula are rounded to multiples of 2**-bits whose sum is exactly 1. Then

* the weight of a window without invalid pixels is exactly 1.0, and the plain and the normalised convolution agree;
* with 8 bits on uint8 and 18 bits on 16-bit samples every product and partial sum is a multiple of 2**-2bits below
  2**53 of them: float64 holds it exactly, in any order of summation.

On uint8 the taps equal those of OpenCV's fixed-point `GaussianBlur`, and so do the results, bit for bit.
"""

from functools import cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

_BITS = {1: 8, 2: 18}
_BITS_WIDE = 26
"""For 32 and 64-bit samples: the weight of a window, in multiples of 2**-52, is still exact in float64."""


def fraction_bits(dtype: DTypeLike) -> int:
    """Bits behind the point of the taps used on samples of `dtype`."""
    return _BITS.get(np.dtype(dtype).itemsize, _BITS_WIDE)


def gaussian_taps(width: int, sigma: float) -> NDArray[np.float64]:
    """Taps ``exp(-x^2 / (2 sigma^2))``, x from -(width-1)/2 up, normalised; equation 1 of the seed paper."""
    x = np.arange(width) - (width - 1) / 2
    taps = np.exp(-(x**2) / (2 * sigma**2))
    return np.asarray(taps / taps.sum())


@cache
def fixed_point_taps(width: int, sigma: float, bits: int) -> NDArray[np.float64]:
    """Gaussian taps as multiples of ``2**-bits`` with sum exactly 1.

    Rounding errors are carried from the tails inwards and the centre takes the remainder: the error diffusion that
    OpenCV's fixed-point Gaussian uses (``modules/imgproc/src/smooth.dispatch.cpp``).

    Parameters
    ----------
    width
        Odd number of taps.
    sigma
        In pixels.
    bits
        See `fraction_bits`.

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
