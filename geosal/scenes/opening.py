"""Open an input that a user names: a raster file, a Zarr store, or the folder or archive of a product."""

import os
import stat

from geosal.core.zarr.files import is_zarr, locate
from geosal.errors import SceneError, UsageError
from geosal.files.addresses import is_remote, name_of
from geosal.files.leftovers import settle
from geosal.scenes.base import AnyScene
from geosal.scenes.raster import Scene
from geosal.scenes.reading import AS_IT_IS, Reading, band_names

GROUPS = {"rgb": ("red", "green", "blue")}
"""Names for groups of bands of a raster; products have more of them."""


def open_input(path: str, reading: Reading = AS_IT_IS, *, partial: bool = False) -> AnyScene:
    """Open a raster or a product.

    Parameters
    ----------
    path
        A raster; a Zarr store, or a group or an array in it (``store.zarr/group/array``); or a Sentinel-2 or Landsat
        product: its folder, ``.zip`` or ``.tar``.
    reading
        Which bands, and how.
    partial
        Whether any available band of a product suffices where no `bands` are named, because only its grid is needed.

    Raises
    ------
    GeosalError
        See `Scene.open`, `ZarrScene.open`, `open_product` and `ByteScene.wrap`; `UsageError` where an option is for
        the other kind, `SceneError` for a compressed archive.
    """
    from geosal.scenes.products import is_product, open_product  # most inputs are rasters

    refuse_pipe(path)
    settle(path)
    names = band_names(reading.bands)
    if reading.bidx and names:
        raise UsageError("bands by number (--bidx) and by name (--bands); give one of the two")
    if reading.stack and (is_product(path) or any(map(is_product, reading.stack))):
        raise UsageError(f"{path}: --stack is for rasters, and a product has all its bands; name them with --bands")
    if is_product(path):
        if reading.bidx:
            raise UsageError(f"{path}: the bands of a product have names; say --bands instead of --bidx")
        scene: AnyScene = open_product(
            path,
            names,
            resolution=reading.resolution,
            resampling=reading.resampling,
            drivers=reading.drivers,
            max_pixels=reading.max_pixels,
            partial=partial,
        )
    elif is_zarr(path) and not reading.drivers:
        return _in_bytes(_of_store(path, reading, names), reading)
    else:
        refuse_unread(path)
        _refuse_resampling(path, reading)
        refuse_select(path, reading.select)
        scene = (
            _stacked(path, reading)
            if reading.stack
            else Scene.open(path, reading.bidx, drivers=reading.drivers, max_pixels=reading.max_pixels)
        )
        scene = _named(scene, names)
    return _in_bytes(scene, reading)


def read_as(scene: AnyScene, reading: Reading) -> AnyScene:
    """Read an opened scene as a raster would be: the bands that are wanted, in 8 bits where that is wished.

    Raises
    ------
    UsageError
        There is no such band, or an option is for products.
    """
    names = band_names(reading.bands)
    if reading.bidx and names:
        raise UsageError("bands by number (bidx) and by name (bands); give one of the two")
    _refuse_resampling(scene.path, reading)
    refuse_select(scene.path, reading.select)
    if reading.stack:
        raise UsageError(f"{scene.path}: stack is for files; give an array all bands: xarray.concat")
    chosen = scene.having(*map(str, reading.bidx)) if reading.bidx else _named(scene, names)
    return _in_bytes(chosen, reading)


def _refuse_resampling(path: str, reading: Reading) -> None:
    if reading.resolution is not None:
        raise UsageError(f"{path}: --resolution is for products; warp a raster first: gdalwarp -tr")
    if reading.resampling != "nearest":
        raise UsageError(f"{path}: --resampling is for bands of products; warp a raster first: gdalwarp -r")


def refuse_select(path: str, select: tuple[str, ...]) -> None:
    """Refuse steps of dimensions that an input does not have.

    Raises
    ------
    UsageError
        Some are given.
    """
    if select:
        raise UsageError(f"{path}: --select is for Zarr stores, whose arrays have further dimensions; leave it out")


def _of_store(path: str, reading: Reading, names: tuple[str, ...]) -> AnyScene:
    """Open a Zarr store."""
    from geosal.scenes.zarr_store import ZarrScene

    _refuse_resampling(path, reading)
    if reading.stack:
        raise UsageError(
            f"{path}: --stack is for rasters, and a Zarr store has bands as arrays; name them with --bands"
        )
    wanted = tuple(str(index) for index in reading.bidx) or _in_groups(names)
    return ZarrScene.open(path, wanted, select=reading.select, max_pixels=reading.max_pixels)


def _in_groups(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for band in names for name in GROUPS.get(band.lower(), (band,)))


def _named(scene: AnyScene, names: tuple[str, ...]) -> AnyScene:
    return scene.having(*_in_groups(names)) if names else scene


def _in_bytes(scene: AnyScene, reading: Reading) -> AnyScene:
    if reading.to_byte is None:
        return scene
    from geosal.scenes.stretch import ByteScene  # most jobs keep their samples

    return ByteScene.wrap(scene, reading.to_byte)


def _stacked(path: str, reading: Reading) -> AnyScene:
    """Open several files as one scene, or some of the bands of all."""
    from geosal.scenes.products.stack import open_stack

    scene = open_stack(path, reading.stack, drivers=reading.drivers, max_pixels=reading.max_pixels)
    return scene.having(*map(str, reading.bidx)) if reading.bidx else scene


def refuse_pipe(path: str) -> None:
    """Refuse a pipe or a device, which would be waited for.

    Raises
    ------
    SceneError
        It is one.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # what is not there, or elsewhere, is told by who opens it
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SceneError(f"{path}: it is a pipe or a device; name a file, or the folder of a product")


def refuse_unread(path: str) -> None:
    """Refuse an archive that has to be unpacked, and an item on a server, which no raster can be.

    Raises
    ------
    SceneError
        It is one.
    """
    if is_remote(path) and name_of(path).lower().endswith((".json", ".geojson")):
        raise SceneError(f"{path}: a STAC item is read where it lies here; copy it (curl -O), and give the copy")
    if path.lower().endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
        raise SceneError(f"{path}: is a compressed archive, of which no part can be read alone; unpack it first")


def input_places(path: str) -> tuple[str, ...]:
    """Return all that an input is on disk: its path, its `input_root`, and of a STAC Item the files of its assets."""
    from geosal.scenes.products.item import asset_files, recognise  # most inputs are rasters

    return (path, input_root(path), *(asset_files(path) if recognise(path) else ()))


def input_root(path: str) -> str:
    """Return what an input is on disk: the folder or archive of the product or store that it means, else its path."""
    from geosal.scenes.products import is_product  # most inputs are rasters
    from geosal.scenes.products.opening import product_root

    place = locate(path)
    if place is not None:
        return place.store.root if place.node else path
    return product_root(path) if is_product(path) else path
