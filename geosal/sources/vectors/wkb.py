"""Check geometries as WKB and WKT before GEOS reads them: it recurses into collections until the stack overflows.

WKB: OGC 06-103r4, section 8, with the flags for Z, M and SRID of PostGIS.
"""

import re
import struct
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geosal.errors import ResourceError, SceneError

MAX_BYTES = 2**31
"""Limit of all geometries as WKB, in bytes: some 100 million vertices."""
_DEEPEST = 32
"""Limit of nested collections; programs write two or three."""
_POINT, _LINES, _AREAS = 1, (2, 8), (3, 17)
_PARTS = (4, 5, 6, 7, 9, 10, 11, 12)
_Z, _M, _SRID, _UNKNOWN = 0x80000000, 0x40000000, 0x20000000, 0x1FFF0000
_LEAST = 9
"""Bytes of a collection's head."""
_PLAIN = (b"\1\2\0\0\0", b"\1\3\0\0\0", b"\1\5\0\0\0\1\0\0\0\1\2\0\0\0", b"\1\6\0\0\0\1\0\0\0\1\3\0\0\0")
"""First bytes of most geometries: a line or a polygon, or a collection of one; no other can lie in it."""


def check_size(path: str, total: int) -> None:
    """Refuse geometries that take too much memory; `total` are their bytes as WKB.

    Raises
    ------
    ResourceError
        They do.
    """
    if total > MAX_BYTES:
        raise ResourceError(f"{path}: its geometries take {total} bytes, more than {MAX_BYTES}; simplify or clip it")


def from_wkb(path: str, wkb: NDArray[Any]) -> NDArray[Any]:
    """Make flat geometries of WKB; None stays None.

    Raises
    ------
    SceneError
        A geometry is damaged, or nested too deep.
    """
    try:
        for geometry in wkb:
            if geometry is not None and len(geometry) > _DEEPEST * _LEAST and not geometry.startswith(_PLAIN):
                check_wkb(geometry)
        return np.asarray(shapely.force_2d(shapely.from_wkb(wkb, on_invalid="fix")))
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        cause = " ".join(str(error).split())[:300]
        raise SceneError(f"{path}: holds a geometry that cannot be read ({cause}); mend it") from error


def check_wkb(wkb: bytes) -> None:
    """Walk through a geometry as GEOS does, without recursion; GEOS itself reports one that ends too early.

    Raises
    ------
    ValueError
        Collections are nested too deep, or a part has an unknown type.
    """
    at, left = 0, [1]  # remaining parts of each open collection
    while left:
        if left[-1] == 0:
            left.pop()
            continue
        left[-1] -= 1
        try:
            head = _head(wkb, at)
            at = head.at
            if head.kind in _PARTS:
                left.append(head.parts)
            elif head.kind in _AREAS:
                for _ in range(head.parts):
                    at += 4 + head.size * struct.unpack_from(head.order + "I", wkb, at)[0]
            else:
                at += head.parts * head.size
        except (struct.error, IndexError):
            return
        if len(left) > _DEEPEST + 1:
            raise ValueError(f"collections lie more than {_DEEPEST} deep in each other")


def check_wkt(text: str) -> str:
    """Return a text whose brackets are not nested too deep.

    Raises
    ------
    ValueError
        Some do.
    """
    if max(accumulate((1 if mark == "(" else -1 for mark in re.findall(r"[()]", text)), initial=0)) > _DEEPEST:
        raise ValueError(f"brackets lie more than {_DEEPEST} deep in each other")
    return text


class _Head(NamedTuple):
    order: str
    kind: int
    size: int
    """Bytes of a position."""
    parts: int
    """Number of positions, rings or parts."""
    at: int
    """Offset of the first one."""


def _head(wkb: bytes, at: int) -> _Head:
    if wkb[at] > 1:
        raise ValueError(f"its bytes are ordered as {wkb[at]}")
    order = "<" if wkb[at] else ">"
    word = struct.unpack_from(order + "I", wkb, at + 1)[0]
    dimensions, kind = divmod(word & 0xFFFF, 1000)
    if word & _UNKNOWN or dimensions > 3 or kind not in {_POINT, *_LINES, *_AREAS, *_PARTS}:
        raise ValueError(f"there is no type {word}")
    size = 8 * (2 + bool(word & _Z or dimensions in {1, 3}) + bool(word & _M or dimensions in {2, 3}))
    at += 9 if word & _SRID else 5
    if kind == _POINT:
        return _Head(order, kind, size, 1, at)
    return _Head(order, kind, size, struct.unpack_from(order + "I", wkb, at)[0], at + 4)
