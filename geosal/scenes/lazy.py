"""A scene as a lazy xarray.DataArray, opened by rioxarray."""

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np
import rioxarray
import xarray as xr
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from geosal.errors import SceneError
from geosal.gdal_env import gdal_env
from geosal.grid import Block
from geosal.scenes.raster import Scene


def open_scene(
    path: str | os.PathLike[str],
    bands: Sequence[int] | None = None,
    *,
    chunks: int = 2048,
    drivers: tuple[str, ...] = (),
) -> xr.DataArray:
    """Open a raster lazily: headers are read and checked now, pixels when they are computed.

    Parameters
    ----------
    path
        A local path, ``https://``, ``s3://`` or ``/vsi…``, of a format on the list of trusted GDAL drivers.
    bands
        Band numbers from 1; all by default.
    chunks
        Rows and columns of a dask chunk; all bands lie in one.
    drivers
        GDAL drivers to trust beyond the usual ones, such as ``("VRT",)``.

    Returns
    -------
    xarray.DataArray
        (band, y, x) of the file's dtype, with rioxarray's ``spatial_ref``, nodata and ``long_name``. The coordinate
        ``colorinterp`` (band) names what a band shows; ``valid`` (y, x) is there when the file has a mask or alpha.
        ``encoding["source"]`` leads the writer back to tags, GCPs and RPCs.

    Raises
    ------
    SceneError, UsageError, ResourceError
        As `Scene.open`.

    Examples
    --------
    >>> scene = geosal.open_scene("T31TFJ.tif", bands=[1, 2, 3])  # doctest: +SKIP
    """
    path = os.fspath(path)
    source = Scene.open(path, tuple(bands or ()), drivers=drivers)
    with gdal_env(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        opened = rioxarray.open_rasterio(path, chunks={"band": -1, "y": chunks, "x": chunks}, driver=source.driver)
    if not isinstance(opened, xr.DataArray):
        raise SceneError(f"{path}: holds several groups of rasters; name one of its subdatasets")
    scene = opened.sel(band=list(source.indexes))
    rows_cols = scene.data.chunks[-2:]
    # Pixels come by the road of the main job, so that damage is an error here too and drivers are the trusted ones.
    scene = scene.copy(data=_by_chunks(_read_pixels, source, ((len(source.indexes),), *rows_cols), scene.dtype))
    names = tuple(band.description or "" for band in source.layout.metadata.bands)
    if any(names):
        scene.attrs["long_name"] = names
    scene.attrs = {key: value for key, value in scene.attrs.items() if not key.startswith("STATISTICS_")}
    colours = [band.colorinterp.name for band in source.layout.metadata.bands]
    scene = scene.assign_coords(colorinterp=("band", colours))
    if source.mask or source.alpha is not None:
        scene = scene.assign_coords(valid=(("y", "x"), _by_chunks(_read_mask, source, rows_cols, np.dtype(np.bool_))))
    scene.encoding |= {"source": path, "drivers": drivers}
    return scene


def _by_chunks(
    read: Callable[..., NDArray[Any]], source: Scene, chunks: tuple[tuple[int, ...], ...], dtype: np.dtype[Any]
) -> da.Array:
    empty = np.empty((0,) * len(chunks), dtype)
    array: da.Array = da.map_blocks(read, source, chunks=chunks, dtype=dtype, meta=empty)
    return array


def _read_pixels(source: Scene, block_info: "_BlockInfo") -> NDArray[Any]:
    return source.read(_block(block_info)).pixels


def _read_mask(source: Scene, block_info: "_BlockInfo") -> NDArray[np.bool_]:
    return source.read_mask(_block(block_info))


_BlockInfo = dict[None, dict[str, list[tuple[int, int]]]]
"""What dask tells of the chunk that is asked for."""


def _block(block_info: _BlockInfo) -> Block:
    (row, row_stop), (col, col_stop) = block_info[None]["array-location"][-2:]
    return Block(row, col, row_stop - row, col_stop - col)
