"""The inner loops that writers and the operator share: arrays in, arrays out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def halve(pixels: NDArray[Any], valid: NDArray[np.bool_] | None, nodata: float | None) -> NDArray[Any]:
    """Reduce (band, y, x) by the mean of the valid samples of each 2 x 2."""
    count, height, width = pixels.shape
    rows, cols = -(-height // 2), -(-width // 2)
    known = np.ones(pixels.shape, bool) if valid is None else valid
    total, weight = np.zeros((count, rows, cols)), np.zeros((count, rows, cols), int)
    for i in (0, 1):
        for j in (0, 1):
            part, says = pixels[:, i::2, j::2], known[:, i::2, j::2]
            total[:, : part.shape[1], : part.shape[2]] += np.where(says, part, 0)
            weight[:, : part.shape[1], : part.shape[2]] += says
    with np.errstate(all="ignore"):
        mean = total / weight
    if pixels.dtype.kind != "f":
        mean = np.floor(mean + 0.5)
    result = np.where(weight > 0, mean, pixels[:, ::2, ::2]).astype(pixels.dtype)
    if nodata is not None:
        result[(result == nodata) & (weight > 0)] = nodata + 1 if nodata <= 0 else nodata - 1
    return result


def interleave(pixels: NDArray[Any], tile: int, delta: bool) -> NDArray[Any]:
    """(band, h, w) to (tile, tile, band), padded by repeating the last row and column; optionally TIFF predictor 2."""
    _, height, width = pixels.shape
    padded = np.pad(pixels, ((0, 0), (0, tile - height), (0, tile - width)), mode="edge")
    result = np.ascontiguousarray(np.moveaxis(padded, 0, 2))
    if delta:
        bits = result.view(f"u{result.dtype.itemsize}")
        bits[:, 1:] = bits[:, 1:] - bits[:, :-1]
    return result
