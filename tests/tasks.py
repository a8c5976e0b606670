"""Tasks for worker processes, which must be able to import what they are sent."""

import os
import time
from typing import Any


def square(number: int) -> int:
    return number * number


def die(_: int) -> int:
    os._exit(9)


def hog(size: int) -> int:
    """Take so many bytes, and keep them for longer than anybody would look away."""
    taken = bytearray(size)
    taken[::4096] = b"x" * len(taken[::4096])
    time.sleep(60)
    return len(taken)


def tasks_on(dask_scheduler: Any) -> int:
    """Return the number of tasks that a scheduler knows of; it runs there."""
    return len(dask_scheduler.tasks)
