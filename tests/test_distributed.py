"""The same job on a real cluster: a scheduler and two worker processes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import rasterio
from clusters import Started, scheduler_in, workers_of

import geosal
from geosal import ClusterError, SceneError

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with two worker processes of one thread each."""
    folder = tmp_path_factory.mktemp("cluster")
    with scheduler_in(folder) as (address, _), workers_of(address, folder, count=2):
        yield address


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
    assert plan.scheduler.name == cluster
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

    with pytest.warns(geosal.GeosalWarning, match=r"worker tcp://\S+ is gone; what it was working on is done again"):
        geosal.compress(str(uint16_scene), str(stormy), scheduler=cluster, progress=kill_one, **options)
    assert killed.is_set()
    assert calm.read_bytes() == stormy.read_bytes()


def _other_geosal(folder: Path, version: str) -> Path:
    """A copy of the package that says it is another version."""
    source = Path(geosal.__file__).parent
    shutil.copytree(source, folder / "geosal", ignore=shutil.ignore_patterns("__pycache__"))
    told = folder / "geosal" / "version.py"
    told.write_text(re.sub(r"^__version__ = .*", f'__version__ = "{version}"', told.read_text(), flags=re.MULTILINE))
    return folder


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, Started]]:
    """A scheduler without workers, and its address."""
    with scheduler_in(tmp_path / "scheduler") as started:
        yield started


def test_a_worker_with_another_geosal_is_refused(
    scheduler: tuple[str, Started], rgb_scene: Path, tmp_path: Path
) -> None:
    address, other = scheduler[0], _other_geosal(tmp_path / "other", "0.0.9")
    with (
        workers_of(address, tmp_path / "worker", "--no-nanny", PYTHONPATH=str(other)),
        pytest.raises(ClusterError, match=r"has geosal 0\.0\.9, and here is .* install the same everywhere"),
    ):
        geosal.compress(str(rgb_scene), str(tmp_path / "a.tif"), saliency="half", scheduler=address)
    assert not (tmp_path / "a.tif").exists()


def test_all_workers_gone_is_an_error(
    scheduler: tuple[str, Started], rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.core.cluster.watch.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("geosal.core.cluster.pool._LOOK_SECONDS", 0.3)
    with (
        workers_of(scheduler[0], tmp_path / "worker", "--no-nanny") as worker,
        pytest.warns(geosal.GeosalWarning, match="worker tcp://127.0.0.1:[0-9]+ is gone"),
        pytest.raises(ClusterError, match="all workers are gone"),
    ):
        geosal.compress(
            str(rgb_scene), str(tmp_path / "a.tif"), saliency="half", scheduler=scheduler[0], block=256, workers=1,
            progress=lambda told: worker.process.kill() if told.stage == "smooth" and told.done else None,
        )  # fmt: skip
    assert not (tmp_path / "a.tif").exists()


def test_a_scheduler_that_goes_is_told_as_that_and_in_one_line(
    scheduler: tuple[str, Started], rgb_scene: Path, tmp_path: Path
) -> None:
    address, server = scheduler
    output = tmp_path / "a.tif"
    with workers_of(address, tmp_path / "worker", "--no-nanny"):
        job = subprocess.run(
            [sys.executable, "-P", "-c", _JOB_WITHOUT_ITS_SCHEDULER, str(rgb_scene), str(output), address,
             str(server.pid)],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
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
