"""Find the best Huffman tables for an image, within the limits of baseline JPEG.

Codes have 16 bits at most, and none is all ones (ITU-T T.81, C.2, and K.2, which shortens long codes by a rule of
thumb). The lengths have the least sum of bits; they are found by package-merge (Larmore and Hirschberg 1990), in
``native/jpeg_huffman.h``: for each length there is a list of the symbols and of the pairs of the list before it,
lightest first.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geosal.native.jpeg import LONGEST, huffman_codes, huffman_lengths, symbols

DC, AC = (0, 1), (2, 3)
"""Numbers of the tables, luma first."""
_TABLES, _SYMBOLS = 4, 256
_END_OF_BLOCK, _ZEROS = 0x00, 0xF0
_DC_SIZES = 12
_AC_SIZES = range(1, 11)
"""Bits of an AC coefficient in 8-bit baseline (T.81, tables F.1 and F.2)."""


@dataclass(frozen=True, eq=False)
class HuffmanTables:
    """Four tables: DC of luma and chroma, AC of luma and chroma.

    Attributes
    ----------
    lengths
        (4, 256) uint8: bits of the code of each symbol; 0 where it has none.
    """

    lengths: NDArray[np.uint8]

    @classmethod
    def optimal(cls, counts: NDArray[np.integer], *, complete: bool = False) -> Self:
        """Make the tables that code some symbols in the fewest bits.

        Parameters
        ----------
        counts
            (4, 256), as `symbols` counts them.
        complete
            Give a code to every symbol that a baseline JPEG can hold, also to those that were not counted.
        """
        whole: NDArray[np.int64] = np.asarray(counts, np.int64)
        return cls(huffman_lengths(np.maximum(whole, possible()) if complete else whole))

    @classmethod
    def of_tiles(cls, counts: NDArray[np.integer]) -> Self:
        """Make the best tables for tiles that were counted one by one.

        Side by side, their first blocks have other differences of DC, so every size of it gets a code.
        """
        dc = possible()
        dc[list(AC)] = 0
        return cls.optimal(np.maximum(counts, dc))

    @classmethod
    def of(cls, coefficients: NDArray[np.int16]) -> Self:
        """Make the best tables for the blocks of one segment; DC is predicted through all its MCU rows."""
        rows, cols, *rest = coefficients.shape
        return cls.optimal(symbols(coefficients.reshape(1, rows * cols, *rest)))

    @cached_property
    def _made(self) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        return huffman_codes(self.lengths)

    @property
    def codes(self) -> NDArray[np.uint32]:
        """(4, 256): code times 256 plus its length, as `code` takes them."""
        return self._made[0]

    def listed(self, table: int) -> bytes:
        """Return how many codes of a table have 1, 2 … 16 bits, and its symbols by these lengths (T.81, B.2.4.2)."""
        listed = bytes(self._made[1][table])
        return listed[: LONGEST + sum(listed[:LONGEST])]

    def bits(self, counts: NDArray[np.integer]) -> int:
        """Return the bits of some symbols, with those of the magnitudes that follow them, without stuffed bytes."""
        magnitudes = np.arange(_SYMBOLS) % 16
        return int((counts.astype(np.int64) * (self.lengths + magnitudes)).sum())


def possible() -> NDArray[np.int64]:
    """Return 1 for each symbol that a baseline JPEG of 8 bits can hold, (4, 256)."""
    found = np.zeros((_TABLES, _SYMBOLS), np.int64)
    found[list(DC), :_DC_SIZES] = 1
    for size in _AC_SIZES:
        found[list(AC), size::16] = 1
    found[list(AC), _END_OF_BLOCK] = found[list(AC), _ZEROS] = 1
    return found
