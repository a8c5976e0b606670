"""Saliency of arrays: lazy, on the scene's grid, by sources that may look at the array's own samples."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, TypedDict, Unpack, cast

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geosal.arrays.array_scene import ArrayScene
from geosal.arrays.chunks import blocks_of, merged
from geosal.arrays.coordinates import grid_of
from geosal.arrays.forms import as_given, as_scene, as_series, others_of, stacked
from geosal.arrays.given import given_sources
from geosal.arrays.samples import Chunked, InMemory
from geosal.core.grid import Block, Grid
from geosal.sources import Saliency, open_saliency
from geosal.sources.base import Source
from geosal.sources.looking.shared import Looking
from geosal.sources.text import SourceText


class SaliencyOptions(TypedDict, total=False):
    """Options of `geosal.saliency`, as `geosal.Recipe` has them."""

    combine: str | None
    outside: str
    background: float
    drivers: tuple[str, ...]


def saliency(sources: object, like: xr.DataArray | xr.Dataset, **options: Unpack[SaliencyOptions]) -> xr.DataArray:
    """Make a lazy array of how much each pixel of a scene matters.

    Parameters
    ----------
    sources
        One or several: SOURCE texts or paths, such as ``"perlin:seed=7"`` or ``"mask.tif:range=0-100"``, see
        `geosal.sources`; a GeoDataFrame, or anything with ``__geo_interface__``, in its ``.crs`` or that of the scene,
        of which a column ``saliency`` counts; an ndarray (y, x) of the scene's shape; or a DataArray, which is laid on
        the scene by its coordinates.
    like
        Scene whose grid, dask chunks and coordinates are taken. Sources such as ``detail`` look at its samples. Where
        they do, and it has other dimensions such as time, each step has a saliency of its own.
    **options
        ``combine``, ``outside``, ``background``, ``drivers``: see `geosal.Recipe`.

    Returns
    -------
    xarray.DataArray
        (y, x) float32 in [0, 1], by the names that the scene has for them.

    Raises
    ------
    UsageError, SceneError, SaliencyError
        An unknown source, an unreadable mask, a mask that does not fit the scene.

    Examples
    --------
    >>> scene = geosal.open_scene("scene.tif")
    >>> saliency = geosal.saliency(["mask.tif", "perlin:seed=7"], like=scene)
    >>> saliency.shape == scene.shape[1:], saliency.dtype
    (True, dtype('float32'))

    A geometry is one too, in the CRS of the scene; here it is all of it:

    >>> from shapely import box
    >>> geosal.saliency(box(*scene.rio.bounds()), like=scene).mean().compute().item()
    1.0
    """
    given = stacked(like) if isinstance(like, xr.Dataset) else like
    series = as_series(given)
    named = given_sources(sources, series)
    others = [name for name in others_of(series) if series.sizes[name] > 1]
    if not others or not any(map(_looks, named)):
        return as_given(_saliency(named, as_scene(series.isel(dict.fromkeys(others, 0))), options), given)
    steps = _steps(named, series, others, options)
    return as_given(steps, given)


def _steps(
    named: list[SourceText], series: xr.DataArray, others: list[Hashable], options: SaliencyOptions
) -> xr.DataArray:
    """Saliency of each step of the first of the other dimensions, and so on."""
    name, *rest = others
    each = []
    for step in range(series.sizes[name]):
        part = series.isel({name: step})
        part.encoding = dict(series.encoding)
        each.append(_steps(named, part, rest, options) if rest else _saliency(named, as_scene(part), options))
    found: xr.DataArray = xr.concat(each, series[name] if name in series.coords else name, coords="minimal")
    found.encoding = dict(each[0].encoding)
    return found


def _looks(source: SourceText) -> bool:
    """Return whether a source looks at samples."""
    return source.target in {"detail", "spectral", "cnn"}


def _saliency(named: list[SourceText], like: xr.DataArray, options: SaliencyOptions) -> xr.DataArray:
    """Saliency of one scene, (band, y, x) or (y, x)."""
    scene, grid = ArrayScene.of(like) if like.dtype.kind in "uif" else None, grid_of(like)
    opened = open_saliency(named, grid, scene=scene, **options)
    chunks = like.chunks[-2:] if like.chunks is not None else like.shape[-2:]
    found = xr.DataArray(
        _lazy(opened, da.core.normalize_chunks(chunks, like.shape[-2:])),
        dims=("y", "x"),
        coords={name: coord for name, coord in like.coords.items() if _is_of_place(str(name), coord)},
        name="saliency",
        attrs={"source": opened.label},
    )
    return _placed(found, like, grid)


def _is_of_place(name: str, coord: xr.DataArray) -> bool:
    return "band" not in coord.dims and name not in {"valid", "band"}


def _lazy(opened: Saliency, chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    """Saliency by chunks; of sources that look at a dask array, each of its chunks is computed once for all of them."""
    meta = np.empty((0, 0), np.float32)
    lazy = next(filter(None, map(_chunked, opened.sources)), None)
    if lazy is None:
        array: da.Array = da.map_blocks(
            _read, opened, chunks=chunks, dtype=np.float32, meta=meta, token="geosal-saliency"
        )
        return array
    reach = max(source.reach for source in opened.sources if isinstance(source, Looking))
    y, x = (merged(sizes, reach) for sizes in lazy.pixels.chunks[1:])
    pixels = lazy.pixels.rechunk({1: y, 2: x})
    depth = {0: 0, 1: reach if len(y) > 1 else 0, 2: reach if len(x) > 1 else 0}
    arrays = [pixels, *([] if lazy.mask is None else [lazy.mask.rechunk((y, x))[None]])]
    around = da.map_overlap(
        _look,
        *arrays,
        opened=_without_samples(opened),
        where=dict(enumerate(blocks_of((y, x)))),
        across=len(x),
        reach=reach,
        depth=depth,
        boundary="none",
        trim=False,
        chunks=((1,), y, x),
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
        token="geosal-saliency",
    )
    found: da.Array = around[0].rechunk(chunks)
    return found


def _chunked(source: Source) -> Chunked | None:
    """Return the dask array whose samples a source looks at while it reads."""
    scene = source.scene if isinstance(source, Looking) else None
    samples = scene.samples if isinstance(scene, ArrayScene) else None
    return samples if isinstance(samples, Chunked) else None


def _with_samples(opened: Saliency, samples: InMemory) -> Saliency:
    """The same, but looking at samples of a part of the array."""

    def looking(source: Source) -> Source:
        scene = source.scene if isinstance(source, Looking) else None
        if not isinstance(source, Looking) or not isinstance(scene, ArrayScene):
            return source
        seen: Any = replace(source, scene=scene.given(samples))
        return cast("Source", seen)

    return replace(opened, sources=tuple(map(looking, opened.sources)))


def _without_samples(opened: Saliency) -> Saliency:
    """The same without any samples, to travel in tasks."""
    return _with_samples(opened, InMemory(np.empty((0, 0, 0)), None))


_BlockInfo = dict[None, dict[str, list[tuple[int, int]]]]


def _read(opened: Saliency, block_info: _BlockInfo) -> NDArray[np.float32]:
    (row, row_stop), (col, col_stop) = block_info[None]["array-location"]
    return opened.read(Block(row, col, row_stop - row, col_stop - col))


def _look(
    pixels: NDArray[Any],
    mask: NDArray[np.bool_] | None = None,
    *,
    opened: Saliency,
    where: dict[int, Block],
    across: int,
    reach: int,
    block_id: tuple[int, ...] = (0, 0, 0),
) -> NDArray[np.float32]:
    """Saliency (1, y, x) of a chunk that comes with up to `reach` pixels around it."""
    block = where[block_id[-2] * across + block_id[-1]]
    origin = (max(0, block.row_off - reach), max(0, block.col_off - reach))
    around = InMemory(pixels, None if mask is None else mask[0], origin)
    return _with_samples(opened, around).read(block)[None]


def _placed(found: xr.DataArray, like: xr.DataArray, grid: Grid) -> xr.DataArray:
    """Give a map the place of its scene, where its coordinates do not tell all of it."""
    if like.rio.grid_mapping in found.coords:  # whatever it is called, the CRS is there
        found.encoding["grid_mapping"] = like.rio.grid_mapping
    if found.rio.crs is None and like.rio.crs is not None:  # attributes have it
        found = found.rio.write_crs(like.rio.crs)
    if "x" not in found.coords and grid_of(found).transform != grid.transform:
        found = found.rio.write_transform(grid.transform)
    return found
