"""Any array written as a file, in bounded memory, with each of its chunks computed once."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geosal.arrays.array_scene import samples_of
from geosal.arrays.chunks import blocks_of, each_chunk
from geosal.arrays.forms import as_scene
from geosal.arrays.layout import Recode, bands_of, layout_of
from geosal.arrays.samples import Chunked, InMemory, checked
from geosal.core import provenance
from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import path_text
from geosal.core.grid import Block, Grid
from geosal.core.option_values import refuse_unknown
from geosal.core.raster import alpha_among, any_colour, valid_samples
from geosal.errors import UsageError
from geosal.files.publish import check_output
from geosal.formats.options import read_options
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import has_world_file
from geosal.job.fit import BLOCK
from geosal.produce import Cut, Done, Labour, Work, produce, target_for
from geosal.scenes import input_places


class WriteOptions(TypedDict, total=False):
    """Options of `geosal.write`, as `geosal.Recipe` has them."""

    profile: str | None
    creation_options: Mapping[str, object] | None
    overwrite: bool
    workers: int | None


def write(
    array: xr.DataArray | xr.Dataset,
    path: str | os.PathLike[str],
    *,
    progress: Reporting = None,
    **options: Unpack[WriteOptions],
) -> str:
    """Write an array as a COG (``.tif``), JPEG2000 (``.jp2``), Zarr store, JPEG, PNG or BPG, block by block.

    Grid, nodata, band names, scale and offset come from the array as rioxarray keeps them. Of the file that the array
    was opened from, tags and colours are carried over as well, GCPs and RPCs on the array's own pixels, also by a part.
    Floats that were made of integers have NaN as nodata value.

    Parameters
    ----------
    array
        (band, y, x) or (y, x), in any order and by the names of any library; a Dataset's variables become bands. With
        dask each chunk is computed once. Some three rows of chunks are in memory, of the array and of each that it is
        made of: 24576 columns of 3 x uint16 in chunks of 1024 took 1 GB as they are, and 2 GB smoothed. Chunks of
        fewer rows take less.
    path
        The output; the suffix picks the writer.
    progress
        Called after each block and at each stage; True for a bar.
    **options
        ``profile``, ``creation_options``, ``overwrite``, ``workers``: see `geosal.Recipe`.

    Returns
    -------
    str
        `path`, as text.

    Raises
    ------
    UsageError, OutputError, SceneError
        The codec cannot hold the array, the file cannot be written, or a source block cannot be read.

    Examples
    --------
    >>> scene = geosal.open_scene("scene.tif")
    >>> geosal.write(geosal.smooth(scene, "mask.tif"), "smooth.tif", profile="zstd")
    'smooth.tif'
    """
    scene = as_scene(array)
    path = path_text("path", path)
    refuse_unknown(options, sorted(WriteOptions.__annotations__), "no such option")
    overwrite, workers = options.get("overwrite", False), options.get("workers")
    given = dict(read_options("creation_options", options.get("creation_options") or {}))
    stacked = scene if scene.ndim == 3 else scene.expand_dims("band")
    check_array_output(scene, path, overwrite=overwrite)
    layout, recode = layout_of(stacked)
    chosen = resolve_profile(path, options.get("profile"), given, layout)
    chosen.format.warn_of(path, chosen.codec, layout)
    target = target_for(path, chosen, layout, overwrite=overwrite)
    gives_way = None if target.layout.nodata is not None else layout.nodata
    bits = layout.nbits if "NBITS" in chosen.options else None
    finish = _Finish(gives_way, recode, alpha_among(bands_of(stacked, "colorinterp", "")), bits)
    produce(
        target,
        _labour_of(samples_of(stacked), finish, layout.grid, workers),
        take=lambda _: None,
        tags=lambda: (provenance.of_an_array(scene.attrs), None),
        report=reporter(progress),
    )
    return path


def check_array_output(scene: xr.DataArray, path: str, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, or that is the file which an array was opened from.

    Raises
    ------
    OutputError
        See `geosal.files.publish.check_output`.
    """
    source = scene.encoding.get("source")
    inputs = input_places(source) if source else ()
    check_output(path, overwrite=overwrite, inputs=inputs, with_world_file=has_world_file(path))


def _labour_of(samples: InMemory | Chunked, finish: "_Finish", grid: Grid, workers: int | None) -> Labour[None]:
    """Return how the pixels are made: block by block of an array in memory, chunk by chunk of a lazy one."""
    if isinstance(samples, Chunked):
        blocks = blocks_of(samples.pixels.chunks[1:])
        return _ChunkLabour(
            stage="write", task=_Read(samples, finish), blocks=blocks, workers=workers, samples=samples, finish=finish
        )
    return Labour(stage="write", task=_Read(samples, finish), blocks=list(grid.blocks(BLOCK)), workers=workers)


@dataclass(frozen=True, eq=False)
class _Finish:
    """From the samples of a block to what is written of it; it pickles.

    Attributes
    ----------
    nodata
        A code that the output does not have: its mask tells of such pixels, as of those that are not `valid`.
    recode
        Samples that become NaN or nodata.
    alpha
        Position of the alpha band.
    bits
        Bits of a sample that the output keeps at most.
    """

    nodata: float | None
    recode: Recode | None
    alpha: int | None
    bits: int | None

    def __call__(self, block: Block, pixels: NDArray[Any], mask: NDArray[np.bool_] | None) -> Work[None]:
        """Finish a block."""
        pixels = pixels if self.recode is None else self.recode.apply(pixels)
        if self.bits is not None and pixels.max() >= 2**self.bits:
            raise UsageError(
                f"the array, {block}: has samples up to {pixels.max()}, and its file has {self.bits} bits, up to "
                f"{2**self.bits - 1}; write it without what its file says of it: array.drop_encoding()"
            )
        some = None
        if mask is None or self.nodata is not None:
            some = any_colour(valid_samples(pixels, self.nodata), self.alpha)
        mask = some if mask is None else mask if some is None else mask & some
        return Work(pixels, np.asarray(mask), None)


@dataclass(frozen=True, eq=False)
class _Read:
    """Read a block and finish it."""

    samples: InMemory | Chunked
    finish: _Finish

    def __call__(self, block: Block) -> Work[None]:
        return self.finish(block, *self.samples.read(block))


@dataclass(frozen=True, kw_only=True, eq=False)
class _ChunkLabour(Labour[None]):
    """Blocks that are the chunks of one graph."""

    samples: Chunked
    finish: _Finish

    @contextmanager
    def results(self, cut: Cut, *, in_order: bool = False) -> Iterator[Iterator[Done[None]]]:
        """Lend what all chunks come to, as dask makes them: in what order, it decides."""
        del in_order
        pixels, mask = self.samples.pixels, self.samples.mask
        arrays = [pixels, *([] if mask is None else [mask])]
        task = _CutChunk(self.finish, cut, pixels.dtype, pixels.shape[0])
        with each_chunk(task, arrays, name="geosal-write", workers=self.workers) as results:
            yield results


@dataclass(frozen=True, eq=False)
class _CutChunk:
    """Check a computed chunk, finish it and cut it into tiles; it pickles."""

    finish: _Finish
    cut: Cut
    dtype: np.dtype[Any]
    bands: int

    def __call__(self, block: Block, pixels: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Done[None]:
        found = checked(pixels, None if mask is None else mask[0], block, self.dtype, self.bands)
        return self.cut(block, self.finish(block, *found))
