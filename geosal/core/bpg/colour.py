"""RGB and YCbCr (ITU-T H.273, 8.3), with chroma that is halved in both directions or full; arrays in, arrays out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.core.bpg.head import YCBCR_601, YCBCR_709, YCBCR_2020

_MIDDLE = 128
_WEIGHTS = {YCBCR_601: (0.299, 0.114), YCBCR_709: (0.2126, 0.0722), YCBCR_2020: (0.2627, 0.0593)}
"""Weights of red and blue in luma."""
_POINT = 6
"""Bits behind the point in sums of int16: the largest, of luma and chroma, stays below 2**15."""
_ROWS = 64
"""Rows that are turned to RGB at once."""
_VIDEO = (16, 219, 224)
"""Black, and the ranges of luma and chroma, of samples in the range of video."""


class _Tables(NamedTuple):
    """What each sample adds, by its value; in units of 2**-`_POINT`."""

    luma: NDArray[np.int16]
    red_of_cr: NDArray[np.int16]
    green_of_cr: NDArray[np.int16]
    green_of_cb: NDArray[np.int16]
    blue_of_cb: NDArray[np.int16]


def to_ycbcr(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn (band, y, x) of red, green and blue to luma and chroma of BT.601 in full range, (3, y, x), not rounded.

    Not by a product of matrices: BLAS would start threads that wait busily, and has other sums on other processors.
    """
    red, blue = _WEIGHTS[YCBCR_601]
    out = np.empty(pixels.shape, np.float32)
    luma, cb, cr = out
    np.multiply(pixels[1], 1 - red - blue, out=luma, dtype=np.float32)
    for plane, band, weight in ((cb, pixels[2], blue), (cr, pixels[0], red)):
        np.multiply(band, weight, out=plane, dtype=np.float32)
        luma += plane
    for plane, band, weight in ((cb, pixels[2], blue), (cr, pixels[0], red)):
        np.subtract(band, luma, out=plane, dtype=np.float32)
        np.multiply(plane, np.float32(0.5 / (1 - weight)), out=plane)
        np.add(plane, np.float32(_MIDDLE), out=plane)
    return out


def rounded(samples: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round to bytes."""
    return np.clip(np.rint(samples), 0, 255).astype(np.uint8)


def halved(chroma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each 2 x 2 of a plane with even rows and columns."""
    return np.asarray(chroma[::2, ::2] + chroma[1::2, ::2] + chroma[::2, 1::2] + chroma[1::2, 1::2]) * np.float32(0.25)


def doubled(chroma: NDArray[np.uint8], shape: tuple[int, int], top: int) -> NDArray[np.uint8]:
    """Enlarge halved chroma: each sample is 3/4 of the next one, and 1/4 of the one beyond, in both directions.

    Parameters
    ----------
    chroma
        (y, x), perhaps with a row above and below those that are wanted, where there are some.
    shape
        Rows and columns that are wanted.
    top
        Number of rows above them, 0 or 1.
    """
    rows, cols = -(-shape[0] // 2), -(-shape[1] // 2)
    wide = np.pad(chroma[:, :cols], ((1 - top, max(0, rows + top + 1 - len(chroma))), (1, 1)), "edge").astype(np.int16)
    near = wide[1 : rows + 1]
    tall = np.empty((2 * rows, cols + 2), np.int16)
    tall[::2], tall[1::2] = 3 * near + wide[:rows], 3 * near + wide[2 : rows + 2]
    middle, out = tall[:, 1:-1], np.empty((2 * rows, 2 * cols), np.uint8)
    out[:, ::2] = (3 * middle + tall[:, :-2] + 8) >> 4
    out[:, 1::2] = (3 * middle + tall[:, 2:] + 8) >> 4
    return out[: shape[0], : shape[1]]


def to_rgb(planes: list[NDArray[np.uint8]], space: int, *, limited: bool) -> NDArray[np.uint8]:
    """Turn luma and full chroma, of one shape, to (3, y, x) of red, green and blue."""
    tables = _tables(space, limited=limited)
    out = np.empty((3, *planes[0].shape), np.uint8)
    for top in range(0, out.shape[1], _ROWS):  # so that sums stay in the cache
        rows = slice(top, top + _ROWS)
        luma, cb, cr = (plane[rows] for plane in planes)
        level = tables.luma.take(luma)
        green = tables.green_of_cr.take(cr) + tables.green_of_cb.take(cb)
        for band, chroma in zip(out, (tables.red_of_cr.take(cr), green, tables.blue_of_cb.take(cb)), strict=True):
            np.add(chroma, level, out=chroma)
            np.right_shift(chroma, _POINT, out=chroma)
            band[rows] = np.clip(chroma, 0, 255, out=chroma)
    return out


def unlimited(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring samples from the range of video to that of bytes."""
    black, span, _ = _VIDEO
    table = np.clip(np.rint((np.arange(256) - black) * 255 / span), 0, 255).astype(np.uint8)
    return np.asarray(table[samples])


def _tables(space: int, *, limited: bool) -> _Tables:
    red, blue = _WEIGHTS[space]
    black, span, chroma_span = _VIDEO if limited else (0, 255, 255)
    green = 1 - red - blue
    values = np.arange(256)
    chroma = (values - _MIDDLE) * 255 / chroma_span
    luma = (values - black) * 255 / span

    def fixed(numbers: NDArray[np.float64]) -> NDArray[np.int16]:
        return np.rint(numbers * (1 << _POINT)).astype(np.int16)

    return _Tables(
        luma=fixed(luma + 0.5),
        red_of_cr=fixed(2 * (1 - red) * chroma),
        green_of_cr=fixed(-2 * (1 - red) * red / green * chroma),
        green_of_cb=fixed(-2 * (1 - blue) * blue / green * chroma),
        blue_of_cb=fixed(2 * (1 - blue) * chroma),
    )
