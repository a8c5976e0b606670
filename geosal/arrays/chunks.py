"""All chunks of lazy arrays, one after the other, each task of their graph run once.

A block that is computed by itself computes its neighbours for the sake of a halo, and so do they. Here one graph makes
all chunks: what they share is made once and let go when the last of them has it. Chunks are brought to their ends row
by row, so at any time some three rows of them are in memory. What comes of a chunk waits in a short queue until it is
taken, so that a slow taker slows the makers.
"""

import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import dask.array as da
import dask.base
import dask.multiprocessing
import numpy as np
from dask.array.overlap import ensure_minimum_chunksize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.machine import cpu_count

_Result = TypeVar("_Result")
_AHEAD = 2
"""Chunks for each thread that may be begun while an earlier one is not done."""
_LOOK_SECONDS = 0.2
"""Seconds after which a maker that waits looks whether anybody still takes."""


class _Stopped(Exception):  # noqa: N818  nobody sees it: it ends the makers
    """Nobody takes any more."""


def blocks_of(chunks: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Block]:
    """Blocks that chunks (y, x) are, row by row."""
    (rows, cols) = (np.cumsum((0, *sizes)).tolist() for sizes in chunks)
    return [
        Block(row, col, row_stop - row, col_stop - col)
        for row, row_stop in pairwise(rows)
        for col, col_stop in pairwise(cols)
    ]


def merged(chunks: tuple[int, ...], halo: int) -> tuple[int, ...]:
    """Merge chunks smaller than a halo with their neighbours; left to itself dask makes the whole axis one chunk."""
    return (sum(chunks),) if sum(chunks) <= halo else tuple(ensure_minimum_chunksize(halo, chunks))


@contextmanager
def each_chunk(
    function: Callable[..., _Result], arrays: Sequence[da.Array], *, name: str, workers: int | None = None
) -> Iterator[Iterator[_Result]]:
    """Lend what a function makes of each chunk, as it comes.

    The chunks are computed where the user has dask compute: in threads by default, or on the cluster of a connected
    client, whose workers then call the function as well.

    Parameters
    ----------
    function
        Called with a `Block` and the chunk of each array; it must pickle where a cluster or processes are to call it.
    arrays
        Of dask, (y, x) or (band, y, x) each, of one number of rows and columns. The first has the chunks that count,
        the others are cut alike; bands come whole, and one is added where there are none.
    name
        Name of the tasks, for dask's dashboard.
    workers
        Threads at once, where they are threads; by default dask's own number.
    """
    aligned = _aligned(arrays)
    scheduler = dask.base.get_scheduler()
    client: Any = getattr(scheduler, "__self__", None)
    if hasattr(client, "persist"):
        ahead = _AHEAD * sum(client.nthreads().values())
        yield _by_client(client, _made(partial(_call, function), aligned, name, ahead))
    elif scheduler is dask.multiprocessing.get:
        yield _by_rows(_made(partial(_call, function), aligned, name, ahead=None))
    else:
        threads = workers or cpu_count()
        waiting: queue.Queue[Any] = queue.Queue(maxsize=2 * threads)
        stop = threading.Event()
        made = _made(partial(_hand_over, function, waiting, stop), aligned, name, _AHEAD * threads)
        maker = threading.Thread(target=_make, args=(made, waiting, stop, scheduler, workers), name="geosal-chunks")
        maker.start()
        try:
            yield _taken(waiting)
        finally:
            stop.set()
            maker.join()


def _aligned(arrays: Sequence[da.Array]) -> list[da.Array]:
    """The arrays with three axes, of which the first is one chunk, and with the chunks of the first array."""
    y, x = arrays[0].chunks[-2:]
    whole = (array if array.ndim > 2 else array[np.newaxis] for array in arrays)
    return [array.rechunk({0: -1, 1: y, 2: x}) for array in whole]


def _made(
    task: Callable[[Block, NDArray[Any]], NDArray[Any]], arrays: Sequence[da.Array], name: str, ahead: int | None
) -> da.Array:
    """Array of one object for each chunk.

    A chunk waits for the one that lies so many `ahead` of it, row by row. Else dask would begin in the middle and work
    towards both ends, with several rows of chunks in memory.
    """
    name = f"{name}-{uuid.uuid4().hex}"
    done, blocks = f"{name}-done", blocks_of(arrays[0].chunks[-2:])
    rows, cols = (len(sizes) for sizes in arrays[0].chunks[-2:])
    places = list(np.ndindex(rows, cols))
    layer: dict[Any, Any] = {}
    for number, (place, block) in enumerate(zip(places, blocks, strict=True)):
        before = None if ahead is None or number < ahead else (done, *places[number - ahead])
        layer[name, 0, *place] = (task, block, before, *((array.name, 0, *place) for array in arrays))
        layer[done, *place] = (_nothing, (name, 0, *place))
    beneath: list[Any] = list(arrays)
    graph = HighLevelGraph.from_collections(name, layer, dependencies=beneath)
    return da.Array(graph, name, ((1,), (1,) * rows, (1,) * cols), meta=np.empty((0, 0, 0), object))


def _nothing(_: object) -> None:
    """Tell that a chunk is done, and no more: what came of it stays where it is."""


def _call(function: Callable[..., Any], block: Block, _: None, *chunks: NDArray[Any]) -> NDArray[Any]:
    """Call the function on a chunk, and put what comes of it into an array."""
    result = np.empty((1, 1, 1), object)
    result[0, 0, 0] = function(block, *chunks)
    return result


def _hand_over(
    function: Callable[..., Any],
    waiting: "queue.Queue[Any]",
    stop: threading.Event,
    block: Block,
    _: None,
    *chunks: NDArray[Any],
) -> NDArray[Any]:
    """Call the function on a chunk, and hand over what comes of it."""
    if stop.is_set():
        raise _Stopped
    _put(waiting, stop, function(block, *chunks))
    return np.empty((1, 1, 1), object)


def _put(waiting: "queue.Queue[Any]", stop: threading.Event, item: object) -> None:
    while not stop.is_set():
        try:
            return waiting.put(item, timeout=_LOOK_SECONDS)
        except queue.Full:
            continue
    raise _Stopped


class _End:
    """What comes last: nothing more, or why not."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _make(
    made: da.Array,
    waiting: "queue.Queue[Any]",
    stop: threading.Event,
    scheduler: Callable[..., Any] | None,
    workers: int | None,
) -> None:
    """Have dask make all chunks."""
    error: BaseException | None = None
    try:
        threads = {} if workers is None else {"num_workers": workers}
        dask.base.compute(made, scheduler=scheduler or "threads", **threads)
    except BaseException as caught:  # noqa: BLE001  it is raised where the chunks are taken
        error = caught
    with suppress(_Stopped):
        _put(waiting, stop, _End(error))


def _taken(waiting: "queue.Queue[Any]") -> Iterator[Any]:
    while True:
        item = waiting.get()
        if not isinstance(item, _End):
            yield item
        elif item.error is None:
            return
        else:
            raise item.error


def _by_client(client: Any, made: da.Array) -> Iterator[Any]:
    """Have a cluster make all chunks of one graph, and fetch what comes of each."""
    from distributed import as_completed, futures_of  # who has a client has it

    futures = futures_of(client.persist(made))
    try:
        for future in as_completed(futures):
            result = future.result()
            future.release()
            yield result[0, 0, 0]
    finally:
        client.cancel([future for future in futures if not future.done()])


def _by_rows(made: da.Array) -> Iterator[Any]:
    """Make chunks in other processes, a row of them at a time: nothing can be handed over from there."""
    for row in range(made.shape[1]):
        yield from dask.base.compute(made[:, row : row + 1])[0].ravel().tolist()
