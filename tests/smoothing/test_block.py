from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import smooth_reference

from geosal import Ladder
from geosal.core.grid import Block
from geosal.smoothing import smooth_block
from geosal.smoothing.block import SampleRules
from geosal.smoothing.weights import fixed_point_taps

LADDER = Ladder()


def texture(shape: tuple[int, int], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Something like imagery over most of the range of `dtype`."""
    rng = np.random.default_rng(seed)
    rough = rng.random(shape)
    image = 0.7 * cv2.GaussianBlur(rng.random(shape), (0, 0), 6) / 0.6 + 0.3 * rough
    low, high = (0, 1) if dtype.startswith("float") else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.asarray((low + np.clip(image, 0, 1) * (float(high) - low)).astype(dtype))


def random_levels(shape: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 9, (shape[0] // 9 + 1, shape[1] // 9 + 1), dtype=np.uint8)
    return np.asarray(np.kron(coarse, np.ones((9, 9), np.uint8))[: shape[0], : shape[1]])


@pytest.mark.parametrize("shape", [(300, 270), (1, 40), (40, 1), (3, 5), (1, 1)])
def test_uint8_is_bit_identical_to_opencv_per_level(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    levels = random_levels(shape)
    expected = image.copy()
    for level in range(1, 9):
        width = 2 * level + 1
        blurred = cv2.GaussianBlur(image, (width, width), LADDER.sigma_of(width), borderType=cv2.BORDER_REFLECT_101)
        expected = np.where(levels == level, blurred.reshape(shape), expected)
    np.testing.assert_array_equal(smooth_block(image[None], levels, None, LADDER)[0], expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
def test_every_dtype_keeps_the_numerics_tolerance(dtype: str) -> None:
    image, levels = texture((150, 140), dtype), random_levels((150, 140))
    result = smooth_block(image[None], levels, None, LADDER)[0]
    error = result.astype(np.float64) - smooth_reference(image, levels)
    if dtype.startswith("float"):
        assert np.abs(error).max() <= 1e-6
    elif dtype != "uint8":
        assert np.abs(error).max() <= 0.75  # half a step of rounding, and 18-bit taps on 16 bits
    else:
        assert np.abs(error).max() < 1.0 + 0.5  # 1 DN, on a reference that is not rounded
        assert abs(error.mean()) < 0.01
    np.testing.assert_array_equal(result[levels == 0], image[levels == 0])


def test_rounding_is_half_up_also_below_zero() -> None:
    image = np.array([[-1, 0, -1, 0, -1, 0]], np.int16)
    ladder = Ladder(1, "100*K")  # three taps of (almost) a third
    result = smooth_block(image[None], np.ones(image.shape, np.uint8), None, ladder)[0]
    np.testing.assert_array_equal(result, np.floor(smooth_like(image, ladder) + 0.5))


def smooth_like(image: NDArray[np.int16], ladder: Ladder) -> NDArray[np.float64]:
    taps = fixed_point_taps(3, ladder.sigma_of(3), 18)
    row = np.pad(image[0].astype(np.float64), 1, mode="reflect")
    return np.array([[taps @ row[i : i + 3] for i in range(image.shape[1])]])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_invalid_samples_keep_their_bits_and_lend_nothing(dtype: str) -> None:
    image, levels = texture((90, 100), dtype), random_levels((90, 100))
    valid = np.random.default_rng(3).random(image.shape) > 0.3
    valid[:, 60:] = False
    garbage = image.copy()
    garbage[~valid] = 0 if dtype != "float32" else np.nan
    result = smooth_block(garbage[None], levels, valid[None], LADDER)[0]
    other = image.copy()
    other[~valid] = np.iinfo(dtype).max if dtype != "float32" else np.inf
    np.testing.assert_array_equal(result[valid], smooth_block(other[None], levels, valid[None], LADDER)[0][valid])
    np.testing.assert_array_equal(result[~valid], garbage[~valid])
    error = result[valid].astype(np.float64) - smooth_reference(image, levels, valid)[valid]
    assert np.abs(error).max() <= (1e-6 if dtype == "float32" else 1.5)


@pytest.mark.parametrize(("nodata", "beside"), [(0, 1), (100, 99), (255, 254)])
def test_a_valid_result_never_becomes_the_nodata_code(nodata: int, beside: int) -> None:
    image = np.array([[nodata - 1, nodata + 1] * 8] * 16).clip(0, 255).astype(np.uint8)
    if nodata in (0, 255):
        image = np.full((16, 16), beside, np.uint8)
        image[8, 8] = nodata
        valid = np.ones(image.shape, np.bool_)  # the code is valid here: another band's mask says so
    else:
        valid = image != nodata
    levels = np.full(image.shape, 8, np.uint8)
    result = smooth_block(image[None], levels, valid[None], LADDER, SampleRules(nodata=nodata))[0]
    assert not (result == nodata).any()
    assert (np.abs(result.astype(int) - beside) <= 1).all()


def test_float_nodata_is_stepped_off_too() -> None:
    image = np.array([[-1.0, 1.0] * 8] * 16, np.float32)
    flat = smooth_block(image[None] * 0 + np.float32(5), np.full((16, 16), 8, np.uint8), None, LADDER, SampleRules(5.0))
    assert (flat != 5).all()
    assert np.abs(flat - 5).max() < 1e-5


def test_alpha_is_carried_over() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 50, 50), dtype=np.uint8)
    result = smooth_block(image, np.full((50, 50), 8, np.uint8), None, LADDER, SampleRules(alpha=3))
    np.testing.assert_array_equal(result[3], image[3])
    assert not np.array_equal(result[0], image[0])


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    steps=st.integers(1, 9),
    size=st.sampled_from([16, 24, 64]),
    dtype=st.sampled_from(["uint8", "uint16", "int16", "float32", "float64"]),
    hole=st.floats(0, 0.5),
    seed=st.integers(0, 99),
)
def test_blocks_with_halo_equal_the_whole_bit_for_bit(
    shape: tuple[int, int], steps: int, size: int, dtype: str, hole: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = texture(shape, dtype, seed)[None]
    levels = rng.integers(0, steps + 1, shape, dtype=np.uint8)
    valid = (rng.random(shape) >= hole)[None]
    ladder = Ladder(steps)
    whole = smooth_block(image, levels, valid, ladder)
    everything = Block(0, 0, *shape)
    for row in range(0, shape[0], size):
        for col in range(0, shape[1], size):
            block = Block(row, col, min(size, shape[0] - row), min(size, shape[1] - col))
            outer = block.expand(ladder.halo, shape)
            rows, cols = outer.slices_in(everything)
            part = smooth_block(image[:, rows, cols], levels[rows, cols], valid[:, rows, cols], ladder)
            inner = block.slices_in(outer)
            np.testing.assert_array_equal(part[:, *inner], whole[:, *block.slices_in(everything)])


@pytest.mark.parametrize("hole", [0.0, 0.5, 0.99])
def test_wide_ladders_keep_uint8_within_the_tolerance(hole: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 130), dtype=np.uint8)
    valid = np.random.default_rng(1).random(image.shape) >= hole
    levels = np.full(image.shape, 32, np.uint8)
    result = smooth_block(image[None], levels, valid[None], Ladder(32))[0]
    error = result[valid].astype(float) - smooth_reference(image, levels, valid)[valid]
    assert np.abs(error).max() <= 1.0
