"""Read GeoParquet: a table whose metadata, or whose own types, name the column of geometries and their CRS."""

import json
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geosal.errors import GeosalError, ResourceError, SceneError, UsageError
from geosal.sources.vectors.reading import MAX_FEATURES, FeatureQuery, Features, check_attribute, numbers, one_line
from geosal.sources.vectors.wkb import MAX_BYTES, check_size, from_wkb

_BATCH = 2**16
_USUAL_CRS = "OGC:CRS84"
"""Longitude and latitude."""


def read_parquet(text: str, path: str, query: FeatureQuery) -> Features:
    """Read GeoParquet 1.x (https://geoparquet.org/releases/v1.1.0): the primary column, encoded as WKB.

    Without its metadata, the first column of Parquet's own type GEOMETRY or GEOGRAPHY is read (Parquet 2.11).

    Raises
    ------
    UsageError
        There is no such attribute, `where` is given, which needs another format, or pyarrow is not installed.
    SceneError
        The file is no GeoParquet, or cannot be read.
    ResourceError
        The file has too many features or vertices.
    """
    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{text}: GeoParquet needs pyarrow, which is not installed; pip install 'geosal[parquet]', or convert it "
            "to a GeoPackage with ogr2ogr"
        ) from error
    if query.where is not None or query.layer is not None:
        raise UsageError(f"{text}: where= and layer= are not for GeoParquet; convert it to a GeoPackage with ogr2ogr")
    try:
        name, column = _geo(path)
        wkb, values = _read(text, path, name, query.attribute)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError, pa.ArrowException) as error:
        if isinstance(error, GeosalError):
            raise
        raise SceneError(f"{path}: is no GeoParquet that can be read ({one_line(error)}); write it again") from error
    geometries = from_wkb(path, wkb)
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    # No "crs" member means longitude and latitude, a null means unknown.
    crs = column.get("crs", _USUAL_CRS)
    crs = json.dumps(crs) if isinstance(crs, dict) else crs if crs is None else str(crs)
    return Features(geometries[there], None if values is None else values[there], crs)


def _geo(path: str) -> tuple[str, dict[str, Any]]:
    """Return the name of the primary column, and its metadata."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        if file.metadata.num_rows > MAX_FEATURES:
            raise ResourceError(f"{path}: has {file.metadata.num_rows} features, more than {MAX_FEATURES}; clip it")
        if sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)) > 4 * MAX_BYTES:
            raise ResourceError(f"{path}: unpacks to more than {4 * MAX_BYTES} bytes; clip it to the scene")
        schema = file.schema_arrow
        name, column = _named(schema.metadata or {}) or _typed(file)
    if not isinstance(column, dict):
        raise TypeError(f"its metadata say nothing about column {name}")
    if column.get("encoding") != "WKB":
        raise SceneError(f"{path}: geometries are encoded as {column.get('encoding')}; write them as WKB")
    kind = schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise SceneError(f"{path}: column {name} holds {kind} and no geometries as WKB; write it again")
    return name, column


def _named(metadata: dict[bytes, bytes]) -> tuple[str, Any] | None:
    """Return what the metadata of GeoParquet name; None without any."""
    if b"geo" not in metadata:
        return None
    geo = json.loads(metadata[b"geo"])
    name = str(geo["primary_column"])
    return name, geo["columns"][name]


def _typed(file: Any) -> tuple[str, Any]:
    """Return the first column of a type of Parquet's own for geometries, described as GeoParquet does.

    Its CRS is longitude and latitude where none is told, ``srid:CODE``, ``projjson:KEY`` of the file's metadata, or
    what GeoParquet allows.
    """
    for number in range(len(file.schema.names)):
        leaf = file.schema.column(number)
        logical = json.loads(leaf.logical_type.to_json())
        if logical.get("Type") not in {"Geometry", "Geography"} or leaf.path not in file.schema_arrow.names:
            continue
        crs = logical.get("crs") or _USUAL_CRS
        how, _, value = crs.partition(":") if isinstance(crs, str) else ("", "", "")
        if how.lower() == "srid":
            crs = f"EPSG:{value}"
        elif how.lower() == "projjson":
            crs = json.loads((file.schema_arrow.metadata or {})[value.encode()])
        return leaf.path, {"encoding": "WKB", "crs": crs}
    raise ValueError("it has neither metadata called geo nor a column of type GEOMETRY")


def _read(text: str, path: str, name: str, attribute: str | None) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Read geometries as WKB, and the attribute. Repeated values are stored once in the file, and in memory."""
    import pyarrow as pa
    from pyarrow import compute, parquet

    shapes: list[NDArray[Any]] = [np.zeros(0, object)]
    columns: list[NDArray[np.float64]] = [np.zeros(0)]
    size = 0
    with parquet.ParquetFile(path, read_dictionary=[name]) as file:
        schema = file.schema_arrow
        check_attribute(text, attribute, [field for field in schema.names if field != name])
        if attribute is not None:
            kind = schema.field(attribute).type
            if not any(is_kind(kind) for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)):
                raise UsageError(f"{text}: attribute {attribute} is no number but {kind}; choose one that is")
        wanted = [name] if attribute is None else [name, attribute]
        for batch in file.iter_batches(_BATCH, columns=wanted):
            column = batch.column(name)
            if not pa.types.is_dictionary(column.type):
                column = column.dictionary_encode()
            lengths = compute.take(compute.binary_length(column.dictionary), column.indices)
            size += compute.sum(lengths).as_py() or 0
            check_size(path, size)
            each = np.append(column.dictionary.to_numpy(zero_copy_only=False), [None]).astype(object)
            shapes.append(each[column.indices.fill_null(each.size - 1).to_numpy(zero_copy_only=False)])
            if attribute is not None:
                columns.append(numbers(text, attribute, batch.column(attribute).to_numpy(zero_copy_only=False)))
    return np.concatenate(shapes), None if attribute is None else np.concatenate(columns)
