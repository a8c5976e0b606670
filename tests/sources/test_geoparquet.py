import json

import numpy as np
import pyarrow as pa
import pyproj
import pytest
import shapely
from pyarrow import parquet

from geosal.errors import ResourceError, SceneError, UsageError
from geosal.sources import geoparquet
from geosal.sources.geoparquet import read_parquet
from geosal.sources.vectorfile import Wish, kind_of
from geosal.sources.vectorplace import _source_crs


def write(tmp_path, metadata=None, **column) -> str:
    """As GeoPandas and the specification have it."""
    wkb = [shapely.to_wkb(shapely.box(0, 0, 1, 2)), None]
    table = pa.table({"geometry": wkb, "s": [0.5, 0.7], "name": ["a", "b"]})
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", **column}}}
    path = str(tmp_path / "a.parquet")
    parquet.write_table(table.replace_schema_metadata(metadata or {"geo": json.dumps(geo)}), path)
    return path


def test_geometries_attribute_and_crs(tmp_path):
    path = write(tmp_path, crs=pyproj.CRS.from_epsg(32633).to_json_dict())
    found = read_parquet("t", path, Wish(attribute="s"))
    assert kind_of(path) == "parquet"
    assert shapely.bounds(found.geometries).tolist() == [[0, 0, 1, 2]]
    np.testing.assert_array_equal(found.values, [0.5])
    assert _source_crs("t", found.crs, None) == pyproj.CRS.from_epsg(32633)


def test_no_crs_is_longitude_and_latitude_and_null_is_unknown(tmp_path):
    assert _source_crs("t", read_parquet("t", write(tmp_path), Wish()).crs, None).is_geographic
    assert read_parquet("t", write(tmp_path, crs=None), Wish()).crs is None


def test_what_does_not_fit_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path)
    with pytest.raises(UsageError, match="no attribute z; the file has s, name"):
        read_parquet("t", path, Wish(attribute="z"))
    with pytest.raises(UsageError, match="attribute name is no number"):
        read_parquet("t", path, Wish(attribute="name"))
    with pytest.raises(UsageError, match="where= and layer= are not for GeoParquet"):
        read_parquet("t", path, Wish(where="s > 1"))
    monkeypatch.setattr(geoparquet, "MAX_FEATURES", 1)
    with pytest.raises(ResourceError, match="has 2 features"):
        read_parquet("t", path, Wish())


def test_what_is_no_geoparquet_is_one_line(tmp_path):
    for path in (write(tmp_path, {"geo": "{"}), write(tmp_path, {"a": "b"}), write(tmp_path, {"geo": "[]"})):
        with pytest.raises(SceneError, match="is no GeoParquet that can be read"):
            read_parquet("t", path, Wish())
    with pytest.raises(SceneError, match="encoded as point; write them as WKB"):
        read_parquet("t", write(tmp_path, encoding="point"), Wish())
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(b"PAR1 cut off")
    with pytest.raises(SceneError, match="is no GeoParquet"):
        read_parquet("t", str(cut), Wish())
