"""Code the quantised tiles of an image as the stream of one JPEG."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg import stream
from geosal.formats.jpeg.huffman import HuffmanTables
from geosal.native.jpeg import code

_STUFFED = 1 / 256
"""Expected share of stuffed bytes: a byte 0xFF is followed by a zero, and byte values are about equally frequent."""


@dataclass(frozen=True, eq=False)
class Coder:
    """Codes the tiles of one image.

    Attributes
    ----------
    tables
        Quantisation steps, (2, 64).
    huffman
        Huffman tables of the whole image.
    bands
        1 or 3.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    """

    MOST_MCUS: ClassVar[int] = stream.MOST_RESTART_INTERVAL
    """Most MCUs between two restart markers."""
    END: ClassVar[bytes] = stream.END
    """Marker after the last coded block."""

    tables: NDArray[np.uint16]
    huffman: HuffmanTables
    bands: int
    subsampling: str

    def head(self, shape: tuple[int, int], restart_interval: int, segments: bytes) -> bytes:
        """Return all that precedes the coded blocks.

        Parameters
        ----------
        shape
            Rows and columns.
        restart_interval
            MCUs between restart markers.
        segments
            Application segments and comments, as they stand in the file; JFIF first.
        """
        text = stream.head(
            shape,
            stream.Tables(self.tables),
            self.huffman,
            bands=self.bands,
            subsampling=self.subsampling,
            restart_interval=restart_interval,
            jfif=not segments,
        )
        return text[: len(stream.START)] + segments + text[len(stream.START) :]

    def code(self, coefficients: NDArray[np.int16]) -> bytes:
        """Code the blocks between two restart markers."""
        return code(coefficients, self.huffman.codes)

    @staticmethod
    def restart(number: int) -> bytes:
        """Make the marker between two such segments, `number` counted from 0 on."""
        return stream.restart(number)


def coded_bytes(histogram: NDArray[np.integer[Any]]) -> int:
    """Return the bytes that symbols take with the best tables for them."""
    bits = HuffmanTables.of_tiles(histogram).bits(histogram)
    return round(bits / 8 * (1 + _STUFFED))
