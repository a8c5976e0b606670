"""Indices against plain arithmetic; thresholds, scales and bands that are missing."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geosal.core.grid import Block
from geosal.errors import UsageError
from geosal.scenes.raster import Scene
from geosal.sources import open_saliency
from geosal.sources.looking.spectral import INDICES

HERE = Block(0, 0, 20, 30)
PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 400000, 0, -10, 5000000)}


@pytest.fixture
def make_scene(tmp_path):
    def make(pixels: np.ndarray, *, names: tuple[str, ...] = (), scale: float = 1, offset: float = 0, **profile):
        count, height, width = pixels.shape
        shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
        with rasterio.open(tmp_path / "scene.tif", "w", driver="GTiff", **PLACE, **shape, **profile) as dataset:
            dataset.write(pixels)
            dataset.scales, dataset.offsets = (scale,) * count, (offset,) * count
            for number, name in enumerate(names, start=1):
                dataset.set_band_description(number, name)
        return Scene.open(tmp_path / "scene.tif")

    return make


@pytest.fixture
def numbers() -> np.ndarray:
    return np.random.default_rng(3).integers(1, 10000, (4, 20, 30), dtype=np.uint16)


def said(scene: Scene, text: str) -> np.ndarray:
    (source,) = open_saliency([text], scene.grid, scene=scene).sources
    return source.read(HERE)


@pytest.mark.parametrize(("name", "index"), INDICES.items())
def test_each_index_is_the_normalised_difference_of_its_bands(make_scene, numbers, name, index):
    scene = make_scene(
        numbers, names=("green", index.a, index.b, "other") if index.a != "green" else ("green", index.b)
    )
    a, b = (scene.having(role).read(HERE).pixels[0].astype(float) for role in (index.a, index.b))
    expected = np.clip(((a - b) / (a + b) - index.low) / (index.high - index.low), 0, 1)
    np.testing.assert_allclose(said(scene, f"spectral:index={name}"), expected, atol=1e-6)


def test_known_ground_gets_what_it_should(make_scene):
    """Reflectances of green, red, nir, swir16 as field guides have them."""
    ground = {"forest": (0.05, 0.03, 0.40, 0.15), "lake": (0.06, 0.03, 0.01, 0.005), "snow": (0.9, 0.9, 0.8, 0.1)}
    pixels = np.repeat(np.array(list(ground.values())).T[:, :, np.newaxis], 30, axis=2)
    pixels = np.rint(np.pad(pixels, ((0, 0), (0, 17), (0, 0)), mode="edge") * 10000).astype(np.uint16)
    scene = make_scene(pixels, names=("green", "red", "nir", "swir16"), scale=1e-4)
    found = {index: said(scene, f"spectral:index={index}")[:3, 0].tolist() for index in ("ndvi", "ndwi", "ndsi")}
    assert found["ndvi"] == [1, 0, 0]
    assert found["ndwi"][:2] == [0, 1]
    assert found["ndsi"][0] == 0
    assert found["ndsi"][2] == 1


def test_bands_may_be_told_by_number_and_name(make_scene, numbers):
    scene = make_scene(numbers, names=("B04", "B08"))
    by_number = said(scene, "spectral:index=ndvi,red=1,nir=2")
    np.testing.assert_array_equal(by_number, said(scene, "spectral:index=ndvi,red=B04,nir=b08"))
    assert not np.array_equal(by_number, said(scene, "spectral:index=ndvi,red=2,nir=1"))


def test_scale_and_offset_count(make_scene, numbers):
    """From processing baseline 04.00 on, Sentinel-2 numbers are 10000 times the reflectance plus 1000."""
    plain = said(make_scene(numbers), "spectral:index=ndvi,red=1,nir=2")
    shifted = said(make_scene(numbers + np.uint16(1000), scale=1e-4, offset=-0.1), "spectral:index=ndvi,red=1,nir=2")
    np.testing.assert_allclose(shifted, plain, atol=1e-5)


def test_below_zero_counts_as_zero_and_nothing_at_all_is_silent(make_scene):
    pixels = np.full((2, 20, 30), 1500, np.uint16)
    pixels[0, 0], pixels[:, 1] = 900, 950
    values = said(make_scene(pixels, scale=1e-4, offset=-0.1), "spectral:index=ndvi,red=1,nir=2")
    assert (values[0] == 1).all()
    assert np.isnan(values[1]).all()
    assert (values[2:] == 0).all()


def test_nodata_and_nan_are_silent(make_scene, numbers):
    numbers[0, 3, 4], numbers[1, 5, 6], numbers[2, 7, 8] = 0, 0, 0
    values = said(make_scene(numbers, nodata=0), "spectral:index=ndvi,red=1,nir=2")
    assert np.argwhere(np.isnan(values)).tolist() == [[3, 4], [5, 6]]
    wild = numbers.astype(np.float32)
    wild[0, 3, 4], wild[1, 5, 6] = np.nan, np.inf
    values = said(make_scene(wild), "spectral:index=ndvi,red=1,nir=2")
    assert np.argwhere(np.isnan(values)).tolist() == [[3, 4], [5, 6]]


def test_thresholds_are_linear_sharp_or_turned_around(make_scene, numbers):
    scene = make_scene(numbers)
    text = "spectral:index=ndvi,red=1,nir=2"
    red, nir = numbers[0].astype(float), numbers[1].astype(float)
    index = (nir - red) / (nir + red)
    wide = said(scene, f"{text},low=-0.5,high=0.5")
    np.testing.assert_allclose(wide, np.clip(index + 0.5, 0, 1), atol=1e-6)
    np.testing.assert_allclose(said(scene, f"{text},low=-0.5,high=0.5,invert=yes"), 1 - wide, atol=1e-6)
    np.testing.assert_array_equal(said(scene, f"{text},low=0.1,high=0.1"), index >= 0.1)


@pytest.fixture(scope="module")
def planet(shared_data):
    """A scene, its water by a source, and that of the whole."""
    scene = Scene.open(shared_data / "planet_like" / "rgbn.tif")
    (source,) = open_saliency(["spectral:index=ndwi,green=2,nir=4"], scene.grid, scene=scene).sources
    return scene, source, source.read(scene.grid.whole())


@given(st.data())
def test_any_block_has_the_bits_of_the_whole(planet, data):
    scene, source, whole = planet
    row, col = (data.draw(st.integers(0, size - 1)) for size in scene.grid.shape)
    height, width = (
        data.draw(st.integers(1, size - at)) for size, at in zip(scene.grid.shape, (row, col), strict=True)
    )
    np.testing.assert_array_equal(
        source.read(Block(row, col, height, width)), whole[row : row + height, col : col + width]
    )


def test_the_river_is_water_and_the_town_is_not(shared_data):
    """A real Sentinel-2 crop whose bands are named B01 ..., of a bridge over a muddy river."""
    scene = Scene.open(shared_data / "sentinel2_tiff" / "S2_turb_20231217.tif")
    (source,) = open_saliency(["spectral:index=ndwi,green=B03,nir=B08"], scene.grid, scene=scene).sources
    values = source.read(scene.grid.whole())
    assert np.nanmean(values[100:180, 30:80]) > 0.35
    assert np.nanmean(values[160:, 190:]) < 0.05


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spectral", ["which index?", "spectral:index=ndvi", "ndsi"]),
        ("spectral:index=nvdi", ["index is ndvi or ndwi"]),
        ("spectral:index=ndvi", ["wants nir and red", "no band nir", "it has 1 (unnamed)", "such as nir=1,red=2"]),
        ("spectral:index=ndvi,red=1,nir=9", ["no band 9"]),
        ("spectral:index=ndvi,red=1,nir=1", ["name each once"]),
        ("spectral:index=ndvi,red=1,nir=2,green=3", ["ndvi has no use for green; it takes nir and red"]),
        ("spectral:index=ndvi,low=0.5,high=0.2", ["low=0.5 lies above high=0.2", "invert=yes"]),
        ("spectral:index=ndvi,low=2", ["low is a number from -1 to 1"]),
        ("spectral:index=ndvi,invert=maybe", ["invert is no or yes"]),
        ("spectral:index=ndvi,nearinfrared=3", ["unknown parameter nearinfrared"]),
    ],
)
def test_what_makes_no_sense_is_refused(make_scene, numbers, text, words):
    with pytest.raises(UsageError) as caught:
        said(make_scene(numbers), text)
    assert not [word for word in words if word not in str(caught.value)]
    assert "\n" not in str(caught.value)
