import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagecodecs import jpeg8_decode
from numpy.typing import NDArray
from pictures import landscape
from PIL import Image

from geosal.formats.jpeg.shaping import shaped
from geosal.formats.jpeg.stream import START, Tables, quantisation, zigzag
from geosal.formats.jpeg.tables import quality_of, quantisation_tables, scale, step, steps
from geosal.formats.jpeg.whole import whole_jpeg
from geosal.formats.quality import ANNEX_K, FLAT
from geosal.native.jpeg import quantised


def of_libjpeg(quality: int) -> NDArray[np.int64]:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "JPEG", quality=quality)
    return np.array(list(Image.open(stream).quantization.values()))  # type: ignore[attr-defined]


def jpeg(pixels: NDArray[np.uint8], quality: float, kind: str, *, shapes: bool) -> bytes:
    tables = steps(quality, kind)
    found = shaped(pixels, None, (quality,), quality, "420", kind) if shapes else quantised(pixels, tables, "420")
    return whole_jpeg(found, pixels.shape[1:], Tables(tables), "420")


@pytest.mark.parametrize("quality", [3, 25, 50, 75, 90, 98, 100])
def test_annex_k_at_whole_qualities_is_that_of_libjpeg(quality: int) -> None:
    ours = steps(quality, ANNEX_K).astype(int)
    assert ours.shape == (2, 64)
    assert np.abs(ours - of_libjpeg(quality)).max() == 0
    assert list(map(list, quantisation_tables(quality))) == ours.tolist()
    assert scale(50) == 1


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 94, 100])
def test_the_quality_of_a_jpeg_is_told_from_its_head(quality: int) -> None:
    stream = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(landscape(3, 64, 64), 0, -1)))
    picture.save(stream, "JPEG", quality=quality, comment=b"x" * 300)
    assert quality_of(stream.getvalue()) == quality


def test_tables_of_others_tell_no_quality() -> None:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG", qtables=[[7] * 64])
    whole = stream.getvalue()
    flat = START + quantisation(Tables(steps(75)), 3)
    assert [quality_of(head) for head in (whole, whole[:30], flat, b"", b"II*\0")] == [None] * 5
    assert quality_of(START + quantisation(Tables(steps(75, ANNEX_K)), 3)) == 75


@given(quality=st.floats(1, 100))
def test_a_flat_table_has_its_step_in_the_mean(quality: float) -> None:
    """Entries are one of the two integers around it; the higher the frequency, the sooner it is the larger one.

    Luma's lowest frequencies are finer: 0.7, 0.8 and 0.9 of it.
    """
    frequency = np.add.outer(np.arange(8), np.arange(8)).ravel()
    for number, (table, wanted) in enumerate(zip(steps(quality), (step(quality), 0.85 * step(quality)), strict=True)):
        flat = table[frequency > 2] if number == 0 else table
        within = np.clip(wanted, 1, 255)
        assert flat.mean() == pytest.approx(within, abs=1 / 8)
        assert {int(entry) for entry in flat} <= {int(within), int(within) + 1}
        assert (np.diff(table[zigzag()].astype(int)) >= 0).all()
    for low in (0, 1, 2):
        fine = np.clip((0.7 + 0.1 * low) * step(quality), 1, 255)
        assert np.abs(steps(quality)[0][frequency == low] - fine).max() < 1


def test_flat_steps_grow_as_quality_falls() -> None:
    qualities = np.arange(100, 0.9, -0.1)
    tables = np.stack([steps(float(quality)) for quality in qualities]).astype(int)
    assert (np.diff(tables, axis=0) >= 0).all()
    assert (tables[0] == 1).all()
    assert tables.max() == 255
    exact = np.array([step(quality) for quality in qualities])
    assert (np.diff(exact) > 0).all()
    assert (step(100), step(50)) == (0, 23.4)
    luma = tables[:, 0].mean(
        axis=1
    )  # no two qualities but neighbours and those beyond the limits of an entry are alike
    assert ((luma[3:] > luma[:-3])[(exact[:-3] > 1.05) & (exact[3:] < 254)]).all()


def test_tables_are_shared_and_so_read_only() -> None:
    for kind in (FLAT, ANNEX_K):
        assert steps(75, kind) is steps(75, kind)
        with pytest.raises(ValueError, match="read-only"):
            steps(75, kind)[0, 0] = 1
    assert steps(75).tolist() == steps(75, FLAT).tolist() != steps(75, ANNEX_K).tolist()


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize(("kind", "shapes"), [(FLAT, True), (FLAT, False), (ANNEX_K, False)])
def test_a_fraction_lies_between_its_neighbours(bands: int, kind: str, shapes: bool) -> None:
    pixels = landscape(bands, 256, 256, fall=1.2)
    files = [jpeg(pixels, quality, kind, shapes=shapes) for quality in (80, 80.2, 80.6, 81.3, 81.8, 82)]
    sizes = [len(each) for each in files]
    assert sizes == sorted(set(sizes))
    decoded = [np.atleast_3d(jpeg8_decode(each)).astype(int) for each in files]
    errors = [np.mean((each - np.moveaxis(pixels, 0, -1)) ** 2) for each in decoded]
    assert errors[0] > errors[2] > errors[-1]


def test_quality_100_of_flat_tables_only_rounds() -> None:
    pixels = landscape(3, 64, 64, fall=1)
    np.testing.assert_array_equal(
        shaped(pixels, None, (100,), 100, "444"), quantised(pixels, np.ones((2, 64), np.uint16), "444")
    )
    decoded = jpeg8_decode(whole_jpeg(shaped(pixels, None, (100,), 100, "444"), (64, 64), Tables(steps(100)), "444"))
    assert np.abs(np.moveaxis(decoded, -1, 0).astype(int) - pixels).max() <= 3


@pytest.mark.parametrize("quality", [99.49, 100])
def test_noise_at_the_best_quality_fits(quality: float) -> None:
    noise = np.random.default_rng(6).integers(0, 256, (3, 512, 512), np.uint8)
    assert jpeg8_decode(jpeg(noise, quality, FLAT, shapes=True)).shape == (512, 512, 3)
