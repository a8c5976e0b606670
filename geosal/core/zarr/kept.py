"""Bytes of objects on servers that are chunks of Zarr stores. A small one comes whole, in one request, and is kept."""

import threading
from collections import OrderedDict

from geosal.files import objects

_WHOLE = 16 * 2**20
"""Bytes up to which an object is read in one request, and not in ranges."""
_KEPT = 64 * 2**20
"""Bytes of objects, and of ranges of them, that are kept."""
_INDEX = 2**20
"""Bytes up to which a range is kept: the index of a shard, the table of a chunk."""


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

    def part(self, url: str, start: int, length: int) -> bytes:
        """Return bytes of an object."""
        with self._lock:
            whole, some = self._held.get((url, 0, -1)), self._held.get((url, start, length))
        if whole is not None:
            return whole[start : start + length]
        if some is None:
            some = objects.read_at(url, start, length)
            if length <= _INDEX:
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
