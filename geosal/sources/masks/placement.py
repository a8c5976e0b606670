"""Find where a mask lies under a scene, and refuse one that lies elsewhere."""

import numpy as np
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block, Grid
from geosal.errors import ResourceError, SaliencyError, warn
from geosal.sources.masks.alignment import Alignment, align, align_by_pixels, coarse, spread
from geosal.sources.masks.interpolation import Footprint, footprint_bounds
from geosal.sources.masks.raster_file import RasterFile

SAMPLES = 1024
"""Rows and columns of the scene that are looked at first."""
_MAX_SCAN = 20 * 10**9
"""Most pixels of a mask that are scanned."""
_MAX_TILE_BYTES = 2**30
"""Limit of a mask's tile in bytes, as of scenes."""


def place_mask(text: str, scene: Grid, mask: Grid, *, by_pixels: bool) -> tuple[Alignment, Block]:
    """Find how a mask lies under a scene, and which of its pixels do.

    Parameters
    ----------
    text
        The SOURCE as the user wrote it, for messages.
    scene, mask
        The two grids.
    by_pixels
        Whether to stretch the mask over the scene, whatever their georeferencing says.

    Raises
    ------
    SaliencyError
        Mask and scene do not overlap, or one has no place on the map and their sizes differ.

    Warns
    -----
    GeosalWarning
        Mask and scene are aligned by pixels for lack of georeferencing.
    """
    alignment = _resolve_alignment(text, scene, mask, by_pixels=by_pixels)
    rows, cols = spread(scene.height, SAMPLES), spread(scene.width, SAMPLES)
    under = footprint_bounds(*alignment.positions(rows, cols), mask.shape)
    if under is None or not _overlap(alignment, scene, mask):
        raise SaliencyError(_elsewhere(text, scene, mask))
    return alignment, under


def refuse_bombs(text: str, file: RasterFile, under: Block) -> None:
    """Refuse a raster that takes more memory or time than any mask: its header is likely a bomb.

    Parameters
    ----------
    text
        The SOURCE as the user wrote it, for messages.
    file
        The raster.
    under
        Its pixels under the scene.

    Raises
    ------
    ResourceError
        Its tiles, or its pixels under the scene, are too large.
    """
    rows, cols = file.block_shape
    if rows * cols * np.dtype(file.dtype).itemsize > _MAX_TILE_BYTES:
        raise ResourceError(
            f"{text}: a tile of the raster has {rows}x{cols} pixels of {file.dtype}; tile it with rio convert --co "
            "tiled=yes"
        )
    if under.height * under.width > _MAX_SCAN:
        raise ResourceError(
            f"{text}: {under.height * under.width} of its pixels lie under the scene, more than {_MAX_SCAN}; give a "
            "coarser raster"
        )


def _resolve_alignment(text: str, scene: Grid, mask: Grid, *, by_pixels: bool) -> Alignment:
    if by_pixels:
        return align_by_pixels(scene, mask)
    if scene.georeferenced and mask.georeferenced:
        try:
            return align(scene, mask)
        except SaliencyError as error:
            raise SaliencyError(f"{text}: {error}") from error
    lacking = "mask" if scene.georeferenced else "scene" if mask.georeferenced else "scene and the mask"
    verb = "lack" if " and " in lacking else "lacks"
    if scene.shape != mask.shape:
        raise SaliencyError(
            f"{text}: the {lacking} {verb} georeferencing and the sizes differ (scene {scene.width}x{scene.height}, "
            f"mask {mask.width}x{mask.height}); add align=pixels to stretch the mask over the scene, or give it a CRS"
        )
    warn(
        f"{text}: the {lacking} {verb} georeferencing; both are {mask.width}x{mask.height}, so they are aligned "
        "by pixels"
    )
    return align_by_pixels(scene, mask)


def _overlap(alignment: Alignment, scene: Grid, mask: Grid) -> bool:
    """Return whether the centre of any scene pixel lies on the mask: by a sample, or by all pixels if it finds none."""
    rows, cols = spread(scene.height, SAMPLES), spread(scene.width, SAMPLES)
    if Footprint.of(*alignment.positions(rows, cols), mask.shape) is not None:
        return True
    for block in scene.blocks(512):
        rows, cols = np.arange(block.row_off, block.row_stop), np.arange(block.col_off, block.col_stop)
        probes = alignment.positions(coarse(rows, alignment.step), coarse(cols, alignment.step))
        if footprint_bounds(*probes, mask.shape) is None:
            continue
        if Footprint.of(*alignment.positions(rows, cols), mask.shape) is not None:
            return True
    return False


def _elsewhere(text: str, scene: Grid, mask: Grid) -> str:
    """Explain that mask and scene do not overlap, and where each lies."""
    hint = ""
    left, bottom, right, top = mask.bounds
    crs = mask.rasterio_crs
    if crs is not None and crs.is_projected and max(-left, right) <= 180 and max(-bottom, top) <= 90:
        hint = "; the mask's coordinates look geographic: mend its CRS with rio edit-info --crs EPSG:4326"
    return (
        f"{text}: the mask does not overlap the scene; the scene lies at {_place(scene)}, the mask at {_place(mask)}"
        f"{hint}; give a mask of the same place"
    )


def _place(grid: Grid) -> str:
    """Return west, south, east, north as text: in degrees, or in units of the grid where that is impossible."""
    with gdal_env():
        try:
            degrees = transform_bounds(grid.rasterio_crs, "EPSG:4326", *grid.bounds)
        except (RasterioError, ValueError, OSError):
            degrees = None
        except Exception as error:  # rasterio also raises GDAL's own exceptions
            if not type(error).__name__.startswith("CPLE_"):
                raise
            degrees = None
    if degrees is None or not np.isfinite(degrees).all():
        return f"{', '.join(f'{value:.9g}' for value in grid.bounds)} (own CRS)"
    return f"{', '.join(f'{value:.5f}' for value in degrees)} (EPSG:4326: west, south, east, north)"
