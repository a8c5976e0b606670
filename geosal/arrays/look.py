"""A small picture of a scene, for eyes."""

from collections.abc import Sequence
from typing import Any

import xarray as xr

from geosal.arrays.array_scene import ArrayScene
from geosal.arrays.forms import as_scene
from geosal.core.tables import require_matplotlib
from geosal.scenes import Reading, band_names, read_as
from geosal.scenes.decimate import decimate
from geosal.scenes.rgb import shown_bands
from geosal.scenes.stretch import ByteScene


def rgb(
    array: xr.DataArray | xr.Dataset,
    bands: str | Sequence[str] | None = None,
    *,
    stretch: str = "percentile:2-98",
    size: int = 1024,
) -> xr.DataArray:
    """Make a small picture of a scene: ``scene.geosal.rgb().plot.imshow()``.

    Parameters
    ----------
    array
        Any scene; see `geosal.arrays.compress.compress`.
    bands
        Three bands, or one, by name, role or number; by default red, green and blue where the scene tells them, else
        its first three, or its first.
    stretch
        How samples become bytes; see `geosal.Recipe`'s ``to_byte``.
    size
        Rows and columns at most.

    Returns
    -------
    xarray.DataArray
        (y, x, rgb) uint8, at most `size` rows and columns.

    Raises
    ------
    GeosalError
        There is no such band, or samples cannot be read.
    """
    scene = as_scene(array)
    whole = ArrayScene.of(scene)
    names = usual_bands(whole) if bands is None else band_names(bands)
    picture = ByteScene.wrap(read_as(whole, Reading(bands=names)), stretch)
    factor = -(-max(picture.grid.shape) // size)
    found = decimate(picture, factor, range(picture.layout.count)).pixels[:3]
    pixels = found if len(found) == 3 else found[[0, 0, 0]]
    coords = {
        name: scene.coords[name][factor // 2 :: factor][: pixels.shape[axis]]
        for axis, name in ((1, "y"), (2, "x"))
        if name in scene.coords and scene.sizes[name] > factor // 2 + (pixels.shape[axis] - 1) * factor
    }
    return xr.DataArray(pixels, dims=("rgb", "y", "x"), coords=coords).transpose("y", "x", "rgb")


def plot(
    array: xr.DataArray | xr.Dataset,
    bands: str | Sequence[str] | None = None,
    *,
    stretch: str = "percentile:2-98",
    size: int = 1024,
    **imshow: Any,
) -> Any:
    """Draw a small picture of a scene with matplotlib: north up where it has coordinates, else its first row up.

    Parameters
    ----------
    array, bands, stretch, size
        As `rgb`.
    **imshow
        What xarray's ``plot.imshow`` takes: ``ax``, ``figsize`` …

    Returns
    -------
    matplotlib.image.AxesImage
        The picture, as wide as high on the ground.

    Raises
    ------
    GeosalError
        As `rgb`; or matplotlib is not installed.
    """
    require_matplotlib("plot")
    picture = rgb(array, bands, stretch=stretch, size=size)
    drawn = picture.plot.imshow(**{"rgb": "rgb", "yincrease": "y" in picture.coords, **imshow})
    drawn.axes.set_aspect("equal")
    return drawn


def usual_bands(scene: ArrayScene) -> tuple[str, ...]:
    """Numbers of the bands that are red, green and blue, or of the first three, or of the first."""
    return tuple(str(scene.numbers[position]) for position in shown_bands(scene.layout))
