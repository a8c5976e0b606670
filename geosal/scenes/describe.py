"""What a raster is, in plain data: the body of ``geosal info``."""

import os
from typing import Any

import rasterio

from geosal.gdal_env import gdal_env, open_raster
from geosal.scenes.raster import Scene
from geosal.scenes.zarr_store import ZarrScene, is_store, store_bytes


def describe(path: str, *, drivers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Tell what a raster, a store or a product holds and whether geosal takes it; headers only.

    Returns
    -------
    dict
        JSON-ready: driver, size, bands, dtype, CRS, transform, bounds, nodata, mask, tile, overviews, tag domains and
        the ``GEOSAL_*`` provenance when geosal wrote the file.

    Raises
    ------
    SceneError
        The file cannot be opened, or is of a kind that geosal refuses.
    """
    from geosal.scenes.products import is_product, open_product  # noqa: PLC0415  needed by few commands

    if is_product(path):
        return _body(path, open_product(path, drivers=drivers), [], None)
    if is_store(path) and not drivers:
        store = ZarrScene.open_store(path)
        return _body(path, store, list(store.overviews), store.compression)
    scene = Scene.open(path, drivers=drivers)
    # GDAL opens an .ovr beside the file with any driver, a VRT that calls home too; only the file's own are told.
    with gdal_env(), rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), open_raster(path, drivers) as dataset:
        overviews = dataset.overviews(1)
        compression = dataset.compression.name.lower() if dataset.compression else None
    return _body(path, scene, overviews, compression)


def _body(path: str, scene: Scene, overviews: list[int], compression: str | None) -> dict[str, Any]:
    layout, metadata = scene.layout, scene.layout.metadata
    crs = layout.grid.rasterio_crs
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
        "provenance": {key: value for key, value in tags.items() if key.startswith("GEOSAL_")},
    }  # fmt: skip
