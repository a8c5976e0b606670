"""Whole JPEGs and their tiles against Pillow and GDAL."""

import io
import itertools
import pickle
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pictures import landscape
from PIL import Image
from rasterio.io import MemoryFile
from skimage.metrics import structural_similarity

from geosal.formats.jpeg.format import Jpeg
from geosal.formats.jpeg.huffman import HuffmanTables
from geosal.formats.jpeg.shaping import shaped, weight
from geosal.formats.jpeg.stream import Tables
from geosal.formats.jpeg.tables import code_lengths, quantisation_tables, step, steps
from geosal.formats.jpeg.tiles import JpegEncoder
from geosal.formats.jpeg.whole import whole_jpeg
from geosal.formats.quality import ANNEX_K, FLAT
from geosal.native.jpeg import code, quantised, symbols


def fields(size: int) -> NDArray[np.uint8]:
    """Patches of their own brightness with a little texture: what is told of a block lies in few coefficients."""
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:size, :size]
    rows, cols = rng.uniform(0, size, (2, 60, 1, 1))
    patch = np.argmin((y - rows) ** 2 + (x - cols) ** 2, axis=0)
    bright = rng.uniform(20, 230, 60)[patch] + rng.uniform(0, 15, 60)[patch] * rng.normal(size=(size, size))
    return np.clip(np.stack([bright, 0.8 * bright, 255 - bright]), 0, 255).astype(np.uint8)


def by_pillow(pixels: NDArray[np.uint8], quality: float, subsampling: str) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(np.moveaxis(pixels, 0, -1)))
    tables = quantisation_tables(quality)[: 1 if len(pixels) == 1 else 2]
    picture.save(out, "JPEG", qtables=tables, optimize=True, subsampling=":".join(subsampling))
    return out.getvalue()


def by_encoder(encoder: JpegEncoder, pixels: NDArray[np.uint8], levels: NDArray[np.uint8] | None = None) -> bytes:
    shape = pixels.shape[1:]
    found = encoder.coefficients(encoder(pixels, None, levels)[0], shape)
    return whole_jpeg(found, shape, Tables(steps(encoder.quality, encoder.tables)), encoder.subsampling)


def plain(pixels: NDArray[np.uint8], quality: float, subsampling: str) -> bytes:
    """By way of an encoder that has everything else."""
    encoder = JpegEncoder(
        quality=33, bands=len(pixels), subsampling=subsampling, by_level=(33, 11), first_pass=(90, 10)
    )
    return by_encoder(Jpeg().plain(encoder, quality), pixels)


def ours(pixels: NDArray[np.uint8], quality: float, subsampling: str, tables: str = FLAT) -> bytes:
    return by_encoder(JpegEncoder(quality=quality, bands=len(pixels), subsampling=subsampling, tables=tables), pixels)


def of_bytes(pixels: NDArray[np.uint8], most: int, subsampling: str) -> bytes:
    """The best of ours that takes no more."""
    low, high = 1.0, 100.0
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if len(ours(pixels, middle, subsampling)) <= most else (low, middle)
    return ours(pixels, low, subsampling)


def read(data: bytes) -> NDArray[np.uint8]:
    found = np.asarray(Image.open(io.BytesIO(data)))
    return found[None] if found.ndim == 2 else np.moveaxis(found, -1, 0)


def mean_square(found: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> float:
    return float(np.mean((found.astype(float) - pixels) ** 2))


def psnr(found: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / max(mean_square(found, pixels), 1e-9)))


def ssim(found: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> float:
    """As Wang et al. 2004, the mean over bands."""
    way = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return float(structural_similarity(found, pixels, channel_axis=0, **way))


@pytest.mark.parametrize(("bands", "subsampling"), [(1, "420"), (3, "420"), (3, "444")])
@pytest.mark.parametrize("quality", [1, 30, 75, 90.5, 100])
def test_plain_jpegs_are_as_those_of_libjpeg(bands: int, subsampling: str, quality: float) -> None:
    pixels = landscape(bands, 300, 421)
    reference = by_pillow(pixels, quality, subsampling)
    found = plain(pixels, quality, subsampling)
    assert len(found) < 1.005 * len(reference)
    assert psnr(read(found), pixels) > psnr(read(reference), pixels) - 0.05
    if quality < 90:  # above, libjpeg's rounding of colours shows
        assert len(found) > 0.99 * len(reference)
        assert psnr(read(found), pixels) < psnr(read(reference), pixels) + 0.1


@pytest.mark.parametrize(("bands", "subsampling"), [(1, "420"), (3, "420"), (3, "444")])
@pytest.mark.parametrize(("fall", "quality", "gain"), [
    (1.4, 20, 0.25), (1.4, 75, 0.75), (1.4, 90, 2), (1.2, 30, 0.5), (1.2, 75, 1.8), (1, 50, 2), (1, 90, 3),
])  # fmt: skip
def test_at_equal_bytes_it_is_better_than_libjpegs(
    bands: int, subsampling: str, fall: float, quality: int, gain: float
) -> None:
    """In squared errors by half a decibel and more, least where only the coarsest survives; and in structure."""
    pixels = landscape(bands, 300, 421, fall=fall)
    theirs = by_pillow(pixels, quality, subsampling)
    equal = of_bytes(pixels, len(theirs), subsampling)
    assert 0.99 * len(theirs) < len(equal) <= len(theirs)
    found, reference = read(equal), read(theirs)
    assert psnr(found, pixels) > psnr(reference, pixels) + gain
    assert ssim(found, pixels) > ssim(reference, pixels) + 0.003


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_of_equal_quality_it_takes_about_the_bytes_of_libjpegs(quality: int) -> None:
    """In pictures with as much of fine things as imagery has."""
    pixels = landscape(3, 300, 421, fall=1.1)
    theirs = by_pillow(pixels, quality, "420")
    assert len(ours(pixels, quality, "420")) == pytest.approx(len(theirs), rel=0.2)


@pytest.mark.parametrize(("bands", "subsampling"), list(itertools.product([1, 3], ["420", "444"])))
@pytest.mark.parametrize("shape", [(1, 1), (17, 33), (16, 16), (8, 129), (300, 7)])
def test_any_size_is_read_by_pillow_and_gdal(bands: int, subsampling: str, shape: tuple[int, int]) -> None:
    pixels = landscape(bands, 300, 300)[:, : shape[0], : shape[1]]
    data = ours(pixels, 92, subsampling)
    found, reference = read(data), read(by_pillow(pixels, 92, subsampling))
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - reference).mean() < 3
    assert np.abs(read(plain(pixels, 92, subsampling)).astype(int) - reference).mean() < 2
    with MemoryFile(data) as file, file.open() as dataset:
        assert dataset.driver == "JPEG"
        off = np.abs(dataset.read().astype(int) - found)
    if bands == 3 and subsampling == "420":  # the two widen chroma in ways of their own
        assert off.mean() < 2
    else:
        assert off.max() <= 1


@pytest.mark.parametrize("quality", [1, 100])
@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_noise_and_extremes_are_read(quality: float, subsampling: str) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (3, 70, 90), np.uint8)
    for pixels in (noise, np.where(noise < 128, np.uint8(0), np.uint8(255)), np.full_like(noise, 77)):
        assert read(ours(pixels, quality, subsampling)).shape == pixels.shape
        found, reference = read(plain(pixels, quality, subsampling)), read(by_pillow(pixels, quality, subsampling))
        assert abs(psnr(found, pixels) - psnr(reference, pixels)) < 1.2 or quality == 100
        assert psnr(found, pixels) > psnr(reference, pixels) - 0.1


def test_a_constant_image_takes_next_to_nothing() -> None:
    pixels = np.broadcast_to(np.array([60, 90, 30], np.uint8)[:, None, None], (3, 512, 512))
    data = ours(pixels, 90, "420")
    assert len(data) - len(ours(pixels[:, :16, :16], 90, "420")) < 1024 * 6 * 2 / 8 + 20  # two bits a block
    assert np.abs(read(data).astype(int) - pixels).max() <= 2


def test_no_jfif_is_a_jpeg_of_a_tiff() -> None:
    pixels = landscape(3, 64, 64)
    found = quantised(pixels, steps(80), "420")
    bare = whole_jpeg(found, (64, 64), Tables(steps(80)), "420", jfif=False)
    full = whole_jpeg(found, (64, 64), Tables(steps(80)), "420")
    assert full[:2] + full[20:] == bare
    np.testing.assert_array_equal(read(bare), read(full))


ENCODERS = [
    JpegEncoder(quality=75),
    JpegEncoder(quality=84.5, subsampling="444", by_level=(84.5, 60, 30)),
    JpegEncoder(quality=80, bands=1, tables=ANNEX_K),
    JpegEncoder(quality=70, tables=ANNEX_K, by_level=(70, 50, 30), beside=55.5),
    JpegEncoder(quality=80, bands=1, tables=ANNEX_K, first_pass=(80, 60, 30)),
]


@given(
    encoder=st.sampled_from(ENCODERS),
    shape=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    side=st.sampled_from([16, 32]),
    seed=st.integers(0, 99),
)
def test_tiles_are_parts_of_the_whole(encoder: JpegEncoder, shape: tuple[int, int], side: int, seed: int) -> None:
    """As long as there is no first pass, which is made of each tile."""
    pixels = landscape(encoder.bands, 80, 80, seed)[:, : shape[0], : shape[1]]
    levels = np.random.default_rng(seed).integers(0, 3, shape, np.uint8)
    again = pickle.loads(pickle.dumps(encoder))
    parts = encoder(pixels, None, levels)
    assert again == encoder
    assert again(pixels, None, levels) == parts
    everything = encoder.coefficients(parts[0], shape)
    np.testing.assert_array_equal(encoder.counts(parts[1]), symbols(everything))
    if encoder.beside is not None:
        beside = symbols(quantised(pixels, steps(encoder.beside, ANNEX_K), encoder.subsampling))
        np.testing.assert_array_equal(encoder.counts_beside(parts[1]), beside)
    if encoder.first_pass:
        return
    rows = []
    for y in range(0, shape[0], side):
        row = []
        for x in range(0, shape[1], side):
            inside = slice(y, y + side), slice(x, x + side)
            tile = encoder(pixels[:, *inside], None, levels[inside])
            row.append(encoder.coefficients(tile[0], levels[inside].shape))
        rows.append(np.concatenate(row, axis=1))
    np.testing.assert_array_equal(np.concatenate(rows), everything)


def test_alpha_becomes_the_mask() -> None:
    encoder = JpegEncoder(quality=80, alpha_as_mask=True)
    pixels = landscape(4, 50, 61)
    pixels[3] = np.random.default_rng(2).integers(0, 3, (50, 61))
    parts = encoder(pixels, None)
    assert parts[:2] == JpegEncoder(quality=80)(pixels[:3], None)
    bits = np.frombuffer(zlib.decompress(parts[2]), np.uint8).reshape(50, 8)
    np.testing.assert_array_equal(np.unpackbits(bits, axis=1)[:, :61], pixels[3] > 0)


def test_the_first_pass_is_a_jpeg_of_the_quality_of_each_pixel() -> None:
    pixels = landscape(3, 96, 112)
    levels = np.random.default_rng(3).integers(0, 3, (96, 112), np.uint8)
    qualities = (70.0, 50.0, 30.0)
    encoder = JpegEncoder(quality=85, tables=ANNEX_K, first_pass=qualities)
    once = np.choose(levels, [read(by_pillow(pixels, quality, "420")) for quality in qualities])
    found = encoder.coefficients(encoder(pixels, None, levels)[0], (96, 112))
    assert np.abs(found - quantised(once, steps(85, ANNEX_K), "420")).mean() < 0.1
    assert np.abs(found - quantised(pixels, steps(85, ANNEX_K), "420")).mean() > 0.1
    assert encoder(pixels, None) == encoder(pixels, None, np.full((96, 112), 2, np.uint8))


@pytest.mark.parametrize("fall", [1, 1.4])
@pytest.mark.parametrize("quality", [20, 40, 75])
def test_a_weight_makes_blocks_at_least_as_good_as_tables_of_their_quality(fall: float, quality: float) -> None:
    """In tables of half the step, and for more bytes."""
    pixels = landscape(3, 320, 320, fall=fall)
    levels = np.ones((320, 320), np.uint8)
    finer = min(np.arange(quality, 100, 0.1), key=lambda other: abs(step(other) - step(quality) / 2))
    own = ours(pixels, quality, "420")
    data = by_encoder(JpegEncoder(quality=finer, by_level=(finer, quality)), pixels, levels)
    assert 0.5 < psnr(read(data), pixels) - psnr(read(own), pixels) < 2.4
    assert 1.15 * len(own) < len(data) < 1.7 * len(own)
    assert len(data) < 0.95 * len(ours(pixels, finer, "420"))


@pytest.mark.parametrize("quality", [40, 75, 90])
def test_shaping_gains_at_equal_bytes(quality: float) -> None:
    """All else alike."""
    pixels = fields(320)
    tables = steps(quality)
    rounded = whole_jpeg(quantised(pixels, tables, "420"), (320, 320), Tables(tables), "420")
    equal = of_bytes(pixels, len(rounded), "420")
    assert psnr(read(equal), pixels) > psnr(read(rounded), pixels) + 0.08


@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_with_annex_k_the_best_blocks_are_rounded_and_others_shaped(subsampling: str) -> None:
    pixels = landscape(3, 64, 96)
    levels = np.ones((64, 96), np.uint8)
    levels[:32] = 0
    tables = steps(80, ANNEX_K)
    rounded = quantised(pixels, tables, subsampling)
    np.testing.assert_array_equal(shaped(pixels, None, (80,), 80, subsampling, ANNEX_K), rounded)
    found = shaped(pixels, levels, (80, 30), 80, subsampling, ANNEX_K)
    half = len(found) // 2
    np.testing.assert_array_equal(found[:half], rounded[:half])
    every = quantised(pixels, tables, subsampling, np.full(found.shape[:2], weight(30), np.float32), code_lengths())
    np.testing.assert_array_equal(found[half:], every[half:])
    assert np.count_nonzero(found[half:]) < 0.8 * np.count_nonzero(rounded[half:])


def test_weights_rise_with_what_is_given_up() -> None:
    weights = [weight(quality) for quality in np.arange(100, 0, -1)]
    assert weights == sorted(set(weights))
    assert weights[0] == 0
    assert weight(50) == pytest.approx(0.1 * 23.4**2)
    assert weight(75) == pytest.approx(0.1 * step(75) ** 2)


def test_mcus_go_by_their_least_level() -> None:
    pixels = landscape(3, 64, 64)
    levels = np.full((64, 64), 2, np.uint8)
    levels[17, 40] = 0
    found = shaped(pixels, levels, (90, 60, 30), 90, "420")
    fine, coarse = (
        quantised(pixels, steps(90), "420", np.full((4, 4), weight(q), np.float32), code_lengths()) for q in (90, 30)
    )
    expected = coarse.copy()
    expected[1, 2] = fine[1, 2]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(shaped(pixels, None, (90, 60, 30), 90, "420"), coarse)


def test_tables_of_a_histogram_code_the_image_nearly_as_well_as_its_own() -> None:
    found = quantised(landscape(3, 200, 300), steps(75), "420")
    complete = HuffmanTables.optimal(symbols(found), complete=True)
    own = len(code(found, HuffmanTables.of(found).codes))
    assert own <= len(code(found, complete.codes)) < 1.01 * own + 50
