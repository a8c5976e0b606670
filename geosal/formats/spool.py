"""A spool of the parts of tiles, which are read again row by row when all are there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geosal.files.journal import Growing


class TileFile:
    """A file of tiles that grows, and tells a journal what has come; subclasses know what a tile takes in it.

    Parameters
    ----------
    path
        A new file.
    kept
        See `Growing`.
    """

    def __init__(self, path: Path, *, kept: bool = False) -> None:
        self._file = Growing(path, kept=kept)
        self._fresh: list[list[int]] = []
        """Place and sizes of the tiles that came since the last claim."""

    def claim(self) -> dict[str, Any]:
        """Tell where the tiles lie that came since the last claim; all of their bytes are with the system then."""
        tiles, self._fresh = self._fresh, []
        return {"at": self._file.claim(), "tiles": tiles}

    def restore(self, claims: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Take over the tiles of those claims whose bytes are there, and cut off what lies behind the last of them."""
        held = [self._file.holds(claim["at"]) for claim in claims]
        end = 0
        for claim, here in zip(claims, held, strict=True):
            if here:
                place, length, _ = claim["at"]
                end = max(end, place + length)
                for tile in claim["tiles"]:
                    place = self._take_over(tile, place)
        self._file.cut(end)
        return held

    def _take_over(self, tile: list[int], place: int) -> int:
        """Know a tile that is claimed, which begins at an offset; returns where it ends."""
        raise NotImplementedError

    def sync(self) -> None:
        """Flush to the disk what was claimed."""
        self._file.sync()

    def close(self) -> None:
        """Close the spool, and delete it unless it has a journal."""
        self._file.close()


class Spool(TileFile):
    """Parts of tiles in the order in which they came.

    Parameters
    ----------
    path
        A new file.
    rows, cols
        Rows and columns of tiles.
    kept
        See `Growing`.
    """

    def __init__(self, path: Path, rows: int, cols: int, *, kept: bool = False) -> None:
        self.rows, self.cols = rows, cols
        super().__init__(path, kept=kept)
        self._places: dict[int, tuple[int, tuple[int, ...]]] = {}

    def append(self, number: int, parts: Sequence[bytes]) -> None:
        """Keep parts of a tile that has not come before; `number` is its place, row by row from 0.

        Raises
        ------
        OSError
            The disk is full.
        """
        sizes = tuple(map(len, parts))
        self._places[number] = self._file.end, sizes
        for part in parts:
            self._file.write(part)
        self._fresh.append([number, *sizes])

    def row(self, number: int) -> list[tuple[bytes, ...]]:
        """Read the parts of a row of tiles."""
        return [self.tile(number * self.cols + col) for col in range(self.cols)]

    def tile(self, number: int) -> tuple[bytes, ...]:
        """Read the parts of a tile."""
        place, sizes = self._places[number]
        parts = []
        for size in sizes:
            parts.append(self._file.read(place, size))
            place += size
        return tuple(parts)

    def _take_over(self, tile: list[int], place: int) -> int:
        number, *sizes = tile
        self._places[number] = place, tuple(sizes)
        return place + sum(sizes)
