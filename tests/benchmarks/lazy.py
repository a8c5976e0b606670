"""What writing a lazy array costs beside computing it and encoding it: wall and CPU in one run.

``python tests/benchmarks/lazy.py --size 6000 --repeat 3``. The source is a patchwork of blurred noise in a tiled
GeoTIFF, opened by rioxarray in chunks and smoothed lazily; `dask.compute` of it, and writing what came of that, are the
two costs that writing the lazy array is held against.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import dask.array as da
import numpy as np
import rasterio
import rioxarray
import xarray as xr
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

import geosal

_Result = TypeVar("_Result")
CHUNK = 1024


def measured(call: Callable[[], _Result]) -> tuple[_Result, float, float]:
    """What a call returns, and its seconds of wall clock and of CPU."""
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = call()
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    return result, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_source(path: Path, size: int) -> None:
    """Write three bands of bytes."""
    rng = np.random.default_rng(0)
    profile = {"driver": "GTiff", "count": 3, "height": size, "width": size, "dtype": "uint8", "crs": "EPSG:32631"}
    place = from_origin(5e5, 5e6, 10, 10)
    with rasterio.open(path, "w", **profile, transform=place, tiled=True, compress="zstd") as dataset:
        for band in dataset.indexes:
            waves = gaussian_filter(rng.normal(size=(size, size)).astype(np.float32), 12)
            grain = rng.normal(size=(size, size)).astype(np.float32)
            dataset.write(np.clip(waves / waves.std() * 40 + 120 + 3 * grain, 0, 255).astype(np.uint8), band)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--profile", default="zstd")
    wish = parser.parse_args()
    squares = np.indices((wish.size, wish.size)).sum(axis=0) // 500 % 5 / np.float32(4)
    with tempfile.TemporaryDirectory() as folder:
        source, of_memory, of_lazy = (Path(folder) / name for name in ("in.tif", "memory.tif", "lazy.tif"))
        write_source(source, wish.size)

        def lazy() -> xr.DataArray:
            scene = rioxarray.open_rasterio(source, chunks={"band": -1, "y": CHUNK, "x": CHUNK})
            return geosal.smooth(scene, xr.DataArray(da.from_array(squares, chunks=CHUNK), dims=("y", "x")))

        for _ in range(wish.repeat):
            computed, *compute = measured(lambda: lazy().compute())
            _, *encode = measured(partial(geosal.write, computed, of_memory, profile=wish.profile, overwrite=True))
            _, *write = measured(lambda: geosal.write(lazy(), of_lazy, profile=wish.profile, overwrite=True))
            for name, a, b, c in zip(("wall", "CPU"), compute, encode, write, strict=True):
                sys.stdout.write(
                    f"{name}: compute {a:.2f} s + encode {b:.2f} s, lazy write {c:.2f} s, ratio {c / (a + b):.2f}\n"
                )
        assert of_memory.read_bytes() == of_lazy.read_bytes()


if __name__ == "__main__":
    main()
