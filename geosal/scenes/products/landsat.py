"""Landsat 4 to 9, Level-1 and Level-2: a folder or .tar with its MTL file, of Collection 2, 1 or before.

Level-2 bands become reflectance or kelvin by the factors of the MTL. Level-1 bands become reflectance at the top of the
atmosphere by ``(REFLECTANCE_MULT * DN + REFLECTANCE_ADD) / sin(SUN_ELEVATION)``, thermal ones radiance (Landsat 8-9
Collection 2 Level 1 Data Format Control Book, LSDS-1822, and USGS's "Using the USGS Landsat Level-1 Data Product").
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import replace

from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.core.raster import QualityBand
from geosal.errors import SceneError, UsageError
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.products.files import Files, check_inside
from geosal.scenes.products.mtl import Mtl, read_mtl

MARK = r"(^|_)MTL\.(txt|json|xml)$|^L[COTEM]\d.*_B\d{1,2}(_VCID_[12])?\.tif$"
"""Base name of a product's metadata or of one of its bands, as a regular expression."""
_MTL = r"(^|[/_])MTL\.(txt|json|xml)$"
_BAND = r"(^|/)(L[COTEM]\d[^/]*?)_(?:SR_|ST_)?B(\d{1,2})(_VCID_[12])?\.tif$"
_OLI = ("coastal", "blue", "green", "red", "nir08", "swir16", "swir22", "pan", "cirrus", "lwir11", "lwir12")
_TM = ("blue", "green", "red", "nir08", "swir16", "lwir11", "swir22", "pan")
_MSS = ("green", "red", "nir08", "nir09")
_LISTS = ("PRODUCT_CONTENTS", "PRODUCT_METADATA")
"""Groups that list the files, of Collection 2 and before. Other groups list those a Level-2 product was made from."""
_KEPT = (
    "LANDSAT_PRODUCT_ID", "LANDSAT_SCENE_ID", "PROCESSING_LEVEL", "DATA_TYPE", "COLLECTION_NUMBER",
    "COLLECTION_CATEGORY", "SPACECRAFT_ID", "SENSOR_ID", "DATE_ACQUIRED", "SCENE_CENTER_TIME", "WRS_PATH", "WRS_ROW",
    "CLOUD_COVER", "CLOUD_COVER_LAND", "SUN_AZIMUTH", "SUN_ELEVATION", "EARTH_SUN_DISTANCE", "DATE_PRODUCT_GENERATED",
    "PROCESSING_SOFTWARE_VERSION", "ORIGIN", "DIGITAL_OBJECT_IDENTIFIER",
)  # fmt: skip
_QUALITY = (
    ("qa_pixel", r"_QA_PIXEL\.tif$"),
    ("pixel_qa", r"_pixel_qa\.tif$"),
    ("bqa", r"_BQA\.tif$"),
    ("fmask", r"_fmask4?\.(tif|img)$"),
)


def recognise(files: Files) -> bool:
    """Return whether it is a Landsat product."""
    return bool(files.find(_MTL) or files.find(_BAND))


def read(files: Files, chosen: str = "") -> Product:
    """Read the metadata of a product; without an MTL file, they come from the names of its bands.

    Parameters
    ----------
    files
        Files of the folder or archive.
    chosen
        Name of the chosen MTL file, where there may be several.

    Raises
    ------
    SceneError
        The metadata are damaged or lead out of the product.
    UsageError
        It holds several products.
    """
    found = [chosen] if re.search(_MTL, chosen, re.IGNORECASE) else _nearest(files.find(_MTL))
    if not found:
        return _read_names(files)
    stems = {name.rpartition("_")[0] for name in found}
    if len(stems) > 1:
        one, two = sorted(stems)[:2]
        raise UsageError(
            f"{files.root}: holds several products ({one}, {two}); give the folder of one, or its MTL file"
        )
    name = next((name for name in found if name.lower().endswith(".txt")), found[0])
    mtl = read_mtl(files, name)
    sensor = _value(mtl, "SPACECRAFT_ID").replace("-", "_").upper()
    roles = _roles(sensor, _value(mtl, "SENSOR_ID"))
    there = _beside(files, name)
    bands = tuple(_listed(files, mtl, roles, there, name))
    if not bands:
        raise SceneError(f"{files.root}: its MTL file lists no bands; it is damaged or cut off, copy it again")
    quality = _quality(files, there, sensor, stems.pop())
    return Product(path=files.root, bands=bands, quality=quality, tags=_tags(mtl))


def _nearest(names: list[str]) -> list[str]:
    """Return the names at the least depth: what lies deeper is a copy, or another product."""
    return [name for name in names if name.count("/") == names[0].count("/")]


def _beside(files: Files, name: str) -> list[str]:
    """Return the names in the folder of a file; a copy in a folder below, perhaps cut to an area, is another file."""
    folder = name.rpartition("/")[0]
    return [one for one in files.names if one.rpartition("/")[0] == folder]


def _listed(files: Files, mtl: Mtl, roles: tuple[str, ...], beside: list[str], of: str) -> list[ProductBand]:
    """Return the bands of the MTL file (`of`: its name), whether they exist (among the names `beside` it) or not."""
    there = {name.rpartition("/")[2].lower(): name for name in beside}
    bands = []
    for key, label in next((mtl[group] for group in _LISTS if group in mtl), {}).items():
        match = re.fullmatch(r"FILE_NAME_BAND_(ST_)?(B?)(\d{1,2})(_VCID_([12]))?", key)
        if match is None or not 1 <= int(match[3]) <= 11:
            continue
        check_inside(files.root, label)
        role = _role(roles, int(match[3]), match[5])
        name = there.get(label.rpartition("/")[2].lower())
        name = name or _renamed(label, there, of)
        older = None if name else next((there[one] for one in _of_collection_1(label) if one in there), None)
        resolution, place = _place(mtl, roles, role)
        found = files.gdal_path(name or older or "") if name or older else None
        band = ProductBand(
            name=f"{match[1] or ''}B{match[3]}{match[4] or ''}",
            files=(BandFile(older or label, found, resolution, place=place),),
            role=role,
            also=_also(match[3], match[5], surface=bool(re.search(r"_SR_B", label))),
        )
        if older:
            scale, unit = (1e-4, None) if "_sr_" in older.lower() else (0.1, "K")
            bands.append(replace(band, scale=scale, unit=unit))
        else:
            bands.append(_scaled(files.root, mtl, key.removeprefix("FILE_NAME_BAND_"), band))
    return bands


def _renamed(label: str, there: Mapping[str, str], of: str) -> str | None:
    """Return the name of a band's file that begins as the MTL file does, where both were renamed.

    A file that begins otherwise may be of another scene.

    Parameters
    ----------
    label
        Name in the MTL file.
    there
        Names of the files that are there, by their base names in lower case.
    of
        Name of the MTL file, such as ``l9_MTL.txt``.
    """
    end = re.search(r"_((?:SR_|ST_)?B\d{1,2}(?:_VCID_[12])?\.tif)$", label, re.IGNORECASE)
    mtl = re.fullmatch(r"(.*?)MTL\.\w+", of.rpartition("/")[2], re.IGNORECASE)
    return None if end is None or mtl is None else there.get(f"{mtl[1]}{end[1]}".lower())


def _of_collection_1(label: str) -> list[str]:
    """Return names, lower case, that Collection 1 gave to Level-2 bands, whose MTL file lists those of Level-1.

    Reflectance times 10000 and kelvin times 10 (LSDS-1368, Landsat 8 Collection 1 surface reflectance guide).
    """
    end = r"_b(\d{1,2})\.tif$"
    low = label.rpartition("/")[2].lower()
    return [re.sub(end, rf"_{kind}_band\1.tif", low) for kind in ("sr", "bt")]


def _also(number: str, gain: str | None, *, surface: bool) -> tuple[str, ...]:
    names = [f"b{number}" if gain in {None, "1"} else "", f"b{number}{gain}" if gain else "", f"sr_b{number}" * surface]
    return tuple(name for name in names if name)


def _scaled(path: str, mtl: Mtl, key: str, band: ProductBand) -> ProductBand:
    """Return the band with the scale and offset of its key in the MTL file."""
    level2 = mtl.get("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", {})
    kelvin = mtl.get("LEVEL2_SURFACE_TEMPERATURE_PARAMETERS", {})
    whole = {name: value for group in reversed(list(mtl.values())) for name, value in group.items()}
    is_level2 = bool(level2 or kelvin)
    tags: dict[str, str] = {}
    scale, offset, unit = 1.0, 0.0, None
    for group, kind, of in (
        (kelvin, "TEMPERATURE", "K"),
        (level2 or whole, "REFLECTANCE", None),
        (whole, "RADIANCE", _RADIANCE),
    ):
        names = (f"{kind}_MULT_BAND_{key}", f"{kind}_ADD_BAND_{key}")
        if not all(name in group for name in names) or (is_level2 and kind == "RADIANCE"):
            continue
        scale, offset = (_number(path, name, group[name]) for name in names)
        unit = of
        tags = {f"{kind}_MULT": group[names[0]], f"{kind}_ADD": group[names[1]]}
        if kind == "REFLECTANCE" and not is_level2:
            elevation = _number(path, "SUN_ELEVATION", whole.get("SUN_ELEVATION", "90"))
            if elevation > 0:
                scale, offset = (value / math.sin(math.radians(elevation)) for value in (scale, offset))
        break
    if scale == 0:
        raise SceneError(f"{path}: the scale of {band.name} is 0 in its MTL file; copy the product again")
    return replace(band, scale=scale, offset=offset, unit=unit, tags=tags)


_RADIANCE = "W/(m2 sr um)"


def _place(mtl: Mtl, roles: tuple[str, ...], role: str) -> tuple[float, Grid | None]:
    """Return the resolution of a band by its role, and its grid by the MTL file.

    Corners are those of pixels' centres, and UTM is the northern zone with northings below 0 in the south (LSDS-1822).
    """
    usual = _resolution(roles, role)
    of = {"pan": "PANCHROMATIC", "lwir11": "THERMAL", "lwir12": "THERMAL"}.get(role, "REFLECTIVE")
    try:
        cell = float(_value(mtl, f"GRID_CELL_SIZE_{of}") or usual)
        rows, columns = (int(_value(mtl, f"{of}_{what}")) for what in ("LINES", "SAMPLES"))
        left, top = (float(_value(mtl, f"CORNER_UL_PROJECTION_{axis}_PRODUCT")) for axis in "XY")
        crs = _crs(mtl)
    except (ValueError, CRSError):
        return usual, None
    if not (math.isfinite(cell + left + top) and cell > 0 and rows > 0 and columns > 0) or crs is None:
        return usual, None
    return cell, Grid.from_crs(crs, Affine(cell, 0, left - cell / 2, 0, -cell, top + cell / 2), rows, columns)


def _crs(mtl: Mtl) -> CRS | None:
    projection, datum = _value(mtl, "MAP_PROJECTION"), _value(mtl, "DATUM")
    if datum != "WGS84":
        return None
    with gdal_env():
        if projection == "UTM" and 1 <= int(_value(mtl, "UTM_ZONE")) <= 60:
            return CRS.from_epsg(32600 + int(_value(mtl, "UTM_ZONE")))
        polar = [float(_value(mtl, key) or "nan") for key in ("TRUE_SCALE_LAT", "VERTICAL_LON_FROM_POLE")]
        if projection == "PS" and polar == [-71, 0]:
            return CRS.from_epsg(3031)
    return None


def _roles(sensor: str, instrument: str) -> tuple[str, ...]:
    if "MSS" in instrument.upper():
        return _MSS
    return _OLI if sensor[-1:] in {"8", "9"} else _TM


def _resolution(roles: tuple[str, ...], role: str) -> float:
    """Return the usual pixel size of a band of a sensor with these roles; thermal bands come resampled to 30 m."""
    return 60.0 if roles is _MSS else 15.0 if role == "pan" else 30.0


def _role(roles: tuple[str, ...], number: int, gain: str | None) -> str:
    # ETM+ has its thermal band twice, with low and high gain.
    return roles[number - 1] if number <= len(roles) and gain in {None, "1"} else ""


def _quality(files: Files, beside: list[str], sensor: str, stem: str = "") -> tuple[QualityBand, ...]:
    """Find the quality bands among the names `beside` the metadata, of the product with this stem and no other one."""
    own = [name for name in beside if name.lower().startswith(stem.lower())]
    found = (
        (kind, next((name for name in own if re.search(pattern, name, re.IGNORECASE)), ""))
        for kind, pattern in _QUALITY
    )
    return tuple(
        QualityBand(kind=kind, path=files.gdal_path(name), sensor=sensor, alone=True) for kind, name in found if name
    )


def _tags(mtl: Mtl) -> dict[str, str]:
    tags = {key: " ".join(_value(mtl, key).split())[:500] for key in _KEPT}
    platform = re.search(r"(\d)$", tags["SPACECRAFT_ID"])
    tags["PLATFORM"] = f"Landsat-{platform[1]}" if platform else ""
    if tags["DATE_ACQUIRED"]:
        clock = tags["SCENE_CENTER_TIME"]
        tags["ACQUIRED"] = tags["DATE_ACQUIRED"] + (f"T{clock}" if clock else "")
    return {key: value for key, value in tags.items() if value}


def _read_names(files: Files) -> Product:
    """Describe a folder without an MTL file: roles by names of bands, no scale, and only the date of the name."""
    names = _nearest(files.find(_BAND))
    found = [(name, match) for name in names if (match := re.search(_BAND, name, re.IGNORECASE))]
    stems = {name[: match.end(2)] for name, match in found}
    if len(stems) > 1:
        one, two = sorted(stems)[:2]
        raise UsageError(f"{files.root}: holds bands of several products ({one}, {two}); give the folder of one")
    stem = os.path.basename(stems.pop())
    number = re.match(r"L[COTEM](?:0?)([4-9])", stem, re.IGNORECASE)
    sensor = f"LANDSAT_{number[1]}" if number else ""
    roles = _roles(sensor, "MSS" if stem[1:2].upper() == "M" else "")
    bands = []
    for name, match in sorted(found, key=lambda one: (int(one[1][3]), one[0])):
        role = _role(roles, int(match[3]), (match[4] or "")[-1:] or None)
        label = name.rpartition("/")[2]
        resolution = _resolution(roles, role)
        bands.append(
            ProductBand(
                name=f"B{int(match[3])}{(match[4] or '').upper()}",
                files=(BandFile(label, files.gdal_path(name), resolution),),
                role=role,
                also=(f"sr_b{match[3]}",) if "_SR_B" in label.upper() else (),
            )
        )
    tags = {"LANDSAT_PRODUCT_ID" if "_" in stem else "LANDSAT_SCENE_ID": stem, "SPACECRAFT_ID": sensor}
    tags["PLATFORM"] = sensor.replace("LANDSAT_", "Landsat-")
    kept: Mapping[str, str] = {key: value for key, value in tags.items() if value}
    quality = _quality(files, _beside(files, names[0]), sensor)
    return Product(path=files.root, bands=tuple(bands), quality=quality, tags=kept)


def _value(mtl: Mtl, key: str) -> str:
    """Return the value of a key in the first group that has it; empty without one."""
    return next((group[key].strip() for group in mtl.values() if key in group), "")


def _number(path: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SceneError(f"{path}: {name} is {text[:40]!r} in its MTL file, which is no number; copy the product again")
    return value
