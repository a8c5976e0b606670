"""What is opened, what is not, and what is said about files that are damaged or hostile."""

import json
import os
import socket
import threading
import zipfile
from contextlib import suppress

import numpy as np
import pyogrio
import pytest
import shapely

from geosal.errors import ResourceError, SceneError, UsageError
from geosal.sources.vectors import reading, wkb
from geosal.sources.vectors.reading import FeatureQuery, kind_of, numbers, read_ogr

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
GEOJSON = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": SQUARE}]}
KML = (
    '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><Point><coordinates>1,2'
    "</coordinates></Point></Placemark></Document></kml>"
)


def read(path, **wish):
    return read_ogr(str(path), str(path), kind_of(str(path)), FeatureQuery(**wish))


def write(path, driver, **options):
    shapes = np.array([shapely.to_wkb(shapely.box(0, 0, 1, 1))], object)
    columns = [np.array([1.5]), np.array(["7"], object), np.array(["x"], object)]
    pyogrio.raw.write(
        path, shapes, columns, ["s", "t", "u"], crs="EPSG:32633", geometry_type="Polygon", driver=driver, **options
    )
    return path


@pytest.mark.parametrize(
    ("name", "driver", "kind"),
    [("a.gpkg", "GPKG", "GPKG"), ("a.shp", "ESRI Shapefile", "shp"), ("a.fgb", "FlatGeobuf", "fgb")],
)
def test_a_kind_is_told_by_content_not_by_name(tmp_path, name, driver, kind):
    path = write(tmp_path / name, driver)
    assert kind_of(str(path)) == kind
    other = path.rename(tmp_path / "b.geojson")
    assert kind_of(str(other)) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (json.dumps(GEOJSON), "GeoJSON"),
        ("\ufeff \n" + json.dumps(GEOJSON), "GeoJSON"),
        (json.dumps(SQUARE), "GeoJSON"),
        (json.dumps(GEOJSON["features"][0]), "GeoJSON"),
        ('{"type": "Feature", "properties": {"images": ["a"], "annotations": 1}, "geometry": null}', "GeoJSON"),
        ('{"properties": {"text": "a \\"}{ b"}, "type": "Feature", "geometry": null}', "GeoJSON"),
        ('{"features": [], "images": [], "type": "FeatureCollection"}', "GeoJSON"),
        ('{"type": "Feature"}\n{"type": "Feature"}\n', "GeoJSONSeq"),
        ('\ufeff\n{"type": "Feature"}\r\n{"type": "Feature"}', "GeoJSONSeq"),
        ('\x1e{"type": "Feature"}\n', "GeoJSONSeq"),
        ('{"type": "FeatureCollection"}\n', "GeoJSON"),
        ('{"images": [], "annotations": []}', "COCO"),
        ('{"info": {"type": "Feature"}, "images": [], "annotations": []}', "COCO"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]', "COCO"),
        (KML, "KML"),
    ],
)
def test_kinds_of_text(tmp_path, text, kind):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    assert kind_of(str(path)) == kind


@pytest.mark.parametrize(
    "text",
    [
        '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>',
        KML.replace(
            "<Placemark>", "<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink><Placemark>"
        ),
        '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"/>',
        "SQLite format 3\x00 but no GeoPackage",
        "PK\x03\x04",
        "\x00\x01\x02",
    ],
    ids=["vrt", "link", "gml", "sqlite", "zip", "noise"],
)
def test_what_may_look_elsewhere_is_not_opened(tmp_path, text):
    path = tmp_path / "a.gpkg"
    path.write_text(text)
    with pytest.raises(SceneError, match="is no GeoJSON, GeoPackage"):
        kind_of(str(path))


def test_json_that_runs_commands_is_not_run(tmp_path):
    """GDAL 3.11 and later would run this pipeline, whatever the name, also when it says that it is GeoJSON."""
    write(tmp_path / "a.gpkg", "GPKG")
    path = tmp_path / "a.json"
    command = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {tmp_path}/a.gpkg"}
    path.write_text(json.dumps(command))
    assert kind_of(str(path)) == "COCO"
    for mark in ({"a": "FeatureCollection", "features": []}, {"coordinates": []}):
        path.write_text(json.dumps({**command, **mark}))
        assert kind_of(str(path)) == "GeoJSON"
        with pytest.raises(SceneError, match="cannot be read as GeoJSON"):
            read(path)


@pytest.mark.parametrize(
    ("doctype", "message"),
    [
        ('<!DOCTYPE k [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>', "document type or entities"),
        ('<!DOCTYPE k [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "document type or entities"),
        ("<a>", "is XML but no KML, its root is a;"),
    ],
)
def test_xml_bombs_are_refused(tmp_path, doctype, message):
    path = tmp_path / "a.kml"
    path.write_text(KML.replace('"1.0"?>', '"1.0"?>' + doctype))
    with pytest.raises(SceneError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_xml_that_only_mentions_kml_is_refused(tmp_path):
    path = tmp_path / "a.kml"
    path.write_text("<other><kml/></other>")
    with pytest.raises(SceneError, match="is XML but no KML"):
        read(path)


@pytest.mark.parametrize("content", ["", '{"type": "FeatureCollection", "features": [{"type": "Fea'])
def test_damaged_files_are_one_line(tmp_path, content):
    path = tmp_path / "a.geojson"
    path.write_text(content)
    with pytest.raises(SceneError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_files_cut_off_are_one_line(tmp_path):
    for name, driver in [("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.shp", "ESRI Shapefile")]:
        path = write(tmp_path / name, driver)
        path.write_bytes(path.read_bytes()[:-9] if name == "a.shp" else path.read_bytes()[:110])
        with pytest.raises(SceneError) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_paths_that_are_no_local_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for path, message in [
        ("ftp://a.b/c.geojson", "fetch it first"),
        ("/vsizip/a.zip/b.gpkg", "fetch it first"),
        (str(tmp_path), "is a directory"),
        (str(tmp_path / "none.gpkg"), "no such file"),
        (str(tmp_path / "pipe.json"), "is a pipe or a device"),
        ("/dev/zero", "is a pipe or a device"),
    ]:
        with pytest.raises(SceneError, match=message):
            kind_of(path)


def test_too_much_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.gpkg", "GPKG")
    text = tmp_path / "a.geojson"
    text.write_text(json.dumps(GEOJSON))
    monkeypatch.setattr(reading, "MAX_FEATURES", 0)
    with pytest.raises(ResourceError, match="has 1 features, more than 0"):
        read(path)
    monkeypatch.setattr(reading, "MAX_FEATURES", 10)
    monkeypatch.setattr(wkb, "MAX_BYTES", 50)
    with pytest.raises(ResourceError, match="geometries take 93 bytes"):
        read_ogr("t", str(path), "GPKG", FeatureQuery(), lambda crs: np.array([[0.0, 0, 1, 1]]))
    with pytest.raises(ResourceError, match="it cannot be told which of them the scene needs"):
        read(path)
    monkeypatch.setattr(reading, "MAX_TEXT", 50)
    with pytest.raises(ResourceError, match="more than 50 for a text file"):
        kind_of(str(text))
    text.write_text('{"images": [], "annotations": []}')
    assert kind_of(str(text)) == "COCO"
    monkeypatch.setattr(reading, "MAX_COCO", 20)
    with pytest.raises(ResourceError, match="more than 20 for a text file; keep this image's boxes"):
        kind_of(str(text))


def test_attributes_are_numbers(tmp_path):
    path = write(tmp_path / "a.gpkg", "GPKG")
    np.testing.assert_array_equal(read(path, attribute="s").values, [1.5])
    np.testing.assert_array_equal(read(path, attribute="t").values, [7.0])
    with pytest.raises(UsageError, match="attribute u is no number"):
        read(path, attribute="u")
    np.testing.assert_array_equal(numbers("", "a", np.array([True, False])), [1, 0])
    np.testing.assert_array_equal(numbers("", "a", np.array([None, 2, ""], object)), [np.nan, 2, np.nan])


def test_features_without_a_geometry_are_passed_over(tmp_path):
    path = tmp_path / "a.geojson"
    features = [
        {**GEOJSON["features"][0], "properties": {"s": 1}},
        {"type": "Feature", "properties": {"s": 2}, "geometry": None},
    ]
    path.write_text(json.dumps({**GEOJSON, "features": features}))
    found = read(path, attribute="s")
    assert found.geometries.size == 1
    np.testing.assert_array_equal(found.values, [1])


def test_zipped_shapefiles_are_read(tmp_path):
    write(tmp_path / "a.shp", "ESRI Shapefile")
    archive = tmp_path / "a.shp.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for part in ("shp", "shx", "dbf", "prj"):
            file.write(tmp_path / f"a.{part}", f"in/a.{part}")
    found = read(archive, attribute="s")
    assert found.geometries[0].area == 1
    assert found.crs == "EPSG:32633"
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("b.shp", "x")
    with pytest.raises(SceneError, match=r"holds in/a.shp, b.shp; give an archive of one"):
        read(archive)
    archive.write_bytes(b"PK\x03\x04")
    with pytest.raises(SceneError, match="is no archive that can be read"):
        read(archive)


@pytest.fixture
def listener():
    """A port that counts who calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        calls, done = [], threading.Event()

        def serve():
            while not done.is_set():
                try:
                    caller, _ = server.accept()
                except TimeoutError:
                    continue
                with caller:
                    calls.append(caller.recv(100))
                    caller.sendall(b"HTTP/1.0 404 x\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], calls
        done.set()
        thread.join()


@pytest.mark.parametrize("where", ["collection", "geometry", "alone"])
@pytest.mark.parametrize("kind", ["link", "name"])
def test_no_url_in_a_geojson_is_fetched(tmp_path, listener, where, kind):
    port, calls = listener
    url = f"http://127.0.0.1:{port}/x"
    crs = {"type": kind, "properties": {"href" if kind == "link" else "name": url}}
    document = json.loads(json.dumps(GEOJSON))
    if where == "collection":
        document["crs"] = crs
    else:
        document["features"][0]["geometry"]["crs"] = crs
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(document["features"][0]["geometry"] if where == "alone" else document))
    if kind == "link":
        with pytest.raises(SceneError, match='has a "crs" that is no name'):
            read(path)
    else:
        with suppress(SceneError):  # GDAL may say that it must not
            read(path)
    assert not calls


@pytest.mark.parametrize("late", ["<NetworkLink/>", "<x:NetworkLink xmlns:x='u'/>"])
def test_a_link_that_comes_late_in_a_kml_is_found(tmp_path, late):
    path = tmp_path / "a.kml"
    path.write_text(KML.replace("</Document>", "<!--" + "x" * 100_000 + f"-->{late}</Document>"))
    with pytest.raises(SceneError, match="has NetworkLink, which may name other files"):
        read(path)


def test_collections_in_collections_are_one_line(tmp_path):
    shape = {"type": "Point", "coordinates": [1, 2]}
    for _ in range(60):
        shape = {"type": "GeometryCollection", "geometries": [shape]}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({**GEOJSON, "features": [{"type": "Feature", "properties": {}, "geometry": shape}]}))
    with pytest.raises(SceneError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_tables_without_geometries_are_passed_over(tmp_path):
    path = write(tmp_path / "a.gpkg", "GPKG", layer="aoi")
    pyogrio.raw.write(
        path, None, [np.array([1])], ["x"], geometry_type=None, layer="layer_styles", driver="GPKG", append=True
    )
    assert read(path, attribute="s").values.tolist() == [1.5]
    with pytest.raises(SceneError, match="layer layer_styles has no geometry"):
        read(path, layer="layer_styles")
    bare = tmp_path / "b.gpkg"
    pyogrio.raw.write(bare, None, [np.array([1])], ["x"], geometry_type=None, layer="t", driver="GPKG")
    with pytest.raises(SceneError, match="layer t has no geometry"):
        read(bare)


@pytest.fixture
def many(tmp_path):
    """A row of 3000 boxes."""
    x = np.arange(3000.0)
    path = str(tmp_path / "many.gpkg")
    shapes = shapely.to_wkb(shapely.box(x, 0, x + 0.5, 1))
    pyogrio.raw.write(path, shapes, [x], ["s"], crs="EPSG:32633", geometry_type="Polygon", driver="GPKG")
    return path


def test_what_is_near_the_scene_is_read_and_nothing_else(many, monkeypatch):
    def near(*boxes):
        query = FeatureQuery(attribute="s")
        return read_ogr("t", many, "GPKG", query, lambda crs: np.array(boxes, float)).values.tolist()

    assert near([10.6, 0, 12.2, 1]) == [11, 12]
    assert near([10.6, 0, 12.2, 1], [99990, 0, 99999, 1]) == [11, 12]
    monkeypatch.setattr(reading, "MAX_FEATURES", 5)
    assert near([10.6, 0, 12.2, 1]) == [11, 12], "of a file with more features than any saliency needs"
    with pytest.raises(ResourceError, match="has 10 features, more than 5"):
        near([10.6, 0, 20, 1])
    with pytest.raises(ResourceError, match="has 3000 features, more than 5"):
        read_ogr("t", many, "GPKG", FeatureQuery(), lambda crs: None)


def test_where_nothing_is_near_a_sample_tells_where_features_are(many, monkeypatch):
    monkeypatch.setattr(reading, "_SAMPLE", 7)
    found = read_ogr("t", many, "GPKG", FeatureQuery(attribute="s"), lambda crs: np.array([[0.0, 50, 9, 60]]))
    assert found.values.tolist() == list(range(7))


def test_large_files_are_read_page_by_page(many, monkeypatch):
    monkeypatch.setattr(reading, "_PAGE_BYTES", 1)
    found = read(many, attribute="s")
    assert found.values.tolist() == list(range(3000))
    monkeypatch.setattr(wkb, "MAX_BYTES", 150_000)
    with pytest.raises(ResourceError, match="its geometries take 186000 bytes"):
        read_ogr("t", many, "GPKG", FeatureQuery(), lambda crs: np.array([[0.0, 0, 9999, 1]]))


def test_an_archive_that_is_damaged_inside_is_one_line(tmp_path):
    archive = tmp_path / "a.shp.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.shp", bytes(np.random.default_rng(1).integers(0, 9, 20000).astype("u1")))
    content = bytearray(archive.read_bytes())
    content[40:200] = b"\xff" * 160
    archive.write_bytes(content)
    with pytest.raises(SceneError, match="is no archive that can be read") as caught:
        read(archive)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("separator", ["", "\x1e"])
def test_a_feature_a_line_is_read(tmp_path, separator):
    lines = [
        json.dumps(
            {"type": "Feature", "properties": {"s": n}, "geometry": shapely.geometry.mapping(shapely.Point(n, n))}
        )
        for n in range(3)
    ]
    path = tmp_path / "a.geojson"
    path.write_text("".join(f"{separator}{line}\n" for line in lines))
    found = read(path, attribute="s")
    assert shapely.get_coordinates(found.geometries).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert found.values.tolist() == [0, 1, 2]
    assert found.assumed


def test_packed_kml_is_read_and_its_links_are_not(tmp_path):
    path = tmp_path / "a.kmz"
    for text, match in ((KML, None), (KML.replace("<Placemark", "<NetworkLink/><Placemark", 1), "NetworkLink")):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("doc.kml", text)
            file.writestr("files/a.png", b"")
        if match is None:
            assert read(path).geometries.size > 0
        else:
            with pytest.raises(SceneError, match=match):
                read(path)


def test_a_geojson_that_tells_no_crs_takes_the_users(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(GEOJSON))
    assert (read(path).crs, read(path).assumed) == ("EPSG:4326", True)
    assert read(path, crs="EPSG:5070").crs is None
    named = {"crs": {"type": "name", "properties": {"name": "EPSG:32633"}}}
    features = [feature | {"properties": {"crs": "EPSG:32633"}} for feature in GEOJSON["features"]]
    path.write_text(json.dumps(GEOJSON | {"features": features}))
    assert read(path, crs="EPSG:5070").crs is None
    path.write_text("\n".join(json.dumps(feature | named) for feature in features * 2))
    assert (read(path).crs, read(path, crs="EPSG:5070").crs) == ("EPSG:4326", None)
    path.write_text(json.dumps({"crs": {"type": "name", "properties": {"name": "EPSG:32633"}}, **GEOJSON}))
    found = read(path, crs="EPSG:5070")
    assert (found.crs, found.assumed) == ("EPSG:32633", False)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_told(tmp_path, encoding):
    path = tmp_path / "a.geojson"
    path.write_text('\ufeff{"type": "Feature"}', encoding=encoding)
    with pytest.raises(SceneError, match="in UTF-16; save it in UTF-8"):
        kind_of(str(path))
