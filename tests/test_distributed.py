"""The same job on a real cluster: a scheduler and two worker processes."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import rasterio

import geosal
from geosal import ClusterError, SceneError

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with two worker processes of one thread each."""
    folder = tmp_path_factory.mktemp("cluster")
    scheduler = subprocess.Popen(
        [sys.executable, "-P", "-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1",
         "--no-dashboard"],
        cwd=folder, stderr=(folder / "scheduler.log").open("w"),
    )  # fmt: skip
    try:
        address = _wait_for(folder / "scheduler.log", r"Scheduler at:\s+(tcp://\S+)")
        workers = subprocess.Popen(
            [sys.executable, "-P", "-m", "distributed.cli.dask_worker", address, "--nworkers", "2", "--nthreads", "1",
             "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(folder)],
            cwd=folder, stderr=(folder / "workers.log").open("w"),
        )  # fmt: skip
        try:
            _wait_for(folder / "workers.log", r"(?s)Starting established connection.*Starting established connection()")
            yield address
        finally:
            _stop(workers)
    finally:
        _stop(scheduler)


def _wait_for(log: Path, pattern: str) -> str:
    for _ in range(300):
        if match := re.search(pattern, log.read_text()):
            return match[1]
        time.sleep(0.1)
    raise TimeoutError(log.read_text())


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and what it has started; nobody has to be told that it goes, which takes seconds."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def test_the_same_bits_as_threads(cluster: str, uint16_scene: Path, tmp_path: Path) -> None:
    near, far = tmp_path / "near.tif", tmp_path / "far.tif"
    options = {"saliency": ("perlin", "grid"), "combine": "mean", "block": 128, "profile": "zstd"}
    geosal.compress(str(uint16_scene), str(near), **options)
    geosal.compress(str(uint16_scene), str(far), scheduler=cluster, **options)
    assert near.read_bytes() == far.read_bytes()


@pytest.mark.parametrize(
    ("scene", "name", "options", "elsewhere"),
    [
        ("uint16_scene", "a.tif", {"profile": "lerc", "treatment": "bound:error=32"}, ("processes",)),
        ("rgb_scene", "a.tif", {"profile": "jpeg", "treatment": "quality:low=30,high=90"}, ()),
        ("rgb_corner", "a.jp2", {"profile": "jp2", "treatment": "quality:low=8,high=30"}, ("processes",)),
        ("uint16_scene", "a.tif", {"profile": "zstd", "treatment": ("smooth", "bound"), "target_ratio": 2.5}, ()),
        ("rgb_corner", "a.tif", {"profile": "webp", "min_psnr": "20"}, ("processes",)),
    ],
)
def test_treatments_and_targets_travel(
    request: pytest.FixtureRequest,
    cluster: str,
    tmp_path: Path,
    scene: str,
    name: str,
    options: Any,
    elsewhere: tuple[str, ...],
) -> None:
    """To processes and to a cluster as the same pickles, so some go to both."""
    source, found, outputs = str(request.getfixturevalue(scene)), [], []
    for where in ("threads", cluster, *elsewhere):
        output = tmp_path / f"{len(outputs)}{name}"
        few = {"workers": 1} if where == "processes" else {}  # one takes a second to start
        summary = geosal.compress(source, str(output), saliency="perlin", block=128, scheduler=where, **few, **options)
        found.append({key: value for key, value in (summary.search or {}).items() if key != "seconds"})
        with rasterio.open(output) as dataset:  # tiles of a JPEG 2000 lie in the order in which they came
            outputs.append((output.stat().st_size, dataset.read(), dataset.read_masks()))
    assert all(one == found[0] for one in found)
    for first, *others in zip(*outputs, strict=True):
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_the_environments_address_is_used(
    cluster: str, rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster)
    recipe = geosal.Recipe(input=str(rgb_scene), output=str(tmp_path / "a.tif"), saliency=("half",))
    plan = geosal.make_plan(recipe)
    assert plan.scheduler == cluster
    assert geosal.run(plan).blocks == 1


def test_an_error_on_a_worker_comes_back_as_itself(cluster: str, rgb_scene: Path, tmp_path: Path) -> None:
    source = tmp_path / "cut.tif"
    source.write_bytes(rgb_scene.read_bytes()[:-60_000])
    with pytest.raises(SceneError, match="cut.tif"):
        geosal.compress(str(source), str(tmp_path / "out.tif"), saliency="half", block=256, scheduler=cluster)
    assert not (tmp_path / "out.tif").exists()


def test_a_dead_address_is_an_error_and_nothing_runs_here(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match="127.0.0.1:9"):
        geosal.compress(str(rgb_scene), str(tmp_path / "out.tif"), saliency="half", scheduler="tcp://127.0.0.1:9")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_does_not_change_the_result(cluster: str, uint16_scene: Path, tmp_path: Path) -> None:
    calm, stormy = tmp_path / "calm.tif", tmp_path / "stormy.tif"
    options = {"saliency": "perlin", "block": 128, "profile": "raw"}
    geosal.compress(str(uint16_scene), str(calm), **options)
    killed = threading.Event()

    def kill_one(progress: geosal.Progress) -> None:
        if progress.stage == "smooth" and progress.done == 10 and not killed.is_set():
            children = psutil.Process().children(recursive=True)
            workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.set()

    geosal.compress(str(uint16_scene), str(stormy), scheduler=cluster, progress=kill_one, **options)
    assert killed.is_set()
    assert calm.read_bytes() == stormy.read_bytes()


def _other_geosal(folder: Path, version: str) -> Path:
    """A copy of the package that says it is another version."""
    source = Path(geosal.__file__).parent
    shutil.copytree(source, folder / "geosal", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "geosal" / "version.py").write_text(f'__version__ = "{version}"\n')
    return folder


def _worker(address: str, folder: Path, **environment: str) -> "subprocess.Popen[bytes]":
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard",
         "--host", "127.0.0.1", "--local-directory", str(folder), "--no-nanny"],
        cwd=folder, stderr=(folder / "worker.log").open("w"), env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Address of a scheduler without workers."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1",
         "--no-dashboard"],
        cwd=tmp_path, stderr=(tmp_path / "scheduler.log").open("w"),
    )  # fmt: skip
    try:
        yield _wait_for(tmp_path / "scheduler.log", r"Scheduler at:\s+(tcp://\S+)")
    finally:
        _stop(process)


def test_a_worker_with_another_geosal_is_refused(scheduler: str, rgb_scene: Path, tmp_path: Path) -> None:
    other = _other_geosal(tmp_path / "other", "0.0.9")
    worker = _worker(scheduler, tmp_path / "worker", PYTHONPATH=str(other))
    try:
        _wait_for(tmp_path / "worker" / "worker.log", r"(Starting established connection)")
        with pytest.raises(ClusterError, match=r"has geosal 0\.0\.9 with other code .* install the same everywhere"):
            geosal.compress(str(rgb_scene), str(tmp_path / "a.tif"), saliency="half", scheduler=scheduler)
    finally:
        _stop(worker)
    assert not (tmp_path / "a.tif").exists()


def test_all_workers_gone_is_an_error(
    scheduler: str, rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.core.cluster.watch.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("geosal.core.cluster.pool._LOOK_SECONDS", 0.3)
    worker = _worker(scheduler, tmp_path / "worker")
    _wait_for(tmp_path / "worker" / "worker.log", r"(Starting established connection)")
    with pytest.raises(ClusterError, match="all workers are gone"):
        geosal.compress(
            str(rgb_scene), str(tmp_path / "a.tif"), saliency="half", scheduler=scheduler, block=256, workers=1,
            progress=lambda told: worker.kill() if told.stage == "smooth" and told.done else None,
        )  # fmt: skip
    worker.wait()
    assert not (tmp_path / "a.tif").exists()


def test_a_scheduler_that_goes_is_told_as_that_and_in_one_line(scheduler: str, rgb_scene: Path, tmp_path: Path) -> None:
    worker = _worker(scheduler, tmp_path / "worker")
    _wait_for(tmp_path / "worker" / "worker.log", r"(Starting established connection)")
    server = next(
        child
        for child in psutil.Process().children()
        if "distributed.cli.dask_scheduler" in child.cmdline() and child.cwd() == str(tmp_path)
    )
    output = tmp_path / "a.tif"
    job = subprocess.run(
        [sys.executable, "-P", "-c", _JOB_WITHOUT_ITS_SCHEDULER, str(rgb_scene), str(output), scheduler,
         str(server.pid)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    _stop(worker)
    assert job.returncode == 8, job.stderr
    assert "the scheduler is gone" in job.stderr
    assert "distributed" not in job.stderr
    assert len(job.stderr.strip().splitlines()) == 1
    assert not output.exists()


_JOB_WITHOUT_ITS_SCHEDULER = """
import os, signal, sys
import geosal, geosal.core.cluster.connection
geosal.core.cluster.connection.CONNECT_SECONDS = 2.0
scene, output, scheduler, server = sys.argv[1:]
gone = []
def begun(told):
    if told.stage == "smooth" and told.done and not gone:
        gone.append(server)
        os.kill(int(server), signal.SIGKILL)
try:
    geosal.compress(scene, output, saliency="half", scheduler=scheduler, block=64, progress=begun)
except geosal.GeosalError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""
