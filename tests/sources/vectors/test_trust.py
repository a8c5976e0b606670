"""Text that would make a library fetch, or fill the memory."""

import io
import json
import tracemalloc

import pyogrio
import pytest

from geosal.errors import ResourceError, SceneError
from geosal.sources.vectors.trust import CLOUD_MASK, KML, check_geojson, check_xml, tells_crs

LINK = '{"type": "link", "properties": {"href": "http://127.0.0.1:9/x"}}'


def check(tmp_path, text: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(text)
    check_geojson(str(path))


@pytest.mark.parametrize(
    "member",
    [
        f'"crs": {LINK}',
        f'"CRS" \n:\t{LINK}',
        f'"\\u0063rs": {LINK}',
        f'"c\\u0052\\u0073": {LINK}',
        f"'crs': {LINK}",
        f'"crs"/**/: {LINK}',
        f'"crs": /**/ {LINK}',
        '"crs": {"properties": {"url": "http://127.0.0.1:9/x"}, "type": "URL"}',
        '"crs": {"type": "name", "type": "link", "properties": {"name": "a", "href": "http://127.0.0.1:9"}}',
        '"crs": {"type": "name", "properties": {"name": "a"}, "type": "link"}',
        '"crs": {"type": "n\\u0061me", "properties": {"name": "a"}}',
    ],
)
@pytest.mark.parametrize("room", [0, 300_000])
def test_a_crs_that_is_no_name_is_refused(tmp_path, member, room):
    with pytest.raises(SceneError, match='has a "crs" that is no name, at byte'):
        check(tmp_path, '{"type": "FeatureCollection",' + " " * room + member + ', "features": []}')


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}},
        {"properties": {"name": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}, "type": "name"},
        None,
        "EPSG:4326",
        -3.5e7,
        True,
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_names_and_attributes_are_none_of_it(tmp_path, crs, indent):
    properties = {"a": "crs", "b": ["crs"], "type": "link", "note": 'the "crs" here', "crs": crs}
    feature = {"type": "Feature", "properties": properties, "geometry": None}
    check(tmp_path, json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}, indent=indent))


NAME = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("outermost", "of_the_feature"),
    [
        ({"crs": NAME}, {}),
        ({"CRS": NAME}, {}),
        ({"crs": NAME, "name": 'a "crs": {'}, {"crs": None}),
        ({}, {"crs": "EPSG:32616"}),
        ({}, {"crs": None}),
        ({}, {"crs": NAME}),
        ({}, {"a": ["crs", 'the "crs": {}', "{["], "crs": NAME}),
        ({"crs": None}, {}),
    ],
)
def test_a_crs_is_told_where_gdal_reads_it(tmp_path, outermost, of_the_feature, last):
    feature = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [500000, 4000000]}, "properties": of_the_feature
    }  # fmt: skip
    members = {"features": [feature]} | outermost if last else outermost | {"features": [feature]}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection"} | members))
    assert tells_crs(str(path)) == (pyogrio.read_info(path)["crs"] == "EPSG:32616")


def xml(text: str, kind=KML) -> None:
    check_xml("a.kml", io.BytesIO(text.encode()), kind)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("<kml><Document/></kml>" + " " * 100_000 + "<kml/>", SceneError, "no well-formed KML"),
        ("<kml><a><NetworkLink/></a></kml>", SceneError, "has NetworkLink, which may name other files"),
        (f"<kml>{'<a/>' * 50_000}<NetworkLink/></kml>", SceneError, "has NetworkLink"),
        ('<x:kml xmlns:x="u"><x:NetworkLink/></x:kml>', SceneError, "has NetworkLink"),
        ('<kml><a xmlns="http://www.opengis.net/gml"/></kml>', SceneError, "has a, which may name other files"),
        ("<kml>" * 100 + "</kml>" * 100, ResourceError, "more elements than any"),
        ("<kmz/>", SceneError, "is XML but no KML, its root is kmz"),
        ('<!DOCTYPE kml [<!ENTITY a "b">]><kml>&a;</kml>', SceneError, "document type or entities"),
        ('<?xml version="1.0" encoding="none"?><kml/>', SceneError, "no well-formed KML"),
        ("", SceneError, "no well-formed KML"),
    ],
)
def test_xml_that_is_no_plain_kml(text, error, message):
    with pytest.raises(error, match=message) as caught:
        xml(text)
    assert "\n" not in str(caught.value)


def test_elements_without_end_take_no_memory():
    content = io.BytesIO(b"<kml>" + b"<a/>" * 500_000 + b"</kml>")
    tracemalloc.start()
    check_xml("a.kml", content, KML)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    with pytest.raises(ResourceError, match="the cloud mask has more elements than any"):
        xml("<Mask>" + "<a/>" * 250_000 + "</Mask>", CLOUD_MASK)
