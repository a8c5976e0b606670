"""Check that a file holds all tiles of its header.

GDAL's compressing threads keep silent when the disk is full: the file closes without an error, and reads as zeros where
tiles are missing.
"""

import os
import warnings
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from geosal.core.gdal_env import gdal_env


def fault_of_tiles(path: Path) -> str | None:
    """Open a file that was just written, and report the first tile of a TIFF that is not completely in it."""
    quiet = warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning)
    try:
        with gdal_env(), quiet, rasterio.open(path) as dataset:
            return next(missing_tiles(dataset), None)
    except (RasterioError, OSError) as error:
        return str(error)


def missing_tiles(dataset: DatasetReader) -> Iterator[str]:
    """Report each tile of a TIFF that is not, or not completely, in the file; nothing for other formats."""
    if dataset.driver != "GTiff":
        return
    begins, ends, numbers = array("q"), array("q"), array("q")
    for number, (band, row, col) in enumerate(_tiles(dataset)):
        offset, length = (
            dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE")
        )
        if offset and length:
            begins.append(int(offset))
            ends.append(int(offset) + int(length))
            numbers.append(number)
        else:
            yield f"tile {col}, {row} of band {band} is missing"
    if not numbers:
        return
    end_of_file = os.path.getsize(dataset.name) if os.path.isfile(dataset.name) else max(ends)
    order = np.argsort(np.frombuffer(begins, np.int64), kind="stable")
    limits = np.append(np.frombuffer(begins, np.int64)[order[1:]], end_of_file)
    cut = set(np.frombuffer(numbers, np.int64)[order[np.frombuffer(ends, np.int64)[order] > limits]].tolist())
    for number, (band, row, col) in enumerate(_tiles(dataset) if cut else ()):
        if number in cut:
            yield f"tile {col}, {row} of band {band} is cut off"


def _tiles(dataset: DatasetReader) -> Iterator[tuple[int, int, int]]:
    """Yield band, row and column of each tile; band 1 stands for all where they share tiles."""
    height, width = dataset.block_shapes[0]
    planar = dataset.interleaving is not None and dataset.interleaving.name == "band"
    for band in dataset.indexes if planar else (1,):
        for row in range(-(-dataset.height // height)):
            for col in range(-(-dataset.width // width)):
                yield band, row, col
