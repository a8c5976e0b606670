"""Huffman tables: the least bits that codes of 16 bits can have, in a form that decoders take."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.formats.jpeg.huffman import HuffmanTables, possible


def least_bits(weights: list[int]) -> int:
    """By trying, length by length, how many codes to give out; one code more than there are symbols is kept free."""
    heaviest = [*sorted(weights, reverse=True), 0]

    @cache
    def rest(length: int, given_out: int, free: int) -> float:
        if given_out == len(heaviest):
            return 0
        if length > 16:
            return math.inf
        most = min(free, len(heaviest) - given_out)
        # Whatever has no code of this length has one bit more.
        return min(
            sum(heaviest[given_out + n :]) + rest(length + 1, given_out + n, min(2 * (free - n), len(heaviest)))
            for n in range(most + 1)
        )

    return int(rest(0, 0, 1))


def counts_of(weights: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    counts = np.zeros((4, 256), np.int64)
    counts[2, : len(weights)] = weights
    return counts


def check_codes(tables: HuffmanTables) -> None:
    for table in range(4):
        codes = [(int(code) >> 8, int(code) & 255) for code in tables.codes[table] if code]
        texts = sorted(f"{code:0{length}b}" for code, length in codes)
        assert all(not later.startswith(one) for one, later in pairwise(texts))
        assert all("0" in text and len(text) <= 16 for text in texts)
        lengths, listed = tables.listed(table)[:16], tables.listed(table)[16:]
        assert sum(lengths) == len(texts) == len(listed)
        by_length = sorted((length, symbol) for symbol, length in enumerate(tables.lengths[table].tolist()) if length)
        assert [symbol for _, symbol in by_length] == list(listed)
        assert list(lengths) == [sum(length == n for length, _ in by_length) for n in range(1, 17)]


@given(weights=st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_codes_take_the_least_bits(weights: list[int]) -> None:
    tables = HuffmanTables.optimal(counts_of(weights))
    check_codes(tables)
    assert int((tables.lengths[2, : len(weights)].astype(int) * weights).sum()) == least_bits(weights)


@pytest.mark.parametrize("ratio", [1.62, 2, 3])
def test_codes_end_at_16_bits(ratio: float) -> None:
    weights = [int(ratio**n) + 1 for n in range(24)]
    tables = HuffmanTables.optimal(counts_of(weights))
    check_codes(tables)
    assert tables.lengths.max() == 16
    assert int((tables.lengths[2, :24].astype(int) * weights).sum()) == least_bits(weights)


def test_complete_tables_code_all_that_baseline_can_hold() -> None:
    counts = np.zeros((4, 256), np.uint32)
    counts[0, 3] = counts[2, 0x11] = 2**31
    tables = HuffmanTables.optimal(counts, complete=True)
    check_codes(tables)
    np.testing.assert_array_equal(tables.lengths > 0, possible() > 0)
    assert possible().sum(axis=1).tolist() == [12, 12, 162, 162]
    assert tables.lengths[0, 3] == tables.lengths[2, 0x11] == 1
    assert not HuffmanTables.optimal(np.zeros((4, 256), np.uint32)).lengths.any()


def test_bits_are_counted_with_magnitudes() -> None:
    counts = counts_of([5, 4, 3])
    assert HuffmanTables.optimal(counts).bits(counts) == least_bits([5, 4, 3]) + 4 * 1 + 3 * 2
