"""A part of a chunk is what decoding the whole has there; a shard that is cut off is told."""

import struct
from pathlib import Path

import numcodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.core.zarr.kept import Span
from geosal.core.zarr.parts import blosc_part, in_shard
from geosal.core.zarr.sums import crc32c


@given(
    data=st.data(),
    kind=st.sampled_from(["u1", "u2", "f8"]),
    count=st.integers(1, 30_000),
    size=st.sampled_from([0, 512, 4096]),
)
@settings(max_examples=60, deadline=None)
def test_a_part_of_a_blosc_chunk(tmp_path_factory, data, kind, count, size) -> None:
    values = (np.arange(count) // 7 * 3 % 251).astype(kind)
    coded = numcodecs.Blosc("zstd", 3, data.draw(st.sampled_from([0, 1, 2])), blocksize=size).encode(values)
    path = tmp_path_factory.getbasetemp() / "blosc.bin"
    path.write_bytes(b"xx" + coded)
    first = data.draw(st.integers(0, values.nbytes - 1))
    length = data.draw(st.integers(1, values.nbytes - first))
    found = blosc_part(Span(str(path), 2, len(coded)), first, length, values.nbytes)
    assert found == values.tobytes()[first : first + length]


def test_a_chunk_beyond_its_shard_is_cut_off(tmp_path: Path) -> None:
    table = struct.pack("<4Q", 0, 9, 9, 500)
    content = bytes(20) + table + crc32c(table).to_bytes(4, "little")
    path = tmp_path / "shard"
    path.write_bytes(b"xx" + content)
    span = Span(str(path), 2, len(content))
    assert in_shard(span, (0, 0), (1, 2), "end") == Span(str(path), 2, 9)
    with pytest.raises(ValueError, match="cut off"):
        in_shard(span, (0, 1), (1, 2), "end")
