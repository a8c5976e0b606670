"""How much memory a job takes, and which blocks and how many workers fit into what it may take."""

from dataclasses import dataclass

import numpy as np

from geosal.cluster import cpu_count
from geosal.errors import ResourceError
from geosal.gdal_env import GDAL_CACHE_BYTES
from geosal.raster import RasterLayout
from geosal.recipe import Recipe
from geosal.scenes import Scene

BLOCK = 2048
"""Rows and columns of a block, where memory allows."""
_PROCESS_BYTES = 135 * 2**20
"""Interpreter and libraries, before the first block: measured, with some room."""
_ENCODER_BYTES = 60 * 2**20
"""GDAL's writers and what the allocator has not given back after smoothing."""
_JPEG2000_BYTES = 12
"""For each sample of a tile in work: OpenJPEG and OpenJPH take int32 or float, twice, and the codestream."""
_TILE = 1024
"""Of JPEG2000; a COG's are smaller."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Rows and columns of a block, blocks at once, GDAL's threads, and the peak of memory in bytes."""

    block: int
    workers: int
    encoders: int
    memory: int


def fit(recipe: Recipe, scene: Scene, *, cores: int | None, by_gdal: bool) -> Fit:
    """Choose block, workers and encoding threads: the most that fits under `max_memory`, smaller blocks first.

    On a cluster (`cores` None) the blocks in flight are the workers' business; those that wait here are few.
    """
    most = recipe.workers or cores or 1
    blocks = [recipe.block] if recipe.block else [BLOCK >> shift for shift in range(4)]
    workers = [recipe.workers] if recipe.workers else range(most, 0, -1)
    encoders = range(recipe.workers or cores or cpu_count(), 0, -1)
    layout, limit = scene.layout, recipe.max_memory
    smooth = [
        (b, w, _smoothing_bytes(b, w + 2 * by_gdal, recipe.ladder.halo, layout) + scene.tile_bytes)
        for w in workers
        for b in blocks
    ]
    # Without GDAL's writer tiles are encoded where blocks are smoothed.
    encode = [(threads, _encoding_bytes(threads, layout) if by_gdal else 0) for threads in encoders]
    fits = [option for option in smooth if limit is None or option[2] <= limit]
    encode_fits = [option for option in encode if limit is None or option[1] <= limit]
    if not fits or not encode_fits:
        least = max(min(option[2] for option in smooth), min(option[1] for option in encode))
        raise ResourceError(
            f"the job takes at least {least / 2**20:.0f} MiB with these options, {(limit or 0) / 2**20:.0f} MiB are "
            "allowed; raise --max-memory, or leave --block and --workers to geosal"
        )
    (block, chosen, smoothing), (threads, encoding) = fits[0], encode_fits[0]
    return Fit(block, chosen, threads, max(smoothing, encoding))


def _smoothing_bytes(block: int, in_work: int, halo: int, layout: RasterLayout) -> int:
    """Memory while blocks are smoothed and their tiles encoded; measured on 3 bands of uint8 and uint16.

    Results wait as compressed tiles, which take less than what is in work; for GDAL's writers they are pixels.
    """
    height, width = (min(_TILE, length) for length in layout.grid.shape)
    tile = height * width * layout.count * _JPEG2000_BYTES
    return _PROCESS_BYTES + _cache_bytes(layout) + in_work * (_block_bytes(block, halo, layout) + tile)


def _encoding_bytes(threads: int, layout: RasterLayout) -> int:
    """Memory while GDAL encodes; measured on 13 bands of uint16: six to seven tiles for each thread."""
    height, width = (min(_TILE, length) for length in layout.grid.shape)
    tile = height * width * layout.count * np.dtype(layout.dtype).itemsize
    return _PROCESS_BYTES + _ENCODER_BYTES + _cache_bytes(layout) + 7 * threads * tile


def _cache_bytes(layout: RasterLayout) -> int:
    """GDAL's cache holds no more than there is."""
    raw = layout.grid.height * layout.grid.width * layout.count * np.dtype(layout.dtype).itemsize
    return min(GDAL_CACHE_BYTES, 2 * raw)


def _block_bytes(block: int, halo: int, layout: RasterLayout) -> int:
    """Memory of one block in work: pixels in, out, halved and as tiles; validity, saliency and levels."""
    height, width = (min(block + 2 * halo, length) for length in layout.grid.shape)
    per_pixel = layout.count * (4 * np.dtype(layout.dtype).itemsize + 1) + 8
    return height * width * per_pixel
