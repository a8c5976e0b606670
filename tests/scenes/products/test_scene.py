"""A product as a scene: blocks, threads, pickles, other bands, and no file beside its own."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.errors import UsageError
from geosal.grid import Block
from geosal.scenes.products import ProductScene, open_product
from geosal.scenes.products import scene as scene_module
from geosal.scenes.stretch import ByteScene


def whole(scene: ProductScene) -> np.ndarray:
    return scene.read(scene.grid.whole()).pixels


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
@pytest.mark.parametrize("resolution", [10, 20, 60])
@given(data=st.data())
@settings(max_examples=15)
def test_no_blocking_shows(l1c: Path, resampling: str, resolution: int, data: st.DataObject):
    scene = open_product(l1c, ("B01", "B04", "B11"), resolution=resolution, resampling=resampling)
    all_of_it = scene.read(scene.grid.whole())
    row, col = (data.draw(st.integers(0, length - 1)) for length in scene.grid.shape)
    height = data.draw(st.integers(1, scene.grid.height - row))
    width = data.draw(st.integers(1, scene.grid.width - col))
    block = Block(row, col, height, width)
    strip = scene_module._STRIP
    scene_module._STRIP = data.draw(st.sampled_from([1, 500, strip]))
    try:
        part = scene.read(block)
    finally:
        scene_module._STRIP = strip
    here = np.s_[:, row : row + height, col : col + width]
    assert np.array_equal(part.pixels, all_of_it.pixels[here])
    assert np.array_equal(part.valid, all_of_it.valid[here])
    assert part.mask is None
    assert scene.read_mask(block).all()


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
def test_nodata_stays_apart_from_what_counts(l1c: Path, resampling: str):
    scene = open_product(l1c, ("B04", "B01"), resampling=resampling)
    pixels, valid, _ = scene.read(scene.grid.whole())
    assert np.array_equal(pixels != 0, valid)
    assert not valid[1, :17, :23].any()
    assert valid[1, 30:, 30:].all()


def test_resampled_bands_are_those_of_gdal(l1c: Path):
    scene = open_product(l1c, ("B11", "B04"), resolution=10)
    with rasterio.open(scene.sources[0].path) as dataset:
        wanted = dataset.read(1, out_shape=(120, 120))
    assert np.array_equal(whole(scene)[0], wanted)


def test_it_travels_and_threads_share_it(l1c: Path):
    scene = open_product(l1c, ("B04", "B05", "B01"), resampling="bilinear")
    wanted = whole(scene)
    again = pickle.loads(pickle.dumps(scene))
    blocks = list(scene.grid.blocks(32))
    with ThreadPoolExecutor(4) as pool:
        for block, samples in zip(blocks, pool.map(again.read, blocks), strict=True):
            assert np.array_equal(samples.pixels, wanted[:, *block.slices_in(scene.grid.whole())])


def test_other_bands_on_the_same_grid(l1c: Path):
    scene = open_product(l1c, ("rgb",), resampling="average")
    other = scene.having("nir", "swir16", "2")
    assert other.chosen == ("B08", "B11", "B03")
    assert (other.grid, other.resampling, other.quality) == (scene.grid, "average", scene.quality)
    assert other.having("swir22").grid == scene.grid
    coarse = open_product(l1c, ("B05",)).having("B04")
    assert coarse.grid.height == 60
    with pytest.raises(UsageError, match="no band 4"):
        scene.having("4")
    with pytest.raises(UsageError, match="no band pan"):
        scene.having("pan")


def test_sidecars_are_not_read(own_l1c: Path):
    scene = open_product(own_l1c, ("B04",))
    wanted = whole(scene)
    band = Path(scene.sources[0].path)
    # A mask or an overview beside a band could be a VRT of any file.
    vrt = (
        '<VRTDataset rasterXSize="120" rasterYSize="120"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{own_l1c}/trap</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    for suffix in (".msk", ".ovr"):
        band.with_name(band.name + suffix).write_text(vrt)
    band.with_name(band.name + ".aux.xml").write_text("<PAMDataset><SRS>EPSG:4326</SRS></PAMDataset>")
    again = open_product(own_l1c, ("B04",))
    assert again.grid == scene.grid
    assert np.array_equal(whole(again), wanted)
    assert np.array_equal(again.decimate(1)[0], wanted)


def test_decimation(l1c: Path):
    scene = open_product(l1c, ("B04", "B11", "B01"))
    pixels, valid = scene.decimate(7, [2, 0])
    assert pixels.shape == valid.shape == (2, 18, 18)
    assert not valid[0, 0, 0]
    assert valid[0, -1, -1]
    (only,) = scene.decimate(1, [0])[0]
    assert np.array_equal(only, whole(scene)[0])


def test_it_stretches_to_bytes(l1c: Path):
    scene = ByteScene.wrap(open_product(l1c, ("rgb",)), "tci")
    samples = scene.read(scene.grid.whole())
    assert scene.layout.dtype == "uint8"
    assert np.array_equal(samples.pixels == 0, ~samples.valid)


def test_a_whole_job(l1c: Path, tmp_path: Path):
    from geosal import compress

    output = tmp_path / "out.tif"
    compress(l1c, output, saliency="half", bands="rgb")
    with rasterio.open(output) as dataset:
        assert dataset.descriptions == ("B04", "B03", "B02")
        assert dataset.nodata == 0
        assert dataset.offsets == (-0.1,) * 3
        assert dataset.tags()["PLATFORM"] == "Sentinel-2B"
        assert np.array_equal(dataset.read()[:, :, :60], whole(open_product(l1c, ("rgb",)))[:, :, :60])
