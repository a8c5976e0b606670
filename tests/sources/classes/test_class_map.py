"""Rasters of classes: against a dictionary, in any blocks, and what does not fit."""

import pickle
import warnings
from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from geosal.core.grid import Block, Grid
from geosal.errors import GeosalWarning, ResourceError, SaliencyError, SceneError, UsageError
from geosal.sources.base import CodedSource, OpenContext
from geosal.sources.classes.class_map import Classes
from geosal.sources.masks import nearest, placement
from geosal.sources.text import SourceText

WORLDCOVER = np.array([10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100], np.uint8)


def open_classes(text: str, grid: Grid, background: float = 0.0) -> Classes:
    return Classes.open(SourceText.parse(text), OpenContext(grid=grid, background=background))


@pytest.fixture
def cover(make_mask):
    """Land cover on `grid` at its own 10 m."""
    classes = np.random.default_rng(2).choice(WORLDCOVER, (300, 400))
    return classes, make_mask(classes, transform=Affine(10, 0, 400000, 0, -10, 5000000), name="cover.tif")


def test_each_pixel_by_the_table(grid, cover):
    classes, path = cover
    source = open_classes(f"{path}:classes=10=1;50=0.8;80=0", grid, background=0.25)
    table = {10: 1.0, 50: 0.8, 80: 0.0}
    expected = np.array([[table.get(value, 0.25) for value in row] for row in classes.tolist()], np.float32)
    np.testing.assert_array_equal(source.read(grid.whole()), expected)
    assert source.known(np.array([0, 299]), np.array([0, 399])).all()
    assert source.kind == "interest"
    assert len(source.fingerprint) == 64


def test_background_is_the_users_and_else_the_settings(grid, cover):
    _, path = cover
    assert open_classes(f"{path}:classes=10=1,background=0.5", grid, 0.25).background == 0.5
    assert open_classes(f"{path}:classes=10=1", grid, 0.25).background == 0.25


def test_codes_say_the_same_as_values(grid, cover):
    _, path = cover
    source = open_classes(f"{path}:classes=worldcover", grid)
    assert isinstance(source, CodedSource)
    block = Block(7, 9, 100, 90)
    coded = source.read_coded(block)
    np.testing.assert_array_equal(coded.table[coded.codes], source.read(block))
    assert coded.table.dtype == np.float32
    assert 0 <= coded.table.min() <= coded.table.max() <= 1


def test_a_class_that_says_nothing(grid, cover):
    classes, path = cover
    source = open_classes(f"{path}:classes=worldcover;water=none", grid)
    silent = np.isnan(source.read(grid.whole()))
    np.testing.assert_array_equal(silent, classes == 80)
    np.testing.assert_array_equal(source.known(np.arange(300), np.arange(400)), ~silent)
    assert source.read_coded(grid.whole()) is None


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32"])
def test_any_dtype_and_nodata(grid, make_mask, dtype):
    classes = np.random.default_rng(3).choice([1, 2, 5, 99], (32, 42)).astype(dtype)
    source = open_classes(f"{make_mask(classes, nodata=99)}:classes=1=1;5=0.5", grid)
    values, counts = np.unique(source.read(grid.whole()), return_counts=True)
    assert values[:3].tolist() == [0, 0.5, 1]
    assert np.isnan(values[3])
    assert counts.min() > 20000


def test_nan_says_nothing(grid, make_mask):
    classes = np.random.default_rng(3).choice([1, 2, np.nan], (32, 42)).astype(np.float32)
    source = open_classes(f"{make_mask(classes)}:classes=1=1;2=0.5", grid)
    assert 0.2 < np.isnan(source.read(grid.whole())).mean() < 0.5


PLACES = {
    "same": ("EPSG:32633", Affine(97, 0, 399900, 0, -97, 5000100)),
    "finer": ("EPSG:32633", Affine(4, 0, 400200, 0, -4, 4999900)),
    "other": ("EPSG:4326", Affine(0.0012, 0, 13.715, 0, -0.001, 45.165)),
    "turned": ("EPSG:3035", Affine(95, 10, 4.612e6, 10, -95, 2.4575e6)),
}
WIDE = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 150, 700)
cuts = st.tuples(
    st.sets(st.integers(1, 149), max_size=3).map(sorted), st.sets(st.integers(1, 699), max_size=3).map(sorted)
)


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts)
def test_any_cutting_gives_the_same_bits(make_mask, place, cuts):
    crs, transform = PLACES[place]
    classes = np.random.default_rng(1).choice(WORLDCOVER, (400, 600))
    path = make_mask(classes, crs=crs, transform=transform, nodata=95, name=f"{place}.tif")
    with warnings.catch_warnings(action="ignore", category=GeosalWarning):
        source = pickle.loads(pickle.dumps(open_classes(f"{path}:classes=worldcover", WIDE)))
    whole = source.read(WIDE.whole())
    assert not np.isnan(whole).all()
    rows, cols = ([0, *inner, size] for inner, size in zip(cuts, WIDE.shape, strict=True))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(cols):
            part = source.read(Block(top, left, bottom - top, right - left))
            np.testing.assert_array_equal(part, whole[top:bottom, left:right])


def test_the_nearest_class_and_never_a_mean(grid, make_mask):
    classes = np.random.default_rng(4).choice(np.uint8([10, 50]), (32, 42))
    found = open_classes(f"{make_mask(classes)}:classes=10=1;50=0", grid).read(grid.whole())
    rows, cols = (np.arange(300) * 10 + 5 + 100) // 100, (np.arange(400) * 10 + 5 + 100) // 100
    np.testing.assert_array_equal(found, (classes[rows][:, cols] == 10).astype(np.float32))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ("classes=", UsageError, "is no table"),
        ("classes=10=1,range=0-9", UsageError, "unknown parameter range"),
        ("classes=10=1,background=2", UsageError, "background is a number from 0 to 1"),
        ("classes=10=1,band=2", UsageError, "it has 1 band"),
        ("classes=1=1;2=0", SaliencyError, "the raster holds 10, 20, 30, 40"),
        ("classes=dynamicworld", SaliencyError, "none of the table's classes"),
    ],
)
def test_what_makes_no_sense(grid, cover, parameters, error, message):
    with pytest.raises(error, match=message) as caught:
        open_classes(f"{cover[1]}:{parameters}", grid)
    assert "\n" not in str(caught.value)


def test_a_named_table_that_lacks_classes_is_told(grid, make_mask):
    classes = np.random.default_rng(4).choice(np.uint8([10, 50, 33]), (32, 42))
    with pytest.warns(GeosalWarning, match="worldcover has no class 33"):
        open_classes(f"{make_mask(classes)}:classes=worldcover", grid)


def test_rasters_that_do_not_fit(grid, make_mask, tmp_path):
    ones = np.ones((32, 42), np.uint8)
    elsewhere = make_mask(ones, transform=Affine(100, 0, 700000, 0, -100, 5000100))
    with pytest.raises(SaliencyError, match="does not overlap"):
        open_classes(f"{elsewhere}:classes=1=1", grid)
    with pytest.raises(SaliencyError, match="all is nodata"):
        open_classes(f"{make_mask(ones, nodata=1)}:classes=1=1", grid)
    with pytest.raises(SaliencyError, match="complex64"):
        open_classes(f"{make_mask(ones.astype(np.complex64))}:classes=1=1", grid)
    noise = np.random.default_rng(1).random((320, 420)).astype(np.float32)
    measured = make_mask(noise, transform=Affine(10, 0, 399900, 0, -10, 5000100))
    with pytest.raises(SaliencyError, match="more than 65536 values, these are no classes"):
        open_classes(f"{measured}:classes=1=1", grid)
    with pytest.raises(SceneError, match="no such file"):
        open_classes(f"{tmp_path}/missing.tif:classes=1=1", grid)


def test_the_real_quality_band_as_a_map(shared_data):
    import rasterio

    name = "LC08_L2SP_008059_20191201_20200825_02_T1"
    path = shared_data / "landsat_c2" / name / f"{name}_QA_PIXEL.TIF"
    with rasterio.open(path) as dataset:
        codes = dataset.read(1)
        grid = Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)
    found = open_classes(f"{path}:classes=qa_pixel;land=0.75", grid).read(grid.whole())
    np.testing.assert_array_equal(np.isnan(found), codes & 1 == 1)
    assert (found[codes == 21824] == 0.75).all()
    assert (found[codes == 22280] == 0).all()
    assert (found[codes == 21952] == np.float32(0.1)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_counting_classes_takes_little_memory(dtype):
    """Eight bytes for each pixel of a large tile would be gigabytes."""
    import tracemalloc

    pixels = np.random.default_rng(1).choice(WORLDCOVER, 2**22).astype(dtype)
    tracemalloc.start()
    found = nearest._distinct(pixels)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
    np.testing.assert_array_equal(found, WORLDCOVER)
    assert found.dtype == dtype


def test_tiles_beyond_what_fits_are_refused(grid, cover, monkeypatch):
    monkeypatch.setattr(placement, "_MAX_TILE_BYTES", 100)
    with pytest.raises(ResourceError, match="a tile of the raster has .* pixels of uint8; tile it"):
        open_classes(f"{cover[1]}:classes=worldcover", grid)
