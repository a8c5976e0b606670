"""The checksum of a shard's index is that of zarr-python's codec."""

import google_crc32c
from hypothesis import given
from hypothesis import strategies as st

from geosal.core.zarr.sums import crc32c


@given(st.binary(max_size=200))
def test_it_is_the_sum_of_a_trusted_library(content: bytes) -> None:
    assert crc32c(content) == google_crc32c.value(content)


def test_the_sum_of_rfc_3720() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA
