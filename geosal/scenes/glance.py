"""A glance at a scene: a picture for a notebook, and none where it would take long."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geosal.core.open_raster import is_stood_in
from geosal.scenes.base import AnyScene
from geosal.scenes.decimate import decimate
from geosal.scenes.rgb import PAPER, as_rgb, limits_of, shown_bands

SIDE = 256
"""Rows and columns of a glance at most."""
_LITTLE = 2**22
"""Pixels of a scene that are read, if it has no overviews."""


def glance(scene: AnyScene, side: int = SIDE) -> NDArray[np.uint8] | None:
    """Make a small picture of a scene that has overviews or few pixels.

    Parameters
    ----------
    scene
        A scene of any kind.
    side
        Rows and columns of the picture at most.

    Returns
    -------
    numpy.ndarray
        Colours (y, x, 3), uint8; None of a large scene without overviews, all of which would have to be read.

    Raises
    ------
    SceneError
        A part of it cannot be decoded.
    """
    small = made_small(scene, factor_of(scene, side), shown_bands(scene.layout))
    return None if small is None else as_rgb(small, [limits_of(band, scene.layout.dtype) for band in small], PAPER)


def is_too_dear(path: str, pixels: int) -> bool:
    """Return whether a large file can be opened only by decoding all of it, which is too much for a glance."""
    return pixels > _LITTLE and is_stood_in(path)


def factor_of(scene: AnyScene, side: int) -> int:
    """Rows and columns of pixels that become one, so that a picture has `side` rows and columns at most."""
    return max(1, -(-max(scene.grid.shape) // side))


def made_small(scene: AnyScene, factor: int, bands: Sequence[int]) -> NDArray[np.float64] | None:
    """Make a scene small as `glance` does: (band, y, x), NaN where a sample does not count; None where it is dear.

    Raises
    ------
    SceneError
        A part of it cannot be decoded.
    """
    is_little = scene.grid.height * scene.grid.width <= _LITTLE
    small = decimate(scene, factor, bands) if is_little else scene.decimate(factor, bands)
    return None if small is None else np.where(small.valid, small.pixels.astype(np.float64), np.nan)
