"""NAL units of HEVC (ITU-T H.265, 7.3.1): cut out of a stream, named, and put into one; their content is bytes here."""

import re
from collections.abc import Sequence

IDR, VIDEO, SEQUENCE, PICTURE = frozenset({19, 20}), 32, 33, 34
"""Types of units: slices of a picture that needs no other, and the three parameter sets."""
START = b"\0\0\1"
_START = re.compile(START)


def units(data: bytes) -> list[bytes]:
    """Cut a stream at its start codes; whatever precedes the first is dropped."""
    marks = [mark.end() for mark in _START.finditer(data)]
    ends = [mark - len(START) for mark in marks[1:]]
    found = [data[begin:end].rstrip(b"\0") for begin, end in zip(marks, [*ends, len(data)], strict=False)]
    return [unit for unit in found if len(unit) > 2]


def kind_of(unit: bytes) -> int:
    """Return the type of a unit."""
    return unit[0] >> 1 & 63


def layer_of(unit: bytes) -> int:
    """Return the layer of a unit: 0, or 1 for alpha in a BPG."""
    return (unit[0] & 1) << 5 | unit[1] >> 3


def in_layer(unit: bytes, layer: int) -> bytes:
    """Return a unit in another layer, up to 31."""
    return bytes([unit[0] & 0xFE, layer << 3 | unit[1] & 7]) + unit[2:]


def unit_of(kind: int, payload: bytes) -> bytes:
    """Return a unit of a type, in layer 0."""
    return bytes([kind << 1, 1]) + payload


def join(parts: Sequence[bytes]) -> bytes:
    """Return units as a stream, each behind a start code."""
    return b"".join(START + part for part in parts)
