"""Read the headers of a product's bands, and check that they lie on one grid."""

import math
import os
from dataclasses import dataclass, replace

from geosal.core.grid import Grid
from geosal.core.shared_raster import FileState, file_state, shared_raster
from geosal.core.zarr.files import is_zarr
from geosal.core.zarr.raster import open_zarr
from geosal.errors import SceneError, UsageError, warn
from geosal.scenes.decoding import damage_as_scene_error, refuse_bombs, refuse_pixels
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.raster import DTYPES, usable_nodata


@dataclass(frozen=True, slots=True)
class BandHeader:
    """A band's file and its header."""

    path: str
    index: int
    grid: Grid
    dtype: str
    nodata: float | None
    block_shape: tuple[int, int]
    tile_bytes: int
    driver: str
    kept_bytes: int = 0
    seen: FileState | None = None
    """State of the file when its header was read."""


def file_for(product: Product, band: ProductBand, resolution: float) -> BandFile:
    """Return the file of a band at a resolution if there is one, else the finest existing one.

    Warns
    -----
    GeosalWarning
        The metadata list a file of this resolution that is missing.
    """
    if not band.there:
        raise SceneError(f"{product.path}: {band.files[0].label} is not there; copy the product again")
    fitting = [file for file in band.files if math.isclose(file.resolution, resolution, rel_tol=1e-3)]
    file = next((file for file in fitting if file.path), band.there[0])
    if fitting and file not in fitting:
        warn(
            f"{product.path}: {fitting[0].label} is not there, so {band.name} is resampled from {file.resolution:g} m; "
            "copy the product again to have all of it"
        )
    return file


def open_source(product: Product, file: BandFile, drivers: tuple[str, ...], max_pixels: int) -> BandHeader:
    """Read the header of a band."""
    path = file.path or ""
    seen = file_state(path, alone=True)
    if not os.path.isfile(path) and is_zarr(path):
        return _of_array(product, file, path, seen, max_pixels)
    with (
        damage_as_scene_error(f"{product.path}: {file.label}"),
        shared_raster(path, drivers, alone=True) as dataset,
    ):
        tile_bytes = refuse_bombs(path, dataset, max_pixels)
        if file.index > dataset.count or dataset.dtypes[file.index - 1] not in DTYPES:
            raise SceneError(
                f"{product.path}: {file.label} has {dataset.count} bands of {dataset.dtypes[0]}; copy the product again"
            )
        grid = Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)
        dtype = str(dataset.dtypes[file.index - 1])
        nodata = usable_nodata(f"{product.path}: {file.label}", dataset.nodatavals[file.index - 1], dtype)
        source = BandHeader(
            path=path,
            index=file.index,
            grid=grid,
            dtype=dtype,
            nodata=product.nodata if nodata is None else nodata,
            block_shape=dataset.block_shapes[file.index - 1],
            tile_bytes=tile_bytes,
            driver=dataset.driver,
            seen=seen,
        )
    if grid.georeferenced or file.place is None:
        return source
    if file.place.shape != grid.shape:
        warn(
            f"{product.path}: {file.label} has no georeferencing and {grid.width} x {grid.height} pixels, its metadata "
            f"speak of {file.place.width} x {file.place.height}, so its place is not known; get the whole product"
        )
        return source
    return replace(source, grid=file.place)


def _of_array(product: Product, file: BandFile, path: str, seen: FileState | None, max_pixels: int) -> BandHeader:
    """Read the header of a band that is an array of a Zarr store."""
    found = open_zarr(path)
    if file.index > found.planes.count or found.dtype not in DTYPES:
        raise SceneError(
            f"{product.path}: {file.label} has {found.planes.count} bands of {found.dtype}; copy the product again"
        )
    refuse_pixels(path, found.grid.shape, max_pixels)
    nodata = usable_nodata(f"{product.path}: {file.label}", found.nodata, found.dtype)
    return BandHeader(
        path=path,
        index=file.index,
        grid=found.grid,
        dtype=found.dtype,
        nodata=product.nodata if nodata is None else nodata,
        block_shape=found.block_shape,
        tile_bytes=found.tile_bytes,
        kept_bytes=found.kept_bytes((file.index,)),
        driver="Zarr",
        seen=seen,
    )


def grid_at(
    product: Product,
    resolution: float,
    opened: list[tuple[BandFile, BandHeader]],
    drivers: tuple[str, ...],
    max_pixels: int,
) -> Grid:
    """Return the grid of a resolution: that of a chosen file, or else of any file of the product."""

    def fits(file: BandFile) -> bool:
        return math.isclose(file.resolution, resolution, rel_tol=1e-3)

    for file, source in sorted(opened, key=lambda one: not one[1].grid.georeferenced):
        if fits(file) or math.isclose(cell_of(source.grid), resolution, rel_tol=1e-6):
            return source.grid
    others = [file for band in product.bands for file in band.files if file.path]
    for file in others:
        if fits(file):
            return open_source(product, file, drivers, max_pixels).grid
    has = ", ".join(f"{one:g}" for one in sorted({file.resolution for file in others}))
    raise UsageError(f"{product.path}: resolution {resolution:g}, but its bands have {has}; choose one of those")


def check_fit(product: Product, name: str, grid: Grid, own: Grid) -> None:
    """Refuse a band of another place than the grid."""
    if own == grid:
        return
    shapes = f"{own.width} x {own.height} pixels to {grid.width} x {grid.height}"
    if not (own.georeferenced and grid.georeferenced):
        raise SceneError(f"{product.path}: {name} has {shapes} and no georeferencing; copy it again")
    step = max(cell_of(own), cell_of(grid))
    apart = max(abs(one - two) for one, two in zip(own.bounds, grid.bounds, strict=True))
    turned = any((own.transform.b, own.transform.d, grid.transform.b, grid.transform.d)) or not (
        own.transform.a * grid.transform.a > 0 and own.transform.e * grid.transform.e > 0
    )
    if turned or own.rasterio_crs != grid.rasterio_crs or apart > 1.5 * step:
        raise SceneError(
            f"{product.path}: {name} ({shapes}) does not lie where the other bands do; files of several products are "
            "mixed up, copy it again"
        )


def cell_of(grid: Grid) -> float:
    """Return the width of a pixel in map units."""
    return abs(float(grid.transform.a))


def fits_by_size(own: Grid, grid: Grid) -> bool:
    """Return whether a band without georeferencing, or beside those that have none, has as many pixels as they do."""
    return own.shape == grid.shape and not (own.georeferenced and grid.georeferenced)
