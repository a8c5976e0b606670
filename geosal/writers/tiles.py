"""Whether a TIFF holds every tile that its header promises.

GDAL's compressing threads keep silent when the disk is full: the file closes without an error, and reads as zeros where
tiles are missing.
"""

import os
from collections.abc import Iterator

from rasterio.io import DatasetReader


def missing_tiles(dataset: DatasetReader) -> Iterator[str]:
    """Tell of each tile of a TIFF that is not, or not wholly, in the file; nothing for other formats."""
    if dataset.driver != "GTiff":
        return
    extents: list[tuple[int, int, str]] = []
    for band, row, col in _tiles(dataset):
        name = f"tile {col}, {row} of band {band}"
        offset, length = (
            dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE")
        )
        if offset and length:
            extents.append((int(offset), int(offset) + int(length), name))
        else:
            yield f"{name} is missing"
    extents.sort()
    end_of_file = os.path.getsize(dataset.name) if os.path.isfile(dataset.name) else extents[-1][1] if extents else 0
    limits = [*(begin for begin, _, _ in extents[1:]), end_of_file]
    for (_, end, name), limit in zip(extents, limits, strict=True) if extents else ():
        if end > limit:
            yield f"{name} is cut off"


def _tiles(dataset: DatasetReader) -> Iterator[tuple[int, int, int]]:
    """Band, row and column of each tile; band 1 stands for all where they share tiles."""
    height, width = dataset.block_shapes[0]
    planar = dataset.interleaving is not None and dataset.interleaving.name == "band"
    for band in dataset.indexes if planar else (1,):
        for row in range(-(-dataset.height // height)):
            for col in range(-(-dataset.width // width)):
                yield band, row, col
