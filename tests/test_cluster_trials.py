"""What happens to clusters: workers and schedulers die, memory is short, users lose patience."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rasterio
from click.testing import CliRunner, Result
from clusters import Started, scheduler_in, workers_of
from tasks import hog, tasks_on

import geosal
from geosal import ClusterError
from geosal.cli.main import geosal as group
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.scheduler import Scheduler

distributed = pytest.importorskip("distributed")

FORMATS = {
    "a.tif": ("uint16_scene", {"profile": "zstd"}),
    "a.jp2": ("uint16_scene", {"profile": "jp2-lossless"}),
    "a.zarr": ("uint16_scene", {}),
    "a.jpg": ("rgb_scene", {"treatment": "quality:low=30,high=90"}),
}


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Started]]:
    """Address of a scheduler, and two workers that nannies start again."""
    folder = tmp_path_factory.mktemp("crew")
    with scheduler_in(folder) as (address, _), workers_of(address, folder, count=2) as workers:
        yield address, workers


def digest(output: Path) -> str:
    """A digest of a file, or of all files of a store."""
    files = [output] if output.is_file() else sorted(path for path in output.rglob("*") if path.is_file())
    told = hashlib.sha256()
    for path in files:
        told.update(f"{path.relative_to(output)}\0".encode() + path.read_bytes())
    return told.hexdigest()


def call(*words: object) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], prog_name="geosal")


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_trial_7_workers_killed(
    request: pytest.FixtureRequest, crew: tuple[str, Started], tmp_path: Path, name: str
) -> None:
    address, workers = crew
    fixture, options = FORMATS[name]
    scene, calm, stormy = str(request.getfixturevalue(fixture)), tmp_path / "calm", tmp_path / "stormy"
    for folder in (calm, stormy):
        folder.mkdir()
    wish: dict[str, Any] = {"saliency": "perlin", "block": 128, **options}
    geosal.compress(scene, calm / name, **wish)
    at = [4, 12]

    def kill_one(told: geosal.Progress) -> None:
        if told.stage in {"smooth", "encode"} and at and told.done >= at[0]:
            while not (there := workers.workers()):
                time.sleep(0.1)
            os.kill(there[0].pid, signal.SIGKILL)
            at.pop(0)

    with pytest.warns(geosal.GeosalWarning, match=r"worker tcp://\S+ is gone; what it was working on is done again"):
        geosal.compress(scene, stormy / name, scheduler=address, progress=kill_one, **wish)
    assert at == []
    assert digest(stormy / name) == digest(calm / name)
    assert left_in(stormy) == left_in(calm)


# Memory


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a cluster whose workers have 400 MB, and one of them is asked once."""
    folder = tmp_path_factory.mktemp("narrow")
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with scheduler_in(folder, **once) as (address, _), workers_of(address, folder, "--memory-limit", "400MB", count=2):
        yield address


@pytest.fixture(scope="module")
def wide_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of full size, of which only the header exists."""
    path = tmp_path_factory.mktemp("wide") / "wide.tif"
    profile = {"driver": "GTiff", "width": 9000, "height": 9000, "count": 3, "dtype": "uint8", "SPARSE_OK": True}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 6e5, 0, -10, 5e6)}
    with rasterio.open(path, "w", **profile, **place, tiled=True, blockxsize=512, blockysize=512):
        pass
    return path


def test_trial_8_every_worker_out_of_memory(narrow: str, wide_scene: Path, tmp_path: Path) -> None:
    words = (wide_scene, tmp_path / "out.tif", "-s", "half", "--scheduler", narrow)
    refused = call("compress", *words, "--block", 8192)
    assert refused.exit_code == 8
    assert refused.stderr.splitlines()[-1].startswith("geosal: error: a block of 8192 px with its halo of 8 px needs")
    assert "on a worker of 1 thread, and the workers have 400.0 MB; use --block 512" in refused.stderr
    assert left_in(tmp_path) == []
    planned = call("plan", *words, "--json", "-")
    assert '"block": 512' in planned.stdout


def test_trial_8_workers_that_die_for_want_of_memory_are_told_as_that(narrow: str) -> None:
    advice = "a block of 8192 px needs about 2 GB; use --block 1024"
    with (
        open_pool(Scheduler(narrow), None, advice) as pool,
        pytest.warns(geosal.GeosalWarning, match="is gone"),
        pytest.raises(ClusterError, match=rf"has died, most likely for want of memory; {advice}"),
    ):
        list(pool.map_unordered(hog, [10**9]))


# Schedulers


def test_trial_9_dead_scheduler(rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 1.0)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    dead = call("compress", rgb_scene, tmp_path / "out.tif", "-s", "half")
    assert dead.exit_code == 8
    (line,) = dead.stderr.splitlines()
    assert line.startswith("geosal: error: DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:9: no dask scheduler answers")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["a.tif", "a.jp2"])
def test_a_job_goes_on_after_its_scheduler_has_died(
    request: pytest.FixtureRequest, crew: tuple[str, Started], tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 2.0)
    fixture, options = FORMATS[name]
    scene, calm, output = str(request.getfixturevalue(fixture)), tmp_path / "calm" / name, tmp_path / "out" / name
    for folder in (calm.parent, output.parent):
        folder.mkdir()
    wish: dict[str, Any] = {"saliency": "perlin", "block": 128, **options}
    geosal.compress(scene, calm, **wish)
    with (
        scheduler_in(tmp_path / "scheduler") as (address, scheduler),
        workers_of(address, tmp_path / "worker", "--no-nanny"),
        pytest.raises(ClusterError, match=r"the scheduler is gone .*run the same again with --resume"),
    ):
        geosal.compress(
            scene, output, scheduler=address, resume=True, **wish,
            progress=lambda told: scheduler.process.kill() if told.stage == "smooth" and told.done >= 17 else None,
        )  # fmt: skip
    assert not output.exists()
    summary = geosal.compress(scene, output, scheduler=crew[0], resume=True, **wish)
    assert summary.blocks == 35
    assert summary.resumed_blocks >= 17
    assert digest(output) == digest(calm)


def test_an_interrupted_job_leaves_nothing_on_the_cluster(
    crew: tuple[str, Started], wide_scene: Path, tmp_path: Path
) -> None:
    words = (
        "compress",
        wide_scene,
        tmp_path / "out.tif",
        "-s",
        "perlin",
        "--scheduler",
        crew[0],
        "--block",
        1024,
        "-q",
    )
    job = subprocess.Popen(
        [sys.executable, "-P", "-m", "geosal", *map(str, words)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    with distributed.Client(crew[0], set_as_default=False) as client:
        _wait_for(lambda: client.run_on_scheduler(tasks_on) > 1)
        job.send_signal(signal.SIGINT)
        assert job.wait(60) == 130
        assert job.stderr is not None
        assert job.stderr.read().splitlines()[-1].startswith("geosal: error: interrupted; nothing incomplete stands")
        _wait_for(lambda: client.run_on_scheduler(tasks_on) == 0)
        assert not any(client.processing().values())
        assert not any(client.has_what().values())
    assert left_in(tmp_path) == []


def _wait_for(happens: Callable[[], bool]) -> None:
    for _ in range(300):
        if happens():
            return
        time.sleep(0.1)
    raise TimeoutError
