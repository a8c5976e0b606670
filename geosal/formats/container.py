"""The frame of all containers: an index of the tiles that have come, refusals, and errors."""

import contextlib
import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from rasterio.errors import RasterioError

from geosal.core.raster import RasterLayout
from geosal.errors import OutputError
from geosal.files.publish import cannot_write
from geosal.files.swap import remove
from geosal.formats.pyramid import Tile

Claim = dict[str, Any]
"""What a container tells of the tiles of a block: plain data."""


class TileIndex:
    """Index of the tiles of a file that have come.

    Parameters
    ----------
    shapes
        Rows and columns, in pixels, of the image and of each overview that has tiles of its own.
    tile
        Rows and columns of a tile.

    Attributes
    ----------
    counts
        Rows and columns, in tiles, of each level.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]], tile: int) -> None:
        self.counts = [(-(-rows // tile), -(-cols // tile)) for rows, cols in shapes]
        self._here = [np.zeros(count, np.bool_) for count in self.counts]

    def take(self, tile: Tile) -> int:
        """Note that a tile has come.

        Returns
        -------
        int
            Its number in its level, row by row from 0.

        Raises
        ------
        ValueError
            The file has no such tile, or the tile came before.
        """
        rows, cols = self.counts[tile.level] if 0 <= tile.level < len(self.counts) else (0, 0)
        has_place = 0 <= tile.row < rows and 0 <= tile.col < cols
        if not has_place or self._here[tile.level][tile.row, tile.col]:
            raise ValueError(f"tile {tile.col}, {tile.row} of level {tile.level} came twice or has no place")
        self._here[tile.level][tile.row, tile.col] = True
        return tile.row * cols + tile.col

    def has(self, tile: Tile) -> bool:
        """Return whether a tile of this file has come."""
        return bool(self._here[tile.level][tile.row, tile.col])

    def place(self, level: int, number: int) -> Tile:
        """Return the tile of a number in its level, without its bytes."""
        return Tile(level, *divmod(number, self.counts[level][1]), ())

    def refuse_missing(self) -> None:
        """Check that all tiles have come.

        Raises
        ------
        ValueError
            Tiles are missing; the message has their number and the first of them.
        """
        places = [(level, *place) for level, here in enumerate(self._here) for place in np.argwhere(~here).tolist()]
        if places:
            level, row, col = places[0]
            raise ValueError(
                f"{len(places)} of {sum(here.size for here in self._here)} tiles are missing, the first is {col}, "
                f"{row} of level {level}"
            )


class Container(ABC):
    """A file of tiles in the making; use it as a context manager.

    Tiles may come in any order, each of them once. Leaving the context deletes an incomplete file, unless it has a
    journal (`keep`): what was written then stays for the next job, until the work directory goes.

    Parameters
    ----------
    path
        A new file or store, in a directory of ours: temporary files are made beside it.
    layout
        Grid, dtype, nodata, mask and metadata.
    index
        Index of the tiles that will come.

    Attributes
    ----------
    path
        Path of the file, as given.
    """

    _DONE: ClassVar[str] = "written"
    """The verb of the message "cannot be …", where a file fails."""
    in_order: ClassVar[bool] = False
    """Whether tiles lie in the file as they come, so that blocks have to come in the order in which they lie."""

    def __init__(self, path: Path, layout: RasterLayout, index: TileIndex) -> None:
        self.path = path
        self.plain_bytes: int | None = None
        """Bytes of the plain JPEG that was counted beside the tiles, if one was."""
        self.taken_bytes = 0
        """Bytes of the tiles that have come."""
        self._layout, self._index = layout, index
        self._is_open = self._is_whole = self._kept = False
        self._closing = contextlib.ExitStack()
        """Closes what is open and deletes temporary files; `_begin` fills it."""

    def __enter__(self) -> Self:
        """Open what tiles go to."""
        if self._kept and self.path.name not in self.data:
            remove(self.path)  # a killed job may have been about to complete it
        elif os.path.lexists(self.path) and not self._kept:
            raise cannot_write(self.path, FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)), self._DONE)
        try:
            with self.failing():
                self._begin()
        except BaseException:
            self._discard()
            raise
        self._is_open = True
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file, and delete it if it is incomplete."""
        self._is_open = False
        if self._is_whole:
            self._let_go()
        else:
            self._discard()

    @property
    def data(self) -> tuple[str, ...]:
        """Names of the files, or of the store, that tiles are written to as they come, and that `restore` reads."""
        return ()

    def keep(self) -> None:
        """Keep what tiles are written to, whatever happens; to be said before the file is opened."""
        self._kept = True

    def restore(self, claims: Sequence[Claim]) -> list[bool]:
        """Take over the tiles that a killed job has written, and forget what else it has.

        Parameters
        ----------
        claims
            What `claim` told after each block.

        Returns
        -------
        list of bool
            Whether the tiles of each block are there, to the byte; those of others have to come again.

        Raises
        ------
        OSError
            The disk refuses.
        """
        self._refuse_closed()
        return self._restore(claims)

    def claim(self) -> Claim:
        """Hand all tiles that came since the last claim to the system, and tell where they are.

        Raises
        ------
        OSError
            The disk is full.
        """
        return self._claim()

    def has(self, tile: Tile) -> bool:
        """Return whether a tile has come."""
        return self._index.has(tile)

    def append(self, tile: Tile) -> None:
        """Take a tile.

        Parameters
        ----------
        tile
            A tile with the parts that the encoder of this container made.

        Raises
        ------
        OutputError
            The disk is full, the tile is none of this file, or it came before.
        """
        with self.failing():
            self._refuse_closed()
            self._take(tile, self._index.take(tile))
        self.taken_bytes += sum(map(len, tile.parts))

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        """Complete the file, and write what lies beside it.

        Parameters
        ----------
        tags
            Provenance, for the default domain.
        band_statistics
            ``STATISTICS_*`` tags of each band, when the source had some.

        Raises
        ------
        OutputError
            A tile is missing, the disk is full, or the file is larger than its format or its options allow.
        """
        with self.failing():
            self._refuse_closed()
            self._index.refuse_missing()
            self._complete(tags, band_statistics)
        self._is_open, self._is_whole = False, True

    @abstractmethod
    def _begin(self) -> None:
        """Open what tiles go to."""

    @abstractmethod
    def _take(self, tile: Tile, number: int) -> None:
        """Keep a tile; `number` is its place in its level, row by row from 0."""

    @abstractmethod
    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        """Complete the file; for the tags see `finish`."""

    def _restore(self, claims: Sequence[Claim]) -> list[bool]:
        """Do what `restore` says; by default nothing can be taken over."""
        return [False] * len(claims)

    def _claim(self) -> Claim:
        """Do what `claim` says."""
        return {}

    def sync(self) -> None:  # noqa: B027  a container that claims nothing
        """Flush to the disk what was claimed; called in another thread than the one that writes."""

    def _adopt(self, tiles: Iterable[Tile]) -> None:
        """Note tiles that were taken over."""
        for tile in tiles:
            self._index.take(tile)

    def _let_go(self) -> None:
        with contextlib.suppress(OSError, RasterioError):  # a full disk may refuse, and there is nothing left to lose
            self._closing.close()

    def _discard(self) -> None:
        self._let_go()
        if self._kept:
            return
        with contextlib.suppress(OSError):
            remove(self.path)

    def _refuse_closed(self) -> None:
        if not self._is_open:
            raise OutputError(f"{self.path.name}: is not open; use it in a with statement, and finish it once")

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Turn what goes wrong in the body into an error in one line: the disk's refusal, or a fault of ours."""
        try:
            yield
        except OutputError:
            raise
        except (OSError, RasterioError) as error:
            raise cannot_write(self.path, error, self._DONE) from error
        except ValueError as error:
            cause = " ".join(str(error).split())
            raise OutputError(f"{self.path.name}: {cause}; report this as a fault of geosal") from error
