"""What people do without geosal; each a process of its own.

python baselines.py gdal|source|memory|dask OUT FINISHED.tif|SCENE.tif MASK.tif DRIVER KEY=VALUE...

GDAL's cache comes by the environment variable GDAL_CACHEMAX, in MB: an int in `rasterio.Env` would be bytes.
"""

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil

_STEPS = 8


def sigma(level: int) -> float:
    """Sigma of a level's kernel, by OpenCV's formula; its table for small kernels is another."""
    return 0.3 * (level - 1) + 0.8


def levels_of(mask: str) -> list[int]:
    """Levels above 0 that a mask holds; a user would know them."""
    with rasterio.open(mask) as source:
        return [int(level) for level in source.tags()["LEVELS"].split() if level != "0"]


def gdal(out: str, finished: str, _: str, driver: str, options: dict[str, str]) -> None:
    """Copy pixels that are smooth already."""
    rasterio.shutil.copy(finished, out, driver=driver, **options)


def source(out: str, scene: str, _: str, driver: str, options: dict[str, str]) -> None:
    """Copy the scene itself, unsmoothed."""
    rasterio.shutil.copy(scene, out, driver=driver, **options)


def memory(out: str, scene: str, mask: str, driver: str, options: dict[str, str]) -> None:
    """Read all, smooth all by each kernel, choose, write all; the image as OpenCV has it, (y, x, band)."""
    import cv2

    with rasterio.open(scene) as source:
        pixels = np.ascontiguousarray(np.moveaxis(source.read(), 0, -1))
        keys = ("width", "height", "count", "dtype", "crs", "transform", "nodata")
        profile = {key: source.profile[key] for key in keys}
    with rasterio.open(mask) as source:
        levels = _STEPS - source.read(1)
    smooth = pixels.copy()
    for level in levels_of(mask):
        chosen = (levels == level).view(np.uint8)
        width = 2 * level + 1
        cv2.copyTo(cv2.GaussianBlur(pixels, (width, width), sigma(level)), chosen, smooth)
    with rasterio.open(out, "w", driver=driver, **profile, **options) as target:
        target.write(np.moveaxis(smooth, -1, 0))


def dask(out: str, scene: str, mask: str, driver: str, options: dict[str, str]) -> None:
    """Do the same lazily, chunk by chunk, into a GeoTIFF; GDAL makes the output of that."""
    import dask.array as da
    import rioxarray
    from dask_image.ndfilters import gaussian_filter

    chunks = {"band": -1, "y": 2048, "x": 2048}
    pixels: Any = rioxarray.open_rasterio(scene, chunks=chunks, lock=False)
    levels: Any = rioxarray.open_rasterio(mask, chunks=chunks, lock=False)
    levels = _STEPS - levels.data
    smooth = pixels.data
    for level in levels_of(mask):
        wide = sigma(level)
        blurred = gaussian_filter(pixels.data, (0, wide, wide), mode="mirror", truncate=level / wide)
        smooth = da.where(levels == level, blurred, smooth)
    stage = Path(out).with_name("stage.tif")
    pixels.copy(data=smooth).rio.to_raster(
        stage, lock=threading.Lock(), tiled=True, blockxsize=512, blockysize=512,
        compress="ZSTD", zstd_level=1, BIGTIFF="IF_SAFER",
    )  # fmt: skip
    rasterio.shutil.copy(stage, out, driver=driver, **options)
    stage.unlink()


def main() -> None:
    """Do what the command line says."""
    who, out, scene, mask, driver, *options = sys.argv[1:]
    run = {"gdal": gdal, "source": source, "memory": memory, "dask": dask}[who]
    run(out, scene, mask, driver, dict(option.split("=", 1) for option in options))


if __name__ == "__main__":
    main()
