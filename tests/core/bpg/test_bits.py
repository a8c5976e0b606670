"""Numbers of HEVC and BPG: what is written is read again, and what was cut off is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.core.bpg.bits import BitReader, BitWriter, read_ue7, stuffed, ue7, unstuffed

_NUMBERS = st.lists(st.tuples(st.sampled_from(["write", "unsigned", "signed"]), st.integers(-(2**31) + 1, 2**31 - 1)))


@given(_NUMBERS)
def test_numbers_come_back(numbers: list[tuple[str, int]]) -> None:
    bits = BitWriter()
    for kind, number in numbers:
        if kind == "write":
            bits.write(abs(number), 32)
        else:
            getattr(bits, kind)(abs(number) if kind == "unsigned" else number)
    reader = BitReader(bits.done())
    for kind, number in numbers:
        found = reader.read(32) if kind == "write" else getattr(reader, kind)()
        assert found == (number if kind == "signed" else abs(number))
    assert reader.flag()  # the stop bit


@pytest.mark.parametrize(("bits", "number"), [("1", 0), ("010", 1), ("011", 2), ("00111", 6), ("0001000", 7)])
def test_codes_are_those_of_the_recommendation(bits: str, number: int) -> None:
    """ITU-T H.265, table 9-2."""
    assert BitReader(int(bits.ljust(8, "0"), 2).to_bytes(1, "big")).unsigned() == number


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\0\0\1\0\0\0\0\0\0"])
def test_a_number_that_is_cut_off_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut off|too large"):
        BitReader(data).unsigned()


@given(st.binary(max_size=40).map(lambda data: data.translate(bytes(value % 5 for value in range(256)))))
def test_nothing_in_a_unit_looks_like_a_start_code(data: bytes) -> None:
    found = stuffed(data)
    assert not any(mark in found for mark in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unstuffed(found) == data or data.endswith(b"\0\0")


@pytest.mark.parametrize(("data", "number"), [(b"\x08", 8), (b"\x84\x1e", 542), (b"\xac\xbe\x17", 728855)])
def test_ue7_is_that_of_the_specification(data: bytes, number: int) -> None:
    assert ue7(number) == data
    assert read_ue7(b"x" + data, 1) == (number, 1 + len(data))


@given(st.integers(0, 2**32 - 1), st.binary(max_size=3))
def test_ue7_comes_back(number: int, rest: bytes) -> None:
    assert read_ue7(ue7(number) + rest, 0) == (number, len(ue7(number)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off"),
        (b"\x81", "cut off"),
        (b"\x80\x01", "longer than"),
        (b"\xff" * 5, "large"),
        (ue7(2**32), "large"),
    ],
)
def test_bad_ue7_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_ue7(data, 0)
