"""SSIM against scikit-image, MS-SSIM against a plain transcription of the paper with SciPy's filters."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pictures import damaged, picture
from scipy.ndimage import correlate, minimum_filter
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity

from geosal.errors import UsageError
from geosal.metrics import ALIGNMENT, HALO, StructureSums, ms_ssim, ssim
from geosal.metrics.structural import SCALES, WEIGHTS
from geosal.native import library, pool

Image = NDArray[Any]
DTYPES = {"uint8": 255, "uint16": 65535, "int16": 65535, "uint32": 2**32 - 1, "int32": 2**32 - 1, "float64": 0.5}


def by_scikit_image(first: Image, second: Image, data_range: float, **options: Any) -> Any:
    return structural_similarity(
        first, second, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, **options
    )


def factors(first: Image, second: Image, data_range: float) -> tuple[Image, Image]:
    """Maps (y, x) of luminance * contrast * structure, and of the latter two, in two dimensions at once."""
    ys, xs = np.mgrid[-5:6, -5:6]
    window = np.exp(-(xs**2 + ys**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(image: Image) -> Image:
        return np.asarray(convolve2d(image, window, mode="valid"))

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    m1, m2 = mean(first), mean(second)
    v1, v2, cov = mean(first**2) - m1**2, mean(second**2) - m2**2, mean(first * second) - m1 * m2
    contrast = (2 * cov + c2) / (v1 + v2 + c2)
    return contrast * (2 * m1 * m2 + c1) / (m1**2 + m2**2 + c1), contrast


def maps(first: Image, second: Image, data_range: float) -> list[tuple[Image, Image]]:
    """`factors` at five scales."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    found = []
    for _ in range(5):
        found.append(factors(first, second, data_range))
        low = np.full((2, 2), 0.25)  # as the authors' code: symmetric at the edge, then every other pixel
        first, second = (correlate(i, low, mode="reflect", origin=-1)[::2, ::2] for i in (first, second))
    return found


def combine(similarity: float, contrasts: list[float]) -> float:
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    product = similarity ** weights[-1]
    for contrast, weight in zip(contrasts[:4], weights[:4], strict=True):
        product *= contrast**weight
    return float(product)


def by_the_paper(first: Image, second: Image, data_range: float) -> float:
    found = maps(first, second, data_range)
    return combine(found[-1][0].mean(), [contrast.mean() for _, contrast in found])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(11, 11), (12, 75), (75, 11), (130, 201)])
def test_ssim_is_that_of_scikit_image(dtype: str, shape: tuple[int, int]) -> None:
    first = picture(shape, dtype)
    second = damaged(first)
    expected = by_scikit_image(first, second, DTYPES[dtype])
    assert ssim(first, second, DTYPES[dtype]) == pytest.approx(expected, abs=1e-9)


def test_float32_is_worked_on_in_float64() -> None:
    first = picture((90, 90), "float32")
    second = damaged(first)
    expected = by_scikit_image(first.astype(np.float64), second.astype(np.float64), 0.5)
    assert ssim(first, second, 0.5) == pytest.approx(expected, abs=1e-9)


def test_bands_are_averaged_as_scikit_image_does() -> None:
    first = np.stack([picture((60, 70), seed=seed) for seed in range(3)])
    second = damaged(first)
    expected = by_scikit_image(first, second, 255, channel_axis=0)
    assert ssim(first, second, 255) == pytest.approx(expected, abs=1e-9)
    each = [ms_ssim(a, b, 255) for a, b in zip(picture((3, 200, 190)), damaged(picture((3, 200, 190))), strict=True)]
    assert ms_ssim(picture((3, 200, 190)), damaged(picture((3, 200, 190))), 255) == pytest.approx(np.mean(each))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(176, 176), (207, 333), (161, 182)])
def test_ms_ssim_is_that_of_the_paper(dtype: str, shape: tuple[int, int]) -> None:
    first = picture(shape, dtype, low=True)
    second = damaged(first)
    expected = by_the_paper(first, second, DTYPES[dtype])
    assert 0.3 < expected < 0.9999
    assert ms_ssim(first, second, DTYPES[dtype]) == pytest.approx(expected, abs=1e-9)


def test_weights_are_those_of_the_paper() -> None:
    assert sum(WEIGHTS) == pytest.approx(1, abs=2e-4)
    assert (SCALES, ALIGNMENT, HALO) == (5, 16, 80)


def test_windows_with_an_invalid_sample_do_not_count() -> None:
    first = picture((230, 260), "float64")
    second = damaged(first)
    valid = np.ones(first.shape, np.bool_)
    valid[40:44, 100:170], valid[200, 7] = False, False
    holes = [np.where(valid, image, np.nan) for image in (first, second)]
    sums = StructureSums.of(*holes, 0.5, valid=valid)
    whole = valid
    for scale, (similarity, contrast) in enumerate(maps(np.where(valid, first, 0), np.where(valid, second, 0), 0.5)):
        full = minimum_filter(whole, 11)[5:-5, 5:-5]
        assert sums.windows[scale] == full.sum() * 4**scale
        assert sums.similarity[scale] / 4**scale == pytest.approx(similarity[full].sum(), rel=1e-10)
        assert sums.contrast[scale] / 4**scale == pytest.approx(contrast[full].sum(), rel=1e-10)
        whole = np.pad(whole, [(0, size % 2) for size in whole.shape], mode="edge")
        whole = whole[::2, ::2] & whole[1::2, ::2] & whole[::2, 1::2] & whole[1::2, 1::2]


@pytest.mark.parametrize("cell", [1, 7, 50])
def test_a_part_has_the_windows_that_its_pixels_lie_in(cell: int) -> None:
    """Each pixel takes, at each scale, the window around the coarse pixel that it lies in."""
    first = picture((210, 245))
    second = damaged(first)
    rng = np.random.default_rng(3)
    coarse = rng.random((210 // cell + 1, 245 // cell + 1)) < 0.4
    where = np.kron(coarse, np.ones((cell, cell), np.bool_))[:210, :245]
    sums = StructureSums.of(first, second, 255, where=where)
    means = []
    for step, both in enumerate(maps(first, second, 255)):
        wide = [np.kron(np.pad(f, 5, constant_values=np.nan), np.ones((2**step, 2**step)))[:210, :245] for f in both]
        counts = where & ~np.isnan(wide[0])
        assert sums.windows[step] == counts.sum()
        means.append([w[counts].mean() for w in wide])
    assert sums.ssim == pytest.approx(means[0][0], abs=1e-12)
    assert sums.ms_ssim == pytest.approx(combine(means[-1][0], [contrast for _, contrast in means]), abs=1e-12)
    assert ssim(first, second, 255, where=where) == sums.ssim
    assert ms_ssim(first, second, 255, where=where) == sums.ms_ssim


@pytest.mark.parametrize("dtype", DTYPES)
def test_identical_images_are_exactly_one(dtype: str) -> None:
    image = picture((180, 200), dtype)
    assert ssim(image, image, DTYPES[dtype]) == 1
    assert ms_ssim(image, image.copy(), DTYPES[dtype]) == 1


@pytest.mark.parametrize("scale", [0, 4])
def test_large_samples_that_differ_little_keep_their_digits(scale: int) -> None:
    """Contrast and structure do not depend on an offset."""
    first = picture((180, 190), "float64")
    second = damaged(first)
    low, high = StructureSums.of(first, second, 0.5), StructureSums.of(first + 2**24, second + 2**24, 0.5)
    assert high.contrast[scale] / high.windows[scale] == pytest.approx(
        low.contrast[scale] / low.windows[scale], abs=1e-7
    )


def test_the_negative_of_an_image_is_not_similar() -> None:
    image = picture((190, 200))
    assert ssim(image, 255 - image, 255) < 0
    assert ms_ssim(image, 255 - image, 255) == 0


@pytest.mark.parametrize(("shape", "least"), [((10, 40), 11), ((40, 10), 11), ((160, 400), 161), ((300, 160), 161)])
def test_images_too_small_for_a_window_have_no_figure(shape: tuple[int, int], least: int) -> None:
    image = picture(shape)
    assert math.isnan(ms_ssim(image, image, 255))
    assert math.isnan(ssim(image, image, 255)) == (least == 11)


def test_views_and_foreign_byte_order_are_taken() -> None:
    first = picture((190, 200), "uint16")
    second = damaged(first)
    expected = StructureSums.of(first, second, 65535)
    turned = [np.asfortranarray(first), second[::-1].copy()[::-1]]
    assert StructureSums.of(turned[0], turned[1], 65535) == expected
    assert StructureSums.of(first.astype(">u2"), second.astype(">u2"), 65535) == expected


@pytest.mark.parametrize("variant", [4, 3, 0])
def test_every_variant_agrees(variant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if variant > library.load("_metrics").geosal_processor():
        pytest.skip("this processor cannot run it")
    first = picture((200, 210), "uint16")
    second = damaged(first)
    valid = np.random.default_rng(4).random(first.shape) > 0.001
    expected = StructureSums.of(first, second, 65535, valid=valid)
    monkeypatch.setattr(
        "geosal.native.differences.function", lambda lib, name: getattr(library.load(lib), f"{name}_v{variant}")
    )
    found = StructureSums.of(first, second, 65535, valid=valid)
    assert found.windows == expected.windows
    assert found.similarity == pytest.approx(expected.similarity, rel=1e-12)
    assert found.contrast == pytest.approx(expected.contrast, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 1), (5, 700), (64, 513)])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_pooling_is_the_mean_of_what_is_there(shape: tuple[int, int], dtype: str) -> None:
    image = picture(shape, dtype)
    padded = np.pad(image.astype(np.float64), [(0, size % 2) for size in shape], mode="edge")
    expected = (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4
    np.testing.assert_allclose(pool(image), expected, rtol=1e-15)


@pytest.mark.parametrize("data_range", [0, -1, math.nan, math.inf])
def test_a_range_must_be_one(data_range: float) -> None:
    image = picture((40, 40))
    with pytest.raises(UsageError, match="must be above 0"):
        ssim(image, image, data_range)


@pytest.mark.parametrize("factor", [1e-140, 1e-90, 1e90, 1e140])
def test_figures_do_not_depend_on_the_unit(factor: float) -> None:
    first = picture((200, 200)).astype(np.float64)
    second = damaged(picture((200, 200))).astype(np.float64)
    for measure in (ssim, ms_ssim):
        found = measure(first * factor, second * factor, 255 * factor)
        assert found == pytest.approx(measure(first, second, 255), rel=1e-9)


@pytest.mark.parametrize("data_range", [1e-170, 1e308])
def test_a_range_whose_square_is_no_number(data_range: float) -> None:
    image = picture((40, 40)).astype(np.float64)
    with pytest.raises(UsageError, match="fits into no float64"):
        ssim(image, image, data_range)


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    image = picture((40, 40))
    with pytest.raises(UsageError, match="of one shape"):
        ssim(image, image[:-1], 255)
    with pytest.raises(UsageError, match="same type"):
        ssim(image, image.astype(np.uint16), 255)
    with pytest.raises(UsageError, match="validity of bool"):
        StructureSums.of(image, image, 255, valid=np.ones((3, 40), np.bool_))
    with pytest.raises(UsageError, match="levels of"):
        StructureSums.of(image, image, 255, where=np.ones((39, 40), np.bool_))
