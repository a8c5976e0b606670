"""Make a complete JPEG of a small image."""

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg import stream
from geosal.formats.jpeg.huffman import HuffmanTables
from geosal.native.jpeg import code


def whole_jpeg(
    coefficients: NDArray[np.int16],
    shape: tuple[int, int],
    tables: stream.Tables,
    subsampling: str,
    *,
    jfif: bool = True,
    huffman: HuffmanTables | None = None,
) -> bytes:
    """Put together a JPEG without restart markers.

    Parameters
    ----------
    coefficients
        (MCU rows, MCUs, blocks, 64), as `quantised` gives them.
    shape
        Rows and columns of the image.
    tables
        The quantisation tables that were used.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    jfif
        With the header of JFIF; a JPEG in a TIFF has none.
    huffman
        Huffman tables that have all its symbols; the best ones when None.
    """
    huffman = huffman or HuffmanTables.of(coefficients)
    bands = 1 if coefficients.shape[2] == 1 else 3
    head = stream.head(shape, tables, huffman, bands=bands, subsampling=subsampling, jfif=jfif)
    return head + code(coefficients, huffman.codes) + stream.END
