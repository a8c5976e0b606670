"""The convolution: separable, in float64, plain or normalised by the weight of the valid pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d


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


def convolve_valid(
    image: NDArray[np.float64], valid: NDArray[np.bool_], taps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Convolve the valid pixels alone: the sum of weight * value over the sum of weights (normalised convolution).

    H. Knutsson and C.-F. Westin, "Normalized and differential convolution", CVPR 1993.

    Parameters
    ----------
    image
        (y, x) float64, finite where valid.
    valid
        (y, x), True where a pixel counts.
    taps
        As `convolve`; of sum exactly 1, so that a window without invalid pixels gives the bits of `convolve`.

    Returns
    -------
    ndarray
        (y, x) float64; 0 where no valid pixel is in reach.
    """
    total = convolve(np.where(valid, image, 0.0), taps)
    weight = convolve(valid.astype(np.float64), taps)
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
