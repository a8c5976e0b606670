"""How much an image varies around each pixel, in windows of several sizes; arrays only.

All sums are of whole numbers below 2^53 and therefore exact in float64, whatever their order: a pixel's value is the
same to the bit in whatever block it is computed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cut = tuple[slice, slice]
"""Rows and columns of an array."""
STEPS = 4095
"""Largest grey value; grey values are whole numbers from 0 to this."""
LARGEST = 5
"""Most scales: the window of 63 pixels keeps the sums below 2^53."""
_TILE = 512


def sides(scales: int) -> tuple[int, ...]:
    """Return rows (and columns) of the windows of the first `scales` scales: 3, 7, 15, 31, 63."""
    return tuple(2 ** (scale + 1) - 1 for scale in range(1, scales + 1))


def to_grey(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Stretch a band to whole numbers from 0 (`low` and below) to `STEPS` (`high` and above), held as float64."""
    grey = values.astype(np.float64)
    grey -= low
    grey *= STEPS / (high - low)
    np.clip(grey, 0, STEPS, out=grey)
    np.rint(grey, out=grey)
    return grey


def tiles(inner: Cut, reach: int, shape: tuple[int, int]) -> Iterator[tuple[Cut, Cut, Cut]]:
    """Cut the rows and columns `inner` of an array into tiles, so that little is held at once.

    Yields
    ------
    place
        Position of a tile in an array of the size of `inner`.
    outer
        The same with up to `reach` pixels around it, in the array.
    inside
        Position of the tile in `outer`.
    """
    rows, cols = (range(*cut.indices(size)) for cut, size in zip(inner, shape, strict=True))
    for top in range(0, len(rows), _TILE):
        for left in range(0, len(cols), _TILE):
            sides = [
                _widen(rows[top : top + _TILE], reach, shape[0]),
                _widen(cols[left : left + _TILE], reach, shape[1]),
            ]
            (outer_rows, inside_rows), (outer_cols, inside_cols) = sides
            yield np.s_[top : top + _TILE, left : left + _TILE], (outer_rows, outer_cols), (inside_rows, inside_cols)


def _widen(span: range, reach: int, size: int) -> tuple[slice, slice]:
    start, stop = max(0, span.start - reach), min(size, span.stop + reach)
    return slice(start, stop), slice(span.start - start, span.stop - start)


def local_deviation(
    grey: NDArray[np.float64], valid: NDArray[np.bool_], windows: Sequence[int], inner: Cut
) -> NDArray[np.float64]:
    """Return the mean over the windows' sizes of the standard deviation around each pixel.

    The deviation in one window is ``sqrt(n * sum(g^2) - sum(g)^2) / n`` over its `n` valid pixels; windows end at the
    edge of the array, which has to be that of the scene, or half a window away from what is asked for.

    Parameters
    ----------
    grey
        (y, x), whole numbers from 0 to `STEPS`; at most some 1500 rows and columns.
    valid
        (y, x), what counts.
    windows
        Odd numbers of rows and columns.
    inner
        Rows and columns asked for.

    Returns
    -------
    Of the shape of `inner`, in steps of grey; 0 where no valid pixel is near.
    """
    reach = max(windows) // 2
    whole = bool(valid.all())
    counted = grey if whole else np.where(valid, grey, 0)
    sums, squares = _integral(counted, reach), _integral(counted * counted, reach)
    counts = None if whole else _integral(valid.astype(np.float64), reach)
    total: NDArray[np.float64] | None = None
    for side in windows:
        if counts is None:
            number = np.multiply.outer(
                *(_lengths(cut, side, size) for cut, size in zip(inner, grey.shape, strict=True))
            )
        else:
            number = np.maximum(_boxes(counts, side, reach, inner), 1)
        deviation, mean = _boxes(squares, side, reach, inner), _boxes(sums, side, reach, inner)
        deviation *= number
        mean *= mean
        deviation -= mean
        np.sqrt(deviation, out=deviation)
        deviation /= number
        total = deviation if total is None else np.add(total, deviation, out=total)
    return np.asarray(total) / len(windows)


def _integral(values: NDArray[np.float64], margin: int) -> NDArray[np.float64]:
    """Sums over everything above and left, (rows + 1 + 2 margin, columns + 1 + 2 margin).

    The margin holds what a window gets that is cut off at the edge: 0 above and left, the last sum below and right.
    """
    rows, cols = values.shape
    sums = np.zeros((rows + 1 + 2 * margin, cols + 1 + 2 * margin))
    inside = sums[margin + 1 : margin + 1 + rows, margin + 1 : margin + 1 + cols]
    np.cumsum(values, axis=0, out=inside)
    np.cumsum(inside, axis=1, out=inside)
    sums[margin + 1 + rows :] = sums[margin + rows]
    sums[:, margin + 1 + cols :] = sums[:, margin + cols, np.newaxis]
    return sums


def _lengths(cut: slice, side: int, size: int) -> NDArray[np.float64]:
    """Return rows or columns that are left of a window around each one in `cut`."""
    middle = np.arange(*cut.indices(size), dtype=np.float64)
    return np.minimum(middle + side // 2 + 1, size) - np.maximum(middle - side // 2, 0)


def _boxes(integral: NDArray[np.float64], side: int, margin: int, inner: Cut) -> NDArray[np.float64]:
    """Sums over the windows around the pixels of `inner`."""
    shape = (integral.shape[0] - 1 - 2 * margin, integral.shape[1] - 1 - 2 * margin)
    (top, bottom), (left, right) = (
        (slice(first + before, last + before), slice(first + before + side, last + before + side))
        for (first, last, _), before in (
            (cut.indices(size), margin - side // 2) for cut, size in zip(inner, shape, strict=True)
        )
    )
    boxes = integral[bottom, right] - integral[top, right]
    boxes -= integral[bottom, left]
    boxes += integral[top, left]
    return boxes
