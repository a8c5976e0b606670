"""Sentinel-2 Level-1C and Level-2A: .SAFE folders since 2015, and tiles as AWS lays them out.

Names and meanings of the metadata are those of ESA's Products Specification Document (S2-PDGS-TAS-DI-PSD, issues 13 to
15). Reflectance is ``(DN + ADD_OFFSET) / QUANTIFICATION_VALUE``; the offset came with baseline 04.00 (January 2022).
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.core.raster import QualityBand
from geosal.errors import SceneError, UsageError, warn
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.products.files import Files, check_inside

MARK = r"^MTD_MSIL(1C|2A)\.xml$|^S2\w_(OPER|USER)_MTD_SAFL(1C|2A)_.*\.xml$"
"""Base name of a product's metadata, as a regular expression."""
_PRODUCT = r"(^|/)(MTD_MSIL(1C|2A)\.xml|S2\w_(OPER|USER)_MTD_SAFL(1C|2A)_[^/]*\.xml)$"
_TILE = r"/(MTD_TL|S2\w_(OPER|USER)_MTD_L(1C|2A)_TL_[^/]*)\.xml$"
_RASTER = r"\.(jp2|tiff?)$"
BANDS: Mapping[str, tuple[str, int]] = {
    "B01": ("coastal", 60), "B02": ("blue", 10), "B03": ("green", 10), "B04": ("red", 10), "B05": ("rededge1", 20),
    "B06": ("rededge2", 20), "B07": ("rededge3", 20), "B08": ("nir", 10), "B8A": ("nir08", 20), "B09": ("nir09", 60),
    "B10": ("cirrus", 60), "B11": ("swir16", 20), "B12": ("swir22", 20),
}  # fmt: skip
"""Band -> role and native resolution in metres."""
IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Names of bands, in the order of ``band_id`` in the metadata."""
_OFFSET_SINCE = 4.0
_QUANTIFICATION, _OFFSET = 10000.0, -1000.0
"""Scale and offset of all products so far, for AWS's tiles, whose metadata do not tell."""
_OF_PRODUCT = (
    "PRODUCT_URI", "PRODUCT_URI_1C", "PRODUCT_URI_2A", "PROCESSING_LEVEL", "PRODUCT_TYPE", "PROCESSING_BASELINE",
    "GENERATION_TIME", "PRODUCT_START_TIME", "DATATAKE_SENSING_START", "SPACECRAFT_NAME", "SENSING_ORBIT_NUMBER",
    "SENSING_ORBIT_DIRECTION", "PRODUCT_DOI",
)  # fmt: skip
_OF_TILE = ("TILE_ID", "SENSING_TIME")


def recognise(files: Files) -> bool:
    """Return whether it is a Sentinel-2 product."""
    return bool(files.find(_PRODUCT)) or _is_aws(files)


def read(files: Files, granule: str = "") -> Product:
    """Read the metadata of a product.

    Parameters
    ----------
    files
        Files of the folder or archive.
    granule
        Name of the chosen granule, for old products with several.

    Raises
    ------
    SceneError
        The metadata are damaged, lead out of the product, or are missing.
    UsageError
        The folder holds several products, or several granules and none is named.
    """
    if not files.find(_PRODUCT):
        return _read_aws(files)
    found = files.find(_PRODUCT)
    if len(found) > 1 and found[1].count("/") == found[0].count("/"):
        raise UsageError(f"{files.root}: holds several products ({found[0]}, {found[1]}); give the folder of one")
    xml = files.xml(found[0])
    top = found[0].rpartition("/")[0]
    images, folder = _images(files, xml, granule)
    tile_name = next((name for name in files.find(_TILE) if f"/{folder}/" in f"/{name}"), None)
    if tile_name is None:
        raise SceneError(f"{files.root}: has no MTD_TL.xml in its granule; it is copied in part, copy it again")
    tile = files.xml(tile_name)
    tags = _tags(xml, tile)
    bands = _product_bands(files, images, _places(tile), _Scales(files.root, xml))
    inside = f"{top}/GRANULE/{folder}/".lstrip("/")
    return Product(path=files.root, bands=bands, quality=_quality(files, inside, tags.get("PLATFORM", "")), tags=tags)


def _images(files: Files, xml: Any, granule: str) -> tuple[list[tuple[str, str | None]], str]:
    """Return what the metadata list of one granule: name without suffix, and the file; and the granule's folder."""
    by_stem: dict[str, list[str]] = {}
    for name in files.find(_RASTER):
        by_stem.setdefault(name.rpartition("/")[2].rpartition(".")[0], []).append(name)
    granules: dict[str, list[tuple[str, str | None]]] = {}
    elements = list(islice(_all(xml, "Granule", "Granules"), _MAX_GRANULES + 1))
    if len(elements) > _MAX_GRANULES:
        raise SceneError(f"{files.root}: its metadata list more than {_MAX_GRANULES} granules; do not trust it")
    for element in elements:
        # Those right below it: granules within granules would be walked through again and again.
        listed = [text for one in element if _name_of(one) in _IMAGE_TAGS if (text := _text(one))]
        for text in listed:
            check_inside(files.root, text)
        images = [(text, _pick(by_stem, text)) for text in listed]
        where = next((name for text, name in images for name in (name or text,) if "/IMG_DATA/" in name), "")
        folder = where.partition("/IMG_DATA/")[0].rpartition("/")[2] or element.get("granuleIdentifier", "")
        granules.setdefault(folder, []).extend(images)
    if granule:
        granules = {folder: images for folder, images in granules.items() if folder == granule}
    if not granules:
        raise SceneError(
            f"{files.root}: its metadata list no images{f' of {granule}' if granule else ''}; copy it again"
        )
    if len(granules) > 1:
        names = ", ".join(sorted(granules)[:3])
        raise UsageError(f"{files.root}: has {len(granules)} granules ({names} …); give one: {files.root}/GRANULE/NAME")
    folder, images = granules.popitem()
    return images, folder


_MAX_GRANULES = 2000
"""Limit of granules; many times the largest number in an old product."""
_IMAGE_TAGS = ("IMAGE_FILE", "IMAGE_FILE_2A", "IMAGE_ID", "IMAGE_ID_2A")


def _pick(by_stem: Mapping[str, list[str]], listed: str) -> str | None:
    """Return the file that a text of the metadata names: a path without suffix, or only a name."""
    listed = re.sub(_RASTER, "", listed, flags=re.IGNORECASE)
    there = by_stem.get(listed.rpartition("/")[2], [])
    return next((name for name in there if f"/{name}".rpartition(".")[0].endswith(f"/{listed}")), None)


def _band_of(stem: str) -> tuple[str, int] | None:
    """Return band and resolution by the name of a file; None for quality and previews."""
    match = re.search(r"(?:^|_|/)(B\d[0-9A]|TCI|AOT|WVP)(?:_L2A_TL_.*?)?(?:_(\d\d)m)?$", stem)
    if match is None or (match[1].startswith("B") and match[1] not in BANDS):
        return None
    folder = re.search(r"(?:^|/)R(\d\d)m/", stem)
    native = BANDS.get(match[1], ("", 10))[1]
    return match[1], int(match[2] or (folder[1] if folder else native))


def _product_bands(
    files: Files, images: list[tuple[str, str | None]], places: Mapping[int, Grid], scales: "_Scales"
) -> tuple[ProductBand, ...]:
    found: dict[str, dict[int, BandFile]] = {}
    for listed, name in images:
        band = _band_of(re.sub(_RASTER, "", listed, flags=re.IGNORECASE))
        if band:
            path = files.gdal_path(name) if name else None
            found.setdefault(band[0], {})[band[1]] = BandFile(listed, path, band[1], place=places.get(band[1]))
    bands: list[ProductBand] = []
    for band_name in sorted(found, key=lambda name: (IDS.index(name) if name in IDS else 99, name)):
        at = tuple(file for _, file in sorted(found[band_name].items()))
        if band_name == "TCI":
            bands += [
                ProductBand(
                    name=f"TCI_{colour}",
                    spectral=False,
                    files=tuple(BandFile(f.label, f.path, f.resolution, index, f.place) for f in at),
                )
                for index, colour in enumerate("RGB", start=1)
            ]
        else:
            bands.append(scales.band(band_name, at))
    return tuple(bands)


class _Scales:
    """Scales, offsets and wavelengths from the product metadata."""

    def __init__(self, path: str, xml: Any, baseline: float | None = None) -> None:
        assumed = _OFFSET if baseline is not None and baseline >= _OFFSET_SINCE else 0.0
        names = ("QUANTIFICATION_VALUE", "BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE")
        self.reflectance = _number(path, xml, _QUANTIFICATION, *names)
        self.aerosol = _number(path, xml, 1000.0, "AOT_QUANTIFICATION_VALUE", "L2A_AOT_QUANTIFICATION_VALUE")
        self.water = _number(path, xml, 1000.0, "WVP_QUANTIFICATION_VALUE", "L2A_WVP_QUANTIFICATION_VALUE")
        self.offsets = dict.fromkeys(IDS, assumed)
        for element in _all(xml, "RADIO_ADD_OFFSET", "BOA_ADD_OFFSET"):
            place = element.get("band_id", "")
            if not place.isdecimal() or int(place) >= len(IDS):
                raise SceneError(
                    f"{path}: has an offset for band_id {place[:20]!r}, which is none; copy the product again"
                )
            self.offsets[IDS[int(place)]] = _float(path, element)
        self.wavelengths = {}
        for element in _all(xml, "Spectral_Information"):
            number, central = element.get("bandId", ""), next(_all(element, "CENTRAL"), None)
            if number.isdecimal() and int(number) < len(IDS) and central is not None and _text(central):
                self.wavelengths[IDS[int(number)]] = f"{_text(central)} nm"

    def band(self, name: str, files: tuple[BandFile, ...]) -> ProductBand:
        """Make a band of these files."""
        if name in BANDS:
            tags = {"WAVELENGTH": self.wavelengths[name]} if name in self.wavelengths else {}
            scale, offset = 1 / self.reflectance, self.offsets[name] / self.reflectance
            return ProductBand(name=name, files=files, role=BANDS[name][0], scale=scale, offset=offset, tags=tags)
        scale, unit = (1 / self.aerosol, None) if name == "AOT" else (1 / self.water, "cm")
        return ProductBand(name=name, files=files, spectral=False, scale=scale, unit=unit)


def _quality(files: Files, inside: str, sensor: str) -> tuple[QualityBand, ...]:
    """Return the quality bands under a folder of the product, the finest of each kind."""
    kinds = {
        "scl": r"(^|/|_)SCL(_L2A_TL_[^/]*)?(_\d\dm)?\.(jp2|tiff?)$",
        "msk_classi": r"MSK_CLASSI[^/]*\.(jp2|tiff?)$",
        "clouds_gml": r"MSK_CLOUDS[^/]*\.gml$",
        "cld": r"MSK_CLDPRB_[26]0m[^/]*\.(jp2|tiff?)$",
        "snw": r"MSK_SNWPRB_[26]0m[^/]*\.(jp2|tiff?)$",
    }
    found = []
    for kind, pattern in kinds.items():
        names = sorted(name for name in files.find(pattern) if name.startswith(inside))
        names.sort(key=lambda name: 0 if "_20m" in name or "R20m" in name else 1)
        found += [QualityBand(kind=kind, path=files.gdal_path(name), sensor=sensor, alone=True) for name in names[:1]]
    return tuple(found)


def _places(tile: Any) -> dict[int, Grid]:
    """Return the grid of each resolution by the metadata of a tile; senseless ones are left out."""
    try:
        with gdal_env():
            crs = CRS.from_user_input(_first(tile, "HORIZONTAL_CS_CODE"))
    except (CRSError, ValueError):
        return {}  # files have georeferencing of their own
    sizes = {one.get("resolution"): one for one in _all(tile, "Size")}
    places = {}
    for corner in _all(tile, "Geoposition"):
        at = corner.get("resolution", "")
        place = _place(crs, corner, sizes.get(at))
        if place is not None and re.fullmatch(r"\d{1,4}", at):
            places[int(at)] = place
    return places


def _place(crs: CRS, corner: Any, size: Any) -> Grid | None:
    """Return the grid of a resolution; None where its numbers cannot be those of a grid with north up."""
    try:
        left, top, across, down = (float(_first(corner, key)) for key in ("ULX", "ULY", "XDIM", "YDIM"))
        rows, columns = (int(_first(size, key)) for key in ("NROWS", "NCOLS"))
    except ValueError:
        return None
    if not (math.isfinite(left + top + across + down) and across > 0 > down and rows > 0 and columns > 0):
        return None
    return Grid.from_crs(crs, Affine(across, 0, left, 0, down, top), rows, columns)


def _tags(xml: Any, tile: Any) -> dict[str, str]:
    tags = {key: _first(xml, key) for key in _OF_PRODUCT} if xml is not None else {}
    if tile is not None:
        tags |= {key: _first(tile, key) for key in _OF_TILE}
        sun = next(_all(tile, "Mean_Sun_Angle"), None)
        if sun is not None:
            tags["SUN_AZIMUTH"] = _first(sun, "AZIMUTH_ANGLE")
            zenith = _first(sun, "ZENITH_ANGLE")
            tags["SUN_ELEVATION"] = f"{90 - float(zenith):.10g}" if re.fullmatch(r"\d+(\.\d+)?", zenith) else ""
    tags["PLATFORM"] = tags.pop("SPACECRAFT_NAME", "")
    tags["ACQUIRED"] = tags.get("SENSING_TIME") or tags.get("DATATAKE_SENSING_START") or ""
    cloud = [text for root in (xml, tile) if root is not None for key in _CLOUD for text in [_first(root, key)] if text]
    tags["CLOUD_COVER"] = cloud[0] if cloud else ""
    return {key: value for key, value in tags.items() if value}


_CLOUD = ("Cloud_Coverage_Assessment", "CLOUDY_PIXEL_PERCENTAGE")


def _is_aws(files: Files) -> bool:
    return bool(files.find(r"^([^/]+/)?(tileInfo\.json|metadata\.xml)$") and files.find(_AWS_BAND))


_AWS_NAME = r"(R[126]0m/)?(B\d[0-9A]|TCI|AOT|WVP)\.jp2$"
_AWS_BAND = rf"^([^/]+/)?{_AWS_NAME}"


def _read_aws(files: Files) -> Product:
    """Describe a tile of the buckets sentinel-s2-l1c and sentinel-s2-l2a: B04.jp2, or R10m/B04.jp2."""
    top = re.sub(r"(R\d0m/)?[^/]+$", "", files.find(_AWS_BAND)[0])
    tile = files.xml(f"{top}metadata.xml") if f"{top}metadata.xml" in files.names else None
    name = ""
    if f"{top}productInfo.json" in files.names:
        try:
            info = json.loads(files.read(f"{top}productInfo.json"))
        except (ValueError, RecursionError) as error:
            raise SceneError(f"{files.root}: its productInfo.json is damaged; copy it again") from error
        name = str(info.get("name", ""))[:100] if isinstance(info, dict) else ""
    tags = _tags(None, tile)
    baseline = re.search(r"_N(\d\d)\.?(\d\d)(_|$)", name or tags.get("TILE_ID", ""))
    # Names of masks in qi/ and of previews contain names of bands, too.
    images: list[tuple[str, str | None]] = [(image, image) for image in files.find(rf"^{re.escape(top)}{_AWS_NAME}")]
    two = any("/R10m/" in f"/{image}" or "/R20m/" in f"/{image}" for image, _ in images)
    tags["PROCESSING_LEVEL"] = "Level-2A" if two else "Level-1C"
    if name:
        tags["PRODUCT_URI"] = name
        tags["PLATFORM"] = f"Sentinel-{name[1:3]}"
    if baseline:
        tags["PROCESSING_BASELINE"] = f"{baseline[1]}.{baseline[2]}"
    else:
        warn(
            f"{files.root}: does not tell its processing baseline, so offset 0 is taken for its reflectance; "
            "put its metadata.xml and productInfo.json beside the bands"
        )
    scales = _Scales(files.root, None, float(tags.get("PROCESSING_BASELINE", 0)))
    bands = _product_bands(files, images, _places(tile) if tile is not None else {}, scales)
    return Product(path=files.root, bands=bands, quality=_quality(files, top, tags.get("PLATFORM", "")), tags=tags)


def _all(root: Any, *names: str) -> Iterator[Any]:
    """Yield elements of these names in any namespace, in the document's order."""
    if root is not None:
        yield from (one for one in root.iter() if _name_of(one) in names)


def _name_of(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Any) -> str:
    return " ".join((element.text or "").split())[:500]


def _first(root: Any, name: str) -> str:
    """Return the text of the first element of a name; empty without one."""
    found = next(_all(root, name), None)
    return "" if found is None else _text(found)


def _float(path: str, element: Any) -> float:
    text = _text(element)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        name = _name_of(element)[:60]
        raise SceneError(f"{path}: {name} is {text[:40]!r} in its metadata, which is no number; copy the product again")
    return value


def _number(path: str, xml: Any, otherwise: float, *names: str) -> float:
    """Return the first number above 0 of these names."""
    for element in _all(xml, *names):
        value = _float(path, element)
        if value <= 0:
            raise SceneError(f"{path}: {names[0]} is {value:g} in its metadata, not above 0; copy the product again")
        return value
    return otherwise
