"""A model of a job on many workers: blocks in parallel, one network, one process that appends.

Each worker does one block and has one waiting, as `geosal.core.cluster.Pool` keeps them. A result crosses the network
of the process that appends, one after the other at its rate, and is appended, one after the other. The next block is
sent when a result is taken. Tiles of overviews are encoded beside the appending, and hold it up only where
they take longer.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from appender import Appender

_LATENCY = 0.003
"""Seconds from a result that is taken to the next block on a worker; measured on one machine."""


@dataclass(frozen=True)
class Network:
    """What lies between workers and the process that appends."""

    name: str
    rate: float
    """Bytes a second."""


def speed_up(seconds: Sequence[float], append: Appender, network: Network, workers: int, blocks: int) -> float:
    """Return how many times as fast blocks are done as one after the other, until the last was appended.

    Parameters
    ----------
    seconds
        Seconds of blocks, taken in turn.
    append
        What a block costs the process that appends.
    network, workers
        The cluster.
    blocks
        Blocks of the job.
    """
    took = cycle(seconds)
    free = [0.0] * workers
    heapq.heapify(free)
    ended: list[float] = []
    """Ends of blocks whose results were not taken yet."""
    ready = [0.0] * min(blocks, 2 * workers)
    """When blocks that are sent lie with the workers."""
    sent, taken, total = len(ready), 0.0, 0.0
    crossed = 0.0
    each = max(append.take, append.encode)
    for _ in range(blocks):
        while ready:
            begin = max(heapq.heappop(free), ready.pop(0))
            length = next(took)
            total += length
            heapq.heappush(free, begin + length)
            heapq.heappush(ended, begin + length)
        crossed = max(crossed, heapq.heappop(ended)) + append.size / network.rate
        taken = max(taken, crossed) + each
        if sent < blocks:
            ready.append(taken + _LATENCY)
            sent += 1
    return total / taken
