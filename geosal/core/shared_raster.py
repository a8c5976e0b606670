"""Share one handle of a raster between all threads of a process, and notice when its file changes."""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from geosal.core.decoded_tiles import TiledRaster
from geosal.core.gdal_env import gdal_env, is_local, no_neighbours
from geosal.core.grid import Block
from geosal.core.open_raster import open_raster
from geosal.core.patience import patiently
from geosal.core.zarr.chunks import ZarrTiles
from geosal.core.zarr.files import is_zarr
from geosal.core.zarr.raster import open_zarr, state_of
from geosal.errors import SceneError

_MAX_HANDLES = 16


@dataclass
class _Handle:
    dataset: DatasetReader | None
    """None of an array in a Zarr store."""
    tiles: TiledRaster | ZarrTiles | None
    """The tiles that are decoded without the handle; None where GDAL decodes."""
    users: int = 0
    """Number of threads that have it or wait for it; a handle may be closed only at 0."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def raster(self) -> DatasetReader:
        """The handle of what GDAL reads."""
        if self.dataset is None:
            raise TypeError("`read_bands` reads an array of a Zarr store")
        return self.dataset

    def close(self) -> None:
        """Close the handle, and free the tiles that are kept for it."""
        if self.dataset is not None:
            self.dataset.close()
        if self.tiles is not None:
            self.tiles.close()


_handles: OrderedDict[tuple[object, ...], _Handle] = OrderedDict()
_handles_lock = threading.Lock()


_ENDS, _PAGE, _PAGES = 2**16, 2**12, 32
"""Bytes at each end of a file that are looked at, and bytes and number of the pages between them."""


@dataclass(frozen=True)
class FileState:
    """What identifies the present content of a local file.

    Whoever travels to a worker takes a digest along, because another machine may have another file of the same size and
    time: of both ends, where headers are, and of pages spread over the rest. So a small file is known whole.
    """

    stamps: tuple[int, ...]
    """Size in bytes and modification time in ns of the file, followed by those of the mask beside it."""
    names: tuple[str, ...] = field(default=(), compare=False)
    """The files; none of a store in Zarr, whose many files have no digest."""
    content: str | None = field(default=None, compare=False)
    """Digest of what the sender had; None where nobody has sent the state."""

    def __reduce__(self) -> tuple[type["FileState"], tuple[object, ...]]:
        return FileState, (self.stamps, self.names, self.content or self.digest())

    def __dask_tokenize__(self) -> tuple[int, ...]:
        """Return what makes it equal to another: a state that has travelled is the same one."""
        return self.stamps

    def digest(self) -> str | None:
        """Return the digest of the present content; None where there is none."""
        return _digest(self.names, self.stamps)

    def difference(self, here: "FileState | None") -> str | None:
        """Say how what is here differs from this; None where it does not."""
        if here is None:
            return "there is no such file"
        if here != self:
            size, before = here.stamps[0], self.stamps[0]
            if size != before:
                return f"it has {size} bytes and had {before}"
            if here.stamps[1] != self.stamps[1]:
                return "the time of its last change is another"
            return "a mask beside it (.msk) has come, gone or changed"
        if self.content is not None and here.digest() != self.content:
            return "its content is another, although size and time are the same"
        return None


@lru_cache(maxsize=256)
def _digest(names: tuple[str, ...], _stamps: tuple[int, ...]) -> str | None:
    """Return the digest of files, once for each of their states."""
    told = hashlib.sha256()
    try:
        for name in names:
            with open(name, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                told.update(file.read(_ENDS))
                rest = size - 2 * _ENDS
                if rest <= _PAGES * _PAGE:
                    told.update(file.read())
                    continue
                for page in range(_PAGES):
                    file.seek(_ENDS + page * rest // _PAGES)
                    told.update(file.read(_PAGE))
                file.seek(-_ENDS, os.SEEK_END)
                told.update(file.read())
    except OSError:
        return None
    return told.hexdigest() if names else None


def file_state(path: str, *, alone: bool = False) -> FileState | None:
    """Return what identifies a file's present content, here and on a worker; None for what is not a local file.

    `alone` is that of `open_raster`. Other files beside it do not count: they say nothing about pixels once its headers
    are read, and whoever looks at a scene while it is worked on may write statistics or overviews there.
    """
    if not os.path.isfile(path) and is_zarr(path):
        state = state_of(path)
        return None if state is None else FileState(state)
    stamps: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    for name in (path,) if alone else (path, f"{path}.msk", f"{path}.MSK"):
        try:
            stat = os.stat(name)
        except OSError:
            if name == path:
                return None
        else:
            stamps += (stat.st_size, stat.st_mtime_ns)
            names += (name,) if os.path.isfile(name) else ()
    return FileState(stamps, names)


@contextmanager
def shared_raster(
    path: str, extra_drivers: tuple[str, ...] = (), *, alone: bool = False, seen: FileState | None = None
) -> Iterator[DatasetReader]:
    """Lend the process's only handle of a raster to the calling thread, inside `gdal_env`.

    GDAL's cache of decoded tiles belongs to the handle: threads that share one decode the tiles that their halos share
    once. Pixels that are worked on come by `read_bands`. Handles are not safe in two threads at once, so a lock is held
    while one is lent; keep only the read inside the `with`. `alone` is that of `open_raster`; a raster alone and one
    with what lies beside it have a handle each. `seen` is the file's state when its headers were read.

    Raises
    ------
    SceneError
        The file cannot be opened, or has changed since it was `seen`: two files would be mixed in one output.
    """
    with _used(path, extra_drivers, alone=alone, seen=seen) as handle, handle.lock:
        yield handle.raster


def read_bands(
    path: str,
    indexes: Sequence[int],
    block: Block,
    extra_drivers: tuple[str, ...] = (),
    *,
    alone: bool = False,
    seen: FileState | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Read a block of some bands, from 1: (band, y, x); into `out` where it is given.

    Threads decode tiles of a JPEG 2000 side by side, each tile once, see `geosal.core.decoded_tiles`, and so parts of
    an array in a Zarr store, whose path is ``store.zarr/group/array``; all else is decoded by the process's handle.
    Other parameters, and errors, are those of `shared_raster`.
    """
    with _used(path, extra_drivers, alone=alone, seen=seen) as handle:
        if isinstance(handle.tiles, ZarrTiles):
            if out is None:
                out = np.empty((len(indexes), *block.shape), handle.tiles.dtype)
            handle.tiles.read(indexes, block, out)
            return out

        def by_gdal(bands: Sequence[int], part: Block, out: NDArray[Any] | None = None) -> NDArray[Any]:
            def read() -> NDArray[Any]:
                return np.asarray(handle.raster.read(list(bands), window=part.window, out=out))

            def anew() -> None:
                handle.raster.close()
                handle.dataset = open_raster(path, extra_drivers, alone=alone)

            with handle.lock:
                return patiently(path, read, anew)

        if handle.tiles is None:
            return by_gdal(indexes, block, out)
        if out is None:
            out = np.empty((len(indexes), *block.shape), handle.tiles.places.sizes.dtype)
        handle.tiles.read(indexes, block, out, lambda part: by_gdal(handle.raster.indexes, part))
        return out


@contextmanager
def _used(path: str, extra_drivers: tuple[str, ...], *, alone: bool, seen: FileState | None) -> Iterator[_Handle]:
    """Keep a raster's handle from being closed while the body runs, inside `gdal_env`."""
    difference = None if seen is None else seen.difference(file_state(path, alone=alone))
    if difference is not None:
        raise SceneError(
            f"{path}: the file has changed since it was opened, or is another one on this worker: {difference}; leave "
            "it alone while it is used, copy it to workers with its time (cp -p), and start again"
        )
    with gdal_env(), no_neighbours() if alone else nullcontext():
        handle = _take_handle(path, extra_drivers, alone)
        try:
            yield handle
        finally:
            with _handles_lock:
                handle.users -= 1


def _take_handle(path: str, extra_drivers: tuple[str, ...], alone: bool) -> _Handle:
    key: tuple[object, ...] = (path, extra_drivers, alone)
    if is_local(path) and os.path.exists(path):  # a file that was replaced is another file
        stat = os.stat(path)
        key += (stat.st_dev, stat.st_ino, file_state(path, alone=alone))
    elif is_zarr(path):  # in a zip
        key += (file_state(path, alone=alone),)
    with _handles_lock:
        if key not in _handles:
            _handles[key] = _opened(path, extra_drivers, alone)
        _handles.move_to_end(key)
        _handles[key].users += 1
        _close_idle(keep=_MAX_HANDLES)
        return _handles[key]


def _opened(path: str, extra_drivers: tuple[str, ...], alone: bool) -> _Handle:
    if not os.path.isfile(path) and is_zarr(path):
        return _Handle(None, open_zarr(path).tiles())
    dataset = open_raster(path, extra_drivers, alone=alone)
    return _Handle(dataset, TiledRaster.of(dataset, path))


def close_shared_rasters() -> None:
    """Close the handles that are not in use, and free the tiles that GDAL keeps for them."""
    with _handles_lock:
        _close_idle(keep=0)


def _close_idle(keep: int) -> None:
    """Close idle handles, the longest unused first, until `keep` are left; the caller holds the lock."""
    idle = [key for key, handle in _handles.items() if handle.users == 0]
    for key in idle[: max(0, len(_handles) - keep)]:
        _handles.pop(key).close()
