"""One graph for all chunks."""

import sys
import threading
from typing import Any

import cloudpickle
import dask
import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from geosal.arrays.chunks import blocks_of, each_chunk, merged
from geosal.core.grid import Block

IMAGE = np.arange(90 * 70, dtype=np.uint16).reshape(90, 70)


class Counted:
    """A source of chunks that counts how often each is asked for."""

    def __init__(self, chunks: int) -> None:
        self.asked: list[tuple[int, ...]] = []
        self.array = da.from_array(IMAGE, chunks=chunks).map_blocks(self._ask, dtype=np.uint16)
        self.asked.clear()  # dask looks at what comes of nothing

    def _ask(self, chunk: NDArray[Any], block_id: tuple[int, ...] = ()) -> NDArray[Any]:
        self.asked.append(block_id)
        return chunk


def look(block: Block, chunk: NDArray[Any], *others: NDArray[Any]) -> tuple[Block, NDArray[Any]]:
    assert chunk.shape == (1, *block.shape)
    assert all(other.shape[-2:] == block.shape for other in others)
    return block, chunk[0]


@pytest.mark.parametrize("scheduler", [None, "threads", "synchronous", "processes"])
def test_each_chunk_comes_once_with_its_place(scheduler: str | None) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # processes do not find the tests
    array, other = da.from_array(IMAGE, chunks=(40, 30)), da.ones((90, 70), chunks=17)
    found = np.zeros_like(IMAGE)
    with dask.config.set(scheduler=scheduler), each_chunk(look, [array, other], name="test") as results:
        for block, pixels in results:
            found[block.slices_in(Block(0, 0, 90, 70))] += pixels
    np.testing.assert_array_equal(found, IMAGE)


def test_what_chunks_share_is_computed_once() -> None:
    source = Counted(30)
    mean = da.map_overlap(lambda chunk: chunk, source.array, depth=5, boundary="none", dtype=np.uint16)
    with each_chunk(look, [mean], name="test", workers=2) as results:
        assert len(list(results)) == 9
    assert sorted(source.asked) == [(row, col) for row in range(3) for col in range(3)]


def test_a_fault_in_a_chunk_ends_the_work() -> None:
    def fail(block: Block, chunk: NDArray[Any]) -> None:
        raise ValueError(f"at {block}")

    with pytest.raises(ValueError, match="at rows"), each_chunk(fail, [Counted(10).array], name="test") as results:
        list(results)


def test_who_stops_taking_stops_the_makers() -> None:
    source = Counted(5)
    with each_chunk(look, [source.array], name="test", workers=1) as results:
        next(results)
    assert len(source.asked) < 20
    assert "geosal-chunks" not in {thread.name for thread in threading.enumerate()}


def test_a_slow_taker_slows_the_makers() -> None:
    source = Counted(5)
    with each_chunk(look, [source.array], name="test", workers=1) as results:
        next(results)
        threading.Event().wait(0.3)
        assert len(source.asked) < 20


def test_small_chunks_are_merged_until_a_halo_fits() -> None:
    assert merged((3, 3, 3, 3), 6) == (6, 6)
    assert merged((3, 3), 8) == (6,)
    assert [str(block) for block in blocks_of(((2, 1), (3,)))] == ["rows 0-1, columns 0-2", "rows 2-2, columns 0-2"]
