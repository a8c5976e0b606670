"""Check that GDAL decodes all tiles of a finished file."""

from collections.abc import Iterator

import numpy as np
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geosal.core.grid import Block, Grid

_BLOCK_BYTES = 64 * 2**20
"""Bytes that are decoded at once."""
_STRIP_BYTES = 32 * 2**20
"""Bytes that are decoded at once where rows are decoded one after the other."""

_ELSEWHERE = "See previous exception for details"


def undecodable(dataset: DatasetReader, where: str = "") -> Iterator[str]:
    """Decode the whole image and its mask, block by block; report the first block that cannot be decoded.

    Parameters
    ----------
    dataset
        The image, or one of its overviews.
    where
        Text before the block in the message.
    """
    sample_bytes = dataset.count * np.dtype(dataset.dtypes[0]).itemsize
    size = max(512, int((_BLOCK_BYTES / sample_bytes) ** 0.5) // 1024 * 1024)
    for block in Grid(None, dataset.transform, dataset.height, dataset.width).blocks(size):
        fault = fault_of_block(dataset, block)
        if fault is not None:
            yield where + (_fault_of_tile(dataset, block) or fault)
            return


def _fault_of_tile(dataset: DatasetReader, block: Block) -> str | None:
    """Find the first tile of a block that cannot be decoded; None where each of them can, alone."""
    height, width = dataset.block_shapes[0]
    for row in range(block.row_off // height, -(-(block.row_off + block.height) // height)):
        for col in range(block.col_off // width, -(-(block.col_off + block.width) // width)):
            top, left = row * height, col * width
            tile = Block(top, left, min(height, dataset.height - top), min(width, dataset.width - left))
            if (fault := fault_of_block(dataset, tile)) is not None:
                return f"tile {row}, {col}: {fault}"
    return None


def undecodable_rows(dataset: DatasetReader) -> Iterator[str]:
    """Decode the whole image and its mask once, from top to bottom, as formats without tiles are decoded.

    The first rows that cannot be decoded are reported.
    """
    rows = max(16, _STRIP_BYTES // (dataset.width * dataset.count * np.dtype(dataset.dtypes[0]).itemsize))
    for top in range(0, dataset.height, rows):
        fault = fault_of_block(dataset, Block(top, 0, min(rows, dataset.height - top), dataset.width))
        if fault is not None:
            yield fault
            return


def fault_of_last_tile(dataset: DatasetReader) -> str | None:
    """Decode the tile at the lower right, which is written last; report what is wrong."""
    height, width = dataset.block_shapes[0]
    row, col = (dataset.height - 1) // height * height, (dataset.width - 1) // width * width
    return fault_of_block(dataset, Block(row, col, dataset.height - row, dataset.width - col))


def fault_of_block(dataset: DatasetReader, block: Block) -> str | None:
    """Decode a block and its mask; report what is wrong."""
    try:
        dataset.read(window=block.window)
        dataset.read_masks(1, window=block.window)
    except (RasterioError, OSError, SystemError) as error:
        cause = _cause(error)
        return f"{block} cannot be decoded" + (f" ({cause})" if cause else "")
    return None


def _cause(error: BaseException) -> str:
    """Return what GDAL says of an error: rasterio's own words point to the exception before it."""
    if _ELSEWHERE not in str(error):
        return str(error)
    return "" if error.__cause__ is None else _cause(error.__cause__)
