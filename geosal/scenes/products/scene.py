"""Bands of a product as one scene: each from its own file, all on one grid."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from geosal.errors import GeosalWarning, SceneError, UsageError
from geosal.gdal_env import shared_raster
from geosal.grid import Block, Grid
from geosal.raster import BandMetadata, RasterLayout, RasterMetadata, Samples, step_off, valid_samples
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.products.resample import Taps, axes_between, resample
from geosal.scenes.raster import DTYPES, Scene, _damage_as_scene_error, _refuse_bombs

_STRIP = 2**22
"""Source samples resampled at once."""
_STRIP_BYTES = 12
"""A sample takes on the way, at most: itself and its float64 with a share of the sums."""


@dataclass(frozen=True, slots=True)
class Source:
    """A band's file as its header tells it."""

    path: str
    index: int
    grid: Grid
    dtype: str
    nodata: float | None
    block_shape: tuple[int, int]
    tile_bytes: int
    driver: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductScene(Scene):
    """Bands of a Sentinel-2 or Landsat product on the grid of one of its resolutions.

    `Scene.indexes` count the bands chosen, from 1. No file beside a band's own is read: no ``.aux.xml``, ``.ovr`` or
    ``.msk``, since GDAL would open whatever they name.

    Attributes
    ----------
    product
        Where it is from.
    chosen
        Names of the bands.
    sources
        File of each band.
    resampling
        How bands of other resolutions come to the grid, see `geosal.scenes.products.resample`.
    """

    product: Product
    chosen: tuple[str, ...]
    sources: tuple[Source, ...]
    resampling: str = "nearest"

    @classmethod
    def assemble(
        cls,
        product: Product,
        bands: Sequence[ProductBand],
        grid: Grid | float | None = None,
        *,
        resampling: str,
        drivers: tuple[str, ...],
        max_pixels: int,
    ) -> Self:
        """Read the headers of bands and lay them on one grid.

        Parameters
        ----------
        product, bands
            The product and those of its bands that are wanted.
        grid
            The grid, or a resolution that the product has; the finest of the bands by default.
        resampling, drivers, max_pixels
            See `open_product`.

        Raises
        ------
        SceneError
            A file cannot be opened, or does not fit the others.
        UsageError
            The product has no such resolution.
        ResourceError
            A band has more than `max_pixels`.
        """
        finest = min(band.resolution for band in bands)
        wanted = finest if grid is None else grid if isinstance(grid, float | int) else _cell(grid)
        files = [_there(product, band, wanted) for band in bands]
        sources = [_open(product, file, drivers, max_pixels) for file in files]
        if not isinstance(grid, Grid):
            grid = _grid_at(product, float(wanted), list(zip(files, sources, strict=True)), drivers, max_pixels)
        for band, source in zip(bands, sources, strict=True):
            _check_fit(product, band.name, grid, source.grid)
        like = next((source for source in sources if source.grid == grid), sources[0])
        strips = any(source.grid != grid for source in sources) * _STRIP * _STRIP_BYTES
        return cls(
            path=product.path,
            indexes=tuple(range(1, len(bands) + 1)),
            layout=_layout(product, bands, files, sources, grid, resampling),
            driver=like.driver,
            block_shape=like.block_shape,
            tile_bytes=max(source.tile_bytes for source in sources) + strips,
            drivers=drivers,
            quality=product.quality,
            product=product,
            chosen=tuple(band.name for band in bands),
            sources=tuple(sources),
            resampling=resampling,
        )

    def read(self, block: Block) -> Samples:
        """Read a block's pixels and which of them count; see `Scene.read`.

        Raises
        ------
        SceneError
            The block cannot be decoded.
        """
        pixels = np.empty((len(self.sources), *block.shape), self.layout.dtype)
        valid = np.empty(pixels.shape, np.bool_)
        for source, out, counts in zip(self.sources, pixels, valid, strict=True):
            if source.grid == self.grid:
                out[:] = self._read_window(source, block)
                counts[:] = valid_samples(out, self.layout.nodata)
            else:
                self._read_resampled(source, block, out, counts)
        return Samples(pixels, valid, None)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """All of a block, (y, x): products have no mask besides nodata."""
        return np.ones(block.shape, np.bool_)

    def having(self, *bands: str) -> Self:
        """The same product and grid with other bands: names, roles, or numbers of this scene's bands, from 1.

        Raises
        ------
        UsageError
            The product has no such band.
        SceneError
            Its file is not there, or damaged.
        """
        names = []
        for name in bands:
            if name.isdecimal():
                if not 1 <= int(name) <= len(self.chosen):
                    has = ", ".join(f"{n} ({chosen})" for n, chosen in enumerate(self.chosen, start=1))
                    raise UsageError(f"{self.path}: no band {name}; it has {has}; other bands go by name, such as red")
                name = self.chosen[int(name) - 1]  # noqa: PLW2901
            names.append(name)
        return type(self).assemble(
            self.product,
            self.product.choose(names),
            self.grid,
            resampling=self.resampling,
            drivers=self.drivers,
            max_pixels=max(2**32, 64 * self.grid.height * self.grid.width),
        )

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Take one pixel of every `factor` x `factor`, from the overviews inside the files where they have some.

        Parameters
        ----------
        factor
            At least 1.
        bands
            Positions from 0; all when None.

        Returns
        -------
        pixels, valid
            (band, ceil(rows / factor), ceil(columns / factor)).

        Raises
        ------
        SceneError
            A file cannot be decoded.
        """
        chosen = range(len(self.sources)) if bands is None else bands
        shape = tuple(-(-length // factor) for length in self.grid.shape)
        pixels = np.empty((len(chosen), *shape), self.layout.dtype)
        for out, band in zip(pixels, chosen, strict=True):
            source = self.sources[band]
            with self._lent(source, "overviews") as dataset:
                dataset.read(source.index, out=out)
        return pixels, valid_samples(pixels, self.layout.nodata)

    @contextmanager
    def _lent(self, source: Source, what: object) -> Iterator[DatasetReader]:
        with (
            _damage_as_scene_error(f"{source.path}: {what}"),
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            shared_raster(source.path, self.drivers) as dataset,
        ):
            yield dataset

    def _read_window(self, source: Source, window: Block) -> NDArray[Any]:
        with self._lent(source, window) as dataset:
            return np.asarray(dataset.read(source.index, window=window.window))

    def _read_resampled(self, source: Source, block: Block, out: NDArray[Any], counts: NDArray[np.bool_]) -> None:
        """Fill `out` and `counts` (y, x) of a block, strip by strip."""
        rows, cols = axes_between(self.grid, source.grid)
        across, left, width = _within(cols.taps(block.col_off, block.col_stop, self.resampling))
        strip = max(1, int(_STRIP / max(1, width) / max(rows.ratio, 1)))
        for first in range(block.row_off, block.row_stop, strip):
            stop = min(first + strip, block.row_stop)
            down, top, height = _within(rows.taps(first, stop, self.resampling))
            samples = self._read_window(source, Block(top, left, height, width))
            valid = valid_samples(samples, self.layout.nodata)
            done, good = resample(samples, valid, down, across)
            if self.resampling != "nearest" and self.layout.nodata is not None:
                step_off(done, good & (done == done.dtype.type(self.layout.nodata)), self.layout.nodata)
                done[~good] = self.layout.nodata
            here = slice(first - block.row_off, stop - block.row_off)
            out[here], counts[here] = done, good


class _Within(NamedTuple):
    taps: Taps
    first: int
    length: int


def _within(taps: Taps) -> _Within:
    """Taps counted from the first source pixel that they need."""
    first = int(taps.source.min())
    return _Within(Taps(taps.source - first, taps.weight), first, int(taps.source.max()) - first + 1)


def _cell(grid: Grid) -> float:
    return abs(float(grid.transform.a))


def _there(product: Product, band: ProductBand, resolution: float) -> BandFile:
    """File of a band at a resolution where there is one, else the finest that is there."""
    there = [file for file in band.files if file.path]
    file = next((file for file in there if math.isclose(file.resolution, resolution, rel_tol=1e-3)), None)
    if file is None and not there:
        raise SceneError(f"{product.path}: {band.files[0].label} is not there; copy the product again")
    return file or there[0]


def _open(product: Product, file: BandFile, drivers: tuple[str, ...], max_pixels: int) -> Source:
    """Read the header of a band."""
    path = file.path or ""
    env = rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
    with _damage_as_scene_error(f"{product.path}: {file.label}"), env, shared_raster(path, drivers) as dataset:
        tile_bytes = _refuse_bombs(path, dataset, max_pixels)
        if file.index > dataset.count or dataset.dtypes[file.index - 1] not in DTYPES:
            raise SceneError(
                f"{product.path}: {file.label} has {dataset.count} bands of {dataset.dtypes[0]}; copy the product again"
            )
        grid = Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)
        nodata = dataset.nodatavals[file.index - 1]
        source = Source(
            path=path,
            index=file.index,
            grid=grid,
            dtype=dataset.dtypes[file.index - 1],
            nodata=product.nodata if nodata is None else float(nodata),
            block_shape=dataset.block_shapes[file.index - 1],
            tile_bytes=tile_bytes,
            driver=dataset.driver,
        )
    if grid.georeferenced or file.place is None:
        return source
    if file.place.shape != grid.shape:
        warnings.warn(
            f"{product.path}: {file.label} has no georeferencing and {grid.width} x {grid.height} pixels, its metadata "
            f"speak of {file.place.width} x {file.place.height}, so its place is not known; get the whole product",
            GeosalWarning,
            stacklevel=5,
        )
        return source
    return replace(source, grid=file.place)


def _grid_at(
    product: Product,
    resolution: float,
    opened: list[tuple[BandFile, Source]],
    drivers: tuple[str, ...],
    max_pixels: int,
) -> Grid:
    """Grid of a resolution: that of a file wanted, or else of any file of the product."""

    def fits(file: BandFile) -> bool:
        return math.isclose(file.resolution, resolution, rel_tol=1e-3)

    for file, source in opened:
        if fits(file) or math.isclose(_cell(source.grid), resolution, rel_tol=1e-6):
            return source.grid
    others = [file for band in product.bands for file in band.files if file.path]
    for file in others:
        if fits(file):
            return _open(product, file, drivers, max_pixels).grid
    has = ", ".join(f"{one:g}" for one in sorted({file.resolution for file in others}))
    raise UsageError(f"{product.path}: resolution {resolution:g}, but its bands have {has}; choose one of those")


def _check_fit(product: Product, name: str, grid: Grid, own: Grid) -> None:
    """Refuse a band that is of another place than the grid."""
    if own == grid:
        return
    shapes = f"{own.width} x {own.height} pixels to {grid.width} x {grid.height}"
    if not (own.georeferenced and grid.georeferenced):
        if own.shape == grid.shape:
            return
        raise SceneError(f"{product.path}: {name} has {shapes} and no georeferencing; copy it again")
    step = max(_cell(own), _cell(grid))
    apart = max(abs(one - two) for one, two in zip(own.bounds, grid.bounds, strict=True))
    turned = any((own.transform.b, own.transform.d, grid.transform.b, grid.transform.d))
    if turned or own.rasterio_crs != grid.rasterio_crs or apart > 1.5 * step:
        raise SceneError(
            f"{product.path}: {name} ({shapes}) does not lie where the other bands do; files of several products are "
            "mixed up, copy it again"
        )


def _layout(
    product: Product,
    bands: Sequence[ProductBand],
    files: Sequence[BandFile],
    sources: Sequence[Source],
    grid: Grid,
    resampling: str,
) -> RasterLayout:
    dtypes = {source.dtype for source in sources}
    nodata = {source.nodata for source in sources}
    if len(dtypes) > 1 or len(nodata) > 1:
        each = ", ".join(f"{band.name} {source.dtype}" for band, source in zip(bands, sources, strict=True))
        raise UsageError(f"{product.path}: bands of different types or nodata ({each}); choose alike ones with --bands")
    colours = [ColorInterp.gray, *[ColorInterp.undefined] * (len(bands) - 1)]
    if [_colour(band) for band in bands[:3]] == ["red", "green", "blue"]:
        colours[:3] = ColorInterp.red, ColorInterp.green, ColorInterp.blue
    metadata = RasterMetadata(
        bands=tuple(
            BandMetadata(
                description=band.name,
                unit=band.unit,
                scale=band.scale,
                offset=band.offset,
                colorinterp=colour,
                role=band.role,
                tags={"": _band_tags(band, file, source.grid != grid, resampling)},
            )
            for band, file, source, colour in zip(bands, files, sources, colours, strict=True)
        ),
        tags={"": {"AREA_OR_POINT": "Area", **product.tags}},
    )
    return RasterLayout(grid=grid, dtype=dtypes.pop(), nodata=nodata.pop(), has_mask=False, metadata=metadata)


def _colour(band: ProductBand) -> str:
    return {"TCI_R": "red", "TCI_G": "green", "TCI_B": "blue"}.get(band.name, band.role)


def _band_tags(band: ProductBand, file: BandFile, resampled: bool, resampling: str) -> dict[str, str]:
    tags = {"BAND": band.name, **band.tags, "RESOLUTION": f"{file.resolution:g}"}
    return {**tags, "RESAMPLING": resampling} if resampled else tags
