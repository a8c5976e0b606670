"""Record what blocks come to on a worker, or replay it: a worker that sleeps for as long as a block took.

`dask worker --preload blocks.py` imports this. With BLOCKS_RECORD=FOLDER the seconds and the result of each block are
kept there. With BLOCKS_REPLAY=FOLDER a block is not worked on: the worker sleeps for the seconds of a recorded one, and
returns its result, moved to the place of the block. Scheduler, client and file are then real, and many workers fit on
few cores. `cluster.py` in this folder starts such workers.
"""

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from geosal import produce
from geosal.core.grid import Block


class Recorded(NamedTuple):
    """A block: CPU seconds that it took, its result, the bytes of that when pickled, and the side of its tiles."""

    seconds: float
    done: produce.Done[Any]
    size: int
    tile: int


def _record(folder: Path, work: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(task: produce.CutTask[Any], block: Block) -> produce.Done[Any]:
        begin = time.thread_time()
        done: produce.Done[Any] = work(task, block)
        seconds = time.thread_time() - begin
        tile = getattr(getattr(task.cut.cutter, "encoder", None), "tile", 1)
        record = Recorded(seconds, done, len(pickle.dumps(done, 5)), tile)
        part = folder / f"{block.row_off}-{block.col_off}.part"
        part.write_bytes(pickle.dumps(tuple(record), 5))
        part.rename(part.with_suffix(".block"))
        return done

    return recorded


@cache
def recorded_in(folder: Path) -> tuple[Recorded, ...]:
    """Read the recorded blocks but those at the lower and right edge, which may be cut otherwise."""
    records = [Recorded(*pickle.loads(path.read_bytes())) for path in sorted(folder.glob("*.block"))]
    places = [(record.done.block.row_off, record.done.block.col_off) for record in records]
    bottom, right = map(max, zip(*places, strict=True))
    return tuple(each for each, (row, col) in zip(records, places, strict=True) if row < bottom and col < right)


def _replay(folder: Path) -> Callable[..., Any]:
    def replayed(_: produce.CutTask[Any], block: Block) -> produce.Done[Any]:
        records = recorded_in(folder)
        record = records[(block.row_off // block.height * 7 + block.col_off // block.width) % len(records)]
        time.sleep(record.seconds)
        return moved(record, block)

    return replayed


def moved(record: Recorded, block: Block) -> produce.Done[Any]:
    """Return a result as that of a block elsewhere: tiles and pieces keep their bytes, and get other places."""
    done = record.done
    down, right = block.row_off - done.block.row_off, block.col_off - done.block.col_off
    side = record.tile
    tiles = tuple(
        tile._replace(row=tile.row + (down >> tile.level) // side, col=tile.col + (right >> tile.level) // side)
        for tile in done.parts.tiles
    )
    pieces = tuple(
        piece._replace(block=_shifted(piece.block, down >> piece.level, right >> piece.level))
        for piece in done.parts.pieces
    )
    return produce.Done(block, done.parts._replace(tiles=tiles, pieces=pieces), done.facts)


def _shifted(block: Block, down: int, right: int) -> Block:
    return replace(block, row_off=block.row_off + down, col_off=block.col_off + right)


def _begin() -> None:
    if folder := os.environ.get("BLOCKS_RECORD"):
        produce.CutTask.__call__ = _record(Path(folder), produce.CutTask.__call__)  # type: ignore[method-assign]
    elif folder := os.environ.get("BLOCKS_REPLAY"):
        recorded_in(Path(folder))
        produce.CutTask.__call__ = _replay(Path(folder))  # type: ignore[method-assign]


_begin()
