"""Several raster files as the bands of one scene, as ``rio stack`` lays them together, without a file in between."""

import os
import re
import shlex
from collections.abc import Sequence

from geosal.core.raster import RasterMetadata, conversion
from geosal.errors import SceneError, UsageError
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.products.headers import cell_of
from geosal.scenes.products.scene import ProductScene
from geosal.scenes.raster import Scene

_BAND = re.compile(r"(?:^|[_.-])(B\d{1,2}A?)(?=[_.-]|$)", re.IGNORECASE)
"""Name of a band in the name of a file: ``B04``, ``B8A``."""


def open_stack(path: str, others: Sequence[str], *, drivers: tuple[str, ...] = (), max_pixels: int) -> ProductScene:
    """Open files whose bands, in this order, are those of one scene; headers only.

    A band is called as its file says, or by the name of the file: ``B04`` in ``S2_B04.tif``. Tags are those that all
    files share.

    Parameters
    ----------
    path
        First file; errors call the scene by it.
    others
        Files whose bands follow.
    drivers, max_pixels
        See `Scene.open`.

    Raises
    ------
    SceneError
        One cannot be read, lies on another grid, has another type or nodata, or has a mask, alpha, control points or
        RPCs, which would be lost.
    UsageError
        A file is named twice.
    """
    paths = [path, *others]
    if len({os.path.realpath(one) for one in paths}) < len(paths):
        raise UsageError(f"{path}: --stack names a file twice; name each once")
    scenes = [Scene.open(one, drivers=drivers, max_pixels=max_pixels) for one in paths]
    first = scenes[0]
    for scene in scenes:
        refuse_what_is_lost(scene)
        _refuse_misfit(first, scene)
    bands = [band for scene in scenes for band in _bands(scene)]
    names = [band.name for band in bands]
    twice = {name for name in names if names.count(name) > 1}
    bands = [
        ProductBand(
            name=f"{band.name} ({number})" if band.name in twice else band.name,
            files=band.files,
            role=band.role,
            scale=band.scale,
            offset=band.offset,
            unit=band.unit,
        )
        for number, band in enumerate(bands, start=1)
    ]
    product = Product(path=first.path, bands=tuple(bands), tags=_shared(scenes), nodata=first.layout.nodata)
    return ProductScene.assemble(
        product, bands, first.grid, resampling="nearest", drivers=drivers, max_pixels=max_pixels
    )


def refuse_what_is_lost(scene: Scene) -> None:
    """Refuse a file with a mask, or with a place that a grid cannot say, where it is to be bands among others.

    Raises
    ------
    SceneError
        The message says what to do.
    """
    if scene.has_mask:
        raise SceneError(
            f"{scene.path}: has a mask or alpha, which a stack has no place for; write one file first: rio stack"
        )
    metadata: RasterMetadata = scene.layout.metadata
    if not metadata.gcps and metadata.rpcs is None:
        return
    found = f"{len(metadata.gcps)} control points" if metadata.gcps else "RPCs"
    made = f"{os.path.splitext(scene.path)[0]}-warped.tif"
    raise SceneError(
        f"{scene.path}: has {found}, which a stack has no place for; put it on a grid first: "
        f"{shlex.join(['gdalwarp', scene.path, made])}"
    )


def _refuse_misfit(first: Scene, scene: Scene) -> None:
    ours, theirs = scene.layout, first.layout
    where = f"{scene.path}: cannot be stacked on {os.path.basename(first.path)}"
    if ours.grid != theirs.grid:
        bounds = " ".join(f"{edge:.10g}" for edge in theirs.grid.bounds)
        raise SceneError(
            f"{where}: it has {_grid(scene)}, not {_grid(first)}, or lies elsewhere; bring it onto that grid: gdalwarp "
            f"-te {bounds} -ts {theirs.grid.width} {theirs.grid.height}"
        )
    if ours.dtype != theirs.dtype:
        raise SceneError(f"{where}: it holds {ours.dtype}, not {theirs.dtype}; convert it: {conversion(theirs.dtype)}")
    if ours.nodata != theirs.nodata and (ours.nodata == ours.nodata or theirs.nodata == theirs.nodata):
        way = "--unset-nodata" if theirs.nodata is None else f"--nodata {theirs.nodata:.17g}"
        raise SceneError(
            f"{where}: its nodata is {ours.nodata}, not {theirs.nodata}; say the same of both: rio edit-info {way} "
            f"{scene.path}"
        )


def _grid(scene: Scene) -> str:
    return f"{scene.grid.width} x {scene.grid.height} px of {cell_of(scene.grid):.10g}"


def _bands(scene: Scene) -> list[ProductBand]:
    """Bands of a file, named by it or as it."""
    stem = os.path.splitext(os.path.basename(scene.path))[0]
    found = _BAND.findall(stem)
    by_file = found[-1].upper() if found else stem
    metadata: RasterMetadata = scene.layout.metadata
    single = len(metadata.bands) == 1
    return [
        ProductBand(
            name=band.description or (by_file if single else f"{stem}.{number}"),
            files=(BandFile(os.path.basename(scene.path), scene.path, cell_of(scene.grid), number, place=scene.grid),),
            role=band.role,
            scale=band.scale,
            offset=band.offset,
            unit=band.unit,
        )
        for number, band in enumerate(metadata.bands, start=1)
    ]


def _shared(scenes: Sequence[Scene]) -> dict[str, str]:
    """Tags of the default domain that all files have, with one value."""
    of_each = [scene.layout.metadata.tags.get("", {}) for scene in scenes]
    return {key: value for key, value in of_each[0].items() if all(tags.get(key) == value for tags in of_each)}
