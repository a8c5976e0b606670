"""Faults in the middle of the job, in real processes: no file under the final name, the old one untouched."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

SCENE_SIZE = 2400
ROOM = 3_800_000
"""Bytes: fewer than the output takes."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough to be in the middle of for a moment."""
    path = tmp_path_factory.mktemp("faults") / "scene.tif"
    profile = {"driver": "GTiff", "count": 3, "height": SCENE_SIZE, "width": SCENE_SIZE, "dtype": "uint8"}
    place = {"crs": "EPSG:32631", "transform": rasterio.transform.from_origin(4e5, 49e5, 10, 10)}
    with rasterio.open(path, "w", tiled=True, **profile, **place) as dataset:
        dataset.write(np.random.default_rng(0).integers(100, 132, (3, SCENE_SIZE, SCENE_SIZE), dtype=np.uint8))
    return path


def start(scene: Path, output: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", "-m", "geosal", "compress", str(scene), str(output), "--saliency", "half"]
    return subprocess.Popen([*command, "--block", "256", *options], stderr=subprocess.PIPE, text=True)


def in_the_middle(process: "subprocess.Popen[str]", folder: Path) -> None:
    """Wait until tiles are being written, and the journal has noted a block: without one there is nothing to keep."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):  # some come and go
            noted = any(path.read_bytes().count(b"\n") > 2 for path in folder.glob(".*/journal.jsonl"))
            if noted and any(file.stat().st_size > 100_000 for file in folder.glob(".*/*")):
                return
        time.sleep(0.01)
    pytest.fail(f"never got to the middle: {process.communicate()[1]}")


@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_trial_3_sigkill_leaves_no_file_and_the_next_run_cleans_up(scene: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out.{suffix}"
    process = start(scene, output)
    in_the_middle(process, tmp_path)
    process.kill()
    process.wait()
    process.stderr.close()
    assert not output.exists()
    assert len(list(tmp_path.iterdir())) == 1  # the work directory of the dead
    again = start(scene, output, "--quiet")
    again.communicate()
    assert again.returncode == 0
    wanted = {output.name} if suffix == "tif" else {output.name, f"{output.name}.aux.xml"}
    assert {p.name for p in tmp_path.iterdir()} == wanted


def test_trial_3_sigkill_leaves_the_old_file_untouched(scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    output.write_bytes(b"the old one")
    before = output.stat()
    process = start(scene, output, "--overwrite")
    in_the_middle(process, tmp_path)
    process.kill()
    process.wait()
    process.stderr.close()
    assert output.read_bytes() == b"the old one"
    assert output.stat().st_mtime_ns == before.st_mtime_ns


def being_encoded(process: "subprocess.Popen[str]", output: Path) -> None:
    """Wait until the staged pixels are complete and the encoded file beside them grows."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for encoded in output.parent.glob(f".*/{output.name}"):
            if encoded.with_name(f"{encoded.name}.stage.tif").exists() and encoded.stat().st_size > 0:
                return
        time.sleep(0.005)
    pytest.fail(f"never saw it being encoded: {process.communicate()[1]}")


BY_GDAL = {
    "tif": ["--co", "OVERVIEW_RESAMPLING=NEAREST"],
    "jp2": ["--co", "BLOCKXSIZE=1000", "--co", "BLOCKYSIZE=1000"],
}
"""Options that no encoder of ours knows."""


@pytest.mark.parametrize("old", [None, b"the old one"])
@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_trial_3_sigkill_while_gdal_encodes(scene: Path, tmp_path: Path, suffix: str, old: bytes | None) -> None:
    output = tmp_path / f"out.{suffix}"
    sidecar = tmp_path / f"out.{suffix}.aux.xml"
    if old is not None:
        output.write_bytes(old)
        sidecar.write_bytes(old)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    process = start(scene, output, "--overwrite", *BY_GDAL[suffix])
    being_encoded(process, output)
    process.kill()
    process.wait()
    process.stderr.close()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == before
    (work,) = tmp_path.glob(".*")
    assert (work / f"{output.name}.stage.tif").exists()  # it was killed in the middle, not at the end


@pytest.mark.parametrize(
    ("number", "code", "options"),
    [(signal.SIGINT, 130, ()), (signal.SIGTERM, 143, ("--resume",)), (signal.SIGHUP, 143, ())],
)
def test_trial_6_a_signal_ends_the_job_within_five_seconds(
    scene: Path, tmp_path: Path, number: int, code: int, options: tuple[str, ...]
) -> None:
    # A shell that starts the tests in the background has SIGINT ignored, nohup SIGHUP, and a child would inherit that.
    default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, default)
    try:
        process = start(scene, tmp_path / "out.tif", *options)
    finally:
        signal.signal(number, before)
    in_the_middle(process, tmp_path)
    begin = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - begin < 5
    assert process.returncode == code
    assert "Traceback" not in errors
    left = list(tmp_path.iterdir())
    assert len(left) == len(options)  # a short job keeps its blocks where it was asked to
    for work in left:
        assert f"in {work}; to go on, run the same again with --resume" in " ".join(errors.split())


@pytest.mark.parametrize("by_gdal", [False, True])
@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_trial_1_2_a_full_disk_is_one_line_and_no_file(scene: Path, tmp_path: Path, suffix: str, by_gdal: bool) -> None:
    output = tmp_path / f"out.{suffix}"
    limited = [
        "prlimit",
        f"--fsize={ROOM}",
        sys.executable,
        "-P",
        "-m",
        "geosal",
        "compress",
        str(scene),
        str(output),
        *(BY_GDAL[suffix] if by_gdal else ()),
    ]
    done = subprocess.run([*limited, "--saliency", "half"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("geosal: error:")
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("by_gdal", [False, True])
@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_trial_1_2_a_small_file_system(scene: Path, tmp_path: Path, suffix: str, by_gdal: bool) -> None:
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (tmp_path / f"out.{suffix}").write_bytes(b"old")
        options = BY_GDAL[suffix] if by_gdal else []
        process = start(scene, tmp_path / f"out.{suffix}", "--overwrite", *options)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 5, errors
        assert "Traceback" not in errors
        assert [p.name for p in tmp_path.iterdir()] == [f"out.{suffix}"]
        assert (tmp_path / f"out.{suffix}").read_bytes() == b"old"
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
