"""A vector file, read: its geometries as they are, their attribute, their CRS.

The kind of a file is told from its first bytes, never from its name: GDAL has drivers that run commands, follow links
and open other files, and would pick one of them by what a file says. Only these get through: GeoJSON, GeoPackage,
shapefile, FlatGeobuf, KML, GeoParquet, COCO detections and tables of boxes.
"""

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.errors import GeosalError, ResourceError, SceneError, UsageError

MAX_TEXT = 2**30
"""Bytes of a GeoJSON, KML or COCO file: all of it is held at once."""
MAX_FEATURES = 5_000_000
MAX_BYTES = 2**31
"""Of all geometries as WKB, some 100 million vertices."""
_HEAD = 2**16
_SHP = b"\x00\x00\x27\x0a"
_FOREIGN = (b"<OGRVRTDataSource", b"opengis.net/gml", b"NetworkLink")
"""What a KML file does not need, and what would make GDAL look elsewhere."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which features are wanted, and which of their attributes.

    Attributes
    ----------
    layer
        Name of a layer, of formats that have several.
    where
        Condition in OGR's SQL on attributes.
    attribute
        Name of the attribute that holds saliency.
    image
        Of detections: the image whose boxes they are; its name, its number or ``all``.
    category
        Of detections: what is shown, such as ``ship``.
    shape
        Of detections: ``boxes`` or ``polygons``.
    """

    layer: str | None = None
    where: str | None = None
    attribute: str | None = None
    image: str | None = None
    category: str | None = None
    shape: str = "boxes"


@dataclass(frozen=True, eq=False)
class Features:
    """What a vector file says.

    Attributes
    ----------
    geometries
        (feature,), of shapely, in the file's coordinates (x, y), or in pixels.
    values
        (feature,), float64, of the attribute asked for, NaN where a feature has none; None when none was asked for.
    crs
        Anything that pyproj takes; None when the file tells none.
    pixels
        Coordinates are columns and rows of the scene.
    notes
        What the user should be warned of.
    """

    geometries: NDArray[Any]
    values: NDArray[np.float64] | None
    crs: str | None = None
    pixels: bool = False
    notes: tuple[str, ...] = field(default=())


def kind_of(path: str) -> str:
    """Tell what a file is: ``GeoJSON``, ``COCO``, ``GPKG``, ``shp``, ``fgb``, ``KML``, ``parquet`` or ``CSV``.

    Raises
    ------
    SceneError
        It is missing, empty, or none of those that are read.
    """
    if "://" in path or path.startswith("/vsi"):
        raise SceneError(f"{path}: vector files are read from local disks only; fetch it first")
    if os.path.isdir(path):
        raise SceneError(f"{path}: is a directory; give the path of one vector file in it")
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise SceneError(f"{path}: no such file; give the path of a vector file") from error
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}); copy it again") from error
    if not head:
        raise SceneError(f"{path}: the file is empty; copy it again")
    kind = _by_magic(path, head)
    # Of a shapefile that is cut off OGR reads what is left and says nothing. Length in 16-bit words: ESRI Shapefile
    # Technical Description (1998), table 1.
    if kind == "shp" and head.startswith(_SHP) and 2 * int.from_bytes(head[24:28], "big") > os.path.getsize(path):
        raise SceneError(f"{path}: the shapefile is cut off; copy it again")
    if kind is None:
        raise SceneError(
            f"{path}: is no GeoJSON, GeoPackage, shapefile, FlatGeobuf, KML, GeoParquet, COCO or CSV file (other "
            "formats may name other files and are not trusted); convert it with ogr2ogr"
        )
    if kind in {"GeoJSON", "COCO", "KML", "CSV"} and os.path.getsize(path) > MAX_TEXT:
        raise ResourceError(
            f"{path}: has {os.path.getsize(path)} bytes, more than {MAX_TEXT} for a text file; convert it to a "
            "GeoPackage with ogr2ogr"
        )
    return kind


def _by_magic(path: str, head: bytes) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        return "shp" if path.lower().endswith((".zip", ".shz")) else None
    binary = {b"fgb\x03fgb": "fgb", _SHP: "shp", b"PAR1": "parquet"}
    for magic, kind in binary.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG" if head[68:72] in {b"GPKG", b"GP10", b"GP11"} else None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "GeoJSON" if _says_geojson(text) else "COCO"
    if text.startswith(b"<"):
        return "KML" if b"<kml" in text and not any(mark in head for mark in _FOREIGN) else None
    return "CSV" if path.lower().endswith((".csv", ".txt")) and b"\x00" not in head else None


def _says_geojson(text: bytes) -> bool:
    """Whether JSON starts as GeoJSON does; what does not is looked at as COCO, which has no coordinates members."""
    if b'"annotations"' in text or b'"images"' in text:
        return b'"FeatureCollection"' in text[:200]
    return b'"Feature' in text or b'"coordinates"' in text or b'"geometries"' in text


def read_ogr(text: str, path: str, kind: str, wish: Wish) -> Features:
    """Read GeoJSON, GeoPackage, shapefile, FlatGeobuf or KML through GDAL.

    Raises
    ------
    UsageError
        No such layer or attribute, or a condition that makes no sense.
    SceneError
        The file cannot be read.
    ResourceError
        It has more features or vertices than any saliency needs.
    """
    import pyogrio  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    if kind == "KML":
        _check_xml(path)
    # The prefix keeps every other driver that reads JSON away from the file, one that runs commands among them.
    name = os.path.abspath(path)
    if kind == "GeoJSON":
        name = f"GeoJSON:{name}"
    elif kind == "shp" and not path.lower().endswith(".shp"):
        name = f"/vsizip/{{{name}}}/{_zipped_shapefile(path)}"
    try:
        layer = _layer(text, [str(row[0]) for row in pyogrio.list_layers(name)], wish.layer)
        info = pyogrio.read_info(name, layer=layer, force_feature_count=True)
        _check_info(text, path, kind, info, wish)
        columns = [] if wish.attribute is None else [wish.attribute]
        meta, _, wkb, columns = pyogrio.raw.read(name, layer=layer, columns=columns, where=wish.where, force_2d=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        cause = one_line(error)
        if wish.where is not None and isinstance(error, pyogrio.errors.FeatureError):
            raise UsageError(
                f"{text}: where={wish.where} cannot be used ({cause}); write a condition of SQL"
            ) from error
        raise SceneError(f"{path}: cannot be read as {kind} ({cause}); copy it again, or convert it") from error
    except (ValueError, RuntimeError, OSError) as error:
        if isinstance(error, GeosalError):
            raise
        if wish.where is not None:
            raise UsageError(
                f"{text}: where={wish.where} cannot be used ({one_line(error)}); write SQL such as a > 1"
            ) from error
        raise SceneError(f"{path}: cannot be read as {kind} ({one_line(error)}); copy it again") from error
    check_size(path, wkb)
    geometries = from_wkb(path, wkb)
    values = None if wish.attribute is None else numbers(text, wish.attribute, columns[0])
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    return Features(geometries[there], None if values is None else values[there], meta["crs"])


def _layer(text: str, layers: list[str], wanted: str | None) -> str:
    if not layers:
        raise SceneError(f"{text}: the file has no layer; check that it was written to the end")
    if wanted is None:
        if len(layers) > 1:
            raise UsageError(f"{text}: the file has layers {', '.join(layers[:20])}; say which with layer=NAME")
        return layers[0]
    if wanted not in layers:
        raise UsageError(f"{text}: layer={wanted}; the file has {', '.join(layers[:20])}")
    return wanted


def _check_info(text: str, path: str, kind: str, info: dict[str, Any], wish: Wish) -> None:
    drivers = {"GeoJSON": ("GeoJSON",), "GPKG": ("GPKG",), "shp": ("ESRI Shapefile",), "fgb": ("FlatGeobuf",)}
    if info["driver"] not in drivers.get(kind, ("KML", "LIBKML")):
        raise SceneError(f"{path}: driver {info['driver']} is not trusted; convert it to a GeoPackage with ogr2ogr")
    if info["features"] > MAX_FEATURES:
        raise ResourceError(
            f"{path}: has {info['features']} features, more than {MAX_FEATURES}; clip it to the scene with ogr2ogr"
        )
    check_attribute(text, wish.attribute, [str(name) for name in info["fields"]])


def check_attribute(text: str, attribute: str | None, known: list[str]) -> None:
    """Refuse an attribute that the file does not have.

    Raises
    ------
    UsageError
        Naming those it has.
    """
    if attribute is not None and attribute not in known:
        has = f"the file has {', '.join(known[:20])}" if known else "the file has none"
        raise UsageError(f"{text}: no attribute {attribute}; {has}")


def numbers(text: str, attribute: str, column: NDArray[Any]) -> NDArray[np.float64]:
    """Values of an attribute as numbers, NaN where there is none.

    Raises
    ------
    UsageError
        They are something else.
    """
    if column.dtype.kind in "biuf":
        return column.astype(np.float64)
    try:
        return np.array([np.nan if value is None or value == "" else float(value) for value in column.tolist()])
    except (TypeError, ValueError) as error:
        raise UsageError(f"{text}: attribute {attribute} is no number; choose one that is") from error


def _zipped_shapefile(path: str) -> str:
    """Name of the shapefile in an archive."""
    import zipfile  # noqa: PLC0415

    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            shapes = [member.filename for member in members if member.filename.lower().endswith(".shp")]
            shapes = [name for name in shapes if not os.path.basename(name).startswith(".")]
            head = archive.open(shapes[0]).read(4) if len(shapes) == 1 else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise SceneError(f"{path}: is no archive that can be read ({one_line(error)}); copy it again") from error
    if len(shapes) != 1 or head != _SHP:
        raise SceneError(f"{path}: holds {len(shapes)} shapefiles; give an archive of one")
    if sum(member.file_size for member in members) > MAX_TEXT:
        raise ResourceError(f"{path}: unpacks to more than {MAX_TEXT} bytes; unpack it, or clip it to the scene")
    return shapes[0]


def _check_xml(path: str) -> None:
    """Refuse a KML file with a document type (XML bombs, entities that name files), or that is no KML."""
    from xml.etree.ElementTree import ParseError  # noqa: PLC0415

    import defusedxml.ElementTree as SafeTree  # noqa: PLC0415
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415

    try:
        root = None
        for event, element in SafeTree.iterparse(path, events=("start", "end"), forbid_dtd=True):
            root = element.tag if root is None else root
            if event == "end":
                element.clear()
    except DefusedXmlException as error:
        raise SceneError(f"{path}: the KML has a document type or entities, which none needs; remove them") from error
    except (ParseError, ValueError, LookupError, OSError) as error:
        raise SceneError(f"{path}: is no well-formed KML ({one_line(error)}); copy it again") from error
    if root is None or root.rpartition("}")[2] != "kml":
        raise SceneError(f"{path}: is XML but no KML; convert it to a GeoPackage with ogr2ogr")


def check_size(path: str, wkb: NDArray[Any]) -> None:
    """Refuse geometries that take too much memory.

    Raises
    ------
    ResourceError
        They do.
    """
    total = sum(len(geometry) for geometry in wkb if geometry is not None)
    if total > MAX_BYTES:
        raise ResourceError(f"{path}: its geometries take {total} bytes, more than {MAX_BYTES}; simplify or clip it")


def from_wkb(path: str, wkb: NDArray[Any]) -> NDArray[Any]:
    """Make flat geometries of WKB; None stays None.

    Raises
    ------
    SceneError
        One of them is damaged.
    """
    import shapely  # noqa: PLC0415

    try:
        return np.asarray(shapely.force_2d(shapely.from_wkb(wkb, on_invalid="fix")))
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise SceneError(f"{path}: holds a geometry that cannot be read ({one_line(error)}); mend it") from error


def fingerprint(path: str) -> str:
    """SHA-256 of a file; of a shapefile, of its four parts one after the other.

    Raises
    ------
    SceneError
        It cannot be read.
    """
    digest = hashlib.sha256()
    stem, suffix = os.path.splitext(path)
    parts = [path]
    if suffix.lower() == ".shp":
        parts += [stem + part for part in (".shx", ".dbf", ".prj") if os.path.exists(stem + part)]
    try:
        for part in parts:
            with open(part, "rb") as file:
                while piece := file.read(2**20):
                    digest.update(piece)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}); copy it again") from error
    return digest.hexdigest()


def one_line(error: Exception) -> str:
    """Another library's message, fit for one of ours."""
    return " ".join(str(error).split())[:300]
