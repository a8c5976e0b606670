"""Lower the quality of each block of a JPEG by the price of a bit, not by other tables.

A JPEG has one set of quantisation tables, those of its most salient blocks. Every block lowers or leaves out the
coefficients that are not worth their bits (`geosal.native.jpeg.quantised`): a bit must save so much squared error, the
block's weight, which is larger where less matters.
"""

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg.tables import code_lengths, step, steps
from geosal.formats.quality import ANNEX_K, FLAT
from geosal.native.jpeg import PRICE, mcu_side, quantised


def weight(quality: float) -> float:
    """Return the squared error that a bit must save in a block of a quality, in squared grey values.

    It is `PRICE` times the square of the flat step of that quality. Where the tables are finer, a block of that price
    is better than one with the tables of its own quality and takes more bytes: in tables of half the step, PSNR is 0.4
    to 2 dB higher and bytes are 1.25 to 1.8 times as many (qualities 40, 60 and 75, 512 x 512 pixels of twelve crops).

    Parameters
    ----------
    quality
        Wanted, 1 to 100.
    """
    return PRICE * step(quality) ** 2


def shaped(
    pixels: NDArray[np.uint8],
    levels: NDArray[np.uint8] | None,
    by_level: tuple[float, ...],
    tables: float,
    subsampling: str,
    kind: str = FLAT,
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
    kind
        Kind of the tables, as in `steps`. With those of annex K, blocks of the tables' own quality are only rounded, as
        libjpeg does: those of a scene that was such a JPEG then come out as they were.
    """
    side = mcu_side(len(pixels), subsampling)
    shape = tuple(-(-length // side) for length in pixels.shape[1:])
    if levels is None or len(by_level) == 1:
        least = np.full(shape, len(by_level) - 1, np.intp)
    else:
        least = _least(levels, shape, side, len(by_level))
    as_given = kind == ANNEX_K  # a block of the tables' own quality is rounded, as by libjpeg: no price
    prices = [0.0 if as_given and quality >= tables else weight(quality) for quality in by_level]
    weights = np.array(prices, np.float32)[least]
    return quantised(pixels, steps(tables, kind), subsampling, weights, code_lengths())


def _least(levels: NDArray[np.uint8], shape: tuple[int, ...], side: int, count: int) -> NDArray[np.intp]:
    """Return the least level of each square of pixels."""
    whole = np.full((shape[0] * side, shape[1] * side), count - 1, np.uint8)
    whole[: levels.shape[0], : levels.shape[1]] = levels
    rows = whole.reshape(shape[0], side, -1).min(axis=1)  # whole rows at once, which is most of the work
    least: NDArray[np.uint8] = rows.reshape(*shape, side).min(axis=2)
    return least.astype(np.intp)
