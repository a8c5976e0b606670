"""A lazy array in a temporary raster beside the output: computed once, chunk by chunk, and read from there.

A job reads blocks with halos, and looks for a setting before it encodes; a lazy array would be computed again each
time.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geosal.arrays.chunks import blocks_of, each_chunk
from geosal.arrays.samples import Read, checked
from geosal.core.grid import Block, Grid
from geosal.core.progress import Progress, ProgressCallback
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.core.shared_raster import shared_raster
from geosal.formats.gdal.stage import Stage
from geosal.scenes.decoding import damage_as_scene_error


class Spilled:
    """Samples in a temporary raster, which is made when they are first read. It pickles once it is made.

    Parameters
    ----------
    pixels
        (band, y, x) of dask.
    mask
        (y, x) bool, or None.
    place
        Tells a new path when it is asked for: nothing is written for a job that is refused.
    workers
        Threads that compute chunks.
    report
        Called after each chunk.
    """

    def __init__(
        self,
        pixels: da.Array,
        mask: da.Array | None,
        place: Callable[[], Path],
        workers: int | None,
        report: ProgressCallback,
    ) -> None:
        self._pixels, self._mask, self._place = pixels, mask, place
        self._workers, self._report = workers, report
        self._has_mask = mask is not None
        self._path: str | None = None
        self._lock = threading.Lock()

    def read(self, block: Block) -> Read:
        """Read a block of the raster."""
        path = self.path()
        with damage_as_scene_error(f"the array's temporary raster: {block}"), shared_raster(path) as dataset:
            pixels: NDArray[Any] = dataset.read(window=block.window)
            mask = dataset.read_masks(1, window=block.window) > 0 if self._has_mask else None
        return pixels, mask

    def path(self) -> str:
        """Path of the raster, which is there then."""
        with self._lock:
            if self._path is None:
                self._path = str(self._made())
        return self._path

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self.path(), "_has_mask": self._has_mask}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()

    def _made(self) -> Path:
        bands, height, width = self._pixels.shape
        dtype = self._pixels.dtype
        layout = RasterLayout(
            grid=Grid(None, Affine.scale(1, -1), height, width),  # any place keeps GDAL from telling of none
            dtype=str(dtype),
            nodata=None,
            has_mask=self._has_mask,
            metadata=RasterMetadata(bands=(BandMetadata(),) * bands),
        )
        path = self._place()
        arrays = [self._pixels, *([] if self._mask is None else [self._mask])]
        total = len(blocks_of(self._pixels.chunks[1:]))
        self._report(Progress("array", 0, total, "blocks"))
        with ExitStack() as stack:
            stage = stack.enter_context(Stage(path, layout))
            found = stack.enter_context(
                each_chunk(_Checked(dtype, bands), arrays, name="geosal-spill", workers=self._workers)
            )
            for done, (block, pixels, mask) in enumerate(found, start=1):
                stage.write(block, pixels, mask)
                self._report(Progress("array", done, total, "blocks"))
            stage.finish({}, None)
        return path


class _Checked:
    """A chunk as it was declared; it pickles."""

    def __init__(self, dtype: np.dtype[Any], bands: int) -> None:
        self._dtype, self._bands = dtype, bands

    def __call__(
        self, block: Block, pixels: NDArray[Any], mask: NDArray[np.bool_] | None = None
    ) -> tuple[Block, NDArray[Any], NDArray[np.bool_] | None]:
        found, valid = checked(pixels, None if mask is None else mask[0], block, self._dtype, self._bands)
        return block, found, valid
