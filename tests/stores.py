"""Zarr stores made of a raster or of arrays, without a job around them."""

import random
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.formats.pyramid import Cutter
from geosal.formats.zarr.container import ZarrContainer
from geosal.formats.zarr.tiles import ZarrEncoder
from geosal.scenes import Scene

UTM = CRS.from_epsg(32617).to_wkt()
PROVENANCE = {
    "GEOSAL_VERSION": "1",
    "GEOSAL_TREATMENT": "smooth",
    "GEOSAL_LADDER": "steps=4 sigma=opencv",
    "GEOSAL_EFFECTIVE_KERNEL": "2.5",
}


def layout_of(pixels: NDArray[Any], nodata: float | None = None, *, has_mask: bool = False) -> RasterLayout:
    """Describe (band, y, x) on a grid of 10 m in UTM 17."""
    return RasterLayout(
        grid=Grid(UTM, Affine(10, 0, 5e5, 0, -10, 4e6), *pixels.shape[1:]),
        dtype=str(pixels.dtype),
        nodata=nodata,
        has_mask=has_mask,
        metadata=RasterMetadata(bands=(BandMetadata(),) * len(pixels)),
    )


def write_store(
    path: Path,
    layout: RasterLayout,
    pixels: NDArray[Any],
    mask: NDArray[np.bool_] | None = None,
    *,
    tile: int = 64,
    seed: int = 0,
    statistics: list[dict[str, str]] | None = None,
    shards: int = 1,
    groups: bool = False,
) -> Path:
    """Write pixels as a store, the tiles in any order."""
    fill = layout.nodata if layout.nodata is not None else 0
    encoder = ZarrEncoder(fill=fill, tile=tile, shards=shards, groups=groups)
    tiles = list(Cutter.of(encoder, layout).cut(layout.grid.whole(), pixels, mask).tiles)
    random.Random(seed).shuffle(tiles)
    with ZarrContainer(path, layout, encoder) as container:
        for each in tiles:
            container.append(each)
        container.finish(PROVENANCE, statistics)
    return path


def store_of(path: Path, source: Path, *, tile: int = 256) -> Path:
    """Write a raster file as a store."""
    scene = Scene.open(source)
    pixels, _, mask = scene.read(scene.grid.whole())
    return write_store(path, scene.layout, pixels, mask if scene.layout.has_mask else None, tile=tile)
