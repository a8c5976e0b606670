"""How far the resolutions of a JPEG 2000, which are its overviews, have to reach."""

import math

LARGEST_THUMBNAIL = 512
"""The coarsest resolution of a JPEG2000 has its longer side at or below this."""
LEAST_SIDE = 8
"""Rows and columns of a tile that a wavelet halves no more."""


def reaches_thumbnail(shape: tuple[int, int], tile: int, resolutions: int) -> bool:
    """Tell whether the coarsest resolution of a JPEG 2000 is a thumbnail, or as coarse as its tiles let it be.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    tile
        Of its tiles, the lesser of both.
    resolutions
        How many there are, the image itself included.
    """
    halvings = resolutions - 1
    coarsest = math.ceil(max(shape) / 2**halvings)
    return coarsest <= LARGEST_THUMBNAIL or min(*shape, tile) >> halvings < 2 * LEAST_SIDE
