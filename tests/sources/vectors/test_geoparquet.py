import json
import sys

import numpy as np
import pyarrow as pa
import pyproj
import pytest
import shapely
from pyarrow import parquet

from geosal.errors import ResourceError, SceneError, UsageError
from geosal.sources.vectors import geoparquet, wkb
from geosal.sources.vectors.cutting import source_crs
from geosal.sources.vectors.geoparquet import read_parquet
from geosal.sources.vectors.reading import FeatureQuery, kind_of


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
    found = read_parquet("t", path, FeatureQuery(attribute="s"))
    assert kind_of(path) == "parquet"
    assert shapely.bounds(found.geometries).tolist() == [[0, 0, 1, 2]]
    np.testing.assert_array_equal(found.values, [0.5])
    assert source_crs("t", found.crs, None) == pyproj.CRS.from_epsg(32633)


def test_no_crs_is_longitude_and_latitude_and_null_is_unknown(tmp_path):
    assert source_crs("t", read_parquet("t", write(tmp_path), FeatureQuery()).crs, None).is_geographic
    assert read_parquet("t", write(tmp_path, crs=None), FeatureQuery()).crs is None


def test_what_does_not_fit_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path)
    with pytest.raises(UsageError, match="no attribute z; the file has s, name"):
        read_parquet("t", path, FeatureQuery(attribute="z"))
    with pytest.raises(UsageError, match="attribute name is no number but string"):
        read_parquet("t", path, FeatureQuery(attribute="name"))
    with pytest.raises(UsageError, match="where= and layer= are not for GeoParquet"):
        read_parquet("t", path, FeatureQuery(where="s > 1"))
    monkeypatch.setattr(geoparquet, "MAX_FEATURES", 1)
    with pytest.raises(ResourceError, match="has 2 features"):
        read_parquet("t", path, FeatureQuery())


def test_what_is_no_geoparquet_is_one_line(tmp_path):
    for path in (write(tmp_path, {"geo": "{"}), write(tmp_path, {"a": "b"}), write(tmp_path, {"geo": "[]"})):
        with pytest.raises(SceneError, match="is no GeoParquet that can be read"):
            read_parquet("t", path, FeatureQuery())
    with pytest.raises(SceneError, match="encoded as point; write them as WKB"):
        read_parquet("t", write(tmp_path, encoding="point"), FeatureQuery())
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(b"PAR1 cut off")
    with pytest.raises(SceneError, match="is no GeoParquet"):
        read_parquet("t", str(cut), FeatureQuery())


def put(tmp_path, geo, **columns) -> str:
    path = str(tmp_path / "b.parquet")
    text = geo if isinstance(geo, str) else json.dumps(geo)
    parquet.write_table(pa.table(columns).replace_schema_metadata({"geo": text}), path)
    return path


GEO = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}


@pytest.mark.parametrize(
    ("geo", "column", "message"),
    [
        (GEO, {"geometry": [1, 2]}, "column geometry holds int64 and no geometries"),
        (GEO, {"g": [b"1"]}, "is no GeoParquet that can be read"),
        ({**GEO, "columns": {"geometry": "x"}}, {"geometry": [b"1"]}, "its metadata say nothing about column geometry"),
        ({**GEO, "columns": 3}, {"geometry": [b"1"]}, "is no GeoParquet that can be read"),
        ("[" * 200_000, {"geometry": [b"1"]}, "is no GeoParquet that can be read"),
    ],
)
def test_metadata_and_columns_that_do_not_fit_are_one_line(tmp_path, geo, column, message):
    with pytest.raises(SceneError, match=message) as caught:
        read_parquet("t", put(tmp_path, geo, **column), FeatureQuery())
    assert "\n" not in str(caught.value)


def test_a_geometry_that_is_stored_once_and_repeated_is_counted_each_time(tmp_path, monkeypatch):
    shape = shapely.to_wkb(shapely.Point(0, 0).buffer(1, quad_segs=100))
    often = pa.DictionaryArray.from_arrays(pa.array([0] * 999 + [None], pa.int32()), pa.array([shape]))
    path = put(tmp_path, GEO, geometry=often)
    assert read_parquet("t", path, FeatureQuery()).geometries.size == 999
    monkeypatch.setattr(wkb, "MAX_BYTES", 998 * len(shape))
    with pytest.raises(ResourceError, match=f"its geometries take {999 * len(shape)} bytes"):
        read_parquet("t", path, FeatureQuery())


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_both_kinds_of_binary_columns_are_read(tmp_path, kind):
    wkb = [shapely.to_wkb(shapely.box(0, 0, 1, 2)), None, shapely.to_wkb(shapely.Point(3, 4))]
    path = put(tmp_path, GEO, geometry=pa.array(wkb, kind), s=[1, None, 3])
    found = read_parquet("t", path, FeatureQuery(attribute="s"))
    assert shapely.bounds(found.geometries).tolist() == [[0, 0, 1, 2], [3, 4, 3, 4]]
    np.testing.assert_array_equal(found.values, [1, 3])


def test_without_pyarrow_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    path = write(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'geosal\[parquet\]'"):
        read_parquet("t", path, FeatureQuery())


class _Wkb(pa.ExtensionType):
    """The type that pyarrow writes as Parquet's GEOMETRY."""

    def __init__(self, crs: object = None) -> None:
        self.crs = crs
        super().__init__(pa.binary(), "geoarrow.wkb")

    def __arrow_ext_serialize__(self) -> bytes:
        return json.dumps({} if self.crs is None else {"crs": self.crs}).encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls(json.loads(serialized).get("crs"))


@pytest.mark.skipif(int(pa.__version__.split(".")[0]) < 21, reason="older pyarrow does not know the type")
@pytest.mark.parametrize(
    ("crs", "code"), [("EPSG:32633", 32633), (None, None), (pyproj.CRS.from_epsg(3035).to_json_dict(), 3035)]
)
def test_a_column_of_parquets_own_type_needs_no_metadata(tmp_path, crs, code):
    """It was refused with the word geo alone."""
    pa.register_extension_type(_Wkb())
    try:
        boxes = pa.array([shapely.to_wkb(shapely.box(0, 0, 1, 2)), None], pa.binary())
        table = pa.table({"s": [0.5, 0.7], "shape": pa.ExtensionArray.from_storage(_Wkb(crs), boxes)})
        parquet.write_table(table, tmp_path / "a.parquet", store_schema=False)
    finally:
        pa.unregister_extension_type("geoarrow.wkb")
    with parquet.ParquetFile(tmp_path / "a.parquet") as file:
        assert "Geometry" in str(file.schema)
    found = read_parquet("t", str(tmp_path / "a.parquet"), FeatureQuery(attribute="s"))
    assert shapely.bounds(found.geometries).tolist() == [[0, 0, 1, 2]]
    np.testing.assert_array_equal(found.values, [0.5])
    read = source_crs("t", found.crs, None)
    assert read.is_geographic if code is None else read == pyproj.CRS.from_epsg(code)


def test_a_table_without_geometries_says_so(tmp_path):
    parquet.write_table(pa.table({"s": [0.5]}), tmp_path / "a.parquet")
    with pytest.raises(SceneError, match="neither metadata called geo nor a column of type GEOMETRY"):
        read_parquet("t", str(tmp_path / "a.parquet"), FeatureQuery())
