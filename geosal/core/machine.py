"""The machine this process runs on: its cores, its memory, and what the C library keeps of it."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_HEAP = ((-8, 1), (-1, 2**28), (-3, 2**25))
"""Numbers of glibc's mallopt and their values: one heap; up to 256 MiB at its end stay when they are free; arrays of
less than 32 MiB, the most that it allows, come from it."""


def cpu_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory this process may have: that of the machine, or of its container."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # none, or "max"
            return min(most, int(Path(limit).read_text(encoding="ascii")))
    return most


def keep_memory() -> bool:
    """Let this process's threads share one heap, and keep what they free for the next block; call it before them.

    By default each thread has a heap of its own, whose end goes back to the system whenever a large array is freed. The
    next array then gets pages that have to be cleared again: an eighth of the CPU time of a fast job, and more memory.
    Returned is whether the C library has done so; only glibc can.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        return all(mallopt(number, value) for number, value in _HEAP)
    return False


def trim_memory() -> None:
    """Return to the system what ended threads have freed: glibc keeps it for them, and the next ones are new."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
