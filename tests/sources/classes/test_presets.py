"""Clouds, shadow, snow and water: of the product's band or another, grown, in any blocks."""

import pickle
import warnings
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from geosal.core.grid import Block, Grid
from geosal.core.raster import QualityBand
from geosal.errors import GeosalWarning, SaliencyError, SceneError, UsageError
from geosal.sources.base import CodedSource, OpenContext
from geosal.sources.classes.presets import Clouds, Shadow, Snow, Water
from geosal.sources.text import SourceText

PRESETS = {"clouds": Clouds, "shadow": Shadow, "snow": Snow, "water": Water}
OWN = Affine(10, 0, 400000, 0, -10, 5000000)
AT_20 = Affine(20, 0, 400000, 0, -20, 5000000)


@dataclass(frozen=True)
class Product:
    """As much of a scene as presets look at."""

    quality: tuple[QualityBand, ...] = ()
    path: str = field(default="T33.SAFE")


def open_preset(text: str, grid: Grid, *quality: QualityBand):
    source = SourceText.parse(text)
    return PRESETS[source.target].open(source, OpenContext(grid=grid, scene=Product(quality)))


@pytest.fixture
def scl(make_mask):
    """Scene classification at 20 m under `grid`."""
    classes = np.random.default_rng(8).choice(np.arange(12, dtype=np.uint8), (150, 200))
    return classes, QualityBand(kind="scl", path=make_mask(classes, transform=AT_20, nodata=0, name="SCL.tif"))


def doubled(values):
    return values.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("clouds", [8, 9, 10]),
        ("clouds:confidence=high", [9]),
        ("clouds:confidence=low", [7, 8, 9, 10]),
        ("shadow", [3]),
        ("shadow:confidence=low", [2, 3]),
        ("snow", [11]),
        ("water", [6]),
    ],
)
def test_a_product_finds_its_own_band(grid, scl, text, excluded):
    classes, band = scl
    source = open_preset(text, grid, band)
    np.testing.assert_array_equal(source.read(grid.whole()), doubled(~np.isin(classes, excluded)).astype(np.float32))
    assert source.kind == "exclusion"
    assert source.text == text
    assert len(source.fingerprint) == 64
    assert source.known(np.array([0, 299]), np.array([0, 399])).all()


def test_what_is_excluded_may_count_a_little(grid, scl):
    found = open_preset("clouds:saliency=0.25", grid, scl[1]).read(grid.whole())
    assert np.unique(found).tolist() == [0.25, 1]


def test_codes_say_the_same_as_values(grid, scl):
    source = open_preset("clouds:dilate=3px,saliency=0.25", grid, scl[1])
    assert isinstance(source, CodedSource)
    block = Block(7, 9, 100, 90)
    coded = source.read_coded(block)
    np.testing.assert_array_equal(coded.table[coded.codes], source.read(block))


@pytest.mark.parametrize(("written", "radius"), [("5px", 5), ("60m", 6), ("2.5px", 2.5)])
def test_it_grows_by_distance(grid, make_mask, written, radius):
    classes = np.where(np.random.default_rng(8).random((300, 400)) < 0.002, 9, 4).astype(np.uint8)
    band = QualityBand(kind="scl", path=make_mask(classes, transform=OWN))
    found = open_preset(f"clouds:dilate={written}", grid, band).read(grid.whole())
    np.testing.assert_array_equal(found == 0, distance_transform_edt(classes != 9) <= radius)


cuts = st.tuples(
    st.sets(st.integers(1, 299), max_size=3).map(sorted), st.sets(st.integers(1, 399), max_size=3).map(sorted)
)
PLACES = {
    "20 m": ("EPSG:32633", AT_20),
    "partly": ("EPSG:32633", Affine(20, 0, 401000, 0, -20, 4999500)),
    "other": ("EPSG:4326", Affine(0.0003, 0, 13.728, 0, -0.0002, 45.1505)),
}


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts)
def test_any_cutting_gives_the_same_bits(grid, make_mask, place, cuts):
    crs, transform = PLACES[place]
    classes = np.where(np.random.default_rng(8).random((150, 200)) < 0.003, 9, 4).astype(np.uint8)
    band = QualityBand(kind="scl", path=make_mask(classes, crs=crs, transform=transform, name=f"{place}.tif"))
    source = pickle.loads(pickle.dumps(open_preset("clouds:dilate=130m", grid, band)))
    whole = source.read(grid.whole())
    assert {0.0, 1.0} <= set(np.unique(whole))
    assert np.isnan(whole).any() == (place != "20 m")
    rows, cols = ([0, *inner, size] for inner, size in zip(cuts, grid.shape, strict=True))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(cols):
            part = source.read(Block(top, left, bottom - top, right - left))
            np.testing.assert_array_equal(part, whole[top:bottom, left:right])
    np.testing.assert_array_equal(source.known(np.arange(300), np.arange(400)), ~np.isnan(whole))


def test_the_best_band_is_taken(grid, make_mask, scl):
    clear = QualityBand(kind="msk_classi", path=make_mask(np.zeros((3, 50, 67), np.uint8), transform=OWN, name="c.tif"))
    assert open_preset("clouds", grid, clear, scl[1]).flags.band == scl[1]
    assert open_preset("clouds:as=msk_classi", grid, clear, scl[1]).flags.band == clear


def test_three_bands_of_level_1c(grid, make_mask):
    bands = (np.random.default_rng(8).random((3, 300, 400)) < 0.3).astype(np.uint8)
    quality = QualityBand(kind="msk_classi", path=make_mask(bands, transform=OWN))
    for text, mask in [
        ("clouds", bands[0] | bands[1]),
        ("clouds:confidence=high", bands[0]),
        ("snow", bands[2]),
    ]:
        np.testing.assert_array_equal(open_preset(text, grid, quality).read(grid.whole()), 1 - mask.astype(np.float32))
    with pytest.raises(UsageError, match="msk_classi, which does not tell water"):
        open_preset("water", grid, quality)


def test_polygons_of_level_1c(grid, tmp_path):
    path = tmp_path / "MSK_CLOUDS_B00.gml"
    spaces = 'xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"'
    points = "400100 4999900 401000 4999900 401000 4999000 400100 4999000 400100 4999900"
    path.write_text(
        f'<eop:Mask {spaces}><gml:Envelope srsName="urn:ogc:def:crs:EPSG:8.7:32633"/><eop:MaskFeature><eop:maskType>'
        f"CIRRUS</eop:maskType><gml:Polygon><gml:posList>{points}</gml:posList></gml:Polygon></eop:MaskFeature>"
        "</eop:Mask>"
    )
    source = open_preset("clouds:dilate=2px", grid, QualityBand(kind="clouds_gml", path=str(path)))
    expected = np.ones((300, 400), bool)
    expected[10:100, 10:100] = False
    whole = source.read(grid.whole())
    np.testing.assert_array_equal(whole == 0, distance_transform_edt(expected) <= 2)
    block = Block(95, 95, 20, 20)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read(block), whole[95:115, 95:115])
    assert (open_preset(f"clouds:confidence=high,from={path}", grid).read(grid.whole()) == 1).all()
    assert source.__dask_tokenize__() != open_preset("clouds", grid, source.flags.band).__dask_tokenize__()
    far = Grid(grid.crs, Affine(10, 0, 300000, 0, -10, 5000000), 20, 20)
    with pytest.warns(GeosalWarning, match="none of the mask's 1 clouds"):
        open_preset("clouds", far, source.flags.band)


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ([2720, 2800, 1], "bqa", "clouds"),
        ([20480, 53248, 1], "bqa_pre", "clouds"),
        ([20480, 23552, 1], "bqa_pre", "snow"),
    ],
)
def test_bqa_of_either_time(grid, make_mask, values, kind, text):
    codes = np.random.default_rng(1).choice(np.array(values, np.uint16), (300, 400))
    source = open_preset(text, grid, QualityBand(kind="bqa", path=make_mask(codes, transform=OWN)))
    assert source.flags.band.kind == kind
    np.testing.assert_array_equal(source.read(grid.whole()) == 0, codes == values[1])


def test_shadow_was_not_told_before_the_collections(grid, make_mask):
    path = make_mask(np.full((300, 400), 20480, np.uint16), transform=OWN)
    with pytest.raises(UsageError, match="bqa_pre, which tells cloud and snow and water and not shadow"):
        open_preset("shadow", grid, QualityBand(kind="bqa", path=path))


def test_cirrus_bits_count_where_the_sensor_has_them(grid, make_mask):
    codes = np.full((300, 400), 21824, np.uint16)
    codes[:100] |= 4
    path = make_mask(codes, transform=OWN)
    for sensor, lost in [("LANDSAT_8", 100), ("LANDSAT_5", 0)]:
        found = open_preset("clouds", grid, QualityBand(kind="qa_pixel", path=path, sensor=sensor)).read(grid.whole())
        assert (found == 0).any(axis=1).sum() == lost


def test_another_band_than_the_products(grid, make_mask, scl):
    codes = np.random.default_rng(1).choice(np.uint8([0, 1, 2, 3, 4, 255]), (3, 300, 400))
    path = make_mask(codes, transform=OWN, name="any.tif")
    source = open_preset(f"clouds:from={path},as=fmask,band=2", grid, scl[1])
    np.testing.assert_array_equal(source.read(grid.whole()) == 0, codes[1] == 4)


PRODUCT = "T33.SAFE"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("clouds:dilate=5miles", UsageError, "write metres such as dilate=60m"),
        ("clouds:confidence=hi", UsageError, "did you mean high"),
        ("clouds:grow=5", UsageError, "unknown parameter grow"),
        ("clouds:band=2", UsageError, "band= goes with from=PATH"),
        ("clouds:as=fmask_hsl", UsageError, "did you mean fmask_hls"),
        ("clouds:as=qa_pixel", UsageError, "T33.SAFE has no qa_pixel, its quality bands are scl; leave as= out"),
        ("clouds:from=", UsageError, "from= is empty"),
        ("clouds:from=any.tif", UsageError, "add as= with one of scl, qa_pixel"),
        ("clouds:from=missing.tif,as=scl", SceneError, "no such file"),
        ("clouds:from=missing.gml,as=clouds_gml", SceneError, "No such file"),
        ("water:from=MSK_CLASSI_B00.jp2", UsageError, "which tells cloud and snow and not water"),
    ],
)
def test_what_makes_no_sense(grid, scl, text, error, message):
    with pytest.raises(error, match=message) as caught:
        open_preset(text, grid, scl[1])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["LC08_L1TP", "LC08_L1TP.tar", "S2A_MSIL2A.ZIP"])
def test_a_product_without_a_quality_band_is_not_sent_to_its_folder(grid, tmp_path, name):
    path = tmp_path / name
    if not path.suffix:
        path.mkdir()
    scene = SimpleNamespace(path=str(path), quality=())
    with pytest.raises(UsageError, match=r"has no quality band; it was delivered or copied without; copy it again, or"):
        Clouds.open(SourceText.parse("clouds"), OpenContext(grid=grid, scene=scene))


def test_without_a_quality_band(grid):
    with pytest.raises(UsageError, match=r"T33.SAFE has no quality band; open the product's folder"):
        open_preset("clouds", grid)
    with pytest.raises(UsageError, match="only a grid is known; give one with from=PATH,as=KIND"):
        Clouds.open(SourceText.parse("clouds"), OpenContext(grid=grid))


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("scl", np.uint8([4, 12, 200]), "holds 12, 200, which scl does not have"),
        ("fmask", np.uint8([1, 5]), "python-fmask is as=fmask_python"),
        ("qa_pixel", np.int32([1, 70000]), "holds 70000"),
        ("scl", np.int16([-1, 4]), "holds -1"),
        ("scl", np.float32([4, 4.5]), "holds 4.5"),
    ],
)
def test_bands_that_are_something_else(grid, make_mask, kind, values, message):
    pixels = np.random.default_rng(1).choice(values, (32, 42))
    with pytest.raises(SaliencyError, match=message):
        open_preset("clouds", grid, QualityBand(kind=kind, path=make_mask(pixels)))


def test_bands_that_lie_elsewhere_or_lack_a_band(grid, make_mask):
    ones = np.ones((32, 42), np.uint8)
    path = make_mask(ones, transform=Affine(100, 0, 700000, 0, -100, 5000100))
    with pytest.raises(SaliencyError, match="does not overlap"):
        open_preset("clouds", grid, QualityBand(kind="scl", path=path))
    with pytest.raises(UsageError, match="band=2, but it has 1 band"):
        open_preset("clouds", grid, QualityBand(kind="msk_classi", path=make_mask(ones)))


def test_nothing_but_clouds_is_told(grid, make_mask):
    path = make_mask(np.full((32, 42), 9, np.uint8))
    with pytest.warns(GeosalWarning, match="tells cloud wherever the scene lies"):
        open_preset("clouds", grid, QualityBand(kind="scl", path=path))


def test_real_landsat(shared_data):
    name = "LC08_L2SP_008059_20191201_20200825_02_T1"
    path = shared_data / "landsat_c2" / name / f"{name}_QA_PIXEL.TIF"
    with rasterio.open(path) as dataset:
        codes = dataset.read(1)
        grid = Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)
    found = open_preset(f"clouds:from={path}", grid).read(grid.whole())
    cloud = np.isin(codes, [21762, 22018, 22080, 22280, 23826, 24082, 24144, 55052, 56598, 56660, 56854])
    np.testing.assert_array_equal(found == 0, cloud)
    assert not np.isnan(found).any()
    with warnings.catch_warnings(action="error"):
        assert (open_preset(f"shadow:from={path}", grid).read(grid.whole()) == 0).sum() == 6411 + 1798 + 2260 + 718 + 22


def test_real_bqa(shared_data):
    path = shared_data / "landsat8_elkton" / "L8-BQA-Elkton-VA.tiff"
    with rasterio.open(path) as dataset:
        grid = Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)
    source = open_preset(f"clouds:from={path}", grid)
    assert source.flags.band.kind == "bqa"
    assert (source.read(grid.whole()) == 1).all()
