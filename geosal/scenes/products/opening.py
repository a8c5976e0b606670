"""Recognise paths of products, and open them."""

import logging
import os
import re
import tarfile
import zipfile
from collections.abc import Iterable

from geosal.core.gdal_env import path_text
from geosal.errors import SceneError, UsageError, cause_of
from geosal.files.addresses import STORES, Address, absolute, is_remote, name_of, parent_of
from geosal.files.archives import DAMAGE
from geosal.files.objects import read
from geosal.scenes.base import AnyScene
from geosal.scenes.products import eopf, item, landsat, sentinel2
from geosal.scenes.products.bands import Product
from geosal.scenes.products.files import ARCHIVES, Files, is_litter, kind_of
from geosal.scenes.products.item_scene import open_item
from geosal.scenes.products.scene import ProductScene
from geosal.scenes.raster import MAX_PIXELS
from geosal.scenes.reading import RESAMPLING

logger = logging.getLogger(__name__)

_MTL_BYTES = 2**20
_LANDSAT_FOLDER = r"L[CEOT]0\d_L\w{3}_\d{6}_\d{8}_\d{8}_\d\d_(T1|T2|RT)"
"""Name of a product's folder; a server of objects lists what lies in it."""
_PEEK = 4000
"""Number of names looked at in an archive to tell what it is."""


def is_product(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is that of a Sentinel-2 or Landsat product, or of JSON, which can only be a STAC Item.

    A product is a folder, an archive, or the metadata file in one.

    Reads a directory, or the list of an archive; False for anything that is not there. A URL is judged by its names.
    """
    path = path_text("path", path)
    if eopf.recognise(path) or item.recognise(path) or _is_called(path):
        return True
    if os.path.isdir(path):
        return path.rstrip("/").upper().endswith(".SAFE") or bool(_granule(path)) or _tells(_listed(path))
    if not os.path.isfile(path):
        return False
    if path.lower().endswith((".xml", ".txt")):
        return _marks(os.path.basename(path))
    if os.path.splitext(path)[1].lower() not in ARCHIVES:
        return False
    names = [name for name in _peek(path) if not is_litter(name)]
    return any(".SAFE/" in name for name in names) or _tells(name.rpartition("/")[2] for name in names)


def open_product(
    path: str | os.PathLike[str],
    bands: tuple[str, ...] = (),
    *,
    resolution: float | None = None,
    resampling: str = "nearest",
    drivers: tuple[str, ...] = (),
    max_pixels: int = MAX_PIXELS,
    partial: bool = False,
) -> AnyScene:
    """Open a Sentinel-2 or Landsat product, or a STAC Item, as one scene; metadata and headers only, no pixel is read.

    Sentinel-2: Level-1C and Level-2A, a ``.SAFE`` folder of any baseline, a granule in an old one, a ``.zip`` of it, or
    a tile of AWS's buckets; or a store in EOPF Zarr, also in a
    ``.zip``. Landsat 4 to 9: the folder of Level-1 or Level-2 with its MTL, or a ``.tar`` of it.

    The product's metadata become tags: the agency's own keys, and for all of them ``PLATFORM``, ``ACQUIRED`` (UTC),
    ``SUN_AZIMUTH``, ``SUN_ELEVATION`` (degrees) and ``CLOUD_COVER`` (percent). Bands have ``BAND``, ``RESOLUTION`` (of
    the file it is from), and ``RESAMPLING`` where that is not the scene's. Scale and offset of a band are those to
    reflectance, radiance or kelvin that the metadata give.

    The bands of an item are its assets; see `geosal.scenes.products.item`.

    Parameters
    ----------
    path
        Local: a folder, an archive, the metadata file in a folder, or an item.
    bands
        Names (``B04``), roles (``red``, see `geosal.core.raster.ROLES`) or groups: ``rgb``, ``cir``, ``rededge``,
        ``swir``, ``tci``, ``all``, ``all-10m`` (those whose finest file is of 10 m) and so on; several in one text with
        commas. By default the multispectral bands of the finest resolution.
    resolution
        Resolution of the scene, one that the product has; by default the finest among `bands`.
    resampling
        For bands of another resolution: "nearest", "bilinear" or "average".
    drivers
        GDAL drivers trusted beyond the usual ones.
    max_pixels
        Width times height of a band beyond which it is refused.
    partial
        Whether any existing band will do where all default ones are missing, and no warning tells of those that are.

    Raises
    ------
    SceneError
        The product is missing, incomplete, damaged, or leads out of its folder.
    UsageError
        The product has no such band or resolution, or holds several tiles.
    ResourceError
        A band has more than `max_pixels`.
    """
    path = path_text("path", path)
    # A recipe has looked at it; `open_scene` and `verify` come without one.
    if resampling not in RESAMPLING:
        raise UsageError(f"resampling={resampling}: not known; choose one of {', '.join(RESAMPLING)}")
    product = read_product(path)
    logger.debug("%s: bands %s, quality %s", path, [band.name for band in product.bands], product.quality)
    chosen = product.choose(bands, partial=partial)
    if is_item(path):
        return open_item(product, chosen, resolution, resampling=resampling, drivers=drivers, max_pixels=max_pixels)
    return ProductScene.assemble(
        product,
        chosen,
        resolution,
        resampling=resampling,
        drivers=drivers,
        max_pixels=max_pixels,
    )


def read_product(path: str) -> Product:
    """Read and check a product's metadata.

    Raises
    ------
    SceneError, UsageError
        See `open_product`.
    """
    if not is_remote(path) and not os.path.exists(path):
        raise SceneError(f"{path}: no such product; give its folder, .zip or .tar")
    if eopf.recognise(path):
        return eopf.read(path)
    if is_item(path):
        return item.product_of(item.Item.read(os.path.abspath(path)))
    granule, files = _granule(path), Files.of(product_root(path), _named_by(path))
    if sentinel2.recognise(files):
        return sentinel2.read(files, granule)
    if landsat.recognise(files):
        # Among several products in one folder, the named metadata file is the chosen one.
        return landsat.read(files, "" if _is_whole(path) else name_of(path))
    name = name_of(files.root)
    if re.search(r"S[135][ABC]_|^S1", name):
        raise SceneError(f"{path}: is no Sentinel-2 product; give one of the rasters in it")
    raise SceneError(
        f"{path}: has neither MTD_MSIL1C.xml, MTD_MSIL2A.xml nor a Landsat MTL file; the product is copied in part, "
        "copy it again, or give one raster in it"
    )


def product_root(path: str) -> str:
    """Return the folder or archive of a product from its path, that of its metadata file, or that of a granule.

    An item is its own: its folder may hold anything.
    """
    if is_item(path):
        return path
    if _granule(path):
        return parent_of(parent_of(absolute(path)))
    return path if _is_whole(path) else parent_of(absolute(path))


def is_item(path: str) -> bool:
    """Return whether a path is that of a STAC Item, and not of a product's own metadata."""
    return item.recognise(path) and not _marks(os.path.basename(path))


def has_many_files(path: str) -> bool:
    """Return whether a path is that of a product, or of an item whose bands lie in several files."""
    if not is_item(path):
        return is_product(path)
    try:
        return len({asset.path for asset in item.Item.read(os.path.abspath(path)).assets if asset.is_data}) > 1
    except SceneError:  # it is told when the item is read
        return True


def _is_whole(path: str) -> bool:
    """Return whether a path is a folder or an archive, and not a file in one."""
    if is_remote(path):
        return not _marks(name_of(path))
    return os.path.isdir(path) or os.path.splitext(path)[1].lower() in ARCHIVES


def _granule(path: str) -> str:
    """Return the name of a granule's folder in a .SAFE; empty for any other path."""
    place = absolute(path)
    name, above = name_of(place), parent_of(place)
    is_one = name_of(above) == "GRANULE" and name_of(parent_of(above)).upper().endswith(".SAFE")
    return name if is_one else ""


def _is_called(url: str) -> bool:
    """Return whether what lies at a URL is called as a product, or as the metadata file in one."""
    if not is_remote(url):
        return False
    name = name_of(url)
    if name.upper().endswith(".SAFE") or _granule(url) or _marks(name):
        return True
    if kind_of(url) in {"zip", "tar"}:
        return re.match(r"S2[A-D]_|L[CEOT]0\d_", name) is not None
    place = Address.of(url)
    return place is not None and place.scheme in STORES and re.fullmatch(_LANDSAT_FOLDER, name) is not None


def _named_by(path: str) -> list[str] | None:
    """Return the files of a Landsat product by its MTL, where a server lists none; None for any other path."""
    place = Address.of(path)
    if place is None or place.scheme in STORES or not re.search(landsat.MARK, name_of(path), re.IGNORECASE):
        return None
    try:
        told = read(path, _MTL_BYTES).decode(errors="replace")
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({cause_of(error)}); see that the address is right") from error
    named = re.findall(r"\bL[CEOT]0\d_[\w.-]+\.(?:TIF|txt|xml|json)\b", told, re.IGNORECASE)
    return [*dict.fromkeys((name_of(path), *named))]


def _marks(name: str) -> bool:
    return bool(re.search(f"{sentinel2.MARK}|{landsat.MARK}", name, re.IGNORECASE))


def _tells(names: Iterable[str]) -> bool:
    """Return whether the files of a folder are those of a product; AWS has Level-2A's bands in folders of their own."""
    known = {name for name in names if not is_litter(name)}
    tile = {"tileInfo.json", "metadata.xml"} & known and {"B02.jp2", "B04.jp2", "R10m", "R20m"} & known
    return bool(tile) or any(map(_marks, known))


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _peek(path: str) -> list[str]:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as bundle:
                return bundle.namelist()[:_PEEK]
        names = []
        with tarfile.open(path, "r:") as tape:
            for entry in tape:
                names.append(entry.name)
                if len(names) >= _PEEK or _marks(entry.name):
                    break
    except (*DAMAGE, tarfile.TarError):
        return []
    return names
