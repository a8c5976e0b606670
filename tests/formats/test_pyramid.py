"""Blocks to tiles: any blocks give the same tiles, and overviews are what they should be."""

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geosal.core.grid import Block, level_shapes
from geosal.errors import OutputError
from geosal.formats.pyramid import Assembler, Cutter, Tile, Uncut

TILE = 32


@dataclass(frozen=True)
class Raw:
    """An encoder that keeps what it gets."""

    tile: int = TILE
    overviews: bool = True

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        told = repr(pixels.shape).encode() if levels is None else levels.tobytes()
        return (pixels.tobytes(), b"" if mask is None else mask.tobytes(), told)


@dataclass(frozen=True)
class Refusing(Raw):
    """An encoder whose library cannot."""

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        raise ValueError("no\nway")


def cutter_of(shape: tuple[int, int], nodata: float | None = None, alpha: int | None = None) -> Cutter:
    return Cutter(encoder=Raw(), shapes=level_shapes(shape, TILE), nodata=nodata, alpha=alpha)


def tiles_of(
    cutter: Cutter,
    blocks: list[Block],
    pixels: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    levels: NDArray[np.uint8] | None = None,
) -> dict[tuple[int, int, int], tuple[bytes, ...]]:
    assembler, found = Assembler(cutter), list[Tile]()
    whole = Block(0, 0, *pixels.shape[1:])
    for block in blocks:
        inside = block.slices_in(whole)
        rest = (None if array is None else array[inside] for array in (mask, levels))
        parts = cutter.cut(block, pixels[:, *inside], *rest)
        found += parts.tiles
        for piece in parts.pieces:
            found += map(cutter.encode, assembler.add(piece))
    result = {tile[:3]: tile.parts for tile in found}
    assert len(result) == len(found)  # none came twice
    return result


def cuts(draw: st.DrawFn, length: int) -> list[int]:
    inner = draw(st.lists(st.integers(1, length - 1), max_size=4)) if length > 1 else []
    return [0, *sorted(set(inner)), length]


@st.composite
def images(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[np.bool_] | None, list[Block]]:
    height, width = draw(st.integers(1, 150)), draw(st.integers(1, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["uint8", "int16", "float32"]))
    pixels = rng.integers(0, 100, (2, height, width)).astype(dtype)
    mask = rng.random((height, width)) < 0.5 if draw(st.booleans()) else None
    rows, cols = cuts(draw, height), cuts(draw, width)
    blocks = [Block(r, c, r2 - r, c2 - c) for r, r2 in pairwise(rows) for c, c2 in pairwise(cols)]
    random.Random(draw(st.integers(0, 99))).shuffle(blocks)
    return pixels, mask, blocks


@given(image=images())
def test_blocks_and_their_order_never_show(image: tuple[NDArray[Any], NDArray[np.bool_] | None, list[Block]]) -> None:
    pixels, mask, blocks = image
    cutter = cutter_of(pixels.shape[1:], nodata=7)
    whole = tiles_of(cutter, [Block(0, 0, *pixels.shape[1:])], pixels, mask)
    assert tiles_of(cutter, blocks, pixels, mask) == whole
    expected = {
        (level, row, col)
        for level, (height, width) in enumerate(cutter.shapes)
        for row in range(-(-height // TILE))
        for col in range(-(-width // TILE))
    }
    assert set(whole) == expected


@given(image=images(), seed=st.integers(0, 99))
def test_every_tile_is_told_its_levels_and_overviews_their_mean_one(
    image: tuple[NDArray[Any], NDArray[np.bool_] | None, list[Block]], seed: int
) -> None:
    pixels, mask, blocks = image
    shape = pixels.shape[1:]
    levels = np.where(np.random.default_rng(seed).random(shape) < 3e-3, 2, 7).astype(np.uint8)
    tiles = tiles_of(cutter_of(shape), blocks, pixels, mask, levels)
    pooled = [levels.astype(float)]
    for _ in range(5):
        rows, cols = (length + length % 2 for length in pooled[-1].shape)
        padded = np.full((rows, cols), np.inf)
        padded[: pooled[-1].shape[0], : pooled[-1].shape[1]] = pooled[-1]
        pooled.append(padded.reshape(rows // 2, 2, cols // 2, 2).min(axis=(1, 3)))
    for (level, row, col), (_, _, told) in tiles.items():
        here = pooled[level][row * TILE : (row + 1) * TILE, col * TILE : (col + 1) * TILE]
        expected = here if level == 0 else np.full(here.shape, np.floor(here.mean() + 0.5))
        assert told == expected.astype(np.uint8).tobytes()


def mean_of_valid(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The slow way; NaN where nothing is valid."""
    rows, cols = (-(-length // 2) for length in pixels.shape)
    result = np.full((rows, cols), np.nan)
    for row in range(rows):
        for col in range(cols):
            here = np.s_[2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
            if valid[here].any():
                result[row, col] = pixels[here][valid[here]].astype(float).mean()
    return result


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 3), ("int16", -5), ("float32", None), ("uint16", None)])
def test_overview_is_the_mean_of_what_is_valid(dtype: str, nodata: float | None) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0 if dtype[0] == "u" else -9, 9, (1, 41, 50)).astype(dtype)
    valid = pixels[0] != nodata if nodata is not None else np.ones((41, 50), bool)
    if dtype == "float32":
        pixels[0, 5:9, 5:9] = np.nan
        valid = np.isfinite(pixels[0])
    tiles = tiles_of(cutter_of((41, 50), nodata), [Block(0, 0, 41, 50)], pixels, None)
    data, _, shape = tiles[1, 0, 0]
    assert shape == b"(1, 21, 25)"
    found = np.frombuffer(data, dtype).reshape(21, 25).astype(float)
    expected = mean_of_valid(pixels[0], valid)
    if dtype != "float32":
        expected = np.floor(expected + 0.5)
    some = ~np.isnan(expected)
    stepped = some & (expected == (np.nan if nodata is None else nodata))
    np.testing.assert_allclose(found[some & ~stepped], expected[some & ~stepped], rtol=1e-6)
    assert (found[stepped] != nodata).all()
    if nodata is not None:
        assert stepped.any()
        assert (found[~some] == nodata).all()


@pytest.mark.parametrize("share", [0.5, 0.01, 1.0])
def test_a_pixel_of_an_overview_is_valid_where_one_below_it_is(share: float) -> None:
    """On every level; and it is the mean of all valid ones, also where the first of four is not."""
    rng = np.random.default_rng(2)
    mask, pixels = rng.random((1, 41, 75)) < share, rng.integers(0, 255, (1, 41, 75)).astype(np.uint8)
    tiles = tiles_of(cutter_of((41, 75)), [Block(0, 0, 41, 75)], pixels, mask[0])
    for level in (1, 2):
        mean = mean_of_valid(pixels[0], mask[0])
        pixels, mask = np.nan_to_num(np.floor(mean + 0.5))[np.newaxis], ~np.isnan(mean)[np.newaxis]
        for (_, row, col), (data, packed, _) in ((at, parts) for at, parts in tiles.items() if at[0] == level):
            block = Block(row * TILE, col * TILE, TILE, TILE).expand(0, mean.shape)
            inside = block.slices_in(Block(0, 0, *mean.shape))
            assert packed == mask[0][inside].tobytes()
            found = np.frombuffer(data, np.uint8).reshape(block.shape)
            np.testing.assert_array_equal(found[mask[0][inside]], pixels[0][inside][mask[0][inside]])


def test_a_codec_that_refuses_a_tile_is_an_output_error() -> None:
    cutter = Cutter(encoder=Refusing(), shapes=((40, 40),))
    with pytest.raises(OutputError, match=r"a tile of 1 band of uint8, 32 x 32 pixels, cannot be encoded \(no way\)"):
        cutter.cut(Block(0, 0, 40, 40), np.zeros((1, 40, 40), np.uint8), None)


def test_transparent_pixels_lend_no_colour() -> None:
    pixels = np.zeros((2, 40, 40), np.uint8)
    pixels[0, 0, :2], pixels[1, 0, :2] = (200, 100), (0, 255)
    data = tiles_of(cutter_of((40, 40), alpha=1), [Block(0, 0, 40, 40)], pixels, None)[1, 0, 0][0]
    found = np.frombuffer(data, np.uint8).reshape(2, 20, 20)
    assert found[0, 0, 0] == 100
    assert found[1, 0, 0] == 64  # (0 + 255 + 0 + 0) / 4, rounded half up


def test_without_an_encoder_a_block_stays_whole() -> None:
    pixels = np.ones((1, 40, 40), np.uint8)
    parts = Uncut().cut(Block(0, 0, 40, 40), pixels, None)
    assert parts.tiles == ()
    assert parts.pieces[0].pixels is pixels
