"""Parts of a chunk in its file: by the index of a shard, of plain bytes, and of Blosc's blocks.

A chunk of Blosc is a row of blocks that are compressed apart. A strip of a chunk is decoded from the blocks that hold
it: products have chunks of hundreds of megabytes. The layout is that of c-blosc 1: a header of 16 bytes (version, its
codec's, flags, size of a sample, bytes, bytes of a block, bytes of the chunk), the place of each block, and the blocks.
"""

import math
import struct
from collections.abc import Iterator, Sequence

import numpy as np

from geosal.core.zarr.kept import KEPT, Span
from geosal.core.zarr.sums import ABSENT, crc32c
from geosal.files.addresses import is_remote

_HEADER = struct.Struct("<4B3I")
"""Versions, flags, size of a sample; bytes, bytes of a block, bytes of the chunk."""
_ENTRY, _SUM = struct.Struct("<2Q"), 4
"""Offset and length of a chunk in a shard's index, and bytes of the sum behind it."""
_COPIED = 2
"""Flag of a Blosc chunk whose bytes are not compressed."""
_PLACE = 4


def in_shard(span: Span, place: tuple[int, ...], per: tuple[int, ...], index: str) -> Span | None:
    """Return where a chunk of a shard lies by the index: its offset and length, and a CRC-32C of them all.

    None where it is missing.

    Raises
    ------
    ValueError
        The index is damaged, or the shard is cut off.
    """
    length = _ENTRY.size * math.prod(per)
    at = 0 if index == "start" else span.length - length - _SUM
    whole = next(iter(_read(span, [(at, length + _SUM)], alone=True)))
    table, told = whole[:length], whole[length:]
    if crc32c(table) != int.from_bytes(told, "little"):
        raise ValueError("the index of the shard is damaged")
    offset, size = _ENTRY.unpack_from(table, _ENTRY.size * int(np.ravel_multi_index(place, per)))
    if offset == size == ABSENT:
        return None
    if offset + size > span.length:
        raise ValueError("cut off")
    return Span(span.path, span.offset + offset, size)


def raw_part(span: Span, first: int, length: int, total: int) -> bytes:
    """Read bytes `first` to `first + length` of a chunk of `total` bytes that are not compressed.

    Raises
    ------
    ValueError
        It has another size.
    """
    if span.length != total:
        raise ValueError(f"{span.length} bytes, not {total}")
    return next(iter(_read(span, [(first, length)])))


def blosc_unit(span: Span) -> int:
    """Return the bytes that are decoded together of a Blosc chunk: those of a block, 1 where nothing is compressed.

    Raises
    ------
    ValueError
        It is damaged.
    """
    head = next(iter(_read(span, [(0, _HEADER.size)])))
    _, _, flags, _, size, block, _ = _HEADER.unpack(head)
    return 1 if flags & _COPIED else min(block, size)


def blosc_part(span: Span, first: int, length: int, total: int) -> bytes:
    """Decode bytes `first` to `first + length` of a Blosc chunk of `total` bytes.

    Raises
    ------
    ValueError, RuntimeError
        It is damaged.
    """
    from imagecodecs import blosc_decode  # noqa: PLC0415  slow to import

    if span.length < _HEADER.size:
        raise ValueError("cut off")
    head = next(iter(_read(span, [(0, _HEADER.size)])))
    version, of_codec, flags, item, size, block, packed = _HEADER.unpack(head)
    if size != total or not block or packed > span.length:
        raise ValueError(f"{size} bytes in {packed}, not {total} in {span.length}")
    if flags & _COPIED:
        return next(iter(_read(span, [(_HEADER.size + first, length)])))
    count = -(-size // block)
    low, high = first // block, -(-(first + length) // block)
    if high == count and low == high - 1 and low:  # a last block that is not whole cannot stand alone
        low -= 1
    table = next(iter(_read(span, [(_HEADER.size, _PLACE * count)])))
    starts = struct.unpack(f"<{count}I", table)
    ends = dict(zip(sorted(starts), [*sorted(starts)[1:], packed], strict=True))
    parts = list(_read(span, [(start, ends[start] - start) for start in starts[low:high]]))
    places = np.cumsum([_HEADER.size + _PLACE * len(parts), *map(len, parts)])
    some = min(high * block, size) - low * block
    again = _HEADER.pack(version, of_codec, flags, item, some, min(block, some), int(places[-1]))
    content = b"".join((again, struct.pack(f"<{len(parts)}I", *map(int, places[:-1])), *parts))
    decoded = bytes(blosc_decode(content, numthreads=1))
    if len(decoded) != some:
        raise ValueError(f"{len(decoded)} bytes, not {some}")
    return decoded[first - low * block :][:length]


def _read(span: Span, ranges: Sequence[tuple[int, int]], *, alone: bool = False) -> Iterator[bytes]:
    """Read ranges; `alone` says that no other bytes will be read soon."""
    if is_remote(span.path):
        for start, length in ranges:
            if start < 0 or length < 0 or start + length > span.length:
                raise ValueError("cut off")
            yield KEPT.part(span, start, length, alone=alone)
        return
    with open(span.path, "rb") as file:
        for start, length in ranges:
            if start < 0 or length < 0 or start + length > span.length:
                raise ValueError("cut off")
            file.seek(span.offset + start)
            yield file.read(length)
