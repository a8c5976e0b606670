"""GeoParquet files: a table whose metadata tell which column holds geometries, and in which CRS."""

from geosal.errors import GeosalError, ResourceError, SceneError, UsageError
from geosal.sources.vectorfile import (
    MAX_BYTES,
    MAX_FEATURES,
    Features,
    Wish,
    check_attribute,
    check_size,
    from_wkb,
    numbers,
    one_line,
)


def read_parquet(text: str, path: str, wish: Wish) -> Features:
    """Read GeoParquet 1.x (https://geoparquet.org/releases/v1.1.0): the primary column, encoded as WKB.

    Raises
    ------
    UsageError
        No such attribute, or `where`, which needs another format.
    SceneError
        The file is no GeoParquet, or cannot be read.
    ResourceError
        It has more features or vertices than any saliency needs.
    """
    import json  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415
    import shapely  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    if wish.where is not None or wish.layer is not None:
        raise UsageError(f"{text}: where= and layer= are not for GeoParquet; convert it to a GeoPackage with ogr2ogr")
    try:
        with parquet.ParquetFile(path) as file:
            if file.metadata.num_rows > MAX_FEATURES:
                raise ResourceError(f"{path}: has {file.metadata.num_rows} features, more than {MAX_FEATURES}; clip it")
            if sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)) > 4 * MAX_BYTES:
                raise ResourceError(f"{path}: unpacks to more than {4 * MAX_BYTES} bytes; clip it to the scene")
            geo = json.loads((file.schema_arrow.metadata or {})[b"geo"])
            name = geo["primary_column"]
            column = geo["columns"][name]
            check_attribute(text, wish.attribute, [field for field in file.schema_arrow.names if field != name])
            table = file.read(columns=[name] if wish.attribute is None else [name, wish.attribute])
    except (KeyError, TypeError, ValueError, OSError, pa.ArrowException) as error:
        if isinstance(error, GeosalError):
            raise
        raise SceneError(f"{path}: is no GeoParquet that can be read ({one_line(error)}); write it again") from error
    if column.get("encoding") != "WKB":
        raise SceneError(f"{path}: geometries are encoded as {column.get('encoding')}; write them as WKB")
    wkb = table[name].to_numpy(zero_copy_only=False)
    check_size(path, wkb)
    geometries = from_wkb(path, wkb)
    values = None
    if wish.attribute is not None:
        values = numbers(text, wish.attribute, table[wish.attribute].to_numpy(zero_copy_only=False))
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    # No "crs" member means longitude and latitude, a null that nobody knows.
    crs = column.get("crs", "OGC:CRS84")
    crs = json.dumps(crs) if isinstance(crs, dict) else crs
    return Features(geometries[there], None if values is None else values[there], crs)
