"""Describe a raster in plain data: the body of ``geosal info``."""

import math
import os
from typing import Any

from rasterio.io import DatasetReader

from geosal.core import provenance
from geosal.core.gdal_env import gdal_env, path_text
from geosal.core.open_raster import open_raster
from geosal.core.zarr.files import is_zarr
from geosal.errors import SceneError, UsageError
from geosal.files.leftovers import settle
from geosal.scenes.base import AnyScene
from geosal.scenes.opening import refuse_pipe, refuse_select, refuse_unread
from geosal.scenes.raster import MAX_PIXELS, Scene
from geosal.scenes.zarr_store import ZarrScene, store_bytes


def describe(
    path: str | os.PathLike[str], *, select: tuple[str, ...] = (), drivers: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Describe what a raster, a store or a product holds and whether geosal takes it; reads headers only.

    Parameters
    ----------
    path
        As of an input.
    select
        Steps of a Zarr store's further dimensions, as of `geosal.scenes.Reading`.
    drivers
        GDAL drivers trusted beyond the usual ones.

    Returns
    -------
    dict
        JSON-ready: driver, size, bands, dtype, CRS, transform, bounds, size of a pixel and its unit, nodata, mask,
        tile, overviews, tag domains and the ``GEOSAL_*`` provenance when geosal wrote the file, with the ``recipe`` of
        its job. For a product they describe the available bands that a job would take by default; ``product`` holds
        all of its bands and its quality bands.

    Raises
    ------
    SceneError
        The file cannot be opened, or is of a kind that geosal refuses.
    """
    from geosal.scenes.products import is_product  # needed by few commands

    path = path_text("path", path)
    refuse_pipe(path)
    settle(path)
    if is_product(path):
        refuse_select(path, select)
        return _product(path, drivers)
    if is_zarr(path) and not drivers:
        store = ZarrScene.open(path, select=select)
        return _body(path, store, list(store.overviews), store.compression)
    refuse_unread(path)
    refuse_select(path, select)
    scene = Scene.open(path, drivers=drivers)
    return _body(path, scene, *_own(path, drivers))


def _own(path: str, drivers: tuple[str, ...]) -> tuple[list[int], str | None]:
    """Return overviews and compression of a file itself, not of files beside it."""
    try:
        with gdal_env(), open_raster(path, drivers, alone=True) as dataset:
            return dataset.overviews(1), _codec_of(dataset)
    except SceneError:  # pixels and header lie apart, as ENVI has them, and such files have neither
        return [], None


def _codec_of(dataset: DatasetReader) -> str | None:
    """Return the compression in small letters; rasterio has names for most, and gives others as text."""
    found = dataset.compression
    return str(getattr(found, "name", found)).lower() if found else None


def _product(path: str, drivers: tuple[str, ...]) -> dict[str, Any]:
    """Describe a product, of which a part may be missing."""
    from geosal.scenes.products.opening import is_item, open_product, read_product

    product, scene = read_product(path), open_product(path, drivers=drivers, max_pixels=MAX_PIXELS, partial=True)
    bands_of_all = [
        {
            "name": band.name,
            "role": band.role or None,
            "resolutions": [file.resolution for file in band.there],
            "listed": [file.resolution for file in band.files],
        }
        for band in product.bands
    ]
    quality = [{"kind": band.kind, "path": band.path} for band in product.quality]
    tags = scene.layout.metadata.tags.get("", {})
    told = {key.lower(): tags.get(key) for key in ("PLATFORM", "PROCESSING_LEVEL", "ACQUIRED", "CLOUD_COVER")}
    files = scene.files if is_item(path) else (product.path,)
    size = sum(map(store_bytes, files)) if all(map(os.path.exists, files)) else None
    whole = {"bytes": size, "product": {**told, "bands": bands_of_all, "quality": quality}}
    return _body(path, scene, [], None) | whole


def _recipe(tags: dict[str, str]) -> dict[str, Any] | None:
    """The recipe that a file tells, as plain data; None where it tells none that can be read."""
    try:
        return provenance.read_recipe(tags)
    except UsageError:
        return None


def _body(path: str, scene: AnyScene, overviews: list[int], compression: str | None) -> dict[str, Any]:
    layout, metadata = scene.layout, scene.layout.metadata
    crs, transform = layout.grid.rasterio_crs, layout.grid.transform
    tags = dict(metadata.tags.get("", {}))
    return {
        "path": path,
        "bytes": store_bytes(path) if os.path.exists(path) else None,
        "driver": scene.driver,
        "width": layout.grid.width,
        "height": layout.grid.height,
        "count": layout.count,
        "dtype": layout.dtype,
        "crs": crs.to_string() if crs else None,
        "transform": list(layout.grid.transform)[:6],
        "bounds": list(layout.grid.bounds),
        "pixel": [math.hypot(transform.a, transform.d), math.hypot(transform.b, transform.e)],
        "unit": None if crs is None else "degree" if crs.is_geographic else crs.linear_units,
        "nodata": layout.nodata,
        "mask": layout.has_mask,
        "bands": [
            {"description": band.description, "colorinterp": band.colorinterp.name, "unit": band.unit,
             "scale": band.scale, "offset": band.offset}
            for band in metadata.bands
        ],
        "tile": list(scene.block_shape),
        "compression": compression,
        "overviews": overviews,
        "tag_domains": sorted(domain or "(default)" for domain in metadata.tags),
        "gcps": len(metadata.gcps),
        "rpcs": metadata.rpcs is not None,
        "provenance": provenance.all_of(tags),
        "recipe": _recipe(tags),
    }  # fmt: skip
