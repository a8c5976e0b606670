"""How a job runs: on a cluster whose workers are others or gone, in how much memory, and through what GDAL decodes."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from cases.frame import case, geosal, refused
from rasterio.transform import from_origin

import geosal as library

PLACE = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)}
WATCH = """
import subprocess, sys, resource
code = subprocess.run(sys.argv[1:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("peak", peak if sys.platform == "darwin" else peak * 1024, file=sys.stderr)
sys.exit(code)
"""
"""Linux counts the memory of whoever starts a process as that process's own. So a small one starts it."""


def _scene(folder: Path, side: int = 300) -> Path:
    profile = {"driver": "GTiff", "count": 1, "height": side, "width": side, "dtype": "uint8"}
    with rasterio.open(folder / "scene.tif", "w", **profile, **PLACE) as dataset:
        dataset.write(np.random.default_rng(0).integers(0, 256, (1, side, side), np.uint8))
    return folder / "scene.tif"


@contextmanager
def _running(folder: Path, name: str, ready: str, *words: str, path: Path | None = None) -> Iterator[tuple[int, str]]:
    """A program of dask's that runs until the body ends: its process, and what its log says when it is ready."""
    log = folder / f"{name}.log"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", f"distributed.cli.dask_{name}", *words, "--no-dashboard", "--host", "127.0.0.1"],
        cwd=folder,
        stderr=log.open("w"),
        env=os.environ | ({"PYTHONPATH": str(path)} if path else {}),
    )
    try:
        for _ in range(600):
            if found := re.search(ready, log.read_text()):
                break
            time.sleep(0.1)
        else:
            raise TimeoutError(log.read_text())
        yield process.pid, found[0]
    finally:
        process.kill()  # what it has to say would take seconds
        process.wait()


@contextmanager
def _cluster(folder: Path, path: Path | None = None) -> Iterator[tuple[str, int]]:
    """A scheduler's address and the process of its only worker, which finds packages in `path` first."""
    pytest.importorskip("distributed")
    with ExitStack() as stack:
        _, address = stack.enter_context(_running(folder, "scheduler", r"tcp://127\S+(?=\s)", "--port", "0"))
        words = (address, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        pid, _ = stack.enter_context(_running(folder, "worker", "Starting established connection", *words, path=path))
        yield address, pid


@case("cluster-of-another-geosal", "a worker whose geosal has other code is refused, though its version be the same")
def cluster_of_another_geosal(folder: Path) -> None:
    package = Path(library.__file__).parent
    shutil.copytree(package, folder / "other" / "geosal", ignore=shutil.ignore_patterns("__pycache__"))
    changed = folder / "other" / "geosal" / "smoothing" / "block.py"
    changed.write_text(changed.read_text() + "\nOTHER = 1\n")
    with _cluster(folder, folder / "other") as (address, _):
        done = geosal("compress", _scene(folder), folder / "o.tif", "-s", "half", "--scheduler", address)
    refused(done, 8, "other code", "install the same")


@case("cluster-without-geosal", "workers that have no geosal end the job, and are named")
def cluster_without_geosal(folder: Path) -> None:
    (folder / "none" / "geosal").mkdir(parents=True)
    (folder / "none" / "geosal" / "__init__.py").write_text('raise ModuleNotFoundError("No module named geosal")\n')
    with _cluster(folder, folder / "none") as (address, _):
        words = ("compress", _scene(folder), folder / "o.tif", "-s", "half", "--scheduler", address)
        refused(geosal(*words, timeout=60), 8, "no geosal", "install")


@case("cluster-killed", "a cluster whose only worker was killed amid the job ends it")
def cluster_killed(folder: Path) -> None:
    code = (
        "import os, signal, sys, geosal, geosal.core.cluster.watch\n"
        "geosal.core.cluster.watch.PATIENCE_SECONDS = 3.0\n"  # thirty by itself
        "def kill(told):\n"
        "    if told.stage == 'smooth' and told.done:\n"
        "        os.kill(int(sys.argv[4]), signal.SIGKILL)\n"
        "try:\n"
        "    geosal.compress(sys.argv[1], sys.argv[2], saliency='half', scheduler=sys.argv[3], block=256, workers=1,\n"
        "                    progress=kill)\n"
        "except geosal.ClusterError as error:\n"
        "    sys.exit(error.exit_code)\n"
    )
    scene = _scene(folder, 1000)
    with _cluster(folder) as (address, pid):
        words = [sys.executable, "-P", "-c", code, str(scene), str(folder / "o.tif"), address, str(pid)]
        done = subprocess.run(words, timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == 8, f"exit {done.returncode}: {done.stderr[-300:]}"
    assert not (folder / "o.tif").exists()


def _empty(path: Path, count: int, height: int, width: int, dtype: str = "uint8", driver: str = "GTiff") -> Path:
    more = {"SPARSE_OK": "YES", "tiled": True} if driver == "GTiff" else {}
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": dtype, **PLACE, **more}
    with rasterio.open(path, "w", **profile | {"driver": driver}) as dataset:
        if driver != "GTiff":
            rows = np.zeros((count, 256, width), dtype)
            for row in range(0, height, 256):
                few = rows[:, : height - row]
                dataset.write(few, window=rasterio.windows.Window(0, row, width, few.shape[1]))
    return path


@case("memory-of-many-bands", "100 bands of 1500 px are compressed in 1500 MiB, 200 of 4096 px in 6 GiB")
def memory_of_many_bands(folder: Path) -> None:
    for count, side, limit in ((100, 1500, 1500 * 2**20), (200, 4096, 6041 * 2**20)):
        scene = _empty(folder / f"{count}.tif", count, side, side, "uint16")
        wish = {"input": str(scene), "output": str(folder / "o.tif"), "saliency": "half", "profile": "zstd"}
        plan = library.make_plan(library.Recipe.from_mapping(wish | {"max_memory": limit}))
        assert plan.memory_bytes <= limit, f"{count} bands: {plan.memory_bytes} bytes"


@case("memory-of-a-picture", "a WebP, which GDAL decodes whole, takes no more memory than the plan expects")
def memory_of_a_picture(folder: Path) -> None:
    scene = folder / "scene.webp"
    rows = np.random.default_rng(0).integers(0, 256, (3, 32, 6500), np.uint8)
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", count=3, height=6500, width=6500, dtype="uint8", SPARSE_OK="YES") as dataset:
            dataset.write(rows, window=rasterio.windows.Window(0, 0, 6500, 32))
        with memory.open() as dataset:
            rasterio.shutil.copy(dataset, scene, driver="WEBP", QUALITY="1", METHOD="0")
    words = ("-s", "uniform:saliency=1", "--profile", "zstd", "--workers", "1", "--block", "512")
    command = [sys.executable, "-P", "-m", "geosal", "compress", str(scene), str(folder / "o.tif"), *words]
    done = subprocess.run([sys.executable, "-c", WATCH, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    recipe = library.Recipe(
        input=str(scene), output=str(folder / "p.tif"), saliency=("uniform:saliency=1",), profile="zstd", workers=1,
        block=512,
    )  # fmt: skip
    expected, taken = library.make_plan(recipe).memory_bytes, int(done.stderr.split()[-1])
    assert taken <= expected, f"{taken / 2**20:.0f} MiB taken, {expected / 2**20:.0f} expected"


@case("wide-pictures", "blocks of a wide PNG or JPEG fit into GDAL's cache by rows, so that none is decoded anew")
def wide_pictures(folder: Path) -> None:
    for driver, width in (("PNG", 24000), ("JPEG", 24000)):
        scene = _empty(folder / f"s.{driver.lower()}", 3, 2200, width, driver=driver)
        recipe = library.Recipe(input=str(scene), output=str(folder / "o.tif"), saliency=("half",))
        block = library.make_plan(recipe).block
        assert block * width * 3 <= 128 * 2**20, f"{driver}: a row of blocks of {block} px outgrows the cache"
