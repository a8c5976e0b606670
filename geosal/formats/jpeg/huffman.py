"""Find the best Huffman tables for an image, within the limits of baseline JPEG.

Codes have 16 bits at most, and none is all ones (ITU-T T.81, C.2, and K.2, which shortens long codes by a rule of
thumb). The lengths have the least sum of bits; they are found by package-merge (Larmore and Hirschberg 1990): for
each length there is a list of the symbols and of the pairs of the list before it, lightest first.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geosal.native.jpeg import symbols

DC, AC = (0, 1), (2, 3)
"""Numbers of the tables, luma first."""
_TABLES, _SYMBOLS, _LONGEST = 4, 256, 16
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
        counts = np.asarray(counts, np.int64)
        return cls(np.stack([_lengths(each) for each in (np.maximum(counts, possible()) if complete else counts)]))

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
    def _values(self) -> tuple[list[int], ...]:
        orders = (np.argsort(lengths, kind="stable")[np.count_nonzero(lengths == 0) :] for lengths in self.lengths)
        return tuple(order.tolist() for order in orders)

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """(4, 256): code times 256 plus its length, as `code` takes them."""
        codes = np.zeros((_TABLES, _SYMBOLS), np.uint32)
        for table in range(_TABLES):
            value = length = 0
            for symbol in self.values(table):
                value <<= int(self.lengths[table, symbol]) - length
                length = int(self.lengths[table, symbol])
                codes[table, symbol] = value << 8 | length
                value += 1
        return codes

    def values(self, table: int) -> list[int]:
        """Return the symbols of a table, sorted by the lengths of their codes (T.81, HUFFVAL)."""
        return self._values[table]

    def of_each_length(self, table: int) -> bytes:
        """Return how many codes have 1, 2 … 16 bits (T.81, BITS)."""
        return bytes(np.bincount(self.lengths[table], minlength=_LONGEST + 1)[1:].tolist())

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


def _lengths(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the bits of each symbol of a table by package-merge; a symbol without weight gets the code of all ones."""
    lengths = np.zeros(_SYMBOLS, np.uint8)
    used = np.flatnonzero(counts)
    if not used.size:
        return lengths
    used = used[np.argsort(counts[used], kind="stable")]
    leaves = np.concatenate([[0], counts[used]])
    lists = [np.ones(leaves.size, np.bool_)]  # of each length, which items are symbols
    weights = leaves
    for _ in range(_LONGEST - 1):
        pairs = weights[: weights.size // 2 * 2].reshape(-1, 2).sum(axis=1)
        both = np.concatenate([leaves, pairs])
        order = np.argsort(both, kind="stable")
        weights = both[order]
        lists.append(order < leaves.size)
    taken = 2 * (leaves.size - 1)
    depth = np.zeros(leaves.size, np.int64)
    for is_symbol in reversed(lists):
        chosen = int(is_symbol[:taken].sum())
        depth[:chosen] += 1  # the lightest ones
        taken = 2 * (taken - chosen)
    lengths[used] = depth[1:]
    return lengths
