"""The loops in C against the same arithmetic in SciPy and NumPy."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from geosal import Ladder, native
from geosal.errors import UsageError
from geosal.native import library
from geosal.smoothing import smooth_block
from geosal.smoothing.weights import kernels

DTYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
EXACT = ("uint8", "uint16", "int16")


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if dtype.startswith("float"):
        return rng.normal(0, 100, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def convolve(image: NDArray[np.float64], taps: NDArray[np.float64]) -> NDArray[np.float64]:
    return correlate1d(correlate1d(image, taps, axis=0, mode="mirror"), taps, axis=1, mode="mirror")


def by_scipy(
    image: NDArray[Any], levels: NDArray[np.uint8], valid: NDArray[np.bool_] | None, ladder: Ladder
) -> NDArray[Any]:
    """The same sums in float64: exact for narrow samples, so that nothing but equality will do."""
    counts = np.ones(image.shape) if valid is None else valid.astype(float)
    result = image.copy()
    for _, taps in kernels(image.dtype, ladder, ladder.steps):
        for level, values in taps.items():
            total = convolve(np.where(counts > 0, image, 0).astype(float), values)
            weight = convolve(counts, values)
            mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
            chosen = (levels == level) & (counts > 0)
            rounded = mean if image.dtype.kind == "f" else np.floor(mean + 0.5)
            result[chosen] = rounded[chosen].astype(image.dtype)
    return result


@settings(max_examples=120, deadline=None)
@example(shape=(1, 146), dtype="float64", steps=9, cell=1, hole=0.98, seed=225)
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 150)),
    dtype=st.sampled_from(DTYPES),
    steps=st.sampled_from([1, 4, 8, 9, 20, 32]),
    cell=st.sampled_from([1, 7, 40]),
    hole=st.sampled_from([None, 0.0, 0.02, 0.5, 0.98, 1.0]),
    seed=st.integers(0, 999),
)
def test_equals_the_same_sums_in_scipy(
    shape: tuple[int, int], dtype: str, steps: int, cell: int, hole: float | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image, ladder = noise(shape, dtype, seed), Ladder(steps)
    coarse = rng.integers(0, steps + 1, (shape[0] // cell + 1, shape[1] // cell + 1), dtype=np.uint8)
    levels = np.kron(coarse, np.ones((cell, cell), np.uint8))[: shape[0], : shape[1]]
    valid = None if hole is None else rng.random(shape) >= hole
    found = smooth_block(image[None], levels, None if valid is None else valid[None], ladder)[0]
    expected = by_scipy(image, levels, valid, ladder)
    if dtype in EXACT:
        np.testing.assert_array_equal(found, expected)
    elif dtype.startswith("float"):
        # A mean is rounded by the largest sample, however small it is itself; 4.2 eps was the worst of 20,000 cases.
        np.testing.assert_allclose(found, expected, rtol=0, atol=6 * np.finfo(dtype).eps * np.abs(image).max())
    else:
        assert np.abs(found.astype(np.int64) - expected.astype(np.int64)).max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(70, 1100), (130, 65), (200, 2100)])
def test_tiles_in_work_do_not_show(dtype: str, shape: tuple[int, int]) -> None:
    """Larger than a tile of the loops, with a hole in one of them only."""
    image, levels = noise(shape, dtype), np.random.default_rng(1).integers(0, 9, shape, dtype=np.uint8)
    valid = np.ones(shape, np.bool_)
    valid[20:30, -30:-10] = False
    whole = smooth_block(image[None], levels, valid[None], Ladder())[0]
    half = shape[1] // 2
    left = smooth_block(image[None, :, : half + 8], levels[:, : half + 8], valid[None, :, : half + 8], Ladder())[0]
    right = smooth_block(image[None, :, half - 8 :], levels[:, half - 8 :], valid[None, :, half - 8 :], Ladder())[0]
    np.testing.assert_array_equal(np.hstack([left[:, :half], right[:, 8:]]), whole)
    if dtype in EXACT:
        np.testing.assert_array_equal(whole, by_scipy(image, levels, valid, Ladder()))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_views_of_any_kind_are_taken(dtype: str) -> None:
    base = noise((60, 80, 3), dtype)
    bands = np.moveaxis(base, 2, 0)  # samples of a row are not side by side
    levels = np.asfortranarray(np.random.default_rng(2).integers(0, 9, (60, 80), dtype=np.uint8))
    expected = smooth_block(np.ascontiguousarray(bands), np.ascontiguousarray(levels), None, Ladder())
    np.testing.assert_array_equal(smooth_block(bands, levels, None, Ladder()), expected)
    swapped = bands.astype(base.dtype.newbyteorder(">"))
    np.testing.assert_array_equal(smooth_block(swapped, levels, None, Ladder()), expected)
    flipped = smooth_block(bands[:, ::-1], levels[::-1], None, Ladder())[:, ::-1]
    np.testing.assert_array_equal(flipped, expected)


def test_threads_give_the_same_bits() -> None:
    image, levels = noise((1, 700, 900), "uint8"), np.random.default_rng(3).integers(0, 9, (700, 900), dtype=np.uint8)
    alone = smooth_block(image, levels, None, Ladder())
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: smooth_block(image, levels, None, Ladder()), range(8)):
            np.testing.assert_array_equal(found, alone)


@pytest.mark.parametrize("variant", [4, 3, 0])
def test_every_variant_gives_the_same_bits(variant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of exact and of rounding sums: a cluster may mix processors."""
    if variant > library.load("_exact").geosal_processor():
        pytest.skip("this processor cannot run it")
    levels = np.random.default_rng(4).integers(0, 9, (90, 200), dtype=np.uint8)
    valid = np.random.default_rng(5).random((1, 90, 200)) > 0.1
    images = {dtype: noise((1, 90, 200), dtype) for dtype in DTYPES}
    found = {d: [smooth_block(i, levels, v, Ladder()) for v in (None, valid)] for d, i in images.items()}
    monkeypatch.setattr(
        "geosal.native.loops.function", lambda lib, name: getattr(library.load(lib), f"{name}_v{variant}")
    )
    for dtype, image in images.items():
        for says, expected in zip((None, valid), found[dtype], strict=True):
            np.testing.assert_array_equal(smooth_block(image, levels, says, Ladder()), expected)
        np.testing.assert_array_equal(native.halve(image, valid), by_hand(image, valid))


@pytest.mark.parametrize("variant", [4, 3, 0])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_bytes_at_the_ends_of_their_range_do_not_overflow(
    variant: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of 8-bit samples in 16 bits reach both ends of these."""
    if variant > library.load("_exact").geosal_processor():
        pytest.skip("this processor cannot run it")
    monkeypatch.setattr(
        "geosal.native.loops.function", lambda lib, name: getattr(library.load(lib), f"{name}_v{variant}")
    )
    rng = np.random.default_rng(9)
    image = np.where(rng.random((77, 140)) < share, 255, 0).astype(np.uint8)
    levels = rng.integers(0, 9, image.shape, dtype=np.uint8)
    np.testing.assert_array_equal(
        smooth_block(image[None], levels, None, Ladder())[0], by_scipy(image, levels, None, Ladder())
    )


@pytest.mark.parametrize("valid", [None, np.eye(40, 70, dtype=np.bool_)])
def test_a_kernel_of_one_tap_changes_nothing(valid: NDArray[np.bool_] | None) -> None:
    """Its tap is 256 of 256, which eight bits do not hold."""
    image = noise((40, 70), "uint8")
    out = image.copy()
    native.smooth(image, np.full(image.shape, 2, np.uint8), valid, out, {2: np.array([0, 0, 1.0, 0, 0])}, 8)
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize("variant", [4, 3, 0])
def test_polynomials_are_those_of_numpy_on_every_processor(variant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, since a map of saliency hangs on a threshold; more columns than are in work at once."""
    if variant > library.load("_patterns").geosal_processor():
        pytest.skip("this processor cannot run it")
    rng = np.random.default_rng(8)
    terms, places = rng.normal(size=(7, 1100)).astype(np.float32), rng.random(5).astype(np.float32)
    expected = np.zeros((5, 1100), np.float32)
    for term in terms[:0:-1]:
        expected = (expected + term) * places[:, None]
    expected += terms[0]
    thresholds = np.float32([-0.5, 0, 0.75])
    monkeypatch.setattr(
        "geosal.native.loops.function", lambda lib, name: getattr(library.load(lib), f"{name}_v{variant}")
    )
    values, codes = np.empty_like(expected), np.empty(expected.shape, np.uint8)
    native.polynomials(terms, places, values)
    native.polynomials(terms, places, codes, thresholds)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(codes, np.digitize(expected, thresholds))


@pytest.mark.parametrize(
    ("terms", "out"),
    [
        ((6, 9), np.zeros((5, 9), np.float32)),
        ((7, 9), np.zeros((5, 9))),
        ((7, 9), np.zeros((5, 18), np.float32)[:, ::2]),
    ],
)
def test_polynomials_of_other_shapes_are_refused(terms: tuple[int, int], out: NDArray[Any]) -> None:
    with pytest.raises(UsageError, match="float32"):
        native.polynomials(np.zeros(terms, np.float32), np.zeros(5, np.float32), out)


def by_hand(pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[Any]:
    count, height, width = pixels.shape
    result = np.empty((count, -(-height // 2), -(-width // 2)), pixels.dtype)
    for band, row, col in np.ndindex(result.shape):
        here = np.s_[band, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
        samples = pixels[here].ravel() if valid is None else pixels[here][valid[here]]
        if samples.size == 0:
            result[band, row, col] = pixels[band, 2 * row, 2 * col]
        elif pixels.dtype.kind == "f":
            # One after the other: Python's own sum carries the rounding along since 3.12.
            result[band, row, col] = np.cumsum(samples.astype(float))[-1] / samples.size
        else:
            total = sum(samples.tolist())
            result[band, row, col] = (2 * total + samples.size) // (2 * samples.size)
    return result


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 9, 14), (1, 16, 33), (3, 8, 8), (1, 1, 7), (1, 7, 1)])
@pytest.mark.parametrize("hole", [None, 0.3, 1.0])
def test_halve_is_the_mean_of_what_counts(dtype: str, shape: tuple[int, int, int], hole: float | None) -> None:
    pixels = noise(shape, dtype)
    valid = None if hole is None else np.random.default_rng(6).random(shape) >= hole
    np.testing.assert_array_equal(native.halve(pixels, valid), by_hand(pixels, valid))


def test_halve_takes_views() -> None:
    pixels = noise((2, 40, 50), "uint8")
    valid = np.random.default_rng(7).random((2, 40, 50)) > 0.5
    inside = np.s_[:, 3:30, 5:44]
    np.testing.assert_array_equal(native.halve(pixels[inside], valid[inside]), by_hand(pixels[inside], valid[inside]))


@pytest.mark.parametrize("dtype", [*DTYPES, "int64", "uint64"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
@pytest.mark.parametrize("shape", [(16, 16), (9, 16), (16, 5), (1, 1)])
def test_interleave_pads_and_takes_differences_as_tiff_has_it(dtype: str, bands: int, shape: tuple[int, int]) -> None:
    pixels = np.frombuffer(np.random.default_rng(8).bytes(bands * 256 * 8), dtype)[: bands * shape[0] * shape[1]]
    pixels = pixels.reshape(bands, *shape)
    padded = np.pad(pixels, ((0, 0), (0, 16 - shape[0]), (0, 16 - shape[1])), mode="edge")
    expected = np.ascontiguousarray(np.moveaxis(padded, 0, 2))
    found = native.interleave(pixels, 16)
    np.testing.assert_array_equal(found.view("u1"), expected.view("u1"))
    delta = native.interleave(pixels, 16, delta=True)
    whole = f"u{pixels.itemsize}"
    differences = imagecodecs.delta_encode(expected.view(whole), axis=-2).copy()
    differences[shape[0] :] = 0
    np.testing.assert_array_equal(delta.view(whole), differences)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 64), (0, 4), (2, 0)])
def test_codes_are_looked_up_and_counted(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    codes, table = rng.integers(0, 256, shape, np.uint8), rng.integers(0, 256, 256, np.uint8)
    out, counts = native.look_up(codes, table)
    np.testing.assert_array_equal(out, table[codes])
    np.testing.assert_array_equal(counts, np.bincount(codes.ravel(), minlength=256))
    np.testing.assert_array_equal(native.look_up(codes.T, None)[1], counts)


@pytest.mark.parametrize(
    ("codes", "table"),
    [
        (np.zeros((2, 2), np.int8), None),
        (np.zeros(4, np.uint8), None),
        (np.zeros((2, 2), np.uint8), np.zeros(255, np.uint8)),
        (np.zeros((2, 2), np.uint8), np.zeros(256)),
    ],
)
def test_look_up_refuses_other_arrays(codes: NDArray[Any], table: NDArray[Any] | None) -> None:
    with pytest.raises(UsageError, match="must be uint8"):
        native.look_up(codes, table)


def test_a_library_that_is_not_built_says_what_to_do() -> None:
    with pytest.raises(ImportError, match="install geosal with pip, which builds it with a C compiler"):
        library.load("_missing")


@pytest.mark.parametrize(
    ("levels", "valid"),
    [
        (np.ones((20, 30), np.int64), None),
        (np.ones((20, 29), np.uint8), None),
        (np.ones((20, 30), np.uint8), np.ones((1, 20, 30), np.uint8)),
        (np.ones((20, 30), np.uint8), np.ones((1, 19, 30), np.bool_)),
    ],
)
def test_smooth_refuses_arrays_that_do_not_belong_together(levels: NDArray[Any], valid: NDArray[Any] | None) -> None:
    with pytest.raises(UsageError, match="of the same shape"):
        smooth_block(noise((1, 20, 30), "uint8"), levels, valid, Ladder())


def test_smooth_refuses_what_it_would_write_past() -> None:
    image, levels = noise((1, 8, 8), "uint8")[0], np.ones((8, 8), np.uint8)
    taps = {1: np.array([0.25, 0.5, 0.25])}
    with pytest.raises(UsageError, match="whole rows"):
        native.smooth(image, levels, None, np.zeros((8, 16), np.uint8)[:, ::2], taps, 8)
    frozen = image.copy()
    frozen.flags.writeable = False
    with pytest.raises(UsageError, match="writeable"):
        native.smooth(image, levels, None, frozen, taps, 8)
    with pytest.raises(UsageError, match="levels up to 65"):
        native.smooth(image, levels * 65, None, image.copy(), taps, 8)
    with pytest.raises(UsageError, match=r"taps for \[1, 3\]"):
        native.smooth(image, levels, None, image.copy(), taps | {3: np.full(7, 1 / 7)}, None)
    with pytest.raises(UsageError, match="level 9 on a ladder of 8 steps"):
        smooth_block(image[None], levels * 9, None, Ladder())


def test_dtypes_without_loops_are_refused() -> None:
    with pytest.raises(UsageError, match="samples of int64 have no loops; convert"):
        smooth_block(np.ones((1, 4, 4), np.int64), np.ones((4, 4), np.uint8), None, Ladder())
    with pytest.raises(UsageError, match="samples of complex64"):
        native.halve(np.ones((1, 4, 4), np.complex64), None)


def test_halve_refuses_validity_of_another_shape() -> None:
    with pytest.raises(UsageError, match="validity of bool"):
        native.halve(noise((2, 8, 8), "uint8"), np.ones((1, 8, 8), np.bool_))


@pytest.mark.parametrize("shape", [(17, 16), (16, 17), (0, 4)])
def test_interleave_refuses_what_does_not_fit_into_the_tile(shape: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="for a tile of 16"):
        native.interleave(np.ones((3, *shape), np.uint8), 16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_halve_rounds_half_up_with_any_number_of_samples(dtype: str, count: int) -> None:
    """Rows long enough for the widest vectors, and all remainders, also below zero."""
    low = 0 if dtype.startswith("u") else -60
    pixels = np.arange(low, low + 1200).reshape(1, 2, 600).astype(dtype)
    valid = np.zeros(pixels.shape, np.bool_)
    valid[0].reshape(2, 300, 2)[:, :, 0] = True
    valid[0, 1, :: 2 if count < 2 else 1200] = False
    valid[0, 0, 1::2] = count == 3
    np.testing.assert_array_equal(native.halve(pixels, valid), by_hand(pixels, valid))
