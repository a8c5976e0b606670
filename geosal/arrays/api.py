"""Functions on xarray objects: make saliency like a scene, and write any dask-backed array in bounded memory."""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import dask.array as da
import dask.base
import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from geosal.arrays.coordinates import check_dimensions, grid_of
from geosal.arrays.layout import Recode, bands_of, layout_of, of_bands
from geosal.core import provenance
from geosal.core.gdal_env import path_text
from geosal.core.grid import Block, Grid
from geosal.core.raster import alpha_among, any_colour, valid_samples
from geosal.errors import UsageError
from geosal.files.publish import check_output
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import has_world_file
from geosal.job.fit import BLOCK
from geosal.job.recipe import read_options
from geosal.produce import Labour, ProgressCallback, Work, ignore, produce, target_for
from geosal.scenes import AnyScene, input_root, open_input
from geosal.sources import Saliency, open_saliency, source_texts


def saliency(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    like: xr.DataArray,
    *,
    combine: str | None = None,
    outside: str = "keep",
    background: float = 0.0,
    drivers: tuple[str, ...] = (),
) -> xr.DataArray:
    """Make a lazy array of how much each pixel of a scene matters.

    Parameters
    ----------
    sources
        One or several SOURCE texts, such as ``"perlin:seed=7"`` or ``"mask.tif:range=0-100"``; see `geosal.sources`.
    like
        Scene whose grid, dask chunks and coordinates the map gets.
    combine, outside, background, drivers
        See `geosal.Recipe`.

    Returns
    -------
    xarray.DataArray
        (y, x) float32 in [0, 1].

    Raises
    ------
    UsageError, SceneError, SaliencyError
        A source is unknown, a mask cannot be read, or it does not fit the scene.
    """
    check_dimensions(like)
    texts, grid = source_texts(sources), grid_of(like)
    opened = open_saliency(
        texts,
        grid,
        combine=combine,
        outside=outside,
        drivers=drivers,
        background=background,
        scene=_scene_of(like),
    )
    chunks = like.chunks[-2:] if like.chunks is not None else like.shape[-2:]
    data = da.map_blocks(
        _read_saliency,
        opened,
        chunks=da.core.normalize_chunks(chunks, like.shape[-2:]),
        dtype=np.float32,
        meta=np.empty((0, 0), np.float32),
    )
    coords = {name: coord for name, coord in like.coords.items() if "band" not in coord.dims and name != "valid"}
    coords.pop("band", None)
    found = xr.DataArray(data, dims=("y", "x"), coords=coords, name="saliency", attrs={"source": opened.label})
    return _placed(found, like, grid)


def _placed(found: xr.DataArray, like: xr.DataArray, grid: Grid) -> xr.DataArray:
    """Give a map the place of its scene, where coordinates do not define it completely."""
    if like.rio.grid_mapping in found.coords:  # the CRS is there, whatever its name
        found.encoding["grid_mapping"] = like.rio.grid_mapping
    if found.rio.crs is None and like.rio.crs is not None:  # attributes have it
        found = found.rio.write_crs(like.rio.crs)
    if "x" not in found.coords and grid_of(found).transform != grid.transform:
        found = found.rio.write_transform(grid.transform)
    return found


def _read_saliency(opened: Saliency, block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> NDArray[np.float32]:
    (row, row_stop), (col, col_stop) = block_info[None]["array-location"]
    saliency: NDArray[np.float32] = opened.read(Block(row, col, row_stop - row, col_stop - col))
    return saliency


def write(
    array: xr.DataArray,
    path: str | os.PathLike[str],
    *,
    profile: str | None = None,
    creation_options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
) -> str:
    """Write an array as a COG (``.tif``), JPEG2000 (``.jp2``), Zarr store, JPEG or PNG, block by block.

    Grid, nodata, band names, scale and offset come from the array as rioxarray keeps them. Of the file that the array
    was opened from, tags and colours are carried over as well, GCPs and RPCs on the array's own pixels, also by a part.
    Floats that were made of integers have NaN as nodata value.

    Parameters
    ----------
    array
        (band, y, x) or (y, x); with dask only the blocks in work are in memory.
    path
        The output; the suffix picks the writer.
    profile, creation_options, overwrite, workers
        See `geosal.Recipe`.
    progress
        Called after each block and at each stage.

    Returns
    -------
    str
        `path`, as text.

    Raises
    ------
    UsageError, OutputError, SceneError
        The codec cannot hold the array, the file cannot be written, or a source block cannot be read.
    """
    check_dimensions(array)
    path = path_text("path", path)
    options = dict(read_options("creation_options", {} if creation_options is None else creation_options))
    stacked = array if array.ndim == 3 else array.expand_dims("band")
    source = array.encoding.get("source")
    inputs = [source, input_root(source)] if source else []
    check_output(path, overwrite=overwrite, inputs=inputs, with_world_file=has_world_file(path))
    layout, recode = layout_of(stacked)
    chosen = resolve_profile(path, profile, options, layout)
    chosen.format.warn_of(path, layout)
    target = target_for(path, chosen, layout, overwrite=overwrite)
    gives_way = None if target.layout.nodata is not None else layout.nodata
    bits = layout.nbits if "NBITS" in chosen.options else None
    task = _Compute(stacked, gives_way, recode, bits)
    labour = Labour(stage="smooth", task=task, blocks=list(_blocks_of(stacked)), workers=workers)
    produce(
        target,
        labour,
        take=lambda _: None,
        tags=lambda: (provenance.of_any_file(), None),
        report=progress or ignore,
    )
    return path


def _blocks_of(array: xr.DataArray) -> Iterator[Block]:
    """Return the array's own chunks as blocks, so that each is computed once; for an array in memory, squares."""
    height, width = array.shape[-2:]
    if array.chunks is None:
        yield from Grid(None, Affine.identity(), height, width).blocks(BLOCK)
        return
    rows, cols = (np.cumsum((0, *chunks)).tolist() for chunks in array.chunks[-2:])
    for row, row_stop in pairwise(rows):
        for col, col_stop in pairwise(cols):
            yield Block(row, col, row_stop - row, col_stop - col)


class _Compute:
    """Compute one block of an array in the calling thread, or on the cluster that the user has connected.

    `nodata` is a code that the output does not have: its mask marks such pixels, and those that are not `valid`.
    The output keeps at most `bits` bits of a sample.
    """

    def __init__(self, array: xr.DataArray, nodata: float | None, recode: Recode | None, bits: int | None) -> None:
        self._array, self._nodata, self._recode, self._bits = array, nodata, recode, bits
        colours = bands_of(array, "colorinterp", "")
        self._alpha = alpha_among(colours)

    def __call__(self, block: Block) -> Work[None]:
        part = self._array.isel(y=slice(block.row_off, block.row_stop), x=slice(block.col_off, block.col_stop))
        valid = part.coords.get("valid")
        own = {} if dask.base.get_scheduler() else {"scheduler": "synchronous"}  # blocks are side by side already
        computed, mask = dask.base.compute(part.data, None if valid is None else valid.data, **own)
        pixels = _as_declared(computed, part.dtype, part.shape, f"the array, {block}")
        if valid is not None:
            mask = _as_declared(mask, valid.dtype, valid.shape, f"its coordinate valid, {block}")
        pixels = pixels if self._recode is None else self._recode.apply(pixels)
        if self._bits is not None and pixels.max() >= 2**self._bits:
            raise UsageError(
                f"the array, {block}: has samples up to {pixels.max()}, and its file has {self._bits} bits, up to "
                f"{2**self._bits - 1}; write it without what its file says of it: array.drop_encoding()"
            )
        some = None
        if mask is None or self._nodata is not None:
            some = any_colour(valid_samples(pixels, self._nodata), self._alpha)
        mask = some if mask is None else mask if some is None else mask & some
        return Work(pixels, np.asarray(mask), None)


def _as_declared(computed: object, dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """Check what dask has computed against the array's declaration; a smaller type of the same kind is converted.

    Raises
    ------
    UsageError
        The result has another shape, or a type whose values the declared one does not hold.
    """
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


def _scene_of(array: xr.DataArray) -> AnyScene | None:
    """Open the file or product of an array that still lies on its grid, for sources that look at its pixels."""
    path = array.encoding.get("source")
    if not path or "reading" not in array.encoding:
        return None
    scene = open_input(path, array.encoding["reading"])
    return of_bands(scene.original, array, scene) if scene.grid == grid_of(array) else None
