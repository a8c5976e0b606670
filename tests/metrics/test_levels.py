"""Sums of blocks, level by level, against those of whole images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import damaged, picture

from geosal.errors import UsageError
from geosal.metrics import ALIGNMENT, HALO, ErrorSums, StructureSums, sum_by_level

DTYPES = {"uint8": 255, "uint16": 65535, "float64": 0.5}


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(170, 330), st.integers(170, 330)),
    block=st.integers(1, 12),
    dtype=st.sampled_from(["uint8", "uint16", "float64"]),
    hole=st.sampled_from([None, 0.0001, 0.01]),
    leveled=st.booleans(),
)
def test_blocks_do_not_show(shape: tuple[int, int], block: int, dtype: str, hole: float | None, leveled: bool) -> None:
    rng = np.random.default_rng(shape[0])
    first = picture(shape, dtype)
    second = damaged(first)
    valid = None if hole is None else rng.random(shape) >= hole
    levels = np.kron(rng.integers(0, 3, (34, 34), dtype=np.uint8), np.ones((10, 10), np.uint8))[: shape[0], : shape[1]]
    errors, structure = [ErrorSums()] * 3, [StructureSums()] * 3
    side = block * ALIGNMENT
    for row in range(0, shape[0], side):
        for col in range(0, shape[1], side):
            stops = min(row + side, shape[0]), min(col + side, shape[1])
            outer = slice(max(0, row - HALO), stops[0] + HALO), slice(max(0, col - HALO), stops[1] + HALO)
            inside = tuple(
                slice(start - out.start, stop - out.start)
                for start, stop, out in zip((row, col), stops, outer, strict=True)
            )
            part = sum_by_level(
                first[outer],
                second[outer],
                DTYPES[dtype],
                (inside[0], inside[1]),
                valid=None if valid is None else valid[outer],
                levels=levels[row : stops[0], col : stops[1]] if leveled else None,
                count=3,
            )
            errors = [a + b for a, b in zip(errors, part[0], strict=True)]
            structure = [a + b for a, b in zip(structure, part[1], strict=True)]
    everywhere = np.ones(shape, np.bool_) if valid is None else valid
    for level in range(3):
        where = levels == level if leveled else np.full(shape, level == 0)
        whole = StructureSums.of(first, second, DTYPES[dtype], valid=valid, where=where)
        assert structure[level].windows == whole.windows
        assert structure[level].similarity == pytest.approx(whole.similarity, rel=1e-11, abs=1e-9)
        assert structure[level].contrast == pytest.approx(whole.contrast, rel=1e-11, abs=1e-9)
        exact = ErrorSums.of(first, second, where & everywhere)
        assert errors[level].count == exact.count
        assert errors[level].squared == pytest.approx(exact.squared, rel=1e-12)


def test_blocks_must_be_aligned() -> None:
    image = picture((100, 100))
    with pytest.raises(UsageError, match="multiples of 16"):
        sum_by_level(image, image, 255, (slice(8, 100), slice(0, 100)))
    with pytest.raises(UsageError, match="multiples of 16"):
        sum_by_level(image, image, 255, (slice(0, 90), slice(0, 100)))
