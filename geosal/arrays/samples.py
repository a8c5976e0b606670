"""Samples of an array by blocks: of one in memory, of dask's chunks, or of a temporary raster."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, Self

import dask.array as da
import dask.base
import numpy as np
from numpy.typing import NDArray

from geosal.arrays.chunks import blocks_of
from geosal.core.grid import Block
from geosal.errors import UsageError

_CACHE_BYTES = 2**28
"""Bytes of computed chunks that are kept for the next block."""
_CHUNK = 2048
"""Rows and columns of a chunk, where an array in memory is cut."""

Read = tuple[NDArray[Any], NDArray[np.bool_] | None]
"""Pixels (band, y, x) of a block, and which of them the array's mask calls valid, (y, x); None without a mask."""


class ArraySamples(Protocol):
    """Where an array's samples come from; any thread may read."""

    def read(self, block: Block) -> Read:
        """Read a block."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """Samples in memory: of a whole scene, or of a part of it that begins at `origin`."""

    pixels: NDArray[Any]
    mask: NDArray[np.bool_] | None
    origin: tuple[int, int] = (0, 0)

    def read(self, block: Block) -> Read:
        """Cut a block out."""
        top, left = self.origin
        inside = np.s_[block.row_off - top : block.row_stop - top, block.col_off - left : block.col_stop - left]
        return self.pixels[:, *inside], None if self.mask is None else self.mask[inside]


class Chunked:
    """Samples of a dask array: chunks are computed when they are asked for, and some are kept for the next block.

    What is read block by block over the whole scene is better spilled (`geosal.arrays.spill`).

    Parameters
    ----------
    pixels
        (band, y, x).
    mask
        (y, x) bool, or None.
    """

    def __init__(self, pixels: da.Array, mask: da.Array | None) -> None:
        self.pixels = pixels.rechunk({0: -1})
        self.mask = None if mask is None else da.asarray(mask).rechunk(self.pixels.chunks[1:])
        self._blocks = blocks_of(self.pixels.chunks[1:])
        self._kept: OrderedDict[int, Future[Read]] = OrderedDict()
        self._lock = threading.Lock()
        size = max(map(max, self.pixels.chunks[1:])) ** 2 * pixels.shape[0] * pixels.dtype.itemsize
        self._most = max(2, _CACHE_BYTES // max(1, size))

    @classmethod
    def of(cls, samples: InMemory) -> Self:
        """Cut an array in memory into chunks."""
        pixels = da.from_array(samples.pixels, chunks=(-1, _CHUNK, _CHUNK))
        return cls(pixels, None if samples.mask is None else da.from_array(samples.mask, chunks=_CHUNK))

    def __getstate__(self) -> dict[str, Any]:
        return {"pixels": self.pixels, "mask": self.mask}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __dask_tokenize__(self) -> tuple[str, str, str | None]:
        return "geosal-chunked", self.pixels.name, None if self.mask is None else self.mask.name

    def read(self, block: Block) -> Read:
        """Put a block together of the chunks that it lies in."""
        pixels = np.empty((self.pixels.shape[0], *block.shape), self.pixels.dtype)
        mask = None if self.mask is None else np.empty(block.shape, np.bool_)
        for number, chunk in enumerate(self._blocks):
            there = _common(chunk, block)
            if there is None:
                continue
            found, valid = self._chunk(number)
            to, of = there.slices_in(block), there.slices_in(chunk)
            pixels[:, *to] = found[:, *of]
            if mask is not None and valid is not None:
                mask[to] = valid[of]
        return pixels, mask

    def _chunk(self, number: int) -> Read:
        """One chunk; who asks for it while it is computed waits."""
        with self._lock:
            known = number in self._kept
            future = self._kept.setdefault(number, Future())
            self._kept.move_to_end(number)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        if known:
            return future.result()
        try:
            future.set_result(self._computed(self._blocks[number]))
        except BaseException as error:
            with self._lock:
                self._kept.pop(number, None)
            future.set_exception(error)
            raise
        return future.result()

    def _computed(self, chunk: Block) -> Read:
        inside = np.s_[chunk.row_off : chunk.row_stop, chunk.col_off : chunk.col_stop]
        # A block is read in a thread of its own; where a cluster or a scheduler of the user's is set, it is asked.
        own = threading.current_thread() is not threading.main_thread() and not dask.base.get_scheduler()
        how = {"scheduler": "synchronous"} if own else {}
        pixels, mask = dask.base.compute(
            self.pixels[:, *inside], None if self.mask is None else self.mask[inside], **how
        )
        return checked(pixels, mask, chunk, self.pixels.dtype, self.pixels.shape[0])


def checked(pixels: object, mask: object, chunk: Block, dtype: np.dtype[Any], bands: int) -> Read:
    """Take what dask has computed of a chunk for what the array says.

    Raises
    ------
    UsageError
        It has another shape, or a type whose values the declared one does not hold.
    """
    found = _as_declared(pixels, dtype, (bands, *chunk.shape), f"the array, {chunk}")
    if mask is None:
        return found, None
    return found, _as_declared(mask, np.dtype(np.bool_), chunk.shape, f"its coordinate valid, {chunk}")


def _as_declared(computed: object, dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """Take what dask has computed for what its array says; a smaller type of the same kind becomes the one it says."""
    found = np.asarray(computed)
    if found.shape != shape:
        raise UsageError(
            f"{what}: dask declares the shape {shape}, what it computes has {found.shape}; see that the function in "
            "map_blocks keeps shapes, or give it chunks="
        )
    if found.dtype == dtype:
        return found
    if found.dtype.kind != dtype.kind or not np.can_cast(found.dtype, dtype):
        raise UsageError(
            f"{what}: dask declares {dtype}, what it computes is {found.dtype}; give map_blocks the right dtype=, or "
            f"end its function with .astype('{dtype}')"
        )
    return found.astype(dtype)


def _common(one: Block, other: Block) -> Block | None:
    top, left = max(one.row_off, other.row_off), max(one.col_off, other.col_off)
    stop, right = min(one.row_stop, other.row_stop), min(one.col_stop, other.col_stop)
    return Block(top, left, stop - top, right - left) if top < stop and left < right else None
