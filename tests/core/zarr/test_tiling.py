"""Strips are rows of a chunk that hold whole units of it; what cannot be cut is decoded whole, and kept."""

from dataclasses import replace

import numpy as np
import pytest

from geosal.core.zarr.coding import Coding
from geosal.core.zarr.tiling import Cut, Planes, kept_bytes, tile_of

MIB = 2**20
CODING = Coding(dtype=np.dtype("u2"), chunks=(10980, 10980), plain="blosc", meta={})


@pytest.mark.parametrize(
    ("chunks", "shape", "unit", "plain", "rows"),
    [
        ((10980, 10980), (10980, 10980), 1, "raw", 286),  # one chunk: any number of rows
        ((5490, 5490), (10980, 10980), 2**18, "blosc", 549),  # several: a part of its rows
        ((5479, 5479), (10958, 10958), 2**18, "blosc", 5479),  # a prime
        ((10980, 10980), (10980, 10980), 12 * MIB, "blosc", 1145),  # two units
        ((5490, 5490), (10980, 10980), 40 * MIB, "blosc", 5490),  # a unit is most of the chunk
        ((5490, 5490), (10980, 10980), 1, "", 5490),  # no parts
    ],
)
def test_rows_of_a_tile(chunks: tuple[int, int], shape: tuple[int, int], unit: int, plain: str, rows: int) -> None:
    coding = replace(CODING, chunks=chunks, unit=unit, plain=plain)
    planes = Planes(shape, 0, 1)
    assert tile_of(coding, planes) == (rows, chunks[1])
    cut = Cut(shape, (rows, chunks[1]))
    assert sum(cut.block(n).height * cut.block(n).width for n in range(np.prod(cut.across))) == np.prod(shape)
    each = rows * chunks[1] * 2
    assert kept_bytes(coding, planes) == (0 if each <= 12 * MIB else each * min(2, cut.across[0]) * cut.across[1])
