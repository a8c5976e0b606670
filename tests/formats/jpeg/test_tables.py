import io

import numpy as np
import pytest
from imagecodecs import jpeg8_decode, jpeg8_encode
from PIL import Image

from geosal.formats.jpeg.tables import fine_jpeg, quality_of, quantisation_tables


def picture(bands: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:256, :256]
    waves = [np.sin(x / (4 + band)) * 50 + np.cos(y / 6) * 40 + 128 for band in range(bands)]
    return np.clip(np.stack(waves, axis=-1) + rng.normal(0, 6, (256, 256, bands)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [3, 25, 50, 75, 90, 98])
def test_tables_of_whole_qualities_are_those_of_libjpeg(quality: int) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "JPEG", quality=quality)
    reference = Image.open(stream).quantization  # type: ignore[attr-defined]
    for ours, theirs in zip(quantisation_tables(quality), reference.values(), strict=True):
        assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) <= (quality < 50)  # it cuts 5000/quality off


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 94, 100])
def test_the_quality_of_a_jpeg_is_told_from_its_head(quality: int) -> None:
    stream = io.BytesIO()
    Image.fromarray(picture(3)).save(stream, "JPEG", quality=quality, comment=b"x" * 300)
    assert quality_of(stream.getvalue()) == quality


def test_tables_of_others_tell_no_quality() -> None:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG", qtables=[[7] * 64])
    whole = stream.getvalue()
    assert [quality_of(head) for head in (whole, whole[:30], b"", b"II*\0")] == [None] * 4


@pytest.mark.parametrize("bands", [1, 3])
def test_a_fraction_lies_between_its_neighbours(bands: int) -> None:
    pixels = picture(bands)
    colours = {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": "420"} if bands == 3 else {}
    plain = pixels if bands == 3 else pixels[..., 0]
    low, high = (len(jpeg8_encode(plain, quality, optimize=True, **colours)) for quality in (80, 82))
    sizes = [len(fine_jpeg(pixels, quality)) for quality in (80.2, 80.6, 81.3, 81.8)]
    assert low < sizes[0] < sizes[-1] < high
    assert sizes == sorted(sizes)
    assert np.abs(jpeg8_decode(fine_jpeg(pixels, 80.6)).astype(int) - plain).mean() < 6


def test_noise_at_the_best_quality_fits() -> None:
    noise = np.random.default_rng(6).integers(0, 256, (512, 512, 3), np.uint8)
    assert jpeg8_decode(fine_jpeg(noise, 99.49)).shape == noise.shape


def test_a_grey_one_is_not_subsampled_which_libtiff_refuses() -> None:
    stream = fine_jpeg(picture(1), 75.5)
    frame = stream.index(b"\xff\xc0")
    assert stream[frame + 9 : frame + 12] == b"\x01\x01\x11"
