"""Put chunks that come in any order into shards: the same bytes whatever the order.

A shard holds its chunks row by row, and an index of them at its end. Until all of its chunks are there, each waits in a
file of its own beside it.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from geosal.core.zarr.sums import ABSENT, crc32c
from geosal.formats.pyramid import Tile

_ENTRY = struct.Struct("<2Q")
_SUM = 4
"""Bytes of the checksum behind the index."""


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
        self._write(self.waiting(directory, tile), chunk)
        self._keep(directory, tile)

    def _keep(self, directory: Path, tile: Tile) -> None:
        row, col = tile.row // self._side, tile.col // self._side
        shard = directory / str(row) / str(col)
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

    def reopen(self, root: Path) -> None:
        """Take shards that a killed job has joined apart again, each chunk into its own file: some may have to change.

        A shard that is not whole is deleted, and its chunks have to come again.
        """
        if self._side == 1:
            return
        for shard in [path for path in root.rglob("*") if path.is_file() and _is_shard(path)]:
            content = shard.read_bytes()
            for place, chunk in self._chunks(shard, content):
                self._write(_waiting(shard, *place), chunk)
            shard.unlink()

    def _chunks(self, shard: Path, content: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
        length = self._side**2 * _ENTRY.size
        table, checksum = content[-length - _SUM :][:length], content[-_SUM:]
        if len(table) < length or crc32c(table).to_bytes(_SUM, "little") != checksum:
            return
        row, col = int(shard.parent.name) * self._side, int(shard.name) * self._side
        for number, (offset, size) in enumerate(_ENTRY.iter_unpack(table)):
            down, across = divmod(number, self._side)
            if (offset, size) != (ABSENT, ABSENT):
                yield (row + down, col + across), content[offset : offset + size]

    def waiting(self, directory: Path, tile: Tile) -> Path:
        """Return the file in which a chunk of an array's band waits for the others of its shard."""
        shard = directory / str(tile.row // self._side) / str(tile.col // self._side)
        return _waiting(shard, tile.row, tile.col)

    def adopt(self, directory: Path, tile: Tile) -> None:
        """Keep a chunk that waits in its file, as `take` does."""
        self._keep(directory, tile)

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
        table = b"".join(index)
        self._write(shard, b"".join((*parts, table, crc32c(table).to_bytes(_SUM, "little"))))
        for place in there:  # not before: a job that is killed here can be taken up
            _waiting(shard, *place).unlink()


def _is_shard(path: Path) -> bool:
    """Return whether a file in a store holds pixels: the small arrays, of one dimension or none, have no folders."""
    return path.name.isdigit() and path.parent.name.isdigit()


def _waiting(shard: Path, row: int, col: int) -> Path:
    return shard.with_name(f".{shard.name}.{row}.{col}")
