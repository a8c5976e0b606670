"""The order in which a cluster's workers get items: each worker those beside the ones that it had."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Generic, TypeVar

_ROWS = 2
"""Rows of items from which the next one is taken: so far one worker may get ahead of another."""
_Item = TypeVar("_Item")


class Lanes(Generic[_Item]):
    """Hands out items so that each worker goes down a lane, a few columns of the items that lie row by row.

    Blocks side by side read the same tiles of the input, at the edge between them. Who gets both decodes these once.

    Parameters
    ----------
    items
        All items, row by row.
    across
        Tells the column of an item.
    count
        Number of lanes: one for each worker process, as its threads share what was decoded.
    """

    def __init__(self, items: Sequence[_Item], across: Callable[[_Item], int], count: int) -> None:
        columns = sorted(set(map(across, items)))
        lane_of = {column: number * count // len(columns) for number, column in enumerate(columns)}
        self._waiting = [(number, lane_of[across(item)], item) for number, item in enumerate(items)]
        self._reach, self._count = _ROWS * len(columns), count
        self._lanes: dict[str, int] = {}
        self._unknown = 0
        """Items that were handed out to nobody knows whom."""

    def take(self, worker: str | None) -> _Item | None:
        """Return the next item for a worker; where its lane has none nearby, the first of all.

        Parameters
        ----------
        worker
            Who is going to get it; None where nobody knows yet.

        Returns
        -------
        item or None
            None where all are handed out.
        """
        if not self._waiting:
            return None
        if worker is None:
            lane, self._unknown = self._unknown % self._count, self._unknown + 1
        else:
            lane = self._lanes.setdefault(worker, len(self._lanes) % self._count)
        end = self._waiting[0][0] + self._reach
        near = takewhile(lambda row: row[0] < end, self._waiting)
        place = next((place for place, (_, its, _) in enumerate(near) if its == lane), 0)
        return self._waiting.pop(place)[2]
