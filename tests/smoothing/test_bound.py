import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geosal import native
from geosal.core.grid import Block
from geosal.core.raster import is_nodata
from geosal.core.treatment import Bound
from geosal.errors import UsageError
from geosal.smoothing.block import SampleRules
from geosal.smoothing.bound import Rounding, bound_errors, quantise_slowly, step_exponent

INTEGERS = ["uint8", "int16", "uint16", "int32", "uint32"]
DTYPES = [*INTEGERS, "float32", "float64"]
STEPS = 8


def errors_of(dtype: str, error: float) -> tuple[float, ...]:
    return Bound(error).errors(STEPS, dtype)


def samples(draw: st.DrawFn, dtype: str, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Values of the whole range, its ends, and runs around a few values, where ties are."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype[0] == "f":
        scale = 10.0 ** draw(st.integers(-30, 30))
        values = rng.normal(0, scale, shape).astype(dtype)
        limits: Any = np.finfo(dtype)
    else:
        limits = np.iinfo(dtype)
        values = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        near = rng.integers(0, 40, shape).astype(dtype)
        values = np.where(rng.random(shape) < 0.5, near, values)
    values.flat[:4] = [limits.min, limits.max, 0, 1]
    return np.asarray(values)


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.bool_], float, float | None]:
    dtype = draw(st.sampled_from(DTYPES))
    shape = (2, draw(st.integers(1, 12)), draw(st.integers(2, 30)))
    pixels = samples(draw, dtype, shape)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    levels = rng.integers(0, STEPS + 1, shape[1:], dtype=np.uint8)
    if dtype[0] == "f":
        error = draw(st.floats(1e-6, 10)) * float(np.abs(pixels.flat[4:]).max(initial=1e-3))
        error = min(error, 1e35)
        nodata = draw(st.sampled_from([None, math.nan, 0.0, -9999.0, float(pixels.flat[-1])]))
    else:
        error = draw(st.integers(1, int(min(2**16, (np.iinfo(dtype).max - np.iinfo(dtype).min) // 2))))
        nodata = draw(st.sampled_from([None, 0, 16, int(np.iinfo(dtype).max), int(np.iinfo(dtype).min)]))
    valid = rng.random(shape) < 0.9
    if nodata is not None:
        pixels[~valid] = nodata
        valid = ~is_nodata(pixels, nodata)
    return pixels, levels, valid, error, nodata


@given(case=cases())
def test_no_sample_is_off_by_more_than_its_level_allows(case: tuple[Any, ...]) -> None:
    pixels, levels, valid, error, nodata = case
    errors = errors_of(pixels.dtype.name, error)
    before = pixels.copy()
    found = bound_errors(pixels, levels, valid, errors, SampleRules(nodata))
    np.testing.assert_array_equal(pixels, before)  # the input is left alone
    exact = np.asarray(found.astype(object) if found.dtype.kind != "f" else found.astype(np.float64))
    off = np.abs(exact - (pixels.astype(object) if found.dtype.kind != "f" else pixels.astype(np.float64)))
    assert (off <= np.array(errors)[levels])[valid].all()
    np.testing.assert_array_equal(found[~valid], pixels[~valid])
    np.testing.assert_array_equal(found[:, levels == 0], pixels[:, levels == 0])
    if nodata is not None:
        assert not is_nodata(found, nodata)[valid].any()


@given(case=cases(), whole=st.booleans())
def test_the_loops_in_c_give_the_bits_of_numpy(case: tuple[Any, ...], whole: bool) -> None:
    pixels, levels, valid, error, nodata = case
    if pixels.dtype == np.float64:
        return
    errors = np.array(errors_of(pixels.dtype.name, error))
    exponents = np.array([step_exponent(each, pixels.dtype) for each in errors])
    if pixels.dtype.kind == "f":
        pixels.flat[-3:] = [math.nan, -0.0, math.inf]
    for band, says in zip(pixels, valid, strict=True):
        found, expected = np.empty_like(band), np.empty_like(band)
        native.quantise(band, levels, None if whole else says, found, exponents, errors, nodata)
        quantise_slowly(band, levels, None if whole else says, expected, exponents, errors, nodata)
        assert found.tobytes() == expected.tobytes()


@given(case=cases(), row=st.integers(0, 11), col=st.integers(0, 29))
def test_blocks_never_show(case: tuple[Any, ...], row: int, col: int) -> None:
    pixels, levels, valid, error, nodata = case
    errors, rules = errors_of(pixels.dtype.name, error), SampleRules(nodata)
    whole = bound_errors(pixels, levels, valid, errors, rules)
    height, width = levels.shape
    row, col = row % height, col % width
    for block in (Block(0, 0, row, width), Block(row, col, height - row, width - col)):
        if block.height:
            inside = np.s_[block.row_off : block.row_stop, block.col_off : block.col_stop]
            part = bound_errors(pixels[:, *inside], levels[inside], valid[:, *inside], errors, rules)
            np.testing.assert_array_equal(part, whole[:, *inside])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("error", [1, 2, 3, 8, 32])
def test_errors_have_no_direction(dtype: str, error: int) -> None:
    rng, narrow = np.random.default_rng(5), dtype == "uint8"
    pixels = rng.normal(125 if narrow else 5000, 25 if narrow else 400, (1, 400, 500)).astype(dtype)
    error = min(error, 8) if narrow else error  # a step that is small beside the spread
    found = bound_errors(pixels, np.full((400, 500), STEPS, np.uint8), None, errors_of(dtype, error))
    step = 2.0 ** step_exponent(error, pixels.dtype)
    off = found.astype(np.float64) - pixels
    spread = step / math.sqrt(12) / math.sqrt(off.size)
    assert abs(off.mean()) < 0.01 * step + 3 * spread
    assert abs(off).max() <= error


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("error", "share"), [(32, 0.5), (24, 0.77), (16, 0.52)])
def test_multiples_of_twice_the_step_are_taken_where_the_error_allows(dtype: str, error: int, share: float) -> None:
    pixels = np.arange(0, 128).astype(dtype).reshape(1, 1, -1)
    found = bound_errors(pixels, np.full((1, 128), STEPS, np.uint8), None, errors_of(dtype, error)).astype(int).ravel()
    step = int(2.0 ** step_exponent(error, pixels.dtype))
    assert (found % step == 0).all()
    assert np.mean(found % (2 * step) == 0) == pytest.approx(share, abs=0.02)
    near = np.abs((np.arange(128) + step) // (2 * step) * 2 * step - np.arange(128)) <= error
    np.testing.assert_array_equal(near, found % (2 * step) == 0)


@given(
    share=st.floats(0, 1),
    top=st.integers(0, 10**6),
    left=st.integers(0, 10**6),
    cut=st.tuples(*[st.integers(1, 98)] * 2),
)
def test_finer_cells_do_not_depend_on_blocks(share: float, top: int, left: int, cut: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 2000, (1, 99, 99), np.uint16)
    levels = rng.integers(0, STEPS + 1, (99, 99), np.uint8)
    coarse, fine = errors_of("uint16", 32), errors_of("uint16", 31)
    rounding = Rounding(coarse, share, fine)
    whole = rounding(pixels, levels, None, (top, left))
    inside = np.s_[cut[0] :, cut[1] :]
    part = rounding(pixels[:, *inside], levels[inside], None, (top + cut[0], left + cut[1]))
    np.testing.assert_array_equal(part, whole[:, *inside])
    either = [bound_errors(pixels, levels, None, errors) for errors in (coarse, fine)]
    assert ((whole == either[0]) | (whole == either[1])).all()


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
@pytest.mark.parametrize("corner", [(0, 0), (10007, 5003)])
def test_finer_cells_are_a_share_of_every_window(share: float, corner: tuple[int, int]) -> None:
    pixels = np.full((1, 512, 512), 1, np.uint8)
    found = Rounding((1.0,), share, (0.0,))(pixels, np.zeros((512, 512), np.uint8), None, corner)
    assert np.mean(found == 1) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("finer", [0.0, 0.5])
def test_a_level_beyond_the_errors_is_not_taken_for_a_finer_one(finer: float) -> None:
    with pytest.raises(UsageError, match="level 3 with errors for 3 levels"):
        Rounding((0, 1, 2), finer, (0, 0, 1))(np.zeros((1, 2, 2), np.uint8), np.full((2, 2), 3, np.uint8), None, (0, 0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_of_coarse_levels_are_values_of_finer_ones(dtype: str) -> None:
    pixels = np.arange(200).astype(dtype).reshape(1, 1, 200)
    errors, at_most = errors_of(dtype, 32), 1
    for level in range(STEPS + 1):
        found = bound_errors(pixels, np.full((1, 200), level, np.uint8), None, errors)
        assert (found % at_most == 0).all()
        at_most = int(np.gcd.reduce(found.astype(np.int64).ravel()))
    assert at_most == 64


def test_nan_and_alpha_are_carried() -> None:
    pixels = np.array([[[1.3, np.nan, 2.6]], [[0.1, 0.2, 0.3]]], np.float32)
    valid = np.isfinite(pixels)
    found = bound_errors(pixels, np.full((1, 3), 8, np.uint8), valid, errors_of("float32", 1), SampleRules(alpha=1))
    np.testing.assert_array_equal(found, np.array([[[2, np.nan, 2]], [[0.1, 0.2, 0.3]]], np.float32))


def test_a_dark_sample_beside_nodata_zero_goes_to_one() -> None:
    pixels = np.array([[[0, 1, 2, 31, 40]]], np.uint16)
    found = bound_errors(pixels, np.full((1, 5), 8, np.uint8), pixels > 0, errors_of("uint16", 32), SampleRules(0))
    assert found.ravel().tolist() == [0, 1, 1, 1, 64]


def test_a_level_without_an_error_is_refused() -> None:
    with pytest.raises(UsageError, match="level 3 with errors for 3 levels"):
        bound_errors(np.zeros((1, 2, 2), np.uint8), np.full((2, 2), 3, np.uint8), None, (0, 1, 2))
