"""Tiles of JPEG 2000 files and Zarr arrays, each decoded once by the thread that needs it first, and kept for others.

Decoding is most of the work on such a file, and GDAL does it for one thread at a time. Here threads decode different
tiles side by side, and one that needs a tile which another is decoding waits for it.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from geosal.core.grid import Block
from geosal.core.jpeg2000 import CodestreamError, TilePlaces

TILE_CACHE_BYTES = 128 * 2**20
"""Bytes of decoded tiles that few threads keep: a row of them in three bands of Sentinel-2, and those in work."""
_FEW, _MORE_BYTES = 4, 16 * 2**20
"""Threads for whose work that suffices, and bytes for each further one."""
MOST_SAMPLES = 4 * 1024**2
"""Samples of the largest tile that threads decode side by side: each then takes 12 bytes a sample."""
_BORDER = 32
"""Rows and columns at the edge of a tile that neighbouring blocks read as halos."""
_STALE = 32
"""Tiles read, for each in a row of tiles, after which a job that goes down row by row has passed a tile."""


@dataclass(eq=False)
class _Tile:
    """A tile that is decoded, or about to be."""

    block: Block
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while it is decoded or read."""
    parts: tuple[tuple[Block, NDArray[Any]], ...] = ()
    """The whole tile; or its borders, once its core was read and room was needed; or nothing."""
    core: int = 0
    """Pixels of its core that were not read yet."""
    touched: int = 0

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return sum(pixels.nbytes for _, pixels in self.parts)

    @property
    def is_whole(self) -> bool:
        """Return whether all of it is there."""
        return bool(self.parts) and self.parts[0][0] == self.block

    def holds(self, block: Block) -> bool:
        """Return whether the pixels of a block are there."""
        return any(_overlap(block, there) == block for there, _ in self.parts)

    def take(self, block: Block) -> NDArray[Any]:
        """Return the pixels of a block, (band, y, x), which are there."""
        there, pixels = next(part for part in self.parts if _overlap(block, part[0]) == block)
        self.core -= _area(_overlap(block, _core(self.block)))
        return pixels[:, *block.slices_in(there)]

    def fill(self, pixels: NDArray[Any]) -> None:
        """Keep what was decoded."""
        self.parts, self.core = ((self.block, pixels),), _area(_core(self.block))

    def shrink(self) -> None:
        """Keep its borders only."""
        whole, pixels = self.parts[0]
        self.parts = tuple((border, pixels[:, *border.slices_in(whole)].copy()) for border in _borders(whole))


def tile_cache_bytes(threads: int) -> int:
    """Return the bytes of decoded tiles that a process keeps where so many threads read."""
    return TILE_CACHE_BYTES + max(0, threads - _FEW) * _MORE_BYTES


class _Cache:
    """All tiles of the process; the bytes of those that are decoded are bounded."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._tiles: dict[tuple[Tiled, int], _Tile] = {}
        self._clock = 0
        self._readers = self._most_readers = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count a thread that reads."""
        with self.lock:
            self._readers += 1
            self._most_readers = max(self._most_readers, self._readers)
        try:
            yield
        finally:
            with self.lock:
                self._readers -= 1

    def tile(self, owner: "Tiled", number: int) -> _Tile:
        """Return a tile of a raster, decoded or not."""
        with self.lock:
            self._clock += 1
            tile = self._tiles.setdefault((owner, number), _Tile(owner.sizes.block(number)))
            tile.touched = self._clock
            return tile

    def make_room(self, new: _Tile) -> None:
        """Give up tiles other than the new one, those first that are needed last, until all fit."""
        with self.lock:
            size = sum(tile.size for tile in self._tiles.values())
            kept = sum(owner.kept for owner in {owner for owner, _ in self._tiles})
            limit = max(tile_cache_bytes(self._most_readers), kept)
            for key, tile in self._order() if size > limit else ():
                if size <= limit:
                    return
                if tile is new or key not in self._tiles or not tile.lock.acquire(blocking=False):
                    continue
                size -= tile.size
                if tile.is_whole and tile.core <= 0:
                    tile.shrink()
                    size += tile.size
                else:
                    del self._tiles[key]
                tile.lock.release()

    def drop(self, owner: "Tiled") -> None:
        """Forget the tiles of a raster."""
        with self.lock:
            for key in [key for key in self._tiles if key[0] is owner]:
                del self._tiles[key]
            self._most_readers = self._readers

    def forget(self, owner: "Tiled", number: int) -> None:
        """Forget a tile of a raster."""
        with self.lock:
            self._tiles.pop((owner, number), None)

    def _order(self) -> Iterator[tuple[tuple["Tiled", int], _Tile]]:
        """Tiles whose core was read, and what was passed, the oldest first; the last of the rest; and borders."""
        there = sorted(((key, tile) for key, tile in self._tiles.items() if tile.parts), key=lambda row: row[1].touched)
        in_row = sum(owner.sizes.across[1] for owner in {owner for (owner, _), _ in there})
        passed = self._clock - _STALE * in_row
        yield from [row for row in there if row[1].is_whole and row[1].core <= 0]
        yield from [row for row in there if row[1].core > 0 and row[1].touched < passed]
        yield from [row for row in there if not row[1].is_whole and row[1].touched < passed]
        yield from sorted((row for row in there if row[1].core > 0), key=_share_above, reverse=True)
        yield from [row for row in there if not row[1].is_whole]


def _share_above(row: tuple[tuple["Tiled", int], _Tile]) -> float:
    """Share of a raster's tiles that lie before one, row by row."""
    (owner, number), _ = row
    down, across = owner.sizes.across
    return number / (down * across)


_cache = _Cache()


class Tiling(Protocol):
    """How an image is cut into tiles, row by row."""

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and columns of a tile."""

    @property
    def across(self) -> tuple[int, int]:
        """Number of rows and of columns of tiles."""

    def block(self, number: int) -> Block:
        """Return the pixels of a tile."""


class Tiled(ABC):
    """An image whose tiles are decoded here.

    Attributes
    ----------
    sizes
        How it is cut.
    kept
        Bytes of its tiles that have to stay, where they are so large that the usual limit would not do.
    """

    sizes: Tiling
    kept: int = 0

    @abstractmethod
    def decoded(self, number: int, block: Block, otherwise: Callable[[Block], NDArray[Any]] | None) -> NDArray[Any]:
        """Decode a tile, whose pixels are `block`: (band, y, x); `otherwise` is that of `read`."""

    def refresh(self, block: Block) -> None:
        """Forget tiles of a block whose file has changed; by default none, as the handle of a file notices."""
        del block

    def read(
        self,
        indexes: Sequence[int],
        block: Block,
        out: NDArray[Any],
        otherwise: Callable[[Block], NDArray[Any]] | None = None,
    ) -> None:
        """Read a block; to be called by many threads at once.

        Parameters
        ----------
        indexes
            Bands, from 1.
        block
            Inside the image.
        out
            (band, y, x), to be filled.
        otherwise
            Reads all bands of a block where a tile cannot be decoded, or raises what is to be told of it; None where
            decoding itself tells.
        """
        self.refresh(block)
        bands = [index - 1 for index in indexes]
        waiting = []
        with _cache.reading():
            for tile, number in self._tiles(block):
                if tile.lock.acquire(blocking=False):
                    self._copy(tile, number, block, bands, out, otherwise)
                else:  # another thread is at it: first what nobody has begun
                    waiting.append((tile, number))
            for tile, number in waiting:
                tile.lock.acquire()
                self._copy(tile, number, block, bands, out, otherwise)

    def close(self) -> None:
        """Forget what was decoded."""
        _cache.drop(self)

    def forget(self, number: int) -> None:
        """Forget a tile, whose file has changed."""
        _cache.forget(self, number)

    def _tiles(self, block: Block) -> Iterator[tuple[_Tile, int]]:
        for number in self.numbers(block):
            yield _cache.tile(self, number), number

    def numbers(self, block: Block) -> Iterator[int]:
        """Yield the numbers of the tiles that hold a block."""
        (rows, cols), across = self.sizes.tile, self.sizes.across[1]
        for row in range(block.row_off // rows, (block.row_stop - 1) // rows + 1):
            for col in range(block.col_off // cols, (block.col_stop - 1) // cols + 1):
                yield row * across + col

    def _copy(
        self,
        tile: _Tile,
        number: int,
        block: Block,
        bands: list[int],
        out: NDArray[Any],
        otherwise: Callable[[Block], NDArray[Any]] | None,
    ) -> None:
        """Copy what a tile has of a block, and release its lock, which the caller has acquired."""
        try:
            wanted = _overlap(block, tile.block)
            fresh = not tile.holds(wanted)
            if fresh:
                tile.fill(self.decoded(number, tile.block, otherwise))
            out[:, *wanted.slices_in(block)] = tile.take(wanted)[bands]
        finally:
            tile.lock.release()
        if fresh:
            _cache.make_room(tile)


class TiledRaster(Tiled):
    """A JPEG 2000 file whose tiles are decoded here.

    Attributes
    ----------
    places
        The tiles in the file.
    """

    def __init__(self, places: TilePlaces) -> None:
        self.places, self.sizes = places, places.sizes

    @classmethod
    def of(cls, dataset: DatasetReader, path: str) -> "TiledRaster | None":
        """Look at a local file that GDAL has opened; None where its pixels are GDAL's business.

        That is where it is no JPEG 2000 of several tiles, where samples are not those of the codestream, or where the
        file is damaged, which GDAL explains.
        """
        if dataset.driver != "JP2OpenJPEG":
            return None
        try:
            places = TilePlaces.of(path)
        except (CodestreamError, OSError):
            return None
        sizes = places.sizes
        samples = sizes.tile[0] * sizes.tile[1] * dataset.count
        as_gdal_sees_it = (
            sizes.shape == (dataset.count, *dataset.shape)
            and set(dataset.block_shapes) == {sizes.tile}
            and set(dataset.dtypes) == {sizes.dtype}
        )
        return cls(places) if as_gdal_sees_it and sizes.across != (1, 1) and samples <= MOST_SAMPLES else None

    def decoded(self, number: int, block: Block, otherwise: Callable[[Block], NDArray[Any]] | None) -> NDArray[Any]:
        """Decode a tile; what cannot be decoded is read `otherwise`."""
        if otherwise is None:
            raise TypeError("a JPEG 2000 is read otherwise where a tile cannot be decoded")
        sizes = self.places.sizes
        try:
            pixels = decode(self.places.codestream(number))
        except (RuntimeError, ValueError, OSError):
            return otherwise(block)
        if pixels.ndim == 2:
            pixels = pixels[None]
        as_told = pixels.shape == (sizes.shape[0], *block.shape) and pixels.dtype == sizes.dtype
        return pixels if as_told else otherwise(block)


def decode(stream: bytes) -> NDArray[Any]:
    """Decode a codestream: (band, y, x), or (y, x) of one band.

    Raises
    ------
    RuntimeError, ValueError
        It is damaged.
    """
    from imagecodecs import jpeg2k_decode  # noqa: PLC0415  loads its library

    return np.asarray(jpeg2k_decode(stream, planar=True, numthreads=1))


def _overlap(one: Block, two: Block) -> Block:
    row, col = max(one.row_off, two.row_off), max(one.col_off, two.col_off)
    height, width = min(one.row_stop, two.row_stop) - row, min(one.col_stop, two.col_stop) - col
    return Block(row, col, max(0, height), max(0, width))


def _area(block: Block) -> int:
    return block.height * block.width


def _core(tile: Block) -> Block:
    """Pixels of a tile that no halo reaches."""
    height, width = (max(0, side - 2 * _BORDER) for side in tile.shape)
    return Block(tile.row_off + _BORDER, tile.col_off + _BORDER, height, width)


def _borders(tile: Block) -> tuple[Block, ...]:
    rows, cols = (min(_BORDER, side) for side in tile.shape)
    return (
        Block(tile.row_off, tile.col_off, rows, tile.width),
        Block(tile.row_stop - rows, tile.col_off, rows, tile.width),
        Block(tile.row_off, tile.col_off, tile.height, cols),
        Block(tile.row_off, tile.col_stop - cols, tile.height, cols),
    )
