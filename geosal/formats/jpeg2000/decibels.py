"""Qualities of JPEG 2000: the PSNR of a tile in dB."""

import math
from collections.abc import Mapping

import numpy as np

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Quality
from geosal.formats.quality import Scale

_GAP = 7
"""Distance of `low` from `high` in dB, where only `high` is known."""
_HIGH, _MORE = 45, 3
"""`high` of 8 bits in dB, and what each further bit adds: half of the possible 6 dB, since no sensor fills them."""
_REACH = 2
"""How far the irreversible wavelet reaches above the PSNR of an error of 1, in dB."""


class Decibels(Scale):
    """The PSNR of a tile over all bands.

    The irreversible wavelet reaches errors of about 0.8, which are 50 dB in 8 bits. Tiles with a higher `high` are
    lossless; the other levels lie between `low` and that limit.
    """

    def settled(self, wish: Quality, options: Mapping[str, str], layout: RasterLayout) -> Quality:
        """Fill in a `high` that suits the bits of the samples, and a `low` below it, where they are left open."""
        del options
        usual = float(_HIGH + _MORE * (bits_of(layout) - 8))
        high = usual if wish.high is None else wish.high
        if wish.low is not None:
            return Quality(wish.low, max(wish.low, high))
        return Quality(max(1.0, round(min(high, usual) - _GAP, 3)), high)

    def best(self, layout: RasterLayout) -> float:
        """See `Scale.best`."""
        return 20 * math.log10(2 ** bits_of(layout) - 1) + _REACH


def bits_of(layout: RasterLayout) -> int:
    """Return the significant bits of a sample."""
    return layout.nbits or 8 * np.dtype(layout.dtype).itemsize
