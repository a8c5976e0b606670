"""Samples of arrays by blocks."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from geosal import UsageError
from geosal.arrays.samples import ArraySamples, Chunked, InMemory
from geosal.arrays.spill import Spilled
from geosal.core.grid import Block

PIXELS = np.random.default_rng(0).integers(0, 3000, (3, 90, 70)).astype(np.uint16)
MASK = PIXELS[0] % 7 > 0


MADE: list[tuple[int, ...]] = []


def note(chunk: NDArray[Any], block_id: tuple[int, ...] = ()) -> NDArray[Any]:
    MADE.append(block_id)
    return chunk


def counted() -> tuple[da.Array, da.Array]:
    """Pixels that note which of their chunks are computed, and a mask."""
    pixels = da.from_array(PIXELS, chunks=(2, 40, 30)).map_blocks(note, dtype=np.uint16)
    MADE.clear()  # dask looks at what comes of nothing
    return pixels, da.from_array(MASK, chunks=50)


def of_each_kind(folder: Path) -> list[ArraySamples]:
    spilled = Spilled(*counted(), lambda: folder / "spilled.tif", 2, lambda _: None)
    return [InMemory(PIXELS, MASK), Chunked(*counted()), Chunked.of(InMemory(PIXELS, MASK)), spilled]


def test_all_kinds_read_the_same(tmp_path: Path) -> None:
    for samples in of_each_kind(tmp_path):
        for block in (Block(0, 0, 90, 70), Block(33, 25, 20, 41), Block(89, 69, 1, 1)):
            pixels, mask = samples.read(block)
            inside = block.slices_in(Block(0, 0, 90, 70))
            np.testing.assert_array_equal(pixels, PIXELS[:, *inside])
            np.testing.assert_array_equal(mask, MASK[inside])
        travelled = pickle.loads(cloudpickle.dumps(samples))  # as dask does: its arrays hold local functions
        np.testing.assert_array_equal(travelled.read(Block(1, 2, 3, 4))[0], PIXELS[:, 1:4, 2:6])


def test_a_part_in_memory_knows_where_it_begins() -> None:
    part = InMemory(PIXELS[:, 20:60, 10:50], None, (20, 10))
    np.testing.assert_array_equal(part.read(Block(30, 20, 5, 6))[0], PIXELS[:, 30:35, 20:26])


def test_chunks_are_computed_once_for_blocks_side_by_side() -> None:
    samples = Chunked(counted()[0], None)
    blocks = [Block(row, col, 10, 10) for row in range(0, 90, 10) for col in range(0, 70, 10)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(samples.read, blocks))
    assert len(MADE) == len(set(MADE))


def test_a_spilled_array_is_computed_once_and_when_it_is_read(tmp_path: Path) -> None:
    spilled = Spilled(counted()[0], None, lambda: tmp_path / "spilled.tif", 2, lambda _: None)
    assert MADE == []
    assert list(tmp_path.iterdir()) == []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(spilled.read, [Block(row, 0, 10, 70) for row in range(0, 90, 10)]))
    assert len(MADE) == len(set(MADE))


def test_chunks_that_are_not_what_dask_says_are_refused() -> None:
    lying = da.from_array(PIXELS, chunks=40).map_blocks(lambda chunk: chunk.astype("f8"), dtype="u2")
    with pytest.raises(UsageError, match=r"declares uint16, what it computes is float64"):
        Chunked(lying, None).read(Block(0, 0, 9, 9))
