"""A scene as a lazy xarray.DataArray, opened by rioxarray."""

import warnings
from collections.abc import Sequence

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
    path: str, bands: Sequence[int] | None = None, *, chunks: int = 2048, drivers: tuple[str, ...] = ()
) -> xr.DataArray:
    """Open a raster lazily: headers are read and checked now, pixels when they are computed.

    Parameters
    ----------
    path
        Anything GDAL reads: a local path, ``https://``, ``s3://`` or ``/vsi…``. A VRT only with ``drivers=("VRT",)``.
    bands
        Band numbers from 1; all by default.
    chunks
        Rows and columns of a dask chunk; all bands lie in one.
    drivers
        GDAL drivers to trust beyond the usual ones.

    Returns
    -------
    xarray.DataArray
        (band, y, x) of the file's dtype, with rioxarray's ``spatial_ref``, nodata and ``long_name``. The coordinate
        ``colorinterp`` (band) names what a band shows; ``valid`` (y, x) is there when the file has an internal mask.
        ``encoding["source"]`` leads the writer back to tags, GCPs and RPCs.

    Raises
    ------
    SceneError, UsageError, ResourceError
        As `Scene.open`.

    Examples
    --------
    >>> scene = geosal.open_scene("T31TFJ.tif", bands=[1, 2, 3])  # doctest: +SKIP
    """
    source = Scene.open(path, tuple(bands or ()), drivers=drivers)
    with gdal_env(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        opened = rioxarray.open_rasterio(path, chunks={"band": -1, "y": chunks, "x": chunks}, driver=source.driver)
    if not isinstance(opened, xr.DataArray):
        raise SceneError(f"{path}: holds several groups of rasters; name one of its subdatasets")
    scene = opened.sel(band=list(source.indexes))
    names = tuple(band.description or "" for band in source.layout.metadata.bands)
    if any(names):
        scene.attrs["long_name"] = names
    colours = [band.colorinterp.name for band in source.layout.metadata.bands]
    scene = scene.assign_coords(colorinterp=("band", colours))
    if source.dataset_mask:
        scene = scene.assign_coords(valid=(("y", "x"), _valid_lazily(source, scene.data.chunks[-2:])))
    scene.encoding["source"] = path
    return scene


def _valid_lazily(source: Scene, chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    """The raster's mask as a dask array (y, x) of bool."""
    valid: da.Array = da.map_blocks(_read_valid, source, chunks=chunks, dtype=np.bool_, meta=np.empty((0, 0), np.bool_))
    return valid


def _read_valid(source: Scene, block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> NDArray[np.bool_]:
    (row, row_stop), (col, col_stop) = block_info[None]["array-location"]
    _, valid = source.read(Block(row, col, row_stop - row, col_stop - col))
    keep = [position for position in range(len(valid)) if position != source.layout.alpha]
    return np.asarray(valid[keep].any(axis=0))
