"""Put chunks that come in any order into shards: the same bytes whatever the order.

A shard holds its chunks row by row, and an index of them at its end. Until all of its chunks are there, each waits in a
file of its own beside it.
"""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from geosal.core.zarr.sums import ABSENT, crc32c
from geosal.formats.pyramid import Tile

_ENTRY = struct.Struct("<2Q")


class Shards:
    """The shards of a store that is being written.

    Parameters
    ----------
    side
        Chunks along each side of a shard; 1 for none.
    counts
        Rows and columns of chunks of each level.
    write
        Writes a new file, and the folders above it.
    """

    def __init__(self, side: int, counts: Sequence[tuple[int, int]], write: Callable[[Path, bytes], None]) -> None:
        self._side, self._counts, self._write = side, counts, write
        self._there: dict[Path, set[tuple[int, int]]] = {}

    def shape(self, tile: int, *, bands: bool = False) -> tuple[int, ...]:
        """Return the samples of a shard along each dimension; nothing without shards."""
        if self._side == 1:
            return ()
        return (*((1,) if bands else ()), self._side * tile, self._side * tile)

    def take(self, directory: Path, tile: Tile, chunk: bytes) -> None:
        """Keep a chunk of an array's band, and write its shard where it is the last one of it."""
        row, col = tile.row // self._side, tile.col // self._side
        shard = directory / str(row) / str(col)
        self._write(_waiting(shard, tile.row, tile.col), chunk)
        there = self._there.setdefault(shard, set())
        there.add((tile.row, tile.col))
        rows, cols = self._counts[tile.level]
        places = [
            (row * self._side + down, col * self._side + across)
            for down in range(self._side)
            for across in range(self._side)
        ]
        if len(there) == sum(down < rows and across < cols for down, across in places):
            self._join(shard, places, self._there.pop(shard))

    def _join(self, shard: Path, places: Sequence[tuple[int, int]], there: set[tuple[int, int]]) -> None:
        index, parts, offset = [], [], 0
        for place in places:
            if place not in there:  # beyond the edge
                index.append(_ENTRY.pack(ABSENT, ABSENT))
                continue
            waiting = _waiting(shard, *place)
            parts.append(waiting.read_bytes())
            index.append(_ENTRY.pack(offset, len(parts[-1])))
            offset += len(parts[-1])
            waiting.unlink()
        table = b"".join(index)
        self._write(shard, b"".join((*parts, table, crc32c(table).to_bytes(4, "little"))))


def _waiting(shard: Path, row: int, col: int) -> Path:
    return shard.with_name(f".{shard.name}.{row}.{col}")
