"""Decode the chunks of a Zarr array, each once: strips of plain and Blosc chunks here, others by zarr-python."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.decoded_tiles import Tiled
from geosal.core.grid import Block
from geosal.core.zarr.codecs import refuse_codecs
from geosal.core.zarr.coding import Coding
from geosal.core.zarr.nodes import Json, Node
from geosal.core.zarr.parts import blosc_part, in_shard, raw_part
from geosal.core.zarr.tiling import Cut, Planes, in_strips, kept_bytes, tile_of
from geosal.errors import GeosalError, SceneError, cause_of
from geosal.files.addresses import is_remote
from geosal.files.client import store_of

if TYPE_CHECKING:
    import zarr


_Decode = Callable[[tuple[int, ...], Block], NDArray[Any]]
"""Decodes the pixels of a tile by the place of its bands: (band, y, x)."""


class ZarrTiles:
    """The pixels of an array.

    Parameters
    ----------
    node
        The array.
    coding
        How it is stored.
    planes
        How it is seen.
    complete
        Whether a missing chunk is damage, as in stores that hold all of theirs; else it is full of the fill value.
    """

    def __init__(self, node: Node, coding: Coding, planes: Planes, *, complete: bool) -> None:
        self._node, self._coding, self._planes, self._complete = node, coding, planes, complete
        self._cut = Cut(planes.size, tile_of(coding, planes))
        self.kept = kept_bytes(coding, planes)
        self._parts: dict[tuple[int, ...], _Plane] = {}
        self._array: zarr.Array[Any] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return self._coding.dtype

    def read(self, indexes: Sequence[int], block: Block, out: NDArray[Any]) -> None:
        """Read a block of bands, from 1, into `out`, (band, y, x); to be called by many threads at once.

        Raises
        ------
        SceneError
            A chunk cannot be decoded.
        """
        for place, index in enumerate(indexes):
            plane, band = self._plane(index - 1)
            plane.read((band + 1,), block, out[place : place + 1])

    def close(self) -> None:
        """Forget what was decoded."""
        for plane in list(self._parts.values()):
            plane.close()
        if self._array is not None:
            self._array.store.close()
            self._array = None

    def _plane(self, band: int) -> tuple["_Plane", int]:
        """Return what holds a band, and its place in that."""
        lead, chunks = self._planes.index(band), [self._coding.chunks[axis] for axis in self._planes.lead]
        if in_strips(self._coding, self._planes):
            return self._parts.setdefault(lead, _Plane(self, self._cut, lead, self.strip)), 0
        first = tuple(n // size * size for n, size in zip(lead, chunks, strict=True))
        within = [n - start for n, start in zip(lead, first, strict=True)]
        sizes = [
            min(size, self._planes.shape[a] - n) for a, n, size in zip(self._planes.lead, first, chunks, strict=True)
        ]
        place = int(np.ravel_multi_index(within, sizes)) if within else 0
        return self._parts.setdefault(first, _Plane(self, self._cut, first, self.whole)), place

    def chunk_at(self, lead: Sequence[int], block: Block) -> tuple[int, ...]:
        """Return the index of the chunk that holds the corner of a block."""
        place = list(lead)
        for axis, start in sorted(((self._planes.rows, block.row_off), (self._planes.cols, block.col_off))):
            place.insert(axis, start)
        return tuple(n // size for n, size in zip(place, self._coding.chunks, strict=True))

    def state(self, lead: Sequence[int], block: Block) -> tuple[int, int] | None:
        """Return size and time of the file that holds a part of a folder's array; None where there is none."""
        key, _ = self._key(self.chunk_at(lead, block))
        return self._node.store.chunk_state(key)

    def _key(self, index: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Return the name of the file that holds a chunk, and the chunk's place in a shard."""
        named, within = self._coding.file_of(index)
        return f"{self._node.path}/{named}".lstrip("/"), within

    def strip(self, lead: tuple[int, ...], block: Block) -> NDArray[Any]:
        """Decode rows of a plain chunk, (1, y, x)."""
        coding, planes = self._coding, self._planes
        key, inside_shard = self._key(self.chunk_at(lead, block))
        with self._told(key):
            span = self._node.store.span(key, in_parts=bool(coding.index))
            if span is None and self._node.store.has(key):  # compressed within a zip
                return self.whole(lead, block)
            if span is not None and coding.index:
                span = in_shard(span, inside_shard, coding.per_shard, coding.index)
            if span is None:
                self._refuse_missing(key)
                return np.full((1, *block.shape), coding.fill, coding.dtype)
            rows, cols = coding.chunks[planes.rows], coding.chunks[planes.cols]
            sizes = [coding.chunks[axis] for axis in planes.lead]
            inside = (
                int(np.ravel_multi_index([n % size for n, size in zip(lead, sizes, strict=True)], sizes)) if lead else 0
            )
            item = coding.dtype.itemsize
            first = (inside * rows + block.row_off % rows) * cols * item
            length = block.height * cols * item
            total = math.prod(coding.chunks) * item
            content = (
                raw_part(span, first, length, total)
                if coding.plain == "raw"
                else blosc_part(span, first, length, total)
            )
            stored = np.frombuffer(content, coding.dtype.newbyteorder(coding.order)).reshape(1, block.height, cols)
            return np.ascontiguousarray(stored[..., : block.width], coding.dtype)

    def whole(self, first: tuple[int, ...], block: Block) -> NDArray[Any]:
        """Decode a chunk by zarr-python, (band, y, x)."""
        coding, planes = self._coding, self._planes
        index = self.chunk_at(first, block)
        key, _ = self._key(index)
        with self._told(key):
            if self._complete and not self._node.store.has(key):
                self._refuse_missing(key)
            ends: list[slice] = [slice(None)] * len(planes.shape)
            for axis, start in zip(planes.lead, first, strict=True):
                ends[axis] = slice(start, min(start + coding.chunks[axis], planes.shape[axis]))
            ends[planes.rows] = slice(block.row_off, block.row_stop)
            ends[planes.cols] = slice(block.col_off, block.col_stop)
            pixels = np.asarray(self._opened()[tuple(ends)])
            pixels = np.moveaxis(pixels, (planes.rows, planes.cols), (-2, -1)).reshape(-1, *block.shape)
            return np.ascontiguousarray(pixels, coding.dtype)

    def _opened(self) -> "zarr.Array[Any]":
        if self._array is None:
            self._array = open_array(self._node, self._coding)
        return self._array

    def _refuse_missing(self, key: str) -> None:
        if self._complete:
            raise ValueError(f"chunk {key} is missing")

    def _told(self, key: str) -> "_damage":
        return _damage(f"{self._node.store.root}: {key} cannot be read", "the store is damaged, copy it again")


class _damage:  # noqa: N801  used like a function
    """Turns errors of zarr-python and codecs into a `SceneError` about `what`, with a `mend`."""

    def __init__(self, what: str, mend: str) -> None:
        self._what, self._mend = what, mend

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, GeosalError | MemoryError):
            raise SceneError(f"{self._what} ({cause_of(error)[:200]}); {self._mend}") from error


class _Plane(Tiled):
    """Bands that are decoded together, by `decode`."""

    def __init__(self, array: ZarrTiles, sizes: Cut, lead: tuple[int, ...], decode: _Decode) -> None:
        self.sizes, self._array, self._lead, self._decode, self.kept = sizes, array, lead, decode, array.kept
        self._seen: dict[int, tuple[int, int] | None] = {}

    def refresh(self, block: Block) -> None:
        for number in self.numbers(block):
            now = self._array.state(self._lead, self.sizes.block(number))
            if self._seen.setdefault(number, now) != now:  # written anew in place
                self._seen[number] = now
                self.forget(number)

    def decoded(self, number: int, block: Block, otherwise: Callable[[Block], NDArray[Any]] | None) -> NDArray[Any]:
        del number, otherwise
        return self._decode(self._lead, block)


def open_array(node: Node, coding: Coding) -> "zarr.Array[Any]":
    """Open an array by zarr-python, with the metadata of its `coding`.

    Raises
    ------
    SceneError
        A codec may run what is stored, zarr-python lacks one, or it does not understand the metadata.
    """
    own = coding.meta if node.version == 3 else {"attributes": {}, **coding.meta}
    mend = (
        f"it is coded by {', '.join(coding.names)}; write it anew with codecs that zarr-python has, or get a newer one"
    )
    return _by_zarr(node, own, mend)


def _by_zarr(node: Node, meta: Json, mend: str) -> "zarr.Array[Any]":
    """Give an array to zarr-python by its metadata, if no codec may run what is stored."""
    refuse_codecs(node.label, meta)
    import zarr  # noqa: PLC0415  slow to import
    from zarr.core.metadata import ArrayV2Metadata, ArrayV3Metadata  # noqa: PLC0415
    from zarr.storage import StorePath  # noqa: PLC0415

    with _damage(f"{node.label} cannot be read", mend):
        of = ArrayV3Metadata if node.version == 3 else ArrayV2Metadata
        described = of.from_dict({key: value for key, value in meta.items() if key != "storage_transformers" or value})
        place = StorePath(zarr_store(node), node.store.top + node.path)
        return zarr.Array(zarr.AsyncArray(metadata=described, store_path=place))


def values_of(node: Node) -> NDArray[Any]:
    """Read a whole array, such as a coordinate.

    Raises
    ------
    SceneError
        It cannot be read.
    """
    coding = Coding.of(node)
    with _damage(f"{node.label} cannot be read", "the store is damaged, copy it again"):
        values = np.asarray(open_array(node, coding)[...])
    return values if coding.scale == 1 and coding.offset == 0 else values * coding.scale + coding.offset


def text_values_of(node: Node) -> NDArray[Any]:
    """Read an array of texts, such as names of bands, by zarr-python.

    Raises
    ------
    SceneError
        It cannot be read.
    """
    with _damage(f"{node.label} cannot be read", "the store is damaged, copy it again"):
        own = node.meta if node.version == 3 else {"attributes": {}, **node.meta}
        return np.asarray(_by_zarr(node, own, "the store is damaged, copy it again")[...])


def zarr_store(node: Node) -> Any:
    """Return the store of a node for zarr-python; no link leads out of it."""
    from zarr.core.sync import sync  # noqa: PLC0415
    from zarr.storage import LocalStore, ObjectStore, ZipStore  # noqa: PLC0415

    if is_remote(node.store.root):
        return ObjectStore(store_of(node.store.root)[0], read_only=True)
    if node.store.is_zip:
        return sync(ZipStore.open(node.store.root, mode="r"))

    class Inside(LocalStore):
        """A folder, from which no link leads out."""

        async def get(self, key: str, *args: Any, **options: Any) -> Any:
            node.store.has(key)  # raises where it is no regular file, or leads out
            return await super().get(key, *args, **options)

    return Inside(node.store.root, read_only=True)
