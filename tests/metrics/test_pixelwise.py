"""Sums of errors against Python's own whole numbers and scikit-image."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio

from geosal.errors import UsageError
from geosal.metrics import ErrorSums
from geosal.native import library, sum_errors

INTEGERS = ("uint8", "uint16", "int16", "uint32", "int32")
DTYPES = (*INTEGERS, "float32", "float64")


def noise(shape: tuple[int, ...], dtype: str, seed: int) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if dtype.startswith("float"):
        return rng.normal(0, 100, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def by_hand(first: NDArray[Any], second: NDArray[Any], where: NDArray[np.bool_]) -> ErrorSums:
    pairs = zip(first[where].tolist(), second[where].tolist(), strict=True)
    sizes = [abs(a - b) for a, b in pairs]
    return ErrorSums(len(sizes), sum(size * size for size in sizes), sum(sizes), max(sizes, default=0))


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 90)),
    dtype=st.sampled_from(INTEGERS),
    hole=st.sampled_from([None, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 999),
)
def test_sums_of_integers_are_exact(shape: tuple[int, int, int], dtype: str, hole: float | None, seed: int) -> None:
    first, second = noise(shape, dtype, seed), noise(shape, dtype, seed + 1)
    where = None if hole is None else np.random.default_rng(seed).random(shape) >= hole
    expected = by_hand(first, second, np.ones(shape, np.bool_) if where is None else where)
    assert ErrorSums.of(first, second, where) == expected


@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_ends_of_a_type_do_not_overflow(dtype: str) -> None:
    limits = np.iinfo(dtype)
    low, high = np.full((300, 700), limits.min, dtype), np.full((300, 700), limits.max, dtype)
    size, count = limits.max - limits.min, 300 * 700
    assert ErrorSums.of(low, high) == ErrorSums(count, count * size**2, count * size, size)
    assert ErrorSums.of(high, low) == ErrorSums.of(low, high)
    assert ErrorSums.of(high, low).psnr(size) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_figures_are_those_of_scikit_image(dtype: str) -> None:
    first, second = noise((70, 130), dtype, 1), noise((70, 130), dtype, 2)
    sums = ErrorSums.of(first, second)
    wide, other = first.astype(np.float64), second.astype(np.float64)
    assert sums.mse == pytest.approx(mean_squared_error(wide, other), rel=1e-12)
    assert sums.psnr(777.0) == pytest.approx(peak_signal_noise_ratio(wide, other, data_range=777.0), abs=1e-10)
    assert sums.rmse == pytest.approx(np.sqrt(np.mean((wide - other) ** 2)), rel=1e-12)
    assert sums.mae == pytest.approx(np.abs(wide - other).mean(), rel=1e-12)
    assert sums.largest == np.abs(wide - other).max()


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 59), cols=st.integers(1, 79), dtype=st.sampled_from(DTYPES))
def test_sums_of_parts_add_up(rows: int, cols: int, dtype: str) -> None:
    first, second = noise((60, 80), dtype, 3), noise((60, 80), dtype, 4)
    quarters = [np.s_[a, b] for a in (slice(rows), slice(rows, 60)) for b in (slice(cols), slice(cols, 80))]
    whole, total = ErrorSums.of(first, second), ErrorSums()
    for part in quarters:
        total += ErrorSums.of(first[part], second[part])
    if dtype in INTEGERS:
        assert total == whole
    else:
        assert (total.count, total.largest) == (whole.count, whole.largest)
        assert total.squared == pytest.approx(whole.squared, rel=1e-13)
        assert total.absolute == pytest.approx(whole.absolute, rel=1e-13)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32"])
@pytest.mark.parametrize("cell", [1, 5, 64])
def test_levels_are_told_apart(dtype: str, cell: int) -> None:
    rng = np.random.default_rng(5)
    first, second = noise((50, 333), dtype, 6), noise((50, 333), dtype, 7)
    coarse = rng.integers(0, 5, (50 // cell + 1, 333 // cell + 1), dtype=np.uint8)
    levels = np.kron(coarse, np.ones((cell, cell), np.uint8))[:50, :333]
    valid = rng.random((50, 333)) > 0.1
    found = sum_errors(first, second, valid, levels, 4)
    assert len(found) == 4  # level 4 is left out
    for level, sums in enumerate(found):
        expected = by_hand(first, second, valid & (levels == level))
        assert sums.samples == expected.count
        assert tuple(sums) == pytest.approx(
            (expected.count, expected.squared, expected.absolute, expected.largest), rel=1e-12
        )


def test_invalid_samples_may_be_nan() -> None:
    first, second = noise((20, 30), "float32", 8), noise((20, 30), "float32", 9)
    first[3:9, 4:17], second[5, 20] = np.nan, np.inf
    where = np.isfinite(first) & np.isfinite(second)
    sums = ErrorSums.of(first, second, where)
    assert sums.mse == pytest.approx(np.mean((first[where].astype(float) - second[where]) ** 2), rel=1e-12)


def test_nothing_and_no_difference() -> None:
    image = noise((9, 9), "uint8", 10)
    nothing = ErrorSums.of(image, image, np.zeros((9, 9), np.bool_))
    assert nothing == ErrorSums()
    assert all(map(math.isnan, (nothing.mse, nothing.rmse, nothing.mae, nothing.psnr(255))))
    same = ErrorSums.of(image, image)
    assert (same.mse, same.mae, same.largest, same.psnr(255)) == (0, 0, 0, math.inf)


def test_one_mask_serves_all_bands_and_views_are_taken() -> None:
    base = noise((40, 50, 3), "uint16", 11)
    first, second = np.moveaxis(base, 2, 0), np.moveaxis(base, 2, 0)[:, ::-1]
    where = np.random.default_rng(12).random((40, 50)) > 0.5
    expected = by_hand(first, second, np.broadcast_to(where, first.shape))
    assert ErrorSums.of(first, second, where) == expected
    big = first.astype(">u2")
    assert ErrorSums.of(big, second.astype(">u2"), where) == expected


@pytest.mark.parametrize("variant", [4, 3, 0])
def test_every_variant_gives_the_same_sums(variant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if variant > library.load("_metrics").geosal_processor():
        pytest.skip("this processor cannot run it")
    images = {dtype: (noise((70, 301), dtype, 13), noise((70, 301), dtype, 14)) for dtype in DTYPES}
    found = {dtype: ErrorSums.of(*pair) for dtype, pair in images.items()}
    monkeypatch.setattr(
        "geosal.native.differences.function", lambda lib, name: getattr(library.load(lib), f"{name}_v{variant}")
    )
    for dtype, pair in images.items():
        sums = ErrorSums.of(*pair)
        assert sums == found[dtype] if dtype in INTEGERS else sums.squared == pytest.approx(found[dtype].squared)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), "of one shape"),
        (np.zeros(4, np.uint8), np.zeros(4, np.uint8), "of one shape"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint16), "same type"),
        (np.zeros((4, 4), np.int64), np.zeros((4, 4), np.int64), "no loops; convert"),
        (np.zeros((4, 4), np.complex64), np.zeros((4, 4), np.complex64), "no loops; convert"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    first: NDArray[Any], second: NDArray[Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ErrorSums.of(first, second)


def test_what_the_loops_would_read_past_is_refused() -> None:
    image = np.zeros((6, 7), np.uint8)
    with pytest.raises(UsageError, match="validity of bool"):
        sum_errors(image, image, np.ones((6, 6), np.bool_))
    with pytest.raises(UsageError, match="levels of int64"):
        sum_errors(image, image, None, np.zeros((6, 7), np.int64))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="256 levels; there are 1 to 255"):
        sum_errors(image, image, count=256)
