"""Read bands of a product as one scene: each from its own file, all on one grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from geosal.core.grid import Block, Grid
from geosal.core.raster import (
    BandMetadata,
    RasterLayout,
    RasterMetadata,
    Samples,
    is_nodata,
    move_off_nodata,
    valid_samples,
)
from geosal.core.shared_raster import read_bands, shared_raster
from geosal.errors import UsageError
from geosal.scenes.base import Small, Stored, layout_of_bands
from geosal.scenes.decoding import damage_as_scene_error
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.products.headers import BandHeader, cell_of, check_fit, file_for, fits_by_size, grid_at, open_source
from geosal.scenes.products.resample import Axis, Taps, axes_between, resample

_STRIP = 2**20
"""Number of samples resampled at once, of the source and of the target."""
_NEAREST_BYTES, _SUM_BYTES = 16, 64
"""Bytes that a sample takes on the way, of source and target together: copies by nearest; else float64, the sums along
both axes with their summands, and those of the weights."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductScene(Stored):
    """Bands of a Sentinel-2 or Landsat product on the grid of one of its resolutions.

    Files beside those of the bands are not read, such as ``.aux.xml``, ``.ovr`` or ``.msk``, since GDAL would open any
    file that they name.

    Attributes
    ----------
    product
        The product that the bands are from.
    chosen
        Names of the bands.
    sources
        File of each band.
    resampling
        Method that brings bands of other resolutions to the grid, see `geosal.scenes.products.resample`.
    """

    product: Product
    chosen: tuple[str, ...]
    sources: tuple[BandHeader, ...]
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
        """Read the headers of bands and put them on one grid.

        Parameters
        ----------
        product, bands
            The product and the chosen bands.
        grid
            A grid, or a resolution that the product has; the finest of the bands by default.
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
        finest = min(file.resolution for band in bands for file in band.there or band.files)
        wanted = finest if grid is None else grid if isinstance(grid, float | int) else cell_of(grid)
        files = [file_for(product, band, wanted) for band in bands]
        sources = [open_source(product, file, drivers, max_pixels) for file in files]
        if not isinstance(grid, Grid):
            grid = grid_at(product, float(wanted), list(zip(files, sources, strict=True)), drivers, max_pixels)
        # A band of the same size lies where the others do; its pixels alone do not show that.
        sources = [replace(one, grid=grid) if fits_by_size(one.grid, grid) else one for one in sources]
        for band, source in zip(bands, sources, strict=True):
            check_fit(product, band.name, grid, source.grid)
        like = next((source for source in sources if source.grid == grid), sources[0])
        resampled = any(source.grid != grid for source in sources)
        return cls(
            path=product.path,
            layout=_layout(product, bands, files, sources, grid, resampling),
            driver=like.driver,
            block_shape=like.block_shape,
            tile_bytes=max(source.tile_bytes for source in sources),
            kept_bytes=sum(source.kept_bytes for source in sources),
            work_bytes=resampled * _STRIP * (_NEAREST_BYTES if resampling == "nearest" else _SUM_BYTES),
            drivers=drivers,
            quality=product.quality,
            product=product,
            chosen=tuple(band.name for band in bands),
            sources=tuple(sources),
            resampling=resampling,
        )

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the bands, each once."""
        return tuple(dict.fromkeys(source.path for source in self.sources))

    @property
    def has_mask(self) -> bool:
        """Products have no mask besides nodata."""
        return False

    @property
    def original(self) -> Self:
        """The scene itself."""
        return self

    def read(self, block: Block) -> Samples:
        """Read a block's pixels and which of them count; see `Scene.read`.

        Raises
        ------
        SceneError
            The block cannot be decoded.
        """
        return Samples(*self._read(block, self.sources), None)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Return True for all of a block, (y, x): products have no mask besides nodata."""
        return np.ones(block.shape, np.bool_)

    def having(self, *bands: str) -> Self:
        """Return the same product and grid with other bands: names, roles, or numbers of this scene's bands, from 1.

        Raises
        ------
        UsageError
            The product has no such band.
        SceneError
            The file of a band is missing, or damaged.
        """
        names = []
        for name in bands:
            if name.isascii() and name.isdecimal():
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

    def select(self, bands: Sequence[int]) -> Self:
        """Return the same product with some of its bands; others are not decoded."""
        return replace(
            self,
            layout=layout_of_bands(self.layout, bands),
            sources=tuple(self.sources[band] for band in bands),
            chosen=tuple(self.chosen[band] for band in bands),
        )

    def is_whole_file(self) -> bool:
        """Return False: it has many files."""
        return False

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Take the middle pixel of every `factor` x `factor`, from the overviews inside the files where they have some.

        None for a product in Zarr: its coarser arrays are made by ESA for their own resolution, not of the finer ones.

        Bands of another resolution are resampled by nearest; with a `factor` of 1 all bands are those of `read`.

        Parameters
        ----------
        factor
            The reduction, at least 1.
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
        chosen = self.sources if bands is None else [self.sources[band] for band in bands]
        if factor == 1:
            return Small(*self._read(self.grid.whole(), chosen))
        if any(source.driver == "Zarr" for source in chosen):
            return None
        shape = tuple(-(-length // factor) for length in self.grid.shape)
        pixels = np.empty((len(chosen), *shape), self.layout.dtype)
        for out, source in zip(pixels, chosen, strict=True):
            rows, cols = axes_between(self.grid, source.grid)
            with (
                damage_as_scene_error(f"{source.path}: overviews"),
                shared_raster(source.path, self.drivers, alone=True, seen=source.seen) as dataset,
            ):
                for down in _cells(rows, self.grid.height, factor):
                    for across in _cells(cols, self.grid.width, factor):
                        window = Window(across.first, down.first, across.length, down.length)
                        out[down.cells, across.cells] = dataset.read(
                            source.index, window=window, out_shape=out[down.cells, across.cells].shape
                        )
        return Small(pixels, valid_samples(pixels, self.layout.nodata))

    def _read(self, block: Block, sources: Sequence[BandHeader]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels of a block and which of them count, (band, y, x) each."""
        pixels = np.empty((len(sources), *block.shape), self.layout.dtype)
        valid = np.empty(pixels.shape, np.bool_)
        for source, out, counts in zip(sources, pixels, valid, strict=True):
            if source.grid == self.grid:
                self._read_window(source, block, out)
                counts[:] = valid_samples(out, self.layout.nodata)
            else:
                self._read_resampled(source, block, out, counts)
        return pixels, valid

    def _read_window(self, source: BandHeader, window: Block, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Read a window of a band, (y, x); into `out` where it is given."""
        into = None if out is None else out[None]
        with damage_as_scene_error(f"{source.path}: {window}"):
            bands = read_bands(
                source.path, (source.index,), window, self.drivers, alone=True, seen=source.seen, out=into
            )
        return np.asarray(bands[0])

    def _read_resampled(self, source: BandHeader, block: Block, out: NDArray[Any], counts: NDArray[np.bool_]) -> None:
        """Fill `out` and `counts` (y, x) of a block, strip by strip."""
        rows, cols = axes_between(self.grid, source.grid)
        across, left, width = _within(cols.taps(block.col_off, block.col_stop, self.resampling))
        strip = max(1, int(_STRIP / max(width * max(rows.ratio, 1), block.width)))
        for first in range(block.row_off, block.row_stop, strip):
            stop = min(first + strip, block.row_stop)
            down, top, height = _within(rows.taps(first, stop, self.resampling))
            samples = self._read_window(source, Block(top, left, height, width))
            valid = valid_samples(samples, self.layout.nodata)
            done, good = resample(samples, valid, down, across)
            if self.resampling != "nearest" and self.layout.nodata is not None:
                move_off_nodata(done, good & is_nodata(done, self.layout.nodata), self.layout.nodata)
                done[~good] = self.layout.nodata
            here = slice(first - block.row_off, stop - block.row_off)
            out[here], counts[here] = done, good


class _Within(NamedTuple):
    taps: Taps
    first: int
    length: int


def _within(taps: Taps) -> _Within:
    """Return taps counted from the first source pixel that they need."""
    first = int(taps.source.min())
    return _Within(Taps(taps.source - first, taps.weight), first, int(taps.source.max()) - first + 1)


class _Cells(NamedTuple):
    """Some cells of a picture, and the stretch of a source's rows or columns whose pixels they are."""

    cells: slice
    first: float
    length: float


def _cells(axis: Axis, pixels: int, factor: int) -> Iterator[_Cells]:
    """Yield the cells of `factor` of a grid's `pixels`: whole ones, and the one that the edge cuts."""
    whole = pixels // factor
    for cells, start, stop in ((slice(0, whole), 0, whole * factor), (slice(whole, None), whole * factor, pixels)):
        if start < stop:
            first, end = (min(max(edge * axis.ratio + axis.shift, 0), axis.length) for edge in (start, stop))
            first = min(first, axis.length - 1)
            yield _Cells(cells, first, max(end - first, 1))


def _layout(
    product: Product,
    bands: Sequence[ProductBand],
    files: Sequence[BandFile],
    sources: Sequence[BandHeader],
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
