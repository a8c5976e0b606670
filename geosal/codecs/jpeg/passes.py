"""The first of two passes: each pixel as a JPEG of the quality of its level leaves it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def first_pass(
    pixels: NDArray[np.uint8], levels: NDArray[np.uint8], qualities: Sequence[float], subsampling: str
) -> NDArray[np.uint8]:
    """Encode and decode a tile at the quality of each level that is in it, and take each pixel from its level's.

    Parameters
    ----------
    pixels
        (band, y, x): grey or RGB, beginning where an MCU begins.
    levels
        (y, x).
    qualities
        Of each level; libjpeg knows whole ones only, so the nearest.
    subsampling
        Of chroma: ``"420"`` or ``"444"``.
    """
    from imagecodecs import jpeg8_decode, jpeg8_encode  # noqa: PLC0415  loads its library

    grey = len(pixels) == 1
    samples = np.ascontiguousarray(pixels[0] if grey else np.moveaxis(pixels, 0, -1))
    colours = {} if grey else {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": subsampling}
    asked = np.round(np.asarray(qualities)).astype(np.int64)[levels]
    passed = np.empty_like(samples)
    for quality in np.unique(asked).tolist():
        decoded = jpeg8_decode(jpeg8_encode(samples, quality, **colours)).reshape(samples.shape)
        which = asked == quality
        passed[which] = decoded[which]
    return passed[np.newaxis] if grey else np.ascontiguousarray(np.moveaxis(passed, -1, 0))
