"""Read a vector file: geometries in its own coordinates, an attribute, and the CRS.

The first bytes of a file decide its kind, never its name: GDAL has drivers that run commands, follow links and open
other files, and would choose one of them by the content of a file. Only these kinds are read: GeoJSON, GeoPackage,
shapefile, FlatGeobuf, KML, GeoParquet, COCO detections, labels of YOLO, Pascal VOC and labelme, and tables of boxes.
"""

import codecs
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geosal.errors import GeosalError, ResourceError, SceneError, UsageError
from geosal.files.archives import open_member
from geosal.sources.vectors import wkb as geometry
from geosal.sources.vectors.kinds import SHP, by_magic, member_of
from geosal.sources.vectors.trust import KML, check_geojson, check_xml, tells_crs

MAX_TEXT = 2**30
"""Limit of a GeoJSON, KML or CSV file, and of an archive's content, in bytes."""
MAX_COCO = 2**27
"""Limit of a COCO file and its like in bytes: Python's objects for it take up to 25 times as many."""
MAX_FEATURES = 5_000_000
_PAGE_BYTES = 2**29
"""Bytes of the features read at once, as far as a file's size tells."""
_SAMPLE = 1000
"""Number of features looked at to say where they are, when none is on the scene."""
_HEAD = 2**16
Boxes = NDArray[np.float64]
Near = Callable[[str | None], Boxes | None]
"""Maps a file's CRS to boxes in it, (box, 4), outside of which features do not matter; None where all do."""


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """Selection of features and of their attribute.

    Attributes
    ----------
    layer
        Name of a layer, of formats that have several.
    where
        Condition in OGR's SQL on attributes.
    attribute
        Name of the attribute that holds saliency.
    image
        Image of detections whose boxes are wanted: its name, its number or ``all``.
    category
        Category of detections, such as ``ship``.
    shape
        Shape of detections: ``boxes`` or ``polygons``.
    crs
        CRS for a file that tells none: a code such as ``EPSG:5070``, or WKT.
    """

    layer: str | None = None
    where: str | None = None
    attribute: str | None = None
    image: str | None = None
    category: str | None = None
    shape: str = "boxes"
    crs: str | None = None


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
        The CRS, in any form for pyproj; None when the file has none.
    pixels
        Whether coordinates are columns and rows of the scene.
    notes
        Warnings for the user.
    assumed
        Whether the file has no CRS; `crs` is then the default of its format.
    """

    geometries: NDArray[Any]
    values: NDArray[np.float64] | None
    crs: str | None = None
    pixels: bool = False
    notes: tuple[str, ...] = field(default=())
    assumed: bool = False


def kind_of(path: str) -> str:
    """Return the kind of a file: one of ``GeoJSON GeoJSONSeq COCO YOLO VOC labelme GPKG shp fgb KML parquet CSV``.

    ``GeoJSONSeq`` has a feature a line, and ``shp`` and ``KML`` may be packed.

    Raises
    ------
    SceneError
        The file is missing, empty, or of another kind.
    """
    if "://" in path or path.startswith("/vsi"):
        raise SceneError(
            f"{path}: vector files are read from disks, s3://, gs://, az:// and https:// only; fetch it first"
        )
    if os.path.isdir(path):
        raise SceneError(f"{path}: is a directory; give the path of one vector file in it")
    if not os.path.exists(path):
        raise SceneError(f"{path}: no such file; give the path of a vector file")
    if not os.path.isfile(path):
        raise SceneError(f"{path}: is a pipe or a device; write it into a file first")
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}); copy it again") from error
    if not head:
        raise SceneError(f"{path}: the file is empty; copy it again")
    kind = by_magic(path, head)
    # OGR reads a shapefile that is cut off without an error. The length is in 16-bit words: ESRI Shapefile
    # Technical Description (1998), table 1.
    if kind == "shp" and head.startswith(SHP) and 2 * int.from_bytes(head[24:28], "big") > os.path.getsize(path):
        raise SceneError(f"{path}: the shapefile is cut off; copy it again")
    if kind is None:
        raise _unknown(path, head)
    of_objects = kind in {"COCO", "VOC", "labelme", "YOLO"}
    most = MAX_COCO if of_objects else MAX_TEXT
    if (of_objects or kind in {"GeoJSON", "GeoJSONSeq", "KML", "CSV"}) and os.path.getsize(path) > most:
        mend = "keep this image's boxes" if of_objects else "convert it to a GeoPackage with ogr2ogr"
        raise ResourceError(f"{path}: has {os.path.getsize(path)} bytes, more than {most} for a text file; {mend}")
    return kind


def _unknown(path: str, head: bytes) -> SceneError:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return SceneError(f"{path}: is a text in UTF-16; save it in UTF-8")
    return SceneError(
        f"{path}: is no GeoJSON, GeoPackage, shapefile, FlatGeobuf, KML, GeoParquet, COCO, YOLO, Pascal VOC, labelme "
        "or CSV file (other formats may name other files and are not trusted); convert it with ogr2ogr"
    )


def read_ogr(text: str, path: str, kind: str, query: FeatureQuery, near: Near | None = None) -> Features:
    """Read GeoJSON, GeoPackage, shapefile, FlatGeobuf or KML through GDAL.

    Formats with a spatial index return only features that are `near`; without any, a sample that shows where features
    are.

    Raises
    ------
    UsageError
        There is no such layer or attribute, or the condition makes no sense.
    SceneError
        The file cannot be read, or has elements that may name other files.
    ResourceError
        It has more features or vertices than any saliency needs.
    """
    import pyogrio

    name = _name_for_gdal(path, kind)
    try:
        layer = _layer(text, pyogrio.list_layers(name), query.layer)
        info = pyogrio.read_info(name, layer=layer, force_feature_count=True)
        # GDAL reads no CRS from files of one feature a line.
        assumed = kind == "GeoJSONSeq" or (kind == "GeoJSON" and not tells_crs(path))
        if assumed and query.crs is not None:
            info["crs"] = None
        box = None if near is None else _bounding(near(info["crs"]), info["total_bounds"])
        _check_info(text, path, kind, info, query, box)
        found, columns = _read_pages(path, name, layer, info, query, box)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        cause = one_line(error)
        if query.where is not None and isinstance(error, pyogrio.errors.FeatureError):
            raise UsageError(
                f"{text}: where={query.where} cannot be used ({cause}); write a condition of SQL"
            ) from error
        raise SceneError(f"{path}: cannot be read as {kind} ({cause}); copy it again, or convert it") from error
    except (ValueError, RuntimeError, OSError) as error:
        if isinstance(error, GeosalError):
            raise
        if query.where is not None:
            raise UsageError(
                f"{text}: where={query.where} cannot be used ({one_line(error)}); write SQL such as a > 1"
            ) from error
        raise SceneError(f"{path}: cannot be read as {kind} ({one_line(error)}); copy it again") from error
    geometries = geometry.from_wkb(path, found)
    values = None if query.attribute is None else numbers(text, query.attribute, columns)
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    return Features(geometries[there], None if values is None else values[there], info["crs"], assumed=assumed)


def _name_for_gdal(path: str, kind: str) -> str:
    """Refuse files that GDAL must not open, and return a name by which it uses the intended driver."""
    # The prefix keeps away all other drivers that read JSON; one of them runs commands.
    name = os.path.abspath(path)
    if kind in {"GeoJSON", "GeoJSONSeq"}:
        check_geojson(path)
        return f"{kind}:{name}"
    if kind in {"KML", "shp"} and zipfile.is_zipfile(path):
        member = member_of(path, MAX_TEXT).name
        if kind == "KML":
            with zipfile.ZipFile(path) as archive, open_member(archive, member) as file:
                check_xml(path, file, KML)
        return f"/vsizip/{{{name}}}/{member}"
    if kind == "KML":
        with open(path, "rb") as plain:
            check_xml(path, plain, KML)
    return name


def _bounding(boxes: Boxes | None, total: Any) -> tuple[float, float, float, float] | None:
    """Return one box around those in which features may lie; None where all are to be read."""
    # Without bounds there is no index either; GDAL would skip a feature at infinity without a message.
    if boxes is None or total is None or not np.isfinite(total).all():
        return None
    left, bottom, right, top = total
    hit = (boxes[:, 0] <= right) & (boxes[:, 2] >= left) & (boxes[:, 1] <= top) & (boxes[:, 3] >= bottom)
    some = boxes[hit] if hit.any() else boxes
    low, high = some[:, :2].min(axis=0).tolist(), some[:, 2:].max(axis=0).tolist()
    return low[0], low[1], high[0], high[1]


def _read_pages(
    path: str, name: str, layer: str, info: dict[str, Any], query: FeatureQuery, box: tuple[float, ...] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read geometries as WKB, and the attribute, in pieces whose memory suits the size of the file."""
    import pyogrio

    columns = [] if query.attribute is None else [query.attribute]
    each = os.path.getsize(path) // max(1, info["features"]) + 1
    page = max(1000, min(MAX_FEATURES + 1, _PAGE_BYTES // each))

    def read(**limits: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        _, _, found, values = pyogrio.raw.read(
            name, layer=layer, columns=columns, where=query.where, force_2d=True, **limits
        )
        return found, (values[0] if columns else np.zeros(0))

    pieces: list[tuple[NDArray[Any], NDArray[Any]]] = []
    count = size = 0
    while not pieces or len(pieces[-1][0]) == page:
        pieces.append(read(bbox=box, skip_features=count, max_features=page))
        count += len(pieces[-1][0])
        size += sum(len(shape) for shape in pieces[-1][0] if shape is not None)
        geometry.check_size(path, size)
        if count > MAX_FEATURES:
            raise _too_many(path, count)
    if count == 0 and box is not None:
        return read(max_features=_SAMPLE)
    return np.concatenate([found for found, _ in pieces]), np.concatenate([values for _, values in pieces])


def _layer(text: str, rows: NDArray[Any], wanted: str | None) -> str:
    """Return the name of the layer to read; tables without geometries, such as QGIS's styles, are ignored."""
    layers = [str(name) for name, _ in rows]
    shapes = [str(name) for name, kind in rows if kind is not None]
    if not layers:
        raise SceneError(f"{text}: the file has no layer; check that it was written to the end")
    if wanted is not None and wanted not in layers:
        raise UsageError(f"{text}: layer={wanted}; the file has {', '.join(layers[:20])}")
    if not shapes or (wanted is not None and wanted not in shapes):
        raise SceneError(f"{text}: layer {wanted or layers[0]} has no geometry; give a file or a layer of features")
    if wanted is None and len(shapes) > 1:
        raise UsageError(f"{text}: the file has layers {', '.join(shapes[:20])}; say which with layer=NAME")
    return wanted or shapes[0]


def _too_many(path: str, count: int) -> ResourceError:
    return ResourceError(f"{path}: has {count} features, more than {MAX_FEATURES}; clip it to the scene with ogr2ogr")


def _check_info(
    text: str, path: str, kind: str, info: dict[str, Any], query: FeatureQuery, box: tuple[float, ...] | None
) -> None:
    drivers = {
        "GeoJSON": ("GeoJSON",),
        "GeoJSONSeq": ("GeoJSONSeq",),
        "GPKG": ("GPKG",),
        "shp": ("ESRI Shapefile",),
        "fgb": ("FlatGeobuf",),
    }
    if info["driver"] not in drivers.get(kind, ("KML", "LIBKML")):
        raise SceneError(f"{path}: driver {info['driver']} is not trusted; convert it to a GeoPackage with ogr2ogr")
    if box is None and query.where is None and info["features"] > MAX_FEATURES:
        raise _too_many(path, info["features"])
    if box is None and os.path.getsize(path) > 2 * geometry.MAX_BYTES:
        raise ResourceError(
            f"{path}: has {os.path.getsize(path)} bytes, more than {2 * geometry.MAX_BYTES}, and it cannot be told "
            "which of them the scene needs; clip it to the scene with ogr2ogr"
        )
    check_attribute(text, query.attribute, [str(name) for name in info["fields"]])


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
    """Return values of an attribute as numbers, NaN where there is none.

    Raises
    ------
    UsageError
        They are something else.
    """
    if column.dtype.kind in "biuf":
        return column.astype(np.float64)
    try:
        return np.array([np.nan if value is None or value == "" else float(value) for value in column.tolist()])
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{text}: attribute {attribute} is no number; choose one that is") from error


def one_line(error: Exception) -> str:
    """Return another library's message in a form for ours."""
    return " ".join(str(error).split())[:300]
