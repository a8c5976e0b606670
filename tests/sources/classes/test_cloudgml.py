"""Cloud masks of Sentinel-2 as polygons, against GDAL's rasteriser; and what is no such mask."""

import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.features import rasterize

from geosal.core.grid import Block, Grid
from geosal.errors import GeosalError, ResourceError, SaliencyError, SceneError
from geosal.sources.classes import cloudgml
from geosal.sources.classes.cloudgml import CloudPolygons

GRID = Grid.from_crs(CRS.from_epsg(32632), Affine(10, 0, 600000, 0, -10, 4900000), 120, 150)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
SPACES = 'xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"'


def gml(polygons, *, crs="urn:ogc:def:crs:EPSG:8.7:32632", size=2) -> str:
    """A cloud mask as ESA writes it; `polygons` are (type, rings), a ring is points of x and y."""
    features = []
    for number, (kind, rings) in enumerate(polygons):
        lines = [" ".join(" ".join(map(str, (*point, 7.5)[:size])) for point in ring) for ring in rings]
        parts = [
            f'<gml:{side}><gml:LinearRing><gml:posList srsDimension="{size}">{line}</gml:posList></gml:LinearRing>'
            f"</gml:{side}>"
            for side, line in zip(["exterior", *["interior"] * len(lines)], lines, strict=False)
        ]
        features.append(
            f'<eop:MaskFeature gml:id="{kind}.{number}"><eop:maskType codeSpace="urn:gs2:S2PDGS:maskType">{kind}'
            f'</eop:maskType><eop:extentOf><gml:Polygon gml:id="P{number}">{"".join(parts)}</gml:Polygon>'
            "</eop:extentOf></eop:MaskFeature>"
        )
    bounds = f'<gml:boundedBy><gml:Envelope srsName="{crs}"/></gml:boundedBy>' if features else ""
    members = f"<eop:maskMembers>{''.join(features)}</eop:maskMembers>" if features else "<eop:maskMembers/>"
    return f"{HEAD}<eop:Mask {SPACES}><gml:name>MSK_CLOUDS</gml:name>{bounds}{members}</eop:Mask>"


def box(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def on_map(points):
    return [(600000 + 10 * col, 4900000 - 10 * row) for col, row in points]


@pytest.fixture
def opened(tmp_path):
    def open_(text, grid=GRID):
        path = tmp_path / "MSK_CLOUDS_B00.gml"
        path.write_text(text)
        return CloudPolygons.open(str(path), grid)

    return open_


STAIRS = [(6, 6), (60, 6), (60, 30), (48, 30), (48, 42), (36, 42), (36, 60), (6, 60), (6, 6)]
HOLE = [(18, 18), (30, 18), (30, 30), (18, 30), (18, 18)]
BLOB = [
    (80 + (30 + 9 * np.sin(5 * turn)) * np.cos(turn), 60.3 + (40 + 7 * np.cos(3 * turn)) * np.sin(turn))
    for turn in np.linspace(0, 2 * np.pi, 77)
]
MASK = [
    ("OPAQUE", [on_map(STAIRS), on_map(HOLE)]),
    ("CIRRUS", [on_map(BLOB)]),
    ("OPAQUE", [on_map(box(100, -20, 170, 25))]),
]


def burned(grid=GRID):
    """Codes by GDAL."""
    codes = np.zeros(grid.shape, np.uint8)
    for kind, rings in MASK:
        shape = {"type": "Polygon", "coordinates": rings}
        inside = rasterize([shape], out_shape=grid.shape, transform=grid.transform)
        codes |= inside.astype(np.uint8) * (1 if kind == "OPAQUE" else 2)
    return codes


@pytest.mark.parametrize("size", [2, 3])
def test_pixels_are_those_of_gdal(opened, size):
    polygons = opened(gml(MASK, size=size))
    codes = polygons.read(GRID.whole())
    np.testing.assert_array_equal(codes, burned())
    assert np.unique(codes).tolist() == [0, 1, 2, 3]
    assert codes[24, 24] == 0, "a hole"


def test_a_coarse_grid_and_a_turned_one(opened):
    for transform in (Affine(60, 0, 600000, 0, -60, 4900000), Affine(7, 4, 599900, 4, -7, 4899700)):
        grid = Grid(GRID.crs, transform, 40, 50)
        np.testing.assert_array_equal(opened(gml(MASK), grid).read(grid.whole()), burned(grid))


@given(st.integers(0, 119), st.integers(0, 149), st.integers(1, 80), st.integers(1, 80))
def test_any_block_gives_the_same_bits(tmp_path_factory, row, col, height, width):
    path = tmp_path_factory.mktemp("gml") / "a.gml"
    path.write_text(gml(MASK))
    polygons = pickle.loads(pickle.dumps(CloudPolygons.open(str(path), GRID)))
    block = Block(row, col, min(height, 120 - row), min(width, 150 - col))
    whole = polygons.read(GRID.whole())
    np.testing.assert_array_equal(
        polygons.read(block), whole[block.row_off : block.row_stop, block.col_off : block.col_stop]
    )


def test_touching_and_overlapping_clouds_unite(opened):
    shapes = [box(10, 10, 30, 30), box(20, 10, 40, 30), box(40, 10, 50, 30)]
    codes = opened(gml([("OPAQUE", [on_map(shape)]) for shape in shapes])).read(GRID.whole())
    assert codes[10:30, 10:50].all()
    assert codes.sum() == 20 * 40


def test_a_mask_in_another_crs_comes_to_the_scene(opened):
    from rasterio.warp import transform

    corners = on_map(box(30, 30, 90, 90))
    x, y = transform("EPSG:32632", "EPSG:32633", *zip(*corners, strict=True))
    text = gml([("OPAQUE", [list(zip(x, y, strict=True))])], crs="urn:ogc:def:crs:EPSG:8.7:32633")
    codes = opened(text).read(GRID.whole())
    assert codes[30:90, 30:90].all()
    assert codes.sum() == 3600


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:32632",
        "urn:ogc:def:crs:EPSG::32632",
        "urn:ogc:def:crs:EPSG:8.7:32632",
        "http://www.opengis.net/def/crs/EPSG/0/32632",
        "http://www.opengis.net/gml/srs/epsg.xml#32632",
        "",
    ],
)
def test_names_of_a_crs(opened, crs):
    np.testing.assert_array_equal(opened(gml(MASK, crs=crs)).read(GRID.whole()), burned())


def test_it_pickles_small_and_notices_a_changed_file(tmp_path, opened):
    rough = [(x, y + (x * 7919 % 13)) for x in range(600000, 603000, 2) for y in (4899000,)]
    polygons = opened(gml([("OPAQUE", [[*rough, (603000, 4898000), (600000, 4898000)]])]))
    whole = polygons.read(GRID.whole())
    assert whole.any()
    travelled = pickle.dumps(polygons)
    assert len(travelled) < 3000
    np.testing.assert_array_equal(pickle.loads(travelled).read(GRID.whole()), whole)
    (tmp_path / "MSK_CLOUDS_B00.gml").write_text(gml(MASK))
    cloudgml._laid.cache_clear()
    with pytest.raises(SaliencyError, match="has changed since it was opened"):
        polygons.read(GRID.whole())


def test_an_inner_ring_may_come_first(opened):
    rings = [on_map(HOLE), on_map(STAIRS)]
    np.testing.assert_array_equal(
        opened(gml([("OPAQUE", rings)])).read(GRID.whole()), opened(gml([("OPAQUE", rings[::-1])])).read(GRID.whole())
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_damaged_inside_are_one_line(tmp_path, method):
    noise = np.random.default_rng(1).integers(0, 9, 20000).astype("u1").tobytes()
    with zipfile.ZipFile(tmp_path / "p.zip", "w", method) as bundle:
        bundle.writestr("a.gml", noise)
    content = bytearray((tmp_path / "p.zip").read_bytes())
    content[60:300] = b"\xff" * 240
    (tmp_path / "p.zip").write_bytes(content)
    with pytest.raises(SceneError, match="the cloud mask cannot be read") as caught:
        CloudPolygons.open(f"/vsizip/{tmp_path}/p.zip/a.gml", GRID)
    assert "\n" not in str(caught.value)


def test_no_clouds_and_other_things(opened):
    assert not opened(gml([])).read(GRID.whole()).any()
    assert not opened(gml([("TECHNICAL", [on_map(STAIRS)])])).read(GRID.whole()).any()
    assert opened(gml([])).fingerprint != opened(gml(MASK)).fingerprint


def test_masks_in_archives(tmp_path):
    text = gml(MASK).encode()
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as bundle:
        bundle.writestr("S2A.SAFE/QI_DATA/MSK_CLOUDS_B00.gml", text)
    with tarfile.open(tmp_path / "p.tar", "w") as tape:
        info = tarfile.TarInfo("QI_DATA/MSK_CLOUDS_B00.gml")
        info.size = len(text)
        tape.addfile(info, io.BytesIO(text))
    for path in (
        f"/vsizip/{tmp_path}/p.zip/S2A.SAFE/QI_DATA/MSK_CLOUDS_B00.gml",
        f"/vsizip/{{{tmp_path}/p.zip}}/S2A.SAFE/QI_DATA/MSK_CLOUDS_B00.gml",
        f"/vsitar/{tmp_path}/p.tar/QI_DATA/MSK_CLOUDS_B00.gml",
    ):
        np.testing.assert_array_equal(CloudPolygons.open(path, GRID).read(GRID.whole()), burned())
    with pytest.raises(SceneError, match="cannot be read"):
        CloudPolygons.open(f"/vsizip/{tmp_path}/p.zip/missing.gml", GRID)


ENTITY = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>'
SHORT = gml([("OPAQUE", [[(600000, 4900000), (600100, 4900000)]])])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", SceneError, "no well-formed cloud mask"),
        ("<eop:Mask", SceneError, "no well-formed cloud mask"),
        (gml([]).replace(HEAD, HEAD + ENTITY), SceneError, "document type or entities"),
        (
            gml([]).replace(HEAD, '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>').replace("MSK_C", "&a;"),
            SceneError,
            "document type or entities",
        ),
        ("<html><body/></html>", SceneError, "its root is html"),
        ("<Mask>" * 2_000_000, ResourceError, "more elements than any"),
        (f"<Mask>{'<a/>' * 250_000}</Mask>", ResourceError, "more elements than any"),
        (SHORT, SceneError, "too few points"),
        (gml(MASK).replace("4899940", "48x"), SceneError, "cannot be read"),
        (gml([("OPAQUE", [[(0, 0), (1, float("nan")), (1, 1)]])]), SceneError, "too few points"),
        (gml([("OPAQUE", [[(0, 0), (1e300, 0), (1, 1)]])]), SaliencyError, "no place"),
        (gml(MASK).replace(">600060", ">600060 1"), SceneError, "cannot be read"),
        (gml(MASK).replace('srsDimension="2"', 'srsDimension="1"'), SceneError, "cannot be read"),
        (gml(MASK, crs="urn:ogc:def:crs:EPSG:8.7:99999"), SceneError, "99999"),
        (gml(MASK, crs="WGS 84 / UTM zone 32N"), SceneError, "names no EPSG code"),
        (gml(MASK, crs="EPSG:132632132632"), SceneError, "names no EPSG code"),
    ],
)
def test_what_is_no_cloud_mask(opened, text, error, message):
    with pytest.raises(error, match=message) as caught:
        opened(text)
    assert "\n" not in str(caught.value)


def test_missing_files_directories_and_pipes(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for name in ("missing.gml", ".", "pipe"):
        with pytest.raises(SceneError, match="cannot be read"):
            CloudPolygons.open(str(tmp_path / name), GRID)


def test_limits(opened, monkeypatch):
    monkeypatch.setattr(cloudgml, "_MAX_VERTICES", 50)
    with pytest.raises(ResourceError, match="more than 50 points"):
        opened(gml(MASK))
    monkeypatch.setattr(cloudgml, "_MAX_BYTES", 1 << 10)
    with pytest.raises(ResourceError, match="more than 1.0 kB"):
        opened(gml(MASK))


def test_a_scene_without_a_crs_has_no_place_for_clouds(opened):
    with pytest.raises(GeosalError, match="the scene lacks georeferencing"):
        opened(gml(MASK), Grid(None, Affine.identity(), 10, 10))


@pytest.mark.parametrize("transform", [Affine(10, 10, 600000, 10, 10, 5000040), Affine(np.nan, 0, 0, 0, -10, 0)])
def test_a_scene_whose_pixels_have_no_place_has_none_for_clouds(opened, transform):
    with pytest.raises(SaliencyError, match="the scene lacks georeferencing"):
        opened(gml(MASK), Grid(GRID.crs, transform, *GRID.shape))


def test_the_real_mask_without_clouds(shared_data):
    safe = "S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042.SAFE"
    path = next((shared_data / "sentinel2_safe" / safe).glob("GRANULE/*/QI_DATA/MSK_CLOUDS_B00.gml"))
    assert not CloudPolygons.open(str(path), GRID).read(GRID.whole()).any()
