"""Open the bands of a STAC Item: one file as it is, several as a product."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from geosal.core.grid import Block, Grid
from geosal.core.raster import QualityBand, RasterLayout, Samples
from geosal.core.zarr.files import is_zarr
from geosal.errors import UsageError, warn
from geosal.scenes.base import AnyScene, Small, Wrapped
from geosal.scenes.products.bands import Product, ProductBand
from geosal.scenes.products.headers import cell_of
from geosal.scenes.products.scene import ProductScene
from geosal.scenes.products.stack import refuse_what_is_lost
from geosal.scenes.raster import Scene, usable_nodata
from geosal.scenes.zarr_store import ZarrScene


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemScene(Wrapped):
    """A file of an item, with its mask and all that lies beside it, and what the item tells of its bands.

    Attributes
    ----------
    product
        The item.
    chosen
        Its bands, all in one file.
    """

    product: Product
    chosen: tuple[ProductBand, ...]

    @classmethod
    def of(cls, inner: AnyScene, product: Product, chosen: Sequence[ProductBand]) -> "ItemScene":
        """Lay what the item tells over what the file tells."""
        metadata = inner.layout.metadata
        bands = tuple(
            replace(
                band,
                description=told.name if told.named else band.description or told.name,
                role=told.role or band.role,
                scale=told.scale if (told.scale, told.offset) != (1.0, 0.0) else band.scale,
                offset=told.offset if (told.scale, told.offset) != (1.0, 0.0) else band.offset,
                unit=told.unit or band.unit,
                tags={**band.tags, "": {**told.tags, **band.tags.get("", {})}},
            )
            for band, told in zip(metadata.bands, chosen, strict=True)
        )
        tags = {**metadata.tags, "": {**product.tags, **metadata.tags.get("", {})}}
        layout: RasterLayout = replace(inner.layout, metadata=replace(metadata, bands=bands, tags=tags))
        return cls(inner=inner, layout=layout, product=product, chosen=tuple(chosen))

    @property
    def quality(self) -> tuple[QualityBand, ...]:
        """Quality bands of the item."""
        return self.product.quality

    @property
    def original(self) -> "ItemScene":
        """The scene itself."""
        return self

    def read(self, block: Block) -> Samples:
        """Read a block of the file."""
        return self.inner.read(block)

    def having(self, *bands: str) -> AnyScene:
        """Return the same grid with other bands of the item: names, roles, or numbers of this scene's bands, from 1."""
        names = []
        for name in bands:
            if name.isascii() and name.isdecimal():
                if not 1 <= int(name) <= len(self.chosen):
                    has = ", ".join(f"{n} ({band.name})" for n, band in enumerate(self.chosen, start=1))
                    raise UsageError(f"{self.path}: no band {name}; it has {has}; other bands go by name, such as red")
                name = self.chosen[int(name) - 1].name  # noqa: PLW2901
            names.append(name)
        return _scene_of(
            self.product,
            self.product.choose(names),
            self.grid,
            resampling="nearest",
            drivers=self.drivers,
            max_pixels=max(2**32, 64 * self.grid.height * self.grid.width),
        )

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Make the file small in its own way."""
        return self.inner.decimate(factor, bands)

    def is_whole_file(self) -> bool:
        """Return whether it has all bands of its file."""
        return self.inner.is_whole_file()


def open_item(
    product: Product,
    chosen: Sequence[ProductBand],
    resolution: float | None = None,
    *,
    resampling: str,
    drivers: tuple[str, ...],
    max_pixels: int,
) -> AnyScene:
    """Open the chosen bands of an item, and tell where they lie if that is not beside it.

    Raises
    ------
    SceneError, UsageError, ResourceError
        As `geosal.scenes.products.open_product`.
    """
    if product.elsewhere:
        warn(f"{product.path}: its assets are read from {product.elsewhere}")
    return _scene_of(product, chosen, resolution, resampling=resampling, drivers=drivers, max_pixels=max_pixels)


def _scene_of(
    product: Product,
    chosen: Sequence[ProductBand],
    grid: Grid | float | None,
    *,
    resampling: str,
    drivers: tuple[str, ...],
    max_pixels: int,
) -> AnyScene:
    paths = {str(band.files[0].path) for band in chosen}
    if len(paths) == 1 and (found := _one_file(paths.pop(), chosen, drivers, max_pixels)) is not None:
        wanted = cell_of(grid) if isinstance(grid, Grid) else grid
        if wanted is None or abs(wanted - cell_of(found.grid)) <= 1e-6 * wanted:
            return ItemScene.of(found, product, chosen)
    bands = [_with_header(band, drivers, max_pixels) for band in chosen]
    product = replace(product, nodata=_code_of(chosen))
    return ProductScene.assemble(product, bands, grid, resampling=resampling, drivers=drivers, max_pixels=max_pixels)


def _one_file(
    path: str, chosen: Sequence[ProductBand], drivers: tuple[str, ...], max_pixels: int
) -> Scene | ZarrScene | None:
    """Open the file in which all bands lie."""
    indexes = tuple(band.files[0].index for band in chosen)
    if is_zarr(path):
        return ZarrScene.open(path, tuple(map(str, indexes)), max_pixels=max_pixels)
    scene = Scene.open(path, indexes, drivers=drivers, max_pixels=max_pixels)
    code = usable_nodata(path, _code_of(chosen), scene.layout.dtype)
    if code is None or scene.layout.nodata is not None or scene.has_mask:
        return scene
    return replace(scene, layout=replace(scene.layout, nodata=code))


def _code_of(bands: Sequence[ProductBand]) -> float | None:
    """Return the nodata code that an item tells of bands; None where it tells several."""
    codes = {"nan" if band.nodata is not None and math.isnan(band.nodata) else band.nodata for band in bands}
    return bands[0].nodata if len(codes) == 1 else None


def _with_header(band: ProductBand, drivers: tuple[str, ...], max_pixels: int) -> ProductBand:
    """Complete what an item tells of a band by the header of its file, which has to be a plain raster."""
    file = band.files[0]
    if is_zarr(str(file.path)):
        return band
    scene = Scene.open(str(file.path), (file.index,), drivers=drivers, max_pixels=max_pixels)
    refuse_what_is_lost(scene)
    own = scene.layout.metadata.bands[0]
    plain = (band.scale, band.offset) == (1.0, 0.0)
    return replace(
        band,
        files=(replace(file, resolution=cell_of(scene.grid), place=scene.grid),),
        scale=own.scale if plain else band.scale,
        offset=own.offset if plain else band.offset,
        unit=band.unit or own.unit,
        role=band.role or own.role,
    )
