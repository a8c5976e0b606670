"""Bytes of objects on servers that are chunks of Zarr stores. A small one comes whole, in one request, and is kept."""

import threading
from collections import OrderedDict
from typing import NamedTuple

from geosal.files import objects


class Span(NamedTuple):
    """Where the bytes of a chunk lie."""

    path: str
    offset: int
    length: int


_WHOLE = 8 * 2**20
"""Bytes up to which a chunk is read in one request, and not in ranges."""
_KEPT = 64 * 2**20
"""Bytes of objects, and of ranges of them, that are kept."""


class _Kept:
    """Objects and ranges that were read last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()

    def size(self, url: str) -> int:
        """Return the size of an object; a small one is read."""
        with self._lock:
            found = self._held.get((url, 0, -1))
        if found is None:
            size, found = objects.read_small(url, _WHOLE)
            if found is None:
                return size
            self._keep((url, 0, -1), found)
        return len(found)

    def part(self, span: Span, start: int, length: int, *, alone: bool = False) -> bytes:
        """Return bytes of a chunk; a small one comes whole, unless these are wanted `alone`."""
        with self._lock:
            whole = self._held.get((span.path, 0, -1))
        if whole is not None:
            return whole[span.offset + start : span.offset + start + length]
        if span.length <= _WHOLE and not alone:
            return self._range(span.path, span.offset, span.length)[start : start + length]
        return self._range(span.path, span.offset + start, length)

    def _range(self, url: str, start: int, length: int) -> bytes:
        with self._lock:
            some = self._held.get((url, start, length))
        if some is None:
            some = objects.read_at(url, start, length)
            if length <= _WHOLE:
                self._keep((url, start, length), some)
        return some

    def forget(self) -> None:
        """Forget all."""
        with self._lock:
            self._held.clear()

    def _keep(self, key: tuple[str, int, int], content: bytes) -> None:
        with self._lock:
            self._held[key] = content
            while sum(map(len, self._held.values())) > _KEPT and len(self._held) > 1:
                self._held.popitem(last=False)


KEPT = _Kept()
objects.when_forgotten(KEPT.forget)
