"""One way to open what a user names as input: a raster file, or the folder or archive of a product."""

from dataclasses import dataclass

from geosal.errors import UsageError
from geosal.scenes.raster import MAX_PIXELS, Scene

GROUPS = {"rgb": ("red", "green", "blue")}
"""Names for several bands of a raster; products have more of them."""
RESAMPLING = ("nearest", "bilinear", "average")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What of an input is wanted, and how.

    Attributes
    ----------
    bidx
        Bands by number, from 1; all when empty.
    bands
        Bands by role, name or group instead: ``("rgb",)``, ``("B08", "red")``.
    resolution
        Of a product, in units of its CRS; the finest of its bands by default.
    resampling
        How a product's bands of other resolutions come to it.
    to_byte
        Rule by which samples become 8 bits, see `geosal.scenes.rules`.
    drivers
        GDAL drivers trusted beyond the usual ones.
    max_pixels
        Width times height beyond which an input is refused.
    """

    bidx: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    resolution: float | None = None
    resampling: str = "nearest"
    to_byte: str | None = None
    drivers: tuple[str, ...] = ()
    max_pixels: int = MAX_PIXELS


def open_input(path: str, reading: Reading = Reading()) -> Scene:
    """Open a raster or a product.

    Parameters
    ----------
    path
        A raster, or a Sentinel-2 or Landsat product: its folder, ``.zip`` or ``.tar``.
    reading
        Which bands, and how.

    Raises
    ------
    GeosalError
        As `Scene.open`, `open_product` and `ByteScene.wrap`; `UsageError` where an option is for the other kind.
    """
    from geosal.scenes.products import is_product, open_product  # noqa: PLC0415  most inputs are rasters

    if reading.bidx and reading.bands:
        raise UsageError("bands by number (--bidx) and by name (--bands); give one of the two")
    if is_product(path):
        if reading.bidx:
            raise UsageError(f"{path}: the bands of a product have names; say --bands instead of --bidx")
        scene: Scene = open_product(
            path,
            reading.bands,
            resolution=reading.resolution,
            resampling=reading.resampling,
            drivers=reading.drivers,
            max_pixels=reading.max_pixels,
        )
    else:
        if reading.resolution is not None:
            raise UsageError(f"{path}: --resolution is for products; warp a raster first: gdalwarp -tr")
        scene = Scene.open(path, reading.bidx, drivers=reading.drivers, max_pixels=reading.max_pixels)
        if reading.bands:
            names = [name for band in reading.bands for name in GROUPS.get(band.lower(), (band,))]
            scene = scene.having(*names)
    if reading.to_byte is None:
        return scene
    from geosal.scenes.stretch import ByteScene  # noqa: PLC0415  most jobs keep their samples

    return ByteScene.wrap(scene, reading.to_byte)
