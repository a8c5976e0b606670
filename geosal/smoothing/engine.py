"""The convolution: separable, in float64, plain or normalised by the weight of the valid pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from geosal.smoothing.weights import Taps


def convolve(image: NDArray[np.float64], taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve with `taps` down the columns, then along the rows; the image is mirrored at its edge (d c b | a b c).

    Parameters
    ----------
    image
        (y, x) float64.
    taps
        Odd number of them, symmetric.

    Returns
    -------
    ndarray
        (y, x) float64.
    """
    down = correlate1d(image, taps, axis=0, mode="mirror")
    return correlate1d(down, taps, axis=1, mode="mirror")


def convolve_valid(image: NDArray[np.float64], valid: NDArray[np.bool_], taps: Taps) -> NDArray[np.float64]:
    """Convolve the valid pixels alone: the sum of weight * value over the sum of weights (normalised convolution).

    H. Knutsson and C.-F. Westin, "Normalized and differential convolution", CVPR 1993.

    Parameters
    ----------
    image
        (y, x) float64, finite where valid.
    valid
        (y, x), True where a pixel counts.
    taps
        From `taps_for`. A window without invalid pixels gives the bits of ``convolve(image, taps.values)``.

    Returns
    -------
    ndarray
        (y, x) float64; 0 where no valid pixel is in reach.
    """
    total = convolve(np.where(valid, image, 0.0), taps.values)
    counts = valid.astype(np.float64)
    weight = convolve(counts, taps.values)
    if taps.counting is not taps.values:
        weight[convolve(counts, taps.counting) == 1.0] = 1.0
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
