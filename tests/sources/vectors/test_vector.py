"""What users write and get; real files, every format, and what can be wrong with them."""

import json
import pickle
import shutil
import warnings
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.features import rasterize

from geosal.core.grid import Block, Grid
from geosal.errors import GeosalWarning, SaliencyError, SceneError, UsageError
from geosal.sources import OpenContext
from geosal.sources.text import SourceText
from geosal.sources.vectors import reading
from geosal.sources.vectors import vector as vector_module
from geosal.sources.vectors.placing import TOLERANCE
from geosal.sources.vectors.vector import Vector

BOXES = shapely.box(
    [400500, 401502, 403900], [4998500, 4997500, 4999000], [400900, 402000, 404900], [4999000, 4998000, 5000100]
)
VALUES = [0.25, 0.5, 1.0]


def open_vector(text: str, grid: Grid, **setting) -> Vector:
    return Vector.open(SourceText.parse(text), OpenContext(grid=grid, **setting))


def read(text: str, grid: Grid, **setting) -> np.ndarray:
    return open_vector(text, grid, **setting).read(grid.whole())


def burned(geometries, grid: Grid, value=1.0) -> np.ndarray:
    return rasterize(list(geometries), out_shape=grid.shape, transform=grid.transform, dtype="float32") * np.float32(
        value
    )


@pytest.fixture
def write(tmp_path):
    """Write geometries with an attribute `s` by OGR."""

    def write(name="a.gpkg", geometries=BOXES, values=VALUES, crs="EPSG:32633", **options) -> str:
        driver = {"geojson": "GeoJSON", "gpkg": "GPKG", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf", "kml": "KML"}
        pyogrio.raw.write(
            tmp_path / name,
            np.array([None if g is None else shapely.to_wkb(g) for g in geometries], object),
            [np.array(values)],
            ["s"],
            crs=crs,
            geometry_type=options.pop("geometry_type", "Unknown" if not name.endswith("shp") else "Polygon"),
            driver=driver[name.rpartition(".")[2]],
            **options,
        )
        return str(tmp_path / name)

    return write


def in_crs(code: int, geometries=BOXES) -> np.ndarray:
    """The same places in another CRS; sides are cut finely first."""
    to = pyproj.Transformer.from_crs(32633, code, always_xy=True)
    return shapely.transform(shapely.segmentize(geometries, 20), lambda p: np.stack(to.transform(*p.T), axis=1))


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.fgb"])
def test_formats_in_the_scenes_crs_are_gdals_burn(write, grid, name):
    path = write(name)
    np.testing.assert_array_equal(read(path, grid), burned(BOXES, grid))
    np.testing.assert_array_equal(read(f"{path}:saliency=0.75", grid), burned(BOXES, grid, 0.75))


@pytest.mark.parametrize(("name", "code"), [("a.geojson", 4326), ("a.kml", 4326), ("a.gpkg", 3857), ("a.fgb", 3035)])
def test_other_crs_give_the_same_pixels(write, grid, name, code):
    path = write(name, in_crs(code), crs=f"EPSG:{code}")
    assert (read(path, grid) != burned(BOXES, grid)).sum() <= 3


def test_straight_sides_of_another_crs_are_bent(write):
    """A side of 2 degrees of latitude circle sags by kilometres in UTM."""
    scene = Grid.from_crs(CRS.from_epsg(32633), Affine(500, 0, 420000, 0, -500, 6660000), 200, 320)
    box = shapely.box(13.8, 59.7, 16.2, 59.9)
    exact = shapely.transform(
        shapely.segmentize(box, 0.001),
        lambda p: np.stack(pyproj.Transformer.from_crs(4326, 32633, always_xy=True).transform(*p.T), axis=1),
    )
    got = read(write(geometries=[box], values=[1.0], crs="EPSG:4326"), scene)
    row, col = np.nonzero(got != burned([exact], scene))
    off = shapely.distance(exact.boundary, shapely.points(420000 + (col + 0.5) * 500, 6660000 - (row + 0.5) * 500))
    assert off.max(initial=0) < TOLERANCE * 500
    assert got.sum() > 10000


def test_an_attribute_is_saliency_and_a_range_scales_it(write, grid):
    path = write()
    got = read(f"{path}:attribute=s", grid)
    assert sorted(np.unique(got)) == [0, 0.25, 0.5, 1]
    np.testing.assert_allclose(np.unique(read(f"{path}:attribute=s,range=0-2", grid)), [0, 0.125, 0.25, 0.5])


def test_overlapping_features_unite_by_max_and_the_rest_is_background(write, grid):
    path = write(geometries=[BOXES[0], shapely.buffer(BOXES[0], 200)], values=[0.9, 0.3])
    got = read(f"{path}:attribute=s,background=0.125", grid)
    np.testing.assert_allclose(np.unique(got), [0.125, 0.3, 0.9], rtol=1e-6)
    assert (got == np.float32(0.9)).sum() == burned(BOXES[:1], grid).sum()
    assert read(path, grid, background=0.5).min() == 0.5


def test_buffers_in_metres_and_pixels_agree_with_shapelys(write, grid):
    path = write()
    by_pixels, by_metres = read(f"{path}:buffer=5px", grid), read(f"{path}:buffer=50", grid)
    expected = burned(shapely.buffer(BOXES, 50, quad_segs=64), grid)
    assert (by_pixels != expected).sum() <= 12
    # A metre on the ground is 0.9996 of UTM's here and there.
    assert (by_metres != expected).sum() <= 30
    assert by_pixels.sum() > burned(BOXES, grid).sum()


def test_metres_are_metres_on_the_ground_in_mercator_and_degrees(write):
    """At 60 degrees north Mercator's metre is half a metre, and a degree of longitude half one of latitude."""
    point = shapely.Point(15, 60)
    path = write(geometries=[point], values=[1.0], crs="EPSG:4326")
    x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(15, 60)
    mercator = Grid.from_crs(CRS.from_epsg(3857), Affine(10, 0, x - 1000, 0, -10, y + 1000), 200, 200)
    degrees = Grid.from_crs(CRS.from_epsg(4326), Affine(1e-4, 0, 15 - 1e-2, 0, -1e-4, 60 + 1e-2), 200, 200)
    rows, cols = (
        np.ptp(np.nonzero(side)[0]) + 1 for side in (read(f"{path}:buffer=200", mercator).any(axis=k) for k in (1, 0))
    )
    assert abs(rows - 80) <= 1
    assert abs(cols - 80) <= 1
    held = read(f"{path}:buffer=200", degrees) > 0
    height, width = np.ptp(np.nonzero(held.any(axis=1))[0]) + 1, np.ptp(np.nonzero(held.any(axis=0))[0]) + 1
    assert abs(height * 1e-4 * 111412 - 400) < 12
    assert abs(width * 1e-4 * 55800 - 400) < 12


def test_points_lines_and_slivers_keep_a_pixel(write, grid):
    things = [
        shapely.Point(400503, 4999991),
        shapely.LineString([(401000, 4999000), (402000, 4999000)]),
        shapely.box(402001, 4998001, 402003, 4998003),
        shapely.MultiPoint([(400003, 4999003), (400023, 4999003)]),
    ]
    path = write(geometries=things, values=[1.0] * 4, geometry_type="Unknown")
    got = read(path, grid)
    assert got[0, 50] == got[199, 200] == got[99, 0] == got[99, 2] == 1
    assert got[99, 1] == 0
    assert 95 <= got[95:105].sum() - 2 <= 205
    assert got.sum() == got[95:105].sum() + 2


def test_a_buffer_in_metres_is_that_of_the_place_on_the_scene(write):
    """A feature that reaches to the equator is grown, at 60 degrees north, by metres of 60 degrees north."""
    x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(15, 60)
    mercator = Grid.from_crs(CRS.from_epsg(3857), Affine(10, 0, x - 1000, 0, -10, y + 1000), 200, 200)
    to = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    here, there = to.transform(15, 60), to.transform(15, 0)
    for crs, places in [("EPSG:4326", [(15, 60), (15, 0)]), ("EPSG:3857", [here, there])]:
        one = read(write("one.gpkg", [shapely.Point(places[0])], [1.0], crs=crs) + ":buffer=200", mercator)
        two = read(write("two.gpkg", [shapely.MultiPoint(places)], [1.0], crs=crs) + ":buffer=200", mercator)
        np.testing.assert_array_equal(one, two)
        assert one.sum() > 4500


@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (-179, -60, 179, 85), (-10, 1, 180, 77), (-160, -60, 60, 84)])
def test_areas_of_the_size_of_continents_hold_the_scene(write, grid, box):
    path = write("wide.fgb", [shapely.box(*box)], [1.0], crs="EPSG:4326")
    assert (read(path, grid) == 1).all()
    assert (read(f"{path}:outline=yes,background=0.5", grid) == 0.5).all() if box[0] == -180 else True


def test_a_collection_is_what_it_holds(write, grid):
    wide = shapely.GeometryCollection([shapely.box(-179, -60, 179, 85), shapely.Point(15, 45)])
    assert (read(write("a.fgb", [wide], [1.0], crs="EPSG:4326"), grid) == 1).all()
    parts = shapely.GeometryCollection([shapely.GeometryCollection([BOXES[0]]), BOXES[1]])
    np.testing.assert_array_equal(read(write(geometries=[parts], values=[1.0]), grid), burned(BOXES[:2], grid))


def test_what_is_thinner_than_a_pixel_is_a_pixel_wide(write, grid):
    """A road of 3 m between the centres of pixels of 10 m, and one of which no centre on the scene is in."""
    road = shapely.box(401006, 4998000, 401009, 4999500)
    got = read(write(geometries=[road], values=[1.0]), grid)
    assert (got[50:200, 100] == 1).all()
    assert 150 <= got.sum() <= 152
    ring = shapely.Polygon(road.exterior, [shapely.box(401007, 4998010, 401008, 4999490).exterior])
    assert read(write("b.gpkg", [ring], [1.0]), grid).sum() >= 150
    off = shapely.box(399000, 4998001, 400003, 4998004)
    got = read(write("c.gpkg", [off, BOXES[0]], [1.0, 1.0]), grid)
    assert got[199, 0] == 1
    sliver = shapely.Polygon([(400500, 4990000), (400501, 5200000000), (400502, 4990000)])
    assert (read(write("d.gpkg", [sliver], [1.0]), grid)[:, 50] == 1).sum() >= 299


def test_the_file_is_read_where_the_scene_is(write, grid, monkeypatch):
    """Features that lie elsewhere are not held, however many they are."""
    far = shapely.box(np.arange(500.0) * 100, 0, np.arange(500.0) * 100 + 50, 50)
    path = write(geometries=np.append(far, BOXES), values=[0.5] * 503)
    monkeypatch.setattr(reading, "MAX_FEATURES", 3)
    np.testing.assert_array_equal(read(path, grid), burned(BOXES, grid))
    reached = shapely.box(404300, 4998000, 404900, 4999000)
    path = write("b.gpkg", [reached], [1.0])
    assert read(f"{path}:buffer=500", grid)[150, 399] == 1
    assert read(f"{path}:feather=500", grid)[150, 399] > 0.3
    path = write("c.fgb", in_crs(4326, [reached]), [1.0], crs="EPSG:4326")
    assert read(f"{path}:buffer=500", grid)[150, 399] == 1


def test_soft_edges_of_many_saliencies_are_rounded_with_a_warning(write, grid):
    places = shapely.box(
        *(400100.0 + 130 * np.arange(40), np.full(40, 4998000.0)),
        *(400160.0 + 130 * np.arange(40), np.full(40, 4998100.0)),
    )
    values = np.linspace(0.3, 1, 40)
    path = write("many.gpkg", places, values)
    with pytest.warns(GeosalWarning, match="34 different saliencies; for soft edges they are rounded to 1/32"):
        soft = read(f"{path}:attribute=s,feather=20", grid)
    sharp = read(f"{path}:attribute=s", grid)
    assert 0 < np.abs(soft - sharp)[sharp > 0].max() <= 1 / 64


def test_conditions_may_hold_commas(write, grid):
    path = write()
    np.testing.assert_array_equal(
        read(f"{path}:where=s IN (0.25,0.5),saliency=0.5", grid), burned(BOXES[:2], grid, 0.5)
    )


def test_the_crs_that_the_user_gives_tells_where_features_are(write, grid):
    with warnings.catch_warnings(action="ignore"):
        bare = write("bare.shp", shapely.box([1], [1], [2], [2]), [1.0], crs=None)
    with pytest.raises(SaliencyError, match=r"the features at 1.00000, 1.00000, 2.00000, 2.00000 \(EPSG:4326"):
        open_vector(f"{bare}:crs=4326", grid)


@pytest.mark.parametrize("crs", ["EPSG:32633", "32633", "scene"])
def test_the_users_crs_wins_over_what_geojson_means_without_one(grid, tmp_path, crs):
    path = tmp_path / "a.geojson"
    path.write_text(shapely.to_geojson(BOXES[0]))
    with pytest.raises(SaliencyError, match=r"no degrees, so they are in another CRS: add crs=EPSG:CODE, or crs=scene"):
        open_vector(str(path), grid)
    np.testing.assert_array_equal(read(f"{path}:crs={crs},saliency=0.5", grid), burned(BOXES[:1], grid, 0.5))
    with pytest.raises(UsageError, match="crs is an EPSG code, such as 5070 or EPSG:5070, or scene"):
        open_vector(f"{path}:crs=here", grid)


def test_what_it_takes_to_read_is_told(write, grid):
    path = write()
    plain, soft = (open_vector(f"{path}:{how}", grid) for how in ("saliency=1", "feather=100px"))
    assert 0 < plain.work_bytes < 10**7
    assert soft.work_bytes - plain.work_bytes > 75 * 700**2
    assert 0 < plain.shared_bytes == soft.shared_bytes < 10_000


def test_outline_keeps_the_edges_only(write, grid):
    got = read(f"{write()}:outline=yes,buffer=2px", grid)
    assert got[125, 51] == got[125, 48] == 1
    assert got[125, 70] == 0


def test_layers_and_conditions(write, grid):
    path = write(layer="one")
    write(layer="two", geometries=BOXES[:1], values=[1.0], append=True)
    np.testing.assert_array_equal(read(f"{path}:layer=two", grid), burned(BOXES[:1], grid))
    np.testing.assert_array_equal(read(f"{path}:layer=one,where=s > 0.3", grid), burned(BOXES[1:], grid))
    with pytest.raises(UsageError, match="has layers one, two; say which"):
        read(path, grid)
    with pytest.raises(UsageError, match="layer=three; the file has one, two"):
        read(f"{path}:layer=three", grid)
    with pytest.raises(UsageError, match="where=t > 1 cannot be used"):
        read(f"{path}:layer=one,where=t > 1", grid)
    with pytest.raises(SaliencyError, match="no feature with a place in it, or none that is asked for"):
        read(f"{path}:layer=one,where=s > 7", grid)


def test_geometries_that_cross_themselves_are_mended_with_a_warning(write, grid):
    bowtie = shapely.Polygon([(400500, 4999000), (401500, 4998000), (401500, 4999000), (400500, 4998000)])
    with pytest.warns(GeosalWarning, match="1 geometries are not valid"):
        got = read(write(geometries=[bowtie], values=[1.0]), grid)
    assert got[150, 60] == got[150, 140] == 1, "beside the crossing"
    assert got[110, 100] == got[190, 100] == 0, "above and below it"
    assert abs(got.sum() - 5000) < 150


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb"])
@pytest.mark.parametrize("corner", [np.inf, -np.inf, np.nan])
def test_features_with_coordinates_that_are_no_numbers_are_told(write, grid, name, corner):
    good = shapely.box(400500, 4998500, 400900, 4999000)
    bad = [shapely.LineString([(401500, 4997500), (402000, corner)]), shapely.box(corner, 0, corner, 1)]
    kept = bad[: 1 if np.isnan(corner) else 2]  # of NaN alone GDAL makes an empty geometry
    path = write(name, [*kept, good], [0.5] * len(kept) + [0.25])
    with pytest.warns(GeosalWarning, match=f"{len(kept)} features? with coordinates that are NaN or infinite"):
        got = read(f"{path}:attribute=s", grid)
    np.testing.assert_array_equal(got, burned([good], grid, 0.25))
    with pytest.raises(SaliencyError, match="all features have coordinates that are NaN or infinite"):
        read(write(f"b{name}", kept, [0.5] * len(kept)), grid)


def test_a_feature_of_a_geojson_at_infinity_is_told(tmp_path, grid):
    crs = {"type": "name", "properties": {"name": "EPSG:32633"}}
    shapes = [shapely.box(400500, 4998500, 400900, 4999000), shapely.box(np.inf, 1, np.inf, 2)]
    features = [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(one)} for one in shapes]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    with pytest.warns(GeosalWarning, match="1 feature with coordinates that are NaN or infinite"):
        np.testing.assert_array_equal(read(str(path), grid), burned(shapes[:1], grid))


def test_features_without_the_attribute_are_kept_with_a_warning(write, grid):
    with pytest.warns(GeosalWarning, match="1 feature without s, kept as it is"):
        got = read(f"{write(values=[0.25, np.nan, 0.5])}:attribute=s", grid)
    assert got.max() == 1


def test_coded_blocks_say_the_same(write, grid):
    vector = open_vector(f"{write()}:attribute=s,background=0.1", grid)
    coded = vector.read_coded(grid.whole())
    np.testing.assert_array_equal(coded.table[coded.codes], vector.read(grid.whole()))
    assert open_vector(f"{write()}:feather=3px", grid).read_coded(grid.whole()) is None


def test_it_pickles_small_and_notices_a_changed_file(write, grid, monkeypatch):
    path = write()
    vector = open_vector(path, grid)
    travelled = pickle.dumps(vector)
    assert len(travelled) < 4000
    np.testing.assert_array_equal(pickle.loads(travelled).read(grid.whole()), burned(BOXES, grid))
    assert vector.known(np.arange(3), np.arange(2)).all()
    with open(path, "ab") as file:
        file.write(b"x")
    monkeypatch.setattr(vector_module, "_kept", OrderedDict())
    with pytest.raises(SaliencyError, match="has changed since it was opened"):
        vector.read(grid.whole())


cuts = st.tuples(
    st.sets(st.integers(1, 299), max_size=3).map(sorted), st.sets(st.integers(1, 399), max_size=3).map(sorted)
)


@pytest.mark.parametrize(
    "parameters", ["attribute=s", "attribute=s,buffer=33,background=0.3", "attribute=s,feather=77"]
)
@pytest.mark.parametrize("turned", [False, True], ids=["north up", "rotated"])
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=cuts)
def test_any_cutting_gives_the_same_bits(write, grid, parameters, turned, cuts):
    if turned:
        grid = Grid(grid.crs, Affine(9, 3, 400000, 3, -9, 4999000), grid.height, grid.width)
    rng = np.random.default_rng(1)
    blobs = shapely.buffer(
        shapely.points(rng.uniform([400000, 4996000], [405000, 5001000], (60, 2))), rng.uniform(5, 300, 60)
    )
    vector = open_vector(
        f"{write('blobs.fgb', in_crs(4326, blobs), list(np.round(rng.random(60), 1)), crs='EPSG:4326')}:{parameters}",
        grid,
    )
    whole = vector.read(grid.whole())
    assert 0 <= whole.min() < whole.max() <= 1
    rows, cols = ([0, *inner, size] for inner, size in zip(cuts, grid.shape, strict=True))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(cols):
            part = vector.read(Block(top, left, bottom - top, right - left))
            np.testing.assert_array_equal(part, whole[top:bottom, left:right])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ("attribute=t", UsageError, "no attribute t; the file has s"),
        ("attribute=s,saliency=1", UsageError, "exclude each other"),
        ("range=0-2", UsageError, "range= is for an attribute"),
        ("attribute=s,range=0-0.5", SaliencyError, "values 0.25 to 1, outside 0 to 0.5; add range=LO-HI"),
        ("attribute=s,range=2-1", UsageError, "range=2-1; write the values"),
        ("buffer=5miles", UsageError, "buffer=5miles; write metres such as buffer=60m, or pixels such as buffer=5px"),
        ("buffer=-5", UsageError, "buffer=-5; write metres"),
        ("feather=5000px", UsageError, "feather is 5000 pixels wide"),
        ("image=a", UsageError, "image= and category= are for detections"),
        ("crs=4326", UsageError, "crs=EPSG:4326, but the file says EPSG:32633"),
        ("colour=1", UsageError, "unknown parameter colour"),
        ("saliency=2", UsageError, "saliency is a number from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(write, grid, parameters, error, message):
    with pytest.raises(error, match=message) as caught:
        open_vector(f"{write()}:{parameters}", grid)
    assert "\n" not in str(caught.value)


def test_features_elsewhere_are_refused_with_a_hint(write, grid):
    with pytest.raises(SaliencyError, match=r"no feature lies on the scene; the scene lies at 13.7"):
        open_vector(write("far.gpkg", shapely.box([0], [0], [1], [1]), [1.0], crs="EPSG:32601"), grid)
    with pytest.raises(SaliencyError, match="look geographic"):
        open_vector(write("degrees.gpkg", in_crs(4326)), grid)
    swapped = shapely.transform(in_crs(4326), lambda p: p[:, ::-1])
    with pytest.raises(SaliencyError, match="seem to be swapped"):
        open_vector(write("swapped.geojson", swapped, crs="EPSG:4326"), grid)


def test_files_and_scenes_without_a_place_are_refused(write, grid, tmp_path):
    with warnings.catch_warnings(action="ignore"):
        bare = write("bare.shp", crs=None)
    with pytest.raises(SaliencyError, match=r"tells no CRS; add crs=CODE"):
        open_vector(bare, grid)
    np.testing.assert_array_equal(read(f"{bare}:crs=32633", grid), burned(BOXES, grid))
    nowhere = Grid(None, Affine.identity(), 300, 400)
    with pytest.raises(SaliencyError, match="the scene lacks georeferencing"):
        open_vector(write(), nowhere)
    with pytest.raises(UsageError, match="write pixels such as buffer=5px"):
        open_vector(f"{write()}:buffer=5", nowhere)


def test_paper_masks_of_ships(shared_data):
    """Boxes grown by 5 pixels, 0.8 inside, 0 outside."""
    folder = shared_data / "sen2ships" / "klang"
    with rasterio.open(folder / "S2_L2A_klang_2023-04-08_B04.tif") as scene:
        grid = Grid.from_crs(scene.crs, scene.transform, scene.height, scene.width)
    got = read(f"{folder / 'klang_coco.json'}:saliency=0.8,buffer=5px", grid)
    boxes = [entry["bbox"] for entry in json.loads((folder / "klang_coco.json").read_text())["annotations"]]
    grown = [shapely.box(x, y, x + w, y + h).buffer(5, quad_segs=64) for x, y, w, h in boxes]
    expected = rasterize(grown, out_shape=grid.shape, dtype="float32") * np.float32(0.8)
    assert len(boxes) == 17
    assert (got != expected).sum() <= 8 * 17


def test_spacenet_buildings_in_two_crs(shared_data, write):
    path = shared_data / "spacenet" / "geotiff_labels.geojson"
    with rasterio.open(shared_data / "spacenet" / "sample_geotiff.tif") as scene:
        grid = Grid.from_crs(scene.crs, scene.transform, scene.height, scene.width)
    features = json.loads(path.read_text())["features"]
    houses = np.array([shapely.from_geojson(json.dumps(f["geometry"])) for f in features], object)
    expected = burned(houses, grid)
    np.testing.assert_array_equal(read(str(path), grid), expected)
    to = pyproj.Transformer.from_crs(32616, 4326, always_xy=True)
    turned = shapely.transform(houses, lambda p: np.stack(to.transform(*p.T), axis=1))
    other = write("houses.gpkg", turned, [1.0] * len(turned), crs="EPSG:4326")
    assert (read(other, grid) != expected).sum() <= 5
    with pytest.raises(SceneError, match="no such file"):
        open_vector(f"{path}x", grid)


@pytest.mark.parametrize("name", ["a.geojson", "a.shp"])
def test_a_file_on_a_server_is_as_one_here(write, grid, web, name):
    pytest.importorskip("obstore")
    path = write(name)
    for part in Path(path).parent.glob("a.*"):
        shutil.copy(part, web.folder)
    web.plan(3, "500", "drop")
    url = f"{web.url}/{name}?X-Amz-Signature=CANARY"
    vector = open_vector(url, grid)
    assert np.array_equal(vector.read(grid.whole()), read(path, grid))
    assert pickle.loads(pickle.dumps(vector)) == vector
    assert vector.path == url  # a worker elsewhere has no copy of it


def test_what_a_server_does_not_have_is_told_without_secrets(grid, web):
    pytest.importorskip("obstore")
    (web.folder / "empty.geojson").write_bytes(b"")
    for name, said in (("none.geojson", "404"), ("empty.geojson", "is empty")):
        with pytest.raises(SceneError, match=said) as caught:
            open_vector(f"{web.url}/{name}?sig=CANARY", grid)
        assert "CANARY" not in str(caught.value)
        assert f"{web.url}/{name}" in str(caught.value)
