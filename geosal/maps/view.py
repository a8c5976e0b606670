"""Make a raster of any size small enough to be looked at, with its saliency over it where that is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.shared_raster import close_shared_rasters
from geosal.maps.palettes import USUAL
from geosal.maps.preview import draw, picture_of
from geosal.scenes import AnyScene, Reading, open_input
from geosal.scenes.rgb import PAPER, shown_bands
from geosal.sources import open_saliency


@dataclass(frozen=True, eq=False)
class View:
    """A raster made small.

    Attributes
    ----------
    image
        Colours, (y, x, 3) uint8; where nothing is shown, those of paper.
    factor
        Rows and columns of the scene in one of its pixels.
    shape
        Rows and columns of the scene.
    bands
        Names of the bands that are shown: three as red, green and blue, or one in grey.
    """

    image: NDArray[np.uint8]
    factor: int
    shape: tuple[int, int]
    bands: tuple[str, ...]


def view(
    path: str,
    reading: Reading,
    room: tuple[int, int],
    *,
    sources: Sequence[str] = (),
    palette: str = USUAL,
    united: Mapping[str, Any] | None = None,
) -> View:
    """Look at a raster or a product: by its overviews where it has some, else by reading it block by block.

    Samples are stretched as in the picture of a saliency map: 8 bits as they are, others from percentile 2 to 98.

    Parameters
    ----------
    path, reading
        The scene, and how it is read.
    room
        Rows and columns that the picture may have. A title and a legend are added to pictures of a saliency that are
        wide enough for them.
    sources, palette
        SOURCEs that are laid over it, and their colours; none for the scene alone.
    united
        ``combine``, ``outside`` and ``background`` of the sources.

    Raises
    ------
    GeosalError
        The scene or a source cannot be opened or decoded.
    """
    scene = open_input(path, reading, partial=True)
    factor = max(1, *(-(-length // most) for length, most in zip(scene.grid.shape, room, strict=True)))
    try:
        image = _drawn(scene, factor, sources, palette, united or {}, reading.drivers)
    finally:
        close_shared_rasters()
    shown = scene.layout.metadata.bands
    names = tuple(shown[band].description or str(band + 1) for band in shown_bands(scene.layout))
    return View(image, factor, scene.grid.shape, names)


def _drawn(
    scene: AnyScene,
    factor: int,
    sources: Sequence[str],
    palette: str,
    united: Mapping[str, Any],
    drivers: tuple[str, ...],
) -> NDArray[np.uint8]:
    if not sources:
        return picture_of(scene, factor)[0]
    saliency = open_saliency(list(sources), scene.grid, drivers=drivers, scene=scene.original, **united)
    size = -(-max(scene.grid.shape) // factor)
    drawn = draw(scene, saliency, palette=palette, size=size).image
    return np.where(drawn[..., 3:] > 0, drawn[..., :3], np.array(PAPER, np.uint8))
