"""Which error smoothed samples can spare."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from geosal.core.ladder import Ladder
from geosal.smoothing.block import smooth_block
from geosal.smoothing.spare import Spare

LADDER = Ladder()
SHAPE = (96, 96)
INNER = (slice(8, 88), slice(8, 88))


def noise(scale: float, dtype: str = "uint16", seed: int = 0) -> NDArray[Any]:
    samples = 2000 + np.random.default_rng(seed).normal(0, scale, (1, *SHAPE))
    return samples.astype(dtype) if np.dtype(dtype).kind == "f" else samples.round().astype(dtype)


def error_of(pixels: NDArray[Any], valid: NDArray[np.bool_] | None = None, alpha: int | None = None) -> float:
    spare = Spare(LADDER, alpha)
    spare.add(pixels, np.ones(pixels.shape, np.bool_) if valid is None else valid, INNER)
    return spare.error()


def test_it_is_an_eighth_of_what_the_widest_kernel_takes_from_the_middle_sample() -> None:
    pixels = noise(100)
    levels = np.full(SHAPE, LADDER.steps, np.uint8)
    taken = np.abs(smooth_block(pixels, levels, None, LADDER).astype(float) - pixels)[:, *INNER]
    assert error_of(pixels) == np.floor(np.median(taken) / 8) == 8
    assert error_of(noise(100, "int16")) == 8
    assert error_of(noise(100, "float32")) == pytest.approx(np.median(taken) / 8, rel=0.05)


def test_what_takes_little_from_a_scene_spares_nothing() -> None:
    assert error_of(noise(5)) == 0


def test_no_finer_than_the_values_that_a_scene_has() -> None:
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    ramp = ((rows + cols) * 257).astype(np.uint16)[np.newaxis]
    assert error_of(ramp) == 128  # 8 bits, once
    assert error_of((rows // 30 * 1000).astype(np.uint16)[np.newaxis]) == 0  # four values do not tell


def test_the_least_of_the_bands_is_that_of_all() -> None:
    loud, quiet = noise(400), noise(100)
    assert error_of(np.concatenate([loud, quiet])) == error_of(quiet)


def test_a_band_that_is_even_has_no_say_nor_has_alpha() -> None:
    loud, even = noise(400), np.full((1, *SHAPE), 7, np.uint16)
    assert error_of(np.concatenate([loud, even])) == error_of(loud)
    assert error_of(np.concatenate([loud, noise(50)]), alpha=1) == error_of(loud)
    assert error_of(np.concatenate([noise(50), loud]), alpha=0) == error_of(loud)
    assert error_of(noise(50), alpha=0) == 0


def test_what_does_not_count_has_no_say() -> None:
    pixels, valid = noise(100), np.ones((1, *SHAPE), np.bool_)
    pixels[:, :, :48], valid[:, :, :48] = 0, False
    assert error_of(pixels, valid) == pytest.approx(error_of(noise(100)), abs=1)
    assert error_of(pixels, np.zeros_like(valid)) == 0
    nan = noise(100, "float32")
    nan[:, :40] = np.nan
    assert error_of(nan, np.isfinite(nan)) == pytest.approx(error_of(noise(100, "float32")), rel=0.2)


def test_pieces_count_together() -> None:
    pieces, one = Spare(LADDER), noise(100)
    for seed in range(3):
        pixels = noise(100, seed=seed)
        pieces.add(pixels, np.ones(pixels.shape, np.bool_), INNER)
    assert pieces.error() == error_of(one)


def test_without_a_piece_nothing_is_spared() -> None:
    assert Spare(LADDER).error() == 0
