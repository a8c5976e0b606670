"""Limits of the resolutions of a JPEG 2000, which are its overviews."""

import math

LARGEST_THUMBNAIL = 512
"""Longest side, in pixels, that the coarsest resolution of a JPEG 2000 may have."""
LEAST_SIDE = 8
"""Rows and columns of a tile that a wavelet halves no more."""


def reaches_thumbnail(shape: tuple[int, int], tile: int, resolutions: int) -> bool:
    """Return whether the coarsest resolution of a JPEG 2000 is a thumbnail, or as coarse as its tiles let it be.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    tile
        Rows or columns of a tile, whichever are fewer.
    resolutions
        Number of resolutions, the image itself included.
    """
    halvings = resolutions - 1
    coarsest = math.ceil(max(shape) / 2**halvings)
    return coarsest <= LARGEST_THUMBNAIL or min(*shape, tile) >> halvings < 2 * LEAST_SIDE
