import re
import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform

from geosal.core.grid import Block, Grid
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import GeosalWarning, ResourceError, SaliencyError, SceneError, UsageError
from geosal.sources import OpenContext, open_saliency
from geosal.sources.masks import patches, placement
from geosal.sources.masks.alignment import TOLERANCE
from geosal.sources.masks.raster_source import RasterSource
from geosal.sources.text import SourceText

DEGREES = {"crs": "EPSG:4326", "transform": Affine(0.0012, 0, 13.715, 0, -0.001, 45.165)}
"""At about 100 m, in longitude and latitude; 32x52 cells cover the scene of the `grid` fixture."""
TURNED = {"crs": "EPSG:3035", "transform": Affine(95, 10, 4.612e6, 10, -95, 2.4575e6)}


def read(text: str, grid: Grid) -> np.ndarray:
    """What the source says, NaN where nothing."""
    return RasterSource.open(SourceText.parse(text), OpenContext(grid=grid)).read(grid.whole())


def by_gdal(path: str, grid: Grid, resampling: Resampling) -> tuple[np.ndarray, np.ndarray]:
    """Mask pixels on the scene's grid, and where there are any, by GDAL's exact warper."""
    # rasterio cannot say tolerance=0: GDAL then takes its default, or none at all. A billionth of a pixel will do.
    options = {"crs": grid.crs, "transform": grid.transform, "height": grid.height, "width": grid.width}
    with (
        rasterio.open(path) as mask,
        WarpedVRT(mask, **options, tolerance=1e-9, resampling=resampling, add_alpha=True) as warped,
    ):
        return warped.read(1), warped.read(2) > 0


def distance_to_cell_border(path: str, grid: Grid) -> np.ndarray:
    """Of each scene pixel's centre, in mask pixels, by PROJ."""
    col, row = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    s = grid.transform
    with rasterio.open(path) as mask:
        x, y = s.a * col + s.b * row + s.c, s.d * col + s.e * row + s.f
        x, y = transform(grid.rasterio_crs, mask.crs, x.ravel(), y.ravel())
        m = ~mask.transform
    x, y = np.array(x), np.array(y)
    places = np.stack([m.a * x + m.b * y + m.c, m.d * x + m.e * y + m.f])
    return np.abs(places - np.round(places)).min(axis=0).reshape(grid.shape)


@pytest.mark.parametrize("place", [DEGREES, TURNED], ids=["degrees", "turned"])
@pytest.mark.parametrize("matrix", [None, Affine(9, 3, 400000, 3, -9, 4999000)], ids=["north up", "rotated"])
def test_nearest_in_another_crs_is_gdals(grid, make_mask, place, matrix):
    """Pixels may differ whose centre lies within TOLERANCE mask pixels of a border between two; nothing else may."""
    path = make_mask(np.random.default_rng(5).integers(1, 256, (60, 80), dtype=np.uint8), **place)
    grid = Grid(grid.crs, matrix or grid.transform, grid.height, grid.width)
    expected, covered = by_gdal(path, grid, Resampling.nearest)
    assert covered.mean() > 0.5
    found = read(path, grid)
    differ = np.where(covered, found != (expected / 255).astype(np.float32), ~np.isnan(found))
    assert np.mean(differ) <= 4 * TOLERANCE
    assert distance_to_cell_border(path, grid)[differ].max(initial=0) <= TOLERANCE


@pytest.mark.parametrize("place", [DEGREES, TURNED], ids=["degrees", "turned"])
def test_bilinear_in_another_crs_is_gdals(grid, make_mask, place):
    """Within the slope of the mask (at most 1 per cell along each axis) times TOLERANCE."""
    path = make_mask(np.random.default_rng(5).random((60, 80), dtype=np.float32), **place)
    expected, covered = by_gdal(path, grid, Resampling.bilinear)
    found = read(f"{path}:resampling=bilinear", grid)
    both = covered & ~np.isnan(found)
    assert np.mean(both) > 0.9
    assert np.abs(found - expected)[both].max() <= 2 * TOLERANCE


@pytest.mark.filterwarnings("ignore:.*small things may be lost")
@pytest.mark.parametrize(
    ("size", "resampling"),
    # GDAL widens its bilinear kernel when the mask is the finer one; ours stays with four pixels.
    [(100, "nearest"), (10, "nearest"), (7, "nearest"), (5, "nearest"), (100, "bilinear"), (10, "bilinear")],
)
def test_the_same_crs_is_gdals_at_any_resolution(grid, make_mask, size, resampling):
    height, width = 3000 // size + 3, 4000 // size + 3
    mask = np.random.default_rng(5).random((height, width), dtype=np.float32)
    path = make_mask(mask, transform=Affine(size, 0, 400000 - size, 0, -size, 5000000 + size))
    expected, covered = by_gdal(path, grid, getattr(Resampling, resampling))
    assert covered.all()
    np.testing.assert_allclose(read(f"{path}:resampling={resampling}", grid), expected, atol=1e-6)


def test_a_mask_on_the_scenes_own_grid_is_taken_as_it_is(grid, make_mask):
    mask = np.random.default_rng(5).random(grid.shape, dtype=np.float32)
    path = make_mask(mask, transform=grid.transform)
    for how in ("nearest", "bilinear"):
        np.testing.assert_array_equal(read(f"{path}:resampling={how}", grid), mask)


def test_align_pixels_stretches_over_the_scene(grid, make_mask):
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    path = make_mask(mask, crs=None, transform=None)
    expected = np.kron(mask / 255, np.ones((100, 100))).astype(np.float32)
    np.testing.assert_array_equal(read(f"{path}:align=pixels", grid), expected)


@pytest.mark.parametrize(
    ("pixels", "parameters", "expected"),
    [
        (np.array([[0, 255], [51, 102]], np.uint8), "", [[0, 1], [0.2, 0.4]]),
        (np.array([[0, 1], [1, 0]], np.uint8), "", [[0, 1], [1, 0]]),
        (np.array([[0, 1], [1, 0]], np.int8), "", [[0, 1], [1, 0]]),
        (np.array([[0, 1], [1, 0]], np.uint16), "", [[0, 1], [1, 0]]),
        (np.array([[0, 1], [1, 0]], np.int64), "", [[0, 1], [1, 0]]),
        (np.array([[0, 1], [1, 0]], np.uint8), ":range=0-255", [[0, 1 / 255], [1 / 255, 0]]),
        (np.array([[0, 50], [100, 25]], np.uint8), ":range=0-100", [[0, 0.5], [1, 0.25]]),
        (np.array([[0.25, 0.5], [0, 1]], np.float32), "", [[0.25, 0.5], [0, 1]]),
        (np.array([[0.25, 0.5], [0, 1]], np.float64), "", [[0.25, 0.5], [0, 1]]),
        (np.array([[0, 10000], [5000, 2500]], np.uint16), ":range=0-10000", [[0, 1], [0.5, 0.25]]),
        (np.array([[-100, 100], [0, 50]], np.int16), ":range=-100-100", [[0, 1], [0.5, 0.75]]),
        (np.array([[-1.5, 0.5], [0, -1]], np.float32), ":range=-1.5-0.5", [[0, 1], [0.75, 0.25]]),
    ],
)
def test_values_mean_saliency(grid, make_mask, pixels, parameters, expected):
    path = make_mask(pixels, transform=Affine(2000, 0, 400000, 0, -1500, 5000000))
    quarters = read(path + parameters, grid)[75::150, 100::200]
    np.testing.assert_array_equal(quarters, np.array(expected, dtype=np.float32))


def test_a_band_is_chosen(grid, make_mask, random_mask):
    path = make_mask(np.stack([random_mask, 255 - random_mask]))
    np.testing.assert_allclose(read(f"{path}:band=2", grid), 1 - read(path, grid), atol=1e-6)


@pytest.mark.parametrize("how", ["nodata", "mask", "alpha"])
def test_nodata_says_nothing(grid, make_mask, how):
    mask = np.full((32, 42), 200, np.uint8)
    mask[10:20, 5:30] = 9
    hole = mask == 9
    if how == "nodata":
        path = make_mask(mask, nodata=9)
    elif how == "mask":
        path = make_mask(mask, valid=~hole)
    else:
        path = make_mask(
            np.stack([mask, np.where(hole, 0, 255).astype(np.uint8)]), photometric="minisblack", alpha="yes"
        )
    where = np.kron(hole, np.ones((10, 10), bool))[10:310, 10:410]
    np.testing.assert_array_equal(np.isnan(read(path, grid)), where)


def test_nan_declared_as_nodata_says_nothing(grid, make_mask):
    mask = np.full((32, 42), 0.5, np.float32)
    mask[10:20, 5:30] = np.nan
    assert np.isnan(read(make_mask(mask, nodata=np.nan), grid)).sum() == 10 * 25 * 100


def refusal(text: str, grid: Grid, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        open_saliency([text], grid)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "dtype", "parameters", "words"),
    [
        (255, np.float32, "", ["values 0 to 255, outside 0 to 1", "add range=LO-HI"]),
        (-0.5, np.float32, "", ["values -0.5 to 0, outside 0 to 1"]),
        (np.inf, np.float32, "", ["values 0 to inf, outside 0 to 1"]),
        (1.0001, np.float64, "", ["values 0 to 1.0001, outside 0 to 1"]),
        (np.nan, np.float32, "", ["holds NaN, which is not its nodata value", "rio edit-info --nodata nan"]),
        (200, np.uint8, ":range=0-100", ["values 0 to 200, outside 0 to 100"]),
        (200, np.uint16, "", ["is uint16, with values 0 to 200", "add range=LO-HI"]),
        (2, np.int8, "", ["is int8", "add range=LO-HI"]),
        (-1, np.int8, "", ["is int8", "add range=LO-HI"]),
        (1j, np.complex64, "", ["is complex"]),
    ],
)
def test_trial_17_values_that_are_no_saliency_are_refused(grid, make_mask, value, dtype, parameters, words):
    mask = np.zeros((32, 42), dtype)
    mask[20, 20] = value
    message = refusal(make_mask(mask) + parameters, grid, SaliencyError)
    assert not [word for word in words if word not in message]


def test_values_off_the_scene_do_not_matter(grid, make_mask):
    mask = np.zeros((60, 60), np.float32)
    mask[20, 20] = 0.5
    mask[50:, 50:] = -9999
    assert np.nanmax(read(make_mask(mask), grid)) == 0.5


def mask_of_0_and_1_with(elsewhere: int, dtype: type) -> np.ndarray:
    mask = np.zeros((60, 60), dtype)
    mask[10:20, 10:20] = 1
    mask[50:, 50:] = elsewhere
    return mask


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.int64])
def test_0_and_1_here_and_more_elsewhere_need_a_range(grid, make_mask, dtype):
    path = make_mask(mask_of_0_and_1_with(100, dtype))
    assert "values 0 to 1 here; add range=LO-HI" in refusal(path, grid, SaliencyError)
    assert np.nanmax(read(f"{path}:range=0-100", grid)) == np.float32(0.01)
    assert np.nanmax(read(make_mask(mask_of_0_and_1_with(100, dtype), nodata=100), grid)) == 1


def test_a_mask_too_large_to_look_at_all_of_it_needs_a_range(grid, make_mask, monkeypatch):
    path = make_mask(mask_of_0_and_1_with(0, np.uint16), blockysize=10)
    monkeypatch.setattr("geosal.sources.masks.raster_file._SCAN_PIXELS", 600)
    assert np.nanmax(read(path, grid)) == 1
    monkeypatch.setattr("geosal.sources.masks.raster_source._MOST_ELSEWHERE", 3000)
    assert "add range=LO-HI" in refusal(path, grid, SaliencyError)


def test_bytes_of_0_and_1_here_and_more_elsewhere_are_told(grid, make_mask):
    path = make_mask(mask_of_0_and_1_with(255, np.uint8))
    with pytest.warns(GeosalWarning, match="0 and 1 where the scene lies and 255 elsewhere"):
        assert np.nanmax(read(path, grid)) == 1
    with warnings.catch_warnings(action="error"):
        read(f"{path}:range=0-1", grid)
        read(make_mask(mask_of_0_and_1_with(255, np.uint8), nodata=255), grid)


def test_numbers_of_colours_are_refused_unless_0_and_1(grid, make_mask, random_mask):
    path = make_mask(random_mask, photometric="palette")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    assert "numbers of colours; add range=LO-HI" in refusal(path, grid, SaliencyError)
    assert np.nanmax(read(f"{path}:range=0-255", grid)) == 1


def test_trial_17_a_mask_of_nodata_only_is_refused(grid, make_mask):
    path = make_mask(np.full((32, 42), 7, np.uint8), nodata=7)
    assert "says nothing where the scene lies, all is nodata" in refusal(path, grid, SaliencyError)


def test_trial_17_a_constant_mask_is_a_warning(grid, make_mask):
    path = make_mask(np.full((32, 42), 51, np.uint8))
    with pytest.warns(GeosalWarning, match="says 0.2 wherever the scene lies"):
        open_saliency([path], grid)


@pytest.mark.parametrize("highest", [2, 100])
def test_classes_or_percent_in_a_byte_are_pointed_out(grid, make_mask, highest):
    values = np.zeros((32, 42), np.uint8)
    values[5:, 5:] = highest
    with pytest.warns(GeosalWarning, match=f"say range=0-{highest}"):
        open_saliency([make_mask(values)], grid)
    open_saliency([make_mask(values) + f":range=0-{highest}"], grid)


def test_a_finer_mask_is_pointed_out(grid, make_mask):
    values = np.random.default_rng(0).integers(0, 256, (3200, 4200), dtype=np.uint8)
    path = make_mask(values, transform=Affine(1, 0, 399900, 0, -1, 5000100))
    with pytest.warns(GeosalWarning, match="small things may be lost"):
        open_saliency([path], grid)


def test_trial_13_a_mask_elsewhere_is_refused_with_both_bounds(grid, make_mask, random_mask):
    path = make_mask(random_mask, crs="EPSG:32601")
    message = refusal(path, grid, SaliencyError)
    assert "does not overlap the scene" in message
    assert "lies at 13.72" in message
    assert "-178.2" in message
    assert message.count("EPSG:4326: west, south, east, north") == 2
    assert "geographic" not in message


def test_trial_16_degrees_labelled_as_metres_are_recognised(grid, make_mask, random_mask):
    message = refusal(make_mask(random_mask, crs="EPSG:32633", transform=DEGREES["transform"]), grid, SaliencyError)
    assert "look geographic" in message
    assert "rio edit-info --crs EPSG:4326" in message


def test_a_mask_smaller_than_the_distance_between_samples_is_found(make_mask):
    """2 of 16 million pixels, between the rows and columns that are looked at first."""
    scene = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 4000, 4000)
    path = make_mask(np.array([[0, 255]], np.uint8), transform=Affine(10, 0, 420010, 0, -10, 4980010))
    with pytest.warns(GeosalWarning, match=r"covers less than 0.1% of the scene"):
        saliency = open_saliency([path], scene)
    values, known = saliency.read_known(Block(1990, 1990, 20, 20))
    assert known.sum() == 2
    assert (values == 0).sum() == 1
    near_miss = make_mask(np.array([[0, 255]], np.uint8), transform=Affine(4, 0, 420011, 0, -4, 4980009), name="b.tif")
    assert "does not overlap" in refusal(near_miss, scene, SaliencyError)


def test_valid_pixels_between_samples_are_found(make_mask):
    scene = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 3000, 3000)
    mask = np.zeros((3000, 3000), np.uint8)
    mask[1501, 1501] = 200
    path = make_mask(mask, transform=scene.transform, nodata=0, compress="deflate")
    with pytest.warns(GeosalWarning, match=r"covers less than 0.1% of the scene"):
        saliency = open_saliency([path], scene)
    assert saliency.read_known(Block(1500, 1500, 3, 3))[1].sum() == 1


@pytest.mark.parametrize("lacking", ["mask", "scene", "both"])
def test_trial_15_equal_sizes_without_georeferencing_align_by_pixels_with_a_notice(grid, make_mask, lacking):
    mask = np.random.default_rng(1).random(grid.shape, dtype=np.float32)
    place = {"transform": grid.transform} if lacking == "scene" else {"crs": None, "transform": None}
    scene = grid if lacking == "mask" else Grid(None, Affine.identity(), *grid.shape)
    with pytest.warns(GeosalWarning, match="lacks? georeferencing.*400x300, so they are aligned by pixels"):
        saliency = open_saliency([make_mask(mask, **place)], scene)
    np.testing.assert_array_equal(saliency.read(scene.whole()), mask)


def test_trial_15_other_sizes_without_georeferencing_are_refused(grid, make_mask, random_mask):
    message = refusal(make_mask(random_mask, crs=None, transform=None), grid, SaliencyError)
    assert "scene 400x300, mask 42x32" in message
    assert "align=pixels" in message


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("range=255", "range=255; write the values that mean 0 and 1, such as range=0-255"),
        ("range=9-3", "range=9-3; write"),
        ("resampling=cubic", "resampling is nearest or bilinear or max"),
        ("align=pixel", "align is map or pixels; did you mean pixels?"),
        ("band=0", "band is a whole number from 1"),
        ("rnage=0-1", "takes range, band, resampling, align; did you mean range?"),
    ],
)
def test_parameters_that_cannot_work_are_refused(grid, make_mask, random_mask, parameters, words):
    assert words in refusal(f"{make_mask(random_mask)}:{parameters}", grid, UsageError)


def test_a_mask_with_more_pixels_than_any_scene_is_refused(grid, make_mask, random_mask, monkeypatch):
    monkeypatch.setattr(placement, "_MAX_SCAN", 1000)
    assert "1344 of its pixels" in refusal(make_mask(random_mask), grid, ResourceError)


def test_a_missing_mask_is_an_input_error(grid, tmp_path):
    assert "no such file" in refusal(str(tmp_path / "none.tif"), grid, SceneError)


def test_a_mask_that_changes_under_our_hands_is_noticed(grid, make_mask, random_mask):
    path = make_mask((random_mask / 255).astype(np.float32))
    source = RasterSource.open(SourceText.parse(path), OpenContext(grid=grid))
    make_mask(random_mask.astype(np.float32))
    with pytest.raises(SceneError, match="has changed since it was opened"):
        source.read(grid.whole())


@pytest.mark.parametrize("how", ["nearest", "bilinear"])
@pytest.mark.parametrize("place", [{}, DEGREES], ids=["same", "other"])
def test_memory_is_bounded_by_halving_and_the_bits_stay(grid, make_mask, monkeypatch, place, how):
    mask = np.random.default_rng(5).integers(0, 256, (60, 80), dtype=np.uint8)
    source = RasterSource.open(
        SourceText.parse(f"{make_mask(mask, nodata=3, **place)}:resampling={how}"), OpenContext(grid=grid)
    )
    whole = source.read(grid.whole())
    sizes: list[int] = []
    file_read = type(source.file).read

    def watched(file, window):
        sizes.append(window.height * window.width)
        return file_read(file, window)

    monkeypatch.setattr(type(source.file), "read", watched)
    monkeypatch.setattr(patches, "MAX_PIXELS", 5000)
    monkeypatch.setattr(patches, "_MAX_WINDOW", 50)
    np.testing.assert_array_equal(source.read(grid.whole()), whole)
    assert max(sizes) <= 50


def test_a_block_off_the_mask_reads_nothing(grid, make_mask, monkeypatch):
    path = make_mask(np.random.default_rng(5).integers(0, 256, (3, 3), dtype=np.uint8))
    source = RasterSource.open(SourceText.parse(path), OpenContext(grid=grid))
    monkeypatch.setattr(type(source.file), "read", lambda *_: pytest.fail("read"))
    assert np.isnan(source.read(Block(200, 200, 100, 100))).all()


CODED = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 60, 80)


@pytest.mark.parametrize("text", ["", ":range=10-250"])
def test_a_mask_on_the_scenes_pixels_says_by_codes_what_it_says_by_saliency(make_mask, text):
    """A grid that begins 7 rows and 5 columns before the scene's, and ends behind it."""
    mask = np.random.default_rng(2).integers(10, 251, (90, 100), dtype=np.uint8)
    path = make_mask(mask, transform=CODED.transform * Affine.translation(-5, -7))
    source = RasterSource.open(SourceText.parse(path + text), OpenContext(grid=CODED))
    for block in CODED.blocks(33):
        coded = source.read_coded(block)
        np.testing.assert_array_equal(coded.table[coded.codes], source.read(block))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({"transform": CODED.transform * Affine.translation(0.5, 0)}, ""),
        ({"transform": CODED.transform * Affine.scale(2)}, ""),
        ({}, ":resampling=bilinear"),
        ({"nodata": 0}, ""),
        ({"dtype": "float32"}, ""),
    ],
)
def test_other_masks_are_not_told_by_codes(make_mask, place, text):
    mask = np.random.default_rng(3).integers(0, 2, CODED.shape).astype(place.pop("dtype", "uint8"))
    path = make_mask(mask, **{"transform": CODED.transform} | place)
    with warnings.catch_warnings(action="ignore"):
        source = RasterSource.open(SourceText.parse(path + text), OpenContext(grid=CODED))
    assert source.read_coded(Block(0, 0, 30, 30)) is None


def test_a_mask_that_ends_within_the_block_is_not_told_by_codes(make_mask):
    path = make_mask(np.arange(3200, dtype=np.uint16).reshape(40, 80).astype(np.uint8), transform=CODED.transform)
    source = RasterSource.open(SourceText.parse(path), OpenContext(grid=CODED))
    assert source.read_coded(Block(30, 0, 20, 20)) is None
    assert source.read_coded(Block(20, 0, 20, 20)) is not None


def test_a_mask_that_changes_under_way_is_refused_by_codes_too(make_mask):
    mask = np.random.default_rng(4).integers(0, 11, CODED.shape, dtype=np.uint8)
    path = make_mask(mask, transform=CODED.transform)
    source = RasterSource.open(SourceText.parse(path + ":range=0-10"), OpenContext(grid=CODED))
    make_mask(mask + 1, transform=CODED.transform)
    close_shared_rasters()
    with pytest.raises(SceneError, match="has changed since it was opened"):
        source.read_coded(Block(0, 0, 20, 20))


def test_a_mask_on_a_map_of_its_own_is_refused_by_its_name(make_mask, grid):
    local = 'LOCAL_CS["site",UNIT["metre",1]]'
    path = make_mask(np.full((30, 40), 255, np.uint8), crs=local)
    with pytest.raises(SaliencyError, match=re.escape(path) + ": the mask's CRS cannot be reached from the scene's"):
        open_saliency([path], grid)


@pytest.mark.parametrize("transform", [Affine(10, 10, 400000, 10, 10, 5000000), Affine(np.nan, 0, 0, 0, -10, 0)])
def test_a_mask_whose_pixels_have_no_place_lacks_georeferencing(make_mask, grid, transform):
    path = make_mask(np.full((30, 40), 255, np.uint8), transform=transform)
    with pytest.raises(SaliencyError, match="the mask lacks georeferencing and the sizes differ"):
        open_saliency([path], grid)
