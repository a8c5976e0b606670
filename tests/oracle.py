"""An independent float64 reference: full two-dimensional sums over padded windows, no separability, no fixed point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
        padded = np.pad(values, level, mode="reflect")
        weights = np.pad(valid.astype(np.float64), level, mode="reflect")
        total, weight = np.zeros(band.shape), np.zeros(band.shape)
        rows, cols = band.shape
        for dy in range(kernel.shape[0]):
            for dx in range(kernel.shape[1]):
                total += kernel[dy, dx] * padded[dy : dy + rows, dx : dx + cols]
                weight += kernel[dy, dx] * weights[dy : dy + rows, dx : dx + cols]
        chosen = (levels == level) & valid
        result[chosen] = total[chosen] / weight[chosen]
    return result
