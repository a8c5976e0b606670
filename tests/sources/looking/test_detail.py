"""What `detail` says of scenes whose structure we know, and of a real one."""

import pickle
import warnings
from itertools import pairwise

import dask.base
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from geosal.core.grid import Block
from geosal.errors import GeosalWarning, SaliencyError, UsageError
from geosal.scenes.raster import Scene
from geosal.sources import Saliency, open_saliency
from geosal.sources.looking.detail import Detail

PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 400000, 0, -10, 5000000)}


@pytest.fixture
def make_scene(tmp_path):
    def make(pixels: np.ndarray, *, name: str = "scene.tif", colours: tuple[ColorInterp, ...] = (), **profile) -> Scene:
        count, height, width = pixels.shape
        shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
        with rasterio.open(tmp_path / name, "w", driver="GTiff", **PLACE, **shape, **profile) as dataset:
            dataset.write(pixels)
            if colours:
                dataset.colorinterp = colours
        return Scene.open(tmp_path / name)

    return make


def opened(scene: Scene, text: str = "detail") -> Saliency:
    return open_saliency([text], scene.grid, scene=scene)


def source(scene: Scene, text: str = "detail") -> Detail:
    (only,) = opened(scene, text).sources
    assert isinstance(only, Detail)
    return only


def half_rich(shape: tuple[int, int] = (200, 300), dtype: str = "uint16") -> np.ndarray:
    """One band: much noise in the left half, little in the right."""
    rng = np.random.default_rng(11)
    noise = rng.normal(0, 1, (1, *shape)) * np.where(np.arange(shape[1]) < shape[1] // 2, 400, 10)
    return np.clip(2000 + noise, 1, 4000).astype(dtype)


def test_what_varies_matters_and_what_is_even_does_not(make_scene):
    values = opened(make_scene(half_rich())).read(Block(0, 0, 200, 300))
    assert values[:, :130].min() > 0.7
    assert values[:, 170:].max() < 0.2


def test_shares_follow_the_percentiles(make_scene):
    pixels = np.random.default_rng(2).gamma(2, 300, (1, 400, 400)).astype(np.uint16)
    values = source(make_scene(pixels), "detail:low=40,high=90").read(Block(0, 0, 400, 400))
    assert np.mean(values == 0) == pytest.approx(0.4, abs=0.005)
    assert np.mean(values == 1) == pytest.approx(0.1, abs=0.005)


def test_it_is_the_documented_formula(make_scene):
    pixels = half_rich((40, 60))
    band = pixels[0].astype(float)
    low, high = np.percentile(band, [1, 99])
    grey = np.rint(np.clip((band - low) / (high - low), 0, 1) * 4095)
    local = np.zeros(band.shape)
    for row, col in np.ndindex(band.shape):
        for reach in (1, 3):
            window = grey[max(0, row - reach) : row + reach + 1, max(0, col - reach) : col + reach + 1]
            local[row, col] += np.sqrt(np.mean(window**2) - np.mean(window) ** 2) / 2
    local **= 0.25
    ends = np.percentile(local, [10, 80])
    expected = np.clip((local - ends[0]) / (ends[1] - ends[0]), 0, 1)
    values = source(make_scene(pixels), "detail:scales=2,low=10,high=80").read(Block(0, 0, 40, 60))
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_brightness_and_contrast_of_the_sensor_do_not_matter(make_scene):
    pixels = half_rich().astype(np.float32)
    values = source(make_scene(pixels, name="a.tif")).read(Block(0, 0, 200, 300))
    scaled = source(make_scene(pixels / 8192 - 0.125, name="b.tif")).read(Block(0, 0, 200, 300))
    np.testing.assert_allclose(values, scaled, atol=1e-3)


def test_of_bands_sees_what_cancels_in_the_mean(make_scene):
    noise = np.random.default_rng(5).normal(0, 300, (200, 300)) * (np.arange(300) < 100)
    grain = np.random.default_rng(6).normal(0, 5, (2, 200, 300))
    scene = make_scene((np.stack([2000 + noise, 2000 - noise]) + grain).astype(np.uint16))
    bands = source(scene, "detail:of=bands").read(Block(0, 0, 200, 300))
    assert np.median(bands[:, 10:90]) > 0.9
    assert np.median(bands[:, 110:]) < 0.1
    one = source(scene, "detail:bands=1").read(Block(0, 0, 200, 300))
    assert np.median(one[:, 10:90]) > 0.9
    luma = source(scene).read(Block(0, 0, 200, 300))
    assert np.median(luma[:, 10:90]) < 0.6


def test_nodata_is_silent_and_lends_nothing(make_scene):
    pixels = half_rich()
    pixels[0, 50:60, 200:250] = 0
    pixels[0, :, :20] = 0
    values = source(make_scene(pixels, nodata=0)).read(Block(0, 0, 200, 300))
    np.testing.assert_array_equal(np.isnan(values), pixels[0] == 0)
    assert np.nanmax(values[45:65, 195:255]) < 0.2  # no edge where the data end
    saliency = opened(make_scene(pixels, nodata=0))
    assert saliency.coverage == 1
    assert (saliency.read(Block(0, 0, 200, 20)) == 1).all()


def test_alpha_is_not_looked_at(make_scene):
    pixels = np.clip(half_rich() / 16, 1, 255).astype(np.uint8)
    alpha = np.full_like(pixels, 255)
    alpha[:, ::3] = 200
    colours = (ColorInterp.gray, ColorInterp.alpha)
    with_alpha = source(make_scene(np.concatenate([pixels, alpha]), name="a.tif", colours=colours, alpha="yes"))
    assert with_alpha.scene.layout.alpha == 1
    np.testing.assert_array_equal(
        with_alpha.read(Block(0, 0, 200, 300)), source(make_scene(pixels, name="b.tif")).read(Block(0, 0, 200, 300))
    )


cuts = st.tuples(*(st.sets(st.integers(1, size - 1), max_size=3).map(sorted) for size in (180, 1200)))


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts, st.sampled_from(["detail", "detail:scales=5,of=bands", "detail:scales=1,bands=2;1"]))
def test_any_cutting_gives_the_same_bits(make_scene, cuts, text):
    rng = np.random.default_rng(8)
    pixels = np.concatenate([half_rich((180, 1200), "float32")] * 2) + rng.normal(0, 60, (2, 180, 1200))
    pixels[1, 40:90:7, 300:900:11] = np.nan
    saliency = opened(make_scene(pixels.astype(np.float32)), text)
    whole = saliency.read(saliency.grid.whole())
    for top, bottom in pairwise([0, *cuts[0], 180]):
        for left, right in pairwise([0, *cuts[1], 1200]):
            values = saliency.read(Block(top, left, bottom - top, right - left))
            np.testing.assert_array_equal(values, whole[top:bottom, left:right])


def test_a_large_scene_is_sampled_in_patches(make_scene):
    pixels = np.tile(half_rich((800, 1000)), (1, 2, 3))
    scene = make_scene(pixels)
    read: list[Block] = []

    class Watched(type(scene)):  # type: ignore[misc]
        def read(self, block):
            read.append(block)
            return super().read(block)

    watched = Watched(**{name: getattr(scene, name) for name in vars(scene)})
    ends = source(watched).ends
    assert len(read) == 36
    assert sum(block.height * block.width for block in read) < 1.2e6
    everything = source(make_scene(pixels[:, :800, :1000], name="part.tif")).ends
    np.testing.assert_allclose(ends, everything, rtol=0.05)


def test_the_only_data_are_found_where_no_patch_lies(make_scene):
    pixels = np.zeros((1, 1500, 1500), np.uint16)
    pixels[0, -60:, -60:] = half_rich((60, 60))[0]
    values = source(make_scene(pixels, nodata=0)).read(Block(1440, 1440, 60, 60))
    assert np.isfinite(values).all()
    assert values[:, :20].mean() > values[:, 40:].mean()


def test_a_scene_of_nodata_is_refused(make_scene):
    with pytest.raises(SaliencyError, match=r"scene.tif holds no valid pixel"):
        opened(make_scene(np.zeros((1, 90, 90), np.uint8), nodata=0))


def test_an_even_scene_is_a_warning(make_scene):
    with pytest.warns(GeosalWarning, match="nothing in .* varies") as caught:
        saliency = opened(make_scene(np.full((1, 90, 90), 7, np.uint8)))
    assert len(caught) == 1
    assert (saliency.read(saliency.grid.whole()) == 0).all()


def test_one_ship_on_an_even_sea_is_found(make_scene):
    pixels = np.full((1, 300, 300), 7, np.uint8)
    pixels[0, 100:104, 200:210] = 90
    with pytest.warns(GeosalWarning, match="the little that varies more gets saliency 1"):
        values = opened(make_scene(pixels)).read(Block(0, 0, 300, 300))
    assert (values[100:104, 200:210] == 1).all()
    assert values.mean() < 0.01


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("detail:low=60,high=50", "low has to be below high"),
        ("detail:low=50,high=50", "low has to be below high"),
        ("detail:high=101", "high is a number from 0 to 100"),
        ("detail:scales=6", "scales is a whole number from 1 to 5"),
        ("detail:of=colour", "of is luma or bands"),
        ("detail:bands=9", "no band 9"),
        ("detail:scale=2", "did you mean scales?"),
        ("detail:bands=;", "bands names no band"),
    ],
)
def test_what_makes_no_sense_is_refused(make_scene, text, words):
    with pytest.raises(UsageError) as caught:
        opened(make_scene(half_rich((30, 30))), text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_travels_and_its_token_follows_the_file(make_scene):
    saliency = opened(make_scene(half_rich((64, 64))))
    again = pickle.loads(pickle.dumps(saliency))
    np.testing.assert_array_equal(again.read(saliency.grid.whole()), saliency.read(saliency.grid.whole()))
    token = dask.base.tokenize(saliency)
    assert dask.base.tokenize(again) == token
    assert dask.base.tokenize(opened(again.sources[0].scene)) == token
    assert dask.base.tokenize(opened(again.sources[0].scene, "detail:low=5")) != token
    make_scene(half_rich((64, 64)) + 1)
    assert dask.base.tokenize(again) != token


def test_towns_and_fields_matter_more_than_the_sea(shared_data):
    """A real coast, Sentinel-2: fields in the upper left, open sea on the right."""
    path = shared_data / "sentinel2_crop_misnamed_jp2" / "s2_B05.jp2"
    with warnings.catch_warnings(action="ignore", category=GeosalWarning):
        scene = Scene.open(path)
    values = source(scene).read(scene.grid.whole())
    fields, sea = values[200:400, 200:400], values[300:600, 750:]
    assert fields.mean() > 0.45
    assert sea.mean() < 0.05
    assert 0.2 < values.mean() < 0.5


def test_more_bands_than_a_sample_can_hold_are_refused(make_scene):
    scene = make_scene(np.repeat(half_rich((40, 60)), 40, axis=0))
    with pytest.raises(UsageError, match="the scene has 40 bands, more than 32 to look at; choose some with bands="):
        opened(scene)
    assert opened(scene, "detail:bands=3;2;1").read(Block(0, 0, 40, 60)).max() == 1


def test_alpha_alone_has_no_detail(make_scene):
    scene = make_scene(np.full((4, 64, 64), 255, np.uint8), photometric="RGB", alpha="YES")
    with pytest.raises(SaliencyError, match=r"has no band beside alpha to look at; choose others"):
        opened(scene.select([3]))
