"""Codestreams of tiles joined to one: other encoders' streams are the material, other decoders the oracle."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagecodecs import htj2k_decode, htj2k_encode, jpeg2k_decode, jpeg2k_encode

from geosal.core.jpeg2000 import END, TLM, CodestreamError
from geosal.formats.jpeg2000.codestream import COD, COM, QCD, Frame, parse

TILE = 64
RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (150, 131, 3), dtype=np.uint8)
PLACES = [(row, col) for row in range(0, 150, TILE) for col in range(0, 131, TILE)]


def part_1(pixels: np.ndarray, **options: object) -> bytes:
    return bytes(jpeg2k_encode(pixels, codecformat="j2k", reversible=True, numthreads=1, **options))


def part_15(pixels: np.ndarray, **options: object) -> bytes:
    return bytes(htj2k_encode(np.ascontiguousarray(pixels), reversible=True, rgb=True, resolutions=1, **options))


def tiles(encode, **options: object) -> list[bytes]:
    return [encode(PIXELS[row : row + TILE, col : col + TILE], **options) for row, col in PLACES]


def join(streams: list[bytes], order: list[int], first: int = 0) -> bytes:
    frame = Frame.of(streams[first], PIXELS.shape[:2], TILE)
    header, at = frame.main_header()
    parts = [(number, part) for number in order for part in frame.tile_parts_of(streams[number], number)]
    index = frame.index([(number, len(part)) for number, part in parts])
    return header[:at] + index + header[at + len(index) :] + b"".join(part for _, part in parts) + END


def markers(stream: bytes) -> list[int]:
    return [segment.marker for segment in parse(stream).header]


@given(order=st.permutations(range(len(PLACES))))
def test_any_order_decodes_to_the_same(order: list[int]) -> None:
    np.testing.assert_array_equal(jpeg2k_decode(join(STREAMS, order)), PIXELS)


STREAMS = tiles(part_1, resolutions=1)


@given(order=st.permutations(range(len(PLACES))))
def test_any_order_of_htj2k(order: list[int]) -> None:
    joined = join(HT_STREAMS, order)
    np.testing.assert_array_equal(htj2k_decode(joined), PIXELS)
    np.testing.assert_array_equal(jpeg2k_decode(joined), PIXELS)


HT_STREAMS = tiles(part_15)


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_tiles_that_differ_say_so_themselves(first: int) -> None:
    """OpenJPEG takes resolutions away from thin tiles: whichever gives the main header, all must decode."""
    streams = tiles(part_1, resolutions=5)
    joined = join(streams, list(range(len(streams))), first)
    np.testing.assert_array_equal(jpeg2k_decode(joined), PIXELS)
    assert len({stream[: stream.index(b"\xff\x90")][-60:] for stream in streams}) > 1
    own = [{segment.marker for segment in part.header} & {COD, QCD} for part in parse(joined).parts]
    assert own[first] == set()
    assert {COD, QCD} in own


def test_tile_parts_keep_together() -> None:
    streams = tiles(part_15, tilepart=1)
    assert len(parse(streams[0]).parts) > 1
    joined = join(streams, [8, 0, 3, 1, 2, 4, 5, 7, 6])
    np.testing.assert_array_equal(htj2k_decode(joined), PIXELS)
    assert len(parse(joined).parts) == len(streams) * len(parse(streams[0]).parts)


def test_the_index_tells_where_tiles_are() -> None:
    order = [4, 8, 0, 3, 1, 2, 5, 7, 6]
    joined = join(STREAMS, order)
    (tlm,) = [segment.body for segment in parse(joined).header if segment.marker == TLM]
    assert tlm[:2] == b"\0\x60"
    entries = list(struct.iter_unpack(">HI", tlm[2:]))
    assert [number for number, _ in entries] == order
    place = joined.index(b"\xff\x90\x00\x0a")
    for number, length in entries:
        assert struct.unpack_from(">HHHI", joined, place) == (0xFF90, 10, number, length)
        place += length
    assert joined[place:] == END


def test_an_index_that_would_be_wrong_becomes_a_comment() -> None:
    frame = Frame.of(STREAMS[0], PIXELS.shape[:2], TILE)
    whole, comment = frame.index([(0, 1)] * len(PLACES)), frame.index([(0, 1)])
    assert len(whole) == len(comment)
    assert struct.unpack_from(">HHH", comment) == (COM, len(comment) - 2, 1)


def test_a_large_image_has_several_indexes() -> None:
    frame = Frame.of(STREAMS[0], (TILE * 200, TILE * 110), TILE)
    text = frame.index([(number % 65535, 7) for number in range(22000)])
    heads, place = [], 0
    while place < len(text):
        marker, length, number, kind = struct.unpack_from(">HHBB", text, place)
        heads.append((marker, number, kind))
        place += 2 + length
    assert heads == [(TLM, 0, 0x60), (TLM, 1, 0x60), (TLM, 2, 0x60)]
    assert place == len(text) == 22000 * 6 + 3 * 6
    header, at = frame.main_header()
    assert markers(header + STREAMS[0][STREAMS[0].index(b"\xff\x90") :]).count(COM) > 2  # not filled yet
    assert len(header) > at + len(text)


def test_more_tiles_than_can_be_counted() -> None:
    Frame.of(STREAMS[0], (TILE, TILE * 65535), TILE)
    with pytest.raises(CodestreamError, match="65536 tiles"):
        Frame.of(STREAMS[0], (TILE * 2, TILE * 32768), TILE)


def test_a_tile_of_another_kind_is_refused() -> None:
    frame = Frame.of(STREAMS[0], PIXELS.shape[:2], TILE)
    for other in (part_1(PIXELS[:TILE, :TILE, 0]), part_1(PIXELS[:TILE, :TILE].astype(np.uint16)), HT_STREAMS[0]):
        with pytest.raises(CodestreamError, match="other samples"):
            list(frame.tile_parts_of(other, 0))


@given(cut=st.integers(0, 400))
def test_what_is_cut_off_is_refused(cut: int) -> None:
    for stream in (STREAMS[0], HT_STREAMS[0]):
        with pytest.raises(CodestreamError):
            parse(stream[:cut])
        with pytest.raises(CodestreamError):
            parse(stream[: len(stream) - 1 - cut])


@given(noise=st.binary(max_size=60), place=st.integers(0, 200))
def test_a_damaged_head_is_refused_or_harmless(noise: bytes, place: int) -> None:
    stream = STREAMS[0][:place] + noise + STREAMS[0][place + len(noise) :]
    try:
        found = parse(stream)
    except CodestreamError:
        return
    # Every byte belongs to one marker or one tile-part: nothing is read twice, passed over, or from beyond the end.
    taken = 2 + sum(len(segment.encode()) for segment in found.header) + len(END)
    for part in found.parts:
        taken += 12 + sum(len(segment.encode()) for segment in part.header) + 2 + len(part.data)
    assert taken == len(stream)
