"""Which pixels of a tile are salient, in few bytes.

Masks are areas with outlines, so a bitmap is told by its edges, the columns in which a row changes: where a row has as
many edges as the one above, by how far each has moved (as in a fax), else by their distances. That takes a quarter
of what zlib makes of the bits of blobs. Noise has too many edges; there the bits themselves are shorter.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

_ALL, _BITS, _EDGES = b"a", b"b", b"e"
"""First byte: every pixel; bits; edges. No pixel is no byte."""
_MOST_EDGES = 32
"""Pixels for each edge below which bits are shorter."""
_LEVEL = 6
"""zlib's level."""


def pack(which: NDArray[np.bool_]) -> bytes:
    """Write which pixels (y, x) of a tile are salient; rows may have 2**15 pixels at most."""
    if not which.any():
        return b""
    if which.all():
        return _ALL
    rows, cols = which.shape
    changes = which.copy()
    changes[:, 1:] ^= which[:, :-1]
    at = np.flatnonzero(changes)
    if at.size * _MOST_EDGES > which.size:
        return _BITS + zlib.compress(np.packbits(which, axis=1).tobytes(), _LEVEL)
    row, col = np.divmod(at, cols)
    counts = np.bincount(row, minlength=rows)
    place = np.arange(at.size)
    begins = np.cumsum(counts) - counts
    left = np.where(place > begins[row], col[place - 1], 0)
    steps = col - np.where(_follows(counts)[row], col[place - counts[row]], left)
    return _EDGES + zlib.compress(_planes(counts) + _planes((steps << 1) ^ (steps >> 63)), _LEVEL)


def unpack(bitmap: bytes, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Read what `pack` has written, or anybody else, for a tile of `shape`.

    Raises
    ------
    ValueError
        It is no bitmap of that shape.
    """
    rows, cols = shape
    match bitmap[:1]:
        case b"":
            return np.zeros(shape, np.bool_)
        case kind if kind == _ALL and len(bitmap) == 1:
            return np.ones(shape, np.bool_)
        case kind if kind == _BITS:
            bits = _inflate(bitmap[1:], rows * -(-cols // 8))
            if len(bits) == rows * -(-cols // 8):
                packed = np.frombuffer(bits, np.uint8).reshape(rows, -1)
                return np.unpackbits(packed, axis=1, count=cols).view(np.bool_)
        case kind if kind == _EDGES:
            data = _inflate(bitmap[1:], 2 * rows + 2 * (rows * cols // _MOST_EDGES))
            if len(data) >= 2 * rows and len(data) % 2 == 0:
                return _between(_numbers(data[: 2 * rows]), _numbers(data[2 * rows :]), shape)
    raise ValueError(f"a bitmap is not of {rows} x {cols} pixels")


def _between(counts: NDArray[np.int64], coded: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Draw the pixels between edges."""
    if int(counts.sum()) != coded.size:
        raise ValueError("a bitmap has other edges than it says")
    steps = (coded >> 1) ^ -(coded & 1)
    ends = np.cumsum(counts)
    firsts = np.flatnonzero(~_follows(counts))  # of runs of rows that have as many edges
    for first, stop in zip(firsts, [*firsts[1:], counts.size], strict=True):
        number = counts[first]
        run = steps[ends[first] - number : ends[stop - 1]].reshape(stop - first, number)
        np.add.accumulate(run[0], out=run[0])
        np.add.accumulate(run, axis=0, out=run)
    at = np.repeat(np.arange(shape[0]), counts) * shape[1] + steps
    if ((steps < 0) | (steps >= shape[1])).any() or (np.diff(at) <= 0).any():
        raise ValueError("a bitmap has edges beside its rows, or out of order")
    changes = np.zeros(shape, np.uint8)
    changes.reshape(-1)[at] = 1
    return np.bitwise_xor.accumulate(changes, axis=1).view(np.bool_)


def _follows(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows have as many edges as the one above."""
    return np.concatenate([[False], counts[1:] == counts[:-1]])


def _planes(numbers: NDArray[np.int64]) -> bytes:
    """Write numbers below 2**16: all low bytes, and then the high ones, most of which are 0."""
    return (numbers & 255).astype(np.uint8).tobytes() + (numbers >> 8).astype(np.uint8).tobytes()


def _numbers(data: bytes) -> NDArray[np.int64]:
    low, high = np.frombuffer(data, np.uint8).reshape(2, -1).astype(np.int64)
    numbers: NDArray[np.int64] = low | high << 8
    return numbers


def _inflate(data: bytes, most: int) -> bytes:
    """Inflate a stream; a bomb gets no further than `most` bytes and one."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise ValueError(f"a bitmap does not unpack ({error})") from error
    if len(found) > most or not stream.eof or stream.unused_data:
        raise ValueError("a bitmap is too long, or cut off")
    return found
