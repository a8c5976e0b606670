"""Lower the quality of each block of a JPEG by the price of a bit, not by other tables.

A JPEG has one set of quantisation tables, those of its most salient blocks. Elsewhere a block lowers or leaves out the
coefficients that are not worth their bits (`geosal.native.jpeg.quantised`): a bit must save so much squared error, the
block's weight.
"""

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg.tables import code_lengths, scale, steps
from geosal.native.jpeg import mcu_side, quantised

_BEST, _RISE, _GROWTH = 50.0, 75.0, 2.0
"""Coefficients of `weight`, in squared errors of 8-bit samples."""


def weight(quality: float, tables: float) -> float:
    """Return the squared error that a bit must save for a block to be as good as plain JPEG of a quality.

    With ``s`` the scale of the tables and ``r`` that of the tables of `quality`, both 1 at quality 50, it is
    ``50 s * min(2 s, 1) + 75 (1 + 2 min(s, 1/2)) (r - s)``. Measured on crops of up to 0.6 megapixels (NAIP, Landsat 7,
    Planet, SpaceNet, two of Kodak's), with tables of quality 60 to 97 and qualities from 10 to 90: the PSNR is that of
    plain JPEG of `quality` within 1.3 dB in the mean of the crops, most within 0.5 dB, and within 4.6 dB in each.

    The first term remains where `quality` is that of the tables. Such a block is a little worse than in plain JPEG of
    these tables, and takes less: at equal bytes, which allow finer tables, it is better by 0.05 to 0.7 dB, 0.4 dB in
    the mean of these crops at plain qualities from 30 to 93, and its SSIM is the same within 0.004. What is salient is
    then at least as good as in plain JPEG of the same bytes. Twice the weight gains 0.1 dB more below quality 50, and
    loses 0.01 of SSIM.

    Parameters
    ----------
    quality
        Wanted, 1 to 100, at most that of the tables.
    tables
        Quality of the tables.
    """
    fine, coarse = scale(tables), max(scale(quality), scale(tables))
    return _BEST * fine * min(2.0 * fine, 1.0) + _RISE * (1.0 + _GROWTH * min(fine, 0.5)) * (coarse - fine)


def shaped(
    pixels: NDArray[np.uint8],
    levels: NDArray[np.uint8] | None,
    by_level: tuple[float, ...],
    tables: float,
    subsampling: str,
) -> NDArray[np.int16]:
    """Transform and quantise an image whose MCUs have the qualities of their least levels.

    Parameters
    ----------
    pixels
        (band, y, x), 1 or 3 bands.
    levels
        (y, x), perhaps cropped at the right and lower edge, where the last level is taken; None for the last level.
    by_level
        Qualities of level 0, 1 …
    tables
        Quality of the quantisation tables; the best of those in `by_level` that are wanted.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    """
    side = mcu_side(len(pixels), subsampling)
    shape = tuple(-(-length // side) for length in pixels.shape[1:])
    least = np.full(shape, len(by_level) - 1, np.intp) if levels is None else _least(levels, shape, side, len(by_level))
    weights = np.array([weight(quality, tables) for quality in by_level], np.float32)[least]
    return quantised(pixels, steps(tables), subsampling, weights, code_lengths())


def _least(levels: NDArray[np.uint8], shape: tuple[int, ...], side: int, count: int) -> NDArray[np.intp]:
    """Return the least level of each square of pixels."""
    whole = np.full((shape[0] * side, shape[1] * side), count - 1, np.uint8)
    whole[: levels.shape[0], : levels.shape[1]] = levels
    least: NDArray[np.uint8] = whole.reshape(shape[0], side, shape[1], side).min(axis=(1, 3))
    return least.astype(np.intp)
