import platform
import subprocess
import sys
from pathlib import Path

import pytest

_HEAPS = """
import ctypes, sys, threading
from geosal.core.machine import keep_memory

kept = keep_memory() if sys.argv[1] == "keep" else None
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
barrier = threading.Barrier(3)

def use():
    barrier.wait()
    libc.free(libc.malloc(ctypes.c_size_t(1000)))
    barrier.wait()

threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(kept)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these heaps")
@pytest.mark.parametrize(("wish", "says", "heaps"), [("keep", "True", {1}), ("leave", "None", {2, 3, 4})])
def test_threads_of_the_command_share_a_heap(tmp_path: Path, wish: str, says: str, heaps: set[int]) -> None:
    """As glibc tells it; without `keep_memory` each thread has one of its own."""
    told = tmp_path / "heaps.xml"
    done = subprocess.run([sys.executable, "-c", _HEAPS, wish, told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == says
    assert told.read_text().count("<heap nr=") in heaps
