import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from geosal import OutputError
from geosal.core.grid import Block
from geosal.formats.pyramid import Cutter, Parts, Piece, Tile
from geosal.formats.sink import _CODING, _TileSink

TILE = 4


class Slow:
    """An encoder that waits until it may go on."""

    tile = TILE
    overviews = False

    def __init__(self) -> None:
        self.may_go = threading.Semaphore(0)
        self.threads: set[str] = set()

    def __call__(self, pixels: NDArray[Any], mask: None, levels: None = None) -> tuple[bytes, ...]:
        assert self.may_go.acquire(timeout=20)
        self.threads.add(threading.current_thread().name)
        if pixels[0, 0, 0] == 255:
            raise ValueError("no such pixel")
        return (pixels.tobytes(),)


def _sink(encoder: Slow, coder: ThreadPoolExecutor, *, in_order: bool = False) -> tuple[_TileSink, list[Tile]]:
    """A sink of a file of one row of twenty tiles, and what the file has got."""
    appended: list[Tile] = []
    container: Any = SimpleNamespace(in_order=in_order, append=appended.append, finish=lambda *_: None)
    return _TileSink(Cutter(encoder=encoder, shapes=((TILE, 20 * TILE),)), container, coder), appended


def _half(number: int, value: int = 1) -> Parts:
    """Half a tile: two of them make one."""
    block = Block(0, number * TILE // 2, TILE, TILE // 2)
    return Parts((), (Piece(0, block, np.full((1, TILE, TILE // 2), value, np.uint8), None),))


def test_tiles_are_put_together_beside_the_thread_that_appends_them_and_few_of_them_wait() -> None:
    encoder = Slow()
    with ThreadPoolExecutor(1, "coder") as coder:
        sink, appended = _sink(encoder, coder)
        for number in range(2 * _CODING):
            sink.take(_half(number))  # returns, though no tile is encoded
        assert not appended
        taking = threading.Thread(target=lambda: [sink.take(_half(number)) for number in range(2 * _CODING, 40)])
        taking.start()
        taking.join(0.2)
        assert taking.is_alive()  # one more waits for the first
        encoder.may_go.release(20)
        taking.join(20)
        sink.finish({}, None)
    assert [tile.col for tile in appended] == list(range(20))
    assert encoder.threads == {"coder_0"}


def test_a_file_whose_tiles_lie_as_they_come_gets_those_of_a_block_with_it() -> None:
    encoder = Slow()
    encoder.may_go.release(20)
    with ThreadPoolExecutor(1, "coder") as coder:
        sink, appended = _sink(encoder, coder, in_order=True)
        for number in range(6):
            sink.take(_half(number))
            assert len(appended) == (number + 1) // 2


def test_what_the_encoder_refuses_ends_the_job() -> None:
    encoder = Slow()
    encoder.may_go.release(20)
    with ThreadPoolExecutor(1, "coder") as coder:
        sink, _ = _sink(encoder, coder)

        def write() -> None:
            for number in range(2):
                sink.take(_half(number, 255))
            sink.finish({}, None)

        with pytest.raises(OutputError, match="no such pixel"):
            write()
