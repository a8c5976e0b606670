"""Write the demo's scene and mask: a coast with a town, like a Sentinel-2 true-colour image."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from scipy import ndimage

from geosal.core.gdal_env import gdal_env
from geosal.errors import OutputError, UsageError, cause_of
from geosal.lab.demo.settlement import settle
from geosal.lab.demo.terrain import make_terrain

PIXEL = 10.0
"""Pixel size in metres."""
CORNER = (420_000.0, 5_250_000.0)
"""Upper left corner: easting and northing in EPSG:32631."""
NAMES = ("B04", "B03", "B02")
_INTERPRETATION = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_SMALLEST = 128


def make_demo_scene(directory: Path | str, size: int = 1536, seed: int = 0) -> tuple[Path, Path]:
    """Write a small realistic scene and a mask of what matters on it.

    Parameters
    ----------
    directory
        Directory of `scene.tif` and `mask.tif`; it must exist.
    size
        Rows and columns of the scene, at least 128. The mask has half as many.
    seed
        The same seed gives the same pixels.

    Returns
    -------
    tuple of Path
        The scene: uint8, red, green, blue, 10 m, EPSG:32631, nodata 0 in an oblique wedge at its west. The mask:
        uint8, 20 m, 255 on the town, its harbour and the ships, 170 and 85 around them, 0 elsewhere.

    Raises
    ------
    UsageError
        The size is too small.
    OutputError
        A file cannot be written.
    """
    if size < _SMALLEST:
        raise UsageError(f"demo scene of {size} pixels; use {_SMALLEST} or more")
    pixels, salient = draw_scene(size, seed)
    scene, mask = Path(directory) / "scene.tif", Path(directory) / "mask.tif"
    _write_scene(scene, pixels)
    _write_mask(mask, grade(salient[::2, ::2]), size)
    return scene, mask


def draw_scene(size: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw the scene: its pixels, shape (3, y, x), 0 = nodata; and what is salient, shape (y, x), True = salient."""
    rng = np.random.default_rng(seed)
    settlement = settle(make_terrain(size, rng), rng)
    focused = ndimage.gaussian_filter(settlement.picture, (0, 0.55, 0.55))
    sensed = 1.12 * focused + 4 + rng.normal(0, 1.1, focused.shape)
    pixels = np.clip(np.round(sensed), 1, 255).astype(np.uint8)
    row, column = np.mgrid[0:size, 0:size]
    outside = column < 0.17 * size - 0.21 * row
    pixels[:, outside] = 0
    return pixels, settlement.salient & ~outside


def grade(salient: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Grade the salient area: 255 on it, 170 and then 85 in two belts around it, 0 elsewhere."""
    belt = salient.shape[0] / 768
    distance = ndimage.distance_transform_edt(~salient)
    return np.select([distance == 0, distance <= 8 * belt, distance <= 22 * belt], [255, 170, 85], 0).astype(np.uint8)


def _write_scene(path: Path, pixels: NDArray[np.uint8]) -> None:
    count, height, width = pixels.shape
    profile = {"count": count, "height": height, "width": width, "nodata": 0, "photometric": "RGB"}
    with _create(path, PIXEL, profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = NAMES
        dataset.colorinterp = _INTERPRETATION
        dataset.update_tags(
            TIFFTAG_IMAGEDESCRIPTION="A made-up coast with a town; no satellite ever saw it",
            TIFFTAG_DATETIME="2026:06:21 10:56:21",
            PROCESSING_LEVEL="demo",
        )
        for band, wavelength in enumerate(("664.6", "559.8", "492.4"), start=1):
            dataset.update_tags(band, CENTRAL_WAVELENGTH_NM=wavelength)


def _write_mask(path: Path, mask: NDArray[np.uint8], size: int) -> None:
    profile = {"count": 1, "height": mask.shape[0], "width": mask.shape[1]}
    with _create(path, PIXEL * size / mask.shape[0], profile) as dataset:
        dataset.write(mask, 1)
        dataset.set_band_description(1, "saliency")
        dataset.update_tags(LEGEND="255 town, harbour and ships; 170 and 85 around them; 0 elsewhere")


def _create(path: Path, pixel: float, profile: dict[str, object]) -> "rasterio.io.DatasetWriter":
    try:
        with gdal_env():
            return rasterio.open(
                path,
                "w",
                driver="GTiff",
                dtype="uint8",
                crs=CRS.from_epsg(32631),
                transform=from_origin(*CORNER, pixel, pixel),
                tiled=True,
                blockxsize=256,
                blockysize=256,
                compress="deflate",
                **profile,
            )
    except (rasterio.errors.RasterioError, OSError) as error:
        raise OutputError(f"cannot write {path}: {cause_of(error)}; choose a directory you may write to") from error
