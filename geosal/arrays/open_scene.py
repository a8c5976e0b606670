"""A scene as a lazy xarray.DataArray, opened by rioxarray."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import dask.array as da
import numpy as np
import rioxarray
import xarray as xr
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from geosal.arrays.array_scene import QUALITY, names_of
from geosal.core.gdal_env import gdal_env, path_text
from geosal.core.grid import Block, Grid
from geosal.core.option_values import require
from geosal.core.raster import BandMetadata
from geosal.errors import UsageError
from geosal.scenes.base import AnyScene
from geosal.scenes.opening import open_input
from geosal.scenes.raster import Scene
from geosal.scenes.reading import OpenOptions, Reading, band_names


def open_scene(
    path: str | os.PathLike[str],
    bands: str | Sequence[int | str] | None = None,
    *,
    chunks: int = 2048,
    **reading: Unpack[OpenOptions],
) -> xr.DataArray:
    """Open a raster or a product lazily: headers are read and checked now, pixels when they are computed.

    Parameters
    ----------
    path
        A local path, ``https://``, ``s3://`` or ``/vsi…``, of a format on the list of trusted GDAL drivers; or a
        Sentinel-2 or Landsat product: its folder, ``.zip`` or ``.tar``; or a STAC Item, ``.json``.
    bands
        Band numbers from 1, or names, roles and groups such as ``"rgb"`` and ``["B08", "red"]``; all by default.
    chunks
        Rows and columns of a dask chunk; all bands lie in one.
    **reading
        Other fields of `geosal.scenes.Reading`: ``resolution``, ``resampling``, ``to_byte``, ``drivers``.

    Returns
    -------
    xarray.DataArray
        (band, y, x) of the file's dtype, with rioxarray's ``spatial_ref``, nodata and ``long_name``. The coordinate
        ``name`` (band) has the names of bands, so that ``scene.sel(name="B04")`` is one; ``colorinterp`` (band) tells
        what each shows. So do ``scale_factor``, ``add_offset`` and ``units`` where they differ, which are attributes
        where they do not. ``valid`` (y, x) is there when the file has a mask or alpha.
        Where control points alone tell the place, ``y`` and ``x`` count pixels.
        ``encoding["source"]`` and ``encoding["reading"]`` lead the writer back to tags, GCPs and RPCs, and
        ``encoding["pixels"]`` tells whether its samples are still those of the file. The encoding of ``spatial_ref``
        has a product's quality bands, for all that is made of its samples.

    Raises
    ------
    SceneError, UsageError, ResourceError
        See `geosal.scenes.open_input`.

    Examples
    --------
    >>> scene = geosal.open_scene("scene.tif")
    >>> scene.dims
    ('band', 'y', 'x')
    >>> geosal.open_scene("scene.tif", bands=[3, 1], to_byte="percentile:2-98").dtype
    dtype('uint8')
    >>> scene.sel(name="B04").dims
    ('y', 'x')

    A product is opened likewise: ``geosal.open_scene("S2B_MSIL2A_….SAFE", bands="rgb", to_byte="tci")``.
    """
    path = path_text("path", path)
    if not isinstance(chunks, int | np.integer) or isinstance(chunks, bool) or chunks < 1:
        raise UsageError(f"chunks={chunks!r}: it must be a whole number above 0, rows and columns of a chunk")
    wanted = _reading(bands, reading)
    source = open_input(path, wanted)
    if isinstance(source, Scene):
        scene = _opened_by_rioxarray(path, source, chunks)
        wanted = replace(wanted, bidx=(), bands=())  # the coordinate `band` numbers the file's
    else:
        scene = _of_layout(source, chunks)
    names = tuple(band.description or "" for band in source.layout.metadata.bands)
    if any(names):
        scene.attrs["long_name"] = names
        scene = _with_names(scene, names)
    scene.attrs = {key: value for key, value in scene.attrs.items() if not key.startswith("STATISTICS_")}
    scene = _with_units(scene, source.layout.metadata.bands)
    colours = [band.colorinterp.name for band in source.layout.metadata.bands]
    scene = scene.assign_coords(colorinterp=("band", colours))
    if source.has_mask:
        valid = _by_chunks(_read_mask, source, scene.data.chunks[-2:], np.dtype(np.bool_))
        scene = scene.assign_coords(valid=(("y", "x"), valid))
    scene = _with_pixels(scene, source)
    scene.encoding |= {"source": path, "reading": wanted, "pixels": names_of(scene)}
    if source.quality:
        scene.coords[scene.rio.grid_mapping].variable.encoding[QUALITY] = source.quality
    return scene


def _reading(bands: str | Sequence[int | str] | None, options: Mapping[str, Any]) -> Reading:
    wanted = Reading.of(options, ("chunks",))
    ok = bands is None or (isinstance(bands, Iterable) and not isinstance(bands, bytes))
    require(ok, "bands", bands, "names or numbers of bands, such as 'rgb' or [3, 1]")
    several = [bands] if isinstance(bands, str) else list(() if bands is None else bands)
    if all(isinstance(band, int | np.integer) for band in several):
        return replace(wanted, bidx=tuple(map(int, several)))
    return replace(wanted, bands=band_names(map(str, several)))


def _opened_by_rioxarray(path: str, source: Scene, chunks: int) -> xr.DataArray:
    with gdal_env(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            opened = rioxarray.open_rasterio(path, chunks={"band": -1, "y": chunks, "x": chunks}, driver=source.driver)
        except UnicodeDecodeError:  # names of bands in another encoding; `source` has left them out
            return _of_layout(source, chunks)
        except RasterioIOError:  # what GDAL cannot open, such as a BPG, `source` reads by a copy that it can
            return _of_layout(source, chunks)
    if not isinstance(opened, xr.DataArray):  # pages of a TIFF, of which `source` is the first
        return _of_layout(source, chunks)
    scene = opened.sel(band=list(source.indexes))
    # Pixels are read as in the main job, so that damage is an error here too and only trusted drivers are used.
    data = _by_chunks(_read_pixels, source, ((len(source.indexes),), *scene.data.chunks[-2:]), scene.dtype)
    return scene.copy(data=data)


def _of_layout(source: AnyScene, chunks: int) -> xr.DataArray:
    """Make the array that rioxarray would make of a file with this layout; products and bytes have no such file."""
    layout, grid = source.layout, source.grid
    sizes = da.core.normalize_chunks((-1, chunks, chunks), (layout.count, *grid.shape), dtype=layout.dtype)
    coords: dict[str, Any] = {"band": np.arange(1, layout.count + 1), **_coordinates(grid)}
    data = _by_chunks(_read_pixels, source, sizes, np.dtype(layout.dtype))
    scene = xr.DataArray(data, dims=("band", "y", "x"), coords=coords, attrs=dict(layout.metadata.tags.get("", {})))
    scene.name = None  # xarray takes that of the dask array
    scene = _placed(scene, grid)
    scene = scene if layout.nodata is None else scene.rio.write_nodata(layout.nodata)
    checked: xr.DataArray = scene
    return checked


def _coordinates(grid: Grid) -> dict[str, Any]:
    """Make coordinates of the centres of rows and columns, where the grid is not rotated."""
    place = grid.transform
    if not place.is_rectilinear or place.b != 0:
        return {}
    return {
        "y": place.f + (np.arange(grid.height) + 0.5) * place.e,
        "x": place.c + (np.arange(grid.width) + 0.5) * place.a,
    }


def _placed(scene: xr.DataArray, grid: Grid) -> xr.DataArray:
    placed: xr.DataArray = scene.rio.write_transform(grid.transform)
    return placed if grid.crs is None else placed.rio.write_crs(grid.crs)


def _with_pixels(scene: xr.DataArray, source: AnyScene) -> xr.DataArray:
    """Give coordinates to a scene with control points or RPCs, so that a part knows its pixels.

    rioxarray leaves them out, and gives such a file the CRS of its RPCs, also where it has one of its own.
    """
    metadata, grid = source.layout.metadata, source.grid
    if "x" in scene.coords or not (metadata.gcps or metadata.rpcs is not None):
        return scene
    if not grid.transform.is_identity:
        scene = _placed(scene.drop_vars(scene.rio.grid_mapping, errors="ignore"), grid)
    return scene.assign_coords(_coordinates(grid))


def _with_names(scene: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
    """Let bands be chosen by name, as in ``scene.sel(name="B04")``, where each name is that of one band."""
    scene = scene.assign_coords(name=("band", list(names)))
    return scene.set_xindex("name") if len({*names}) == len(names) else scene


def _with_units(scene: xr.DataArray, bands: Sequence[BandMetadata]) -> xr.DataArray:
    """Note how samples become physical values: by rioxarray's attributes, or by bands where those differ."""
    for name, values in (
        ("scale_factor", [band.scale for band in bands]),
        ("add_offset", [band.offset for band in bands]),
        ("units", [band.unit or "" for band in bands]),
    ):
        if len(set(values)) > 1:
            scene = scene.assign_coords({name: ("band", values)})
            scene.attrs.pop(name, None)
        elif values[0] != "":
            scene.attrs[name] = values[0]
    return scene


def _by_chunks(
    read: Callable[..., NDArray[Any]], source: AnyScene, chunks: tuple[tuple[int, ...], ...], dtype: np.dtype[Any]
) -> da.Array:
    empty = np.empty((0,) * len(chunks), dtype)
    array: da.Array = da.map_blocks(read, source, chunks=chunks, dtype=dtype, meta=empty, token="geosal-read")
    return array


def _read_pixels(source: AnyScene, block_info: "_BlockInfo") -> NDArray[Any]:
    return source.read(_block(block_info)).pixels


def _read_mask(source: AnyScene, block_info: "_BlockInfo") -> NDArray[np.bool_]:
    return source.read_mask(_block(block_info))


_BlockInfo = dict[None, dict[str, list[tuple[int, int]]]]
"""Description that dask gives of the chunk to be made."""


def _block(block_info: _BlockInfo) -> Block:
    (row, row_stop), (col, col_stop) = block_info[None]["array-location"][-2:]
    return Block(row, col, row_stop - row, col_stop - col)
