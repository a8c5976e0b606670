"""An independent float64 reference: SciPy's full two-dimensional sums, no separability, no fixed point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate


def gaussian_2d(level: int) -> NDArray[np.float64]:
    width = 2 * level + 1
    sigma = 0.3 * ((width - 1) / 2 - 1) + 0.8
    y, x = np.mgrid[-level : level + 1, -level : level + 1]
    kernel = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    return np.asarray(kernel / kernel.sum())


def smooth_reference(
    band: NDArray[Any], levels: NDArray[np.uint8], valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """One band, smoothed by level; invalid samples keep their value. Not rounded."""
    valid = np.ones(band.shape, np.bool_) if valid is None else valid
    values = np.where(valid, band, 0).astype(np.float64)
    result = band.astype(np.float64)
    for level in np.unique(levels[levels > 0]).tolist():
        kernel = gaussian_2d(level)
        total = correlate(values, kernel, mode="mirror")
        weight = np.ones_like(total) if valid.all() else correlate(valid.astype(np.float64), kernel, mode="mirror")
        chosen = (levels == level) & valid
        result[chosen] = total[chosen] / weight[chosen]
    return result
