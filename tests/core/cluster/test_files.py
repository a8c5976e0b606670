"""Workers that see another file under the same path, or none: in mount namespaces of their own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from clusters import scheduler_in, workers_of

import geosal

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """A cluster whose worker sees another folder under a path; that path, and what the worker sees there."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a mount namespace needs root and unshare")
    folder = tmp_path_factory.mktemp("apart")
    here, there = folder / "data", folder / "elsewhere"
    here.mkdir()
    there.mkdir()
    hide = ("unshare", "-m", "sh", "-c", f"mount --bind '{there}' '{here}' && exec \"$@\"", "sh")
    if subprocess.run([*hide, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces on this machine")
    with (
        scheduler_in(folder / "scheduler") as (address, _),
        workers_of(address, folder / "worker", "--no-nanny", under=hide),
    ):
        yield address, here, there


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("same", None),
        ("none", "there is no such file"),
        ("larger", r"it has \d+ bytes and had \d+"),
        ("later", "the time of its last change is another"),
        ("alike", "its content is another, although size and time are the same"),
    ],
)
@pytest.mark.parametrize("what", ["scene", "mask"])
def test_a_worker_that_sees_another_file_is_named_with_what_differs(
    apart: tuple[str, Path, Path], rgb_scene: Path, tmp_path: Path, what: str, kind: str, fault: str | None
) -> None:
    address, here, there = apart
    shutil.copyfile(rgb_scene, here / "scene.tif")
    with rasterio.open(rgb_scene) as dataset:
        profile = dataset.profile | {"driver": "GTiff", "count": 1, "nodata": None, "compress": "deflate"}
        noise = np.random.default_rng(3).integers(0, 256, (1, dataset.height, dataset.width), np.uint8)
    with rasterio.open(here / "mask.tif", "w", **profile) as mask:
        mask.write(noise)
    for name in ("scene", "mask"):
        shutil.copy2(here / f"{name}.tif", there / f"{name}.tif")
    other = there / f"{what}.tif"
    stat = other.stat()
    if kind == "none":
        other.unlink()
    elif kind == "larger":
        other.write_bytes(other.read_bytes() + b"more")
    elif kind == "alike":
        content = bytearray(other.read_bytes())
        content[len(content) // 2] ^= 1
        other.write_bytes(content)
    if kind not in {"same", "none"}:
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9 * (kind == "later")))
    wish = {"saliency": str(here / "mask.tif"), "block": 256, "scheduler": address}
    output = tmp_path / "out.tif"
    if fault is None:
        assert geosal.compress(here / "scene.tif", output, **wish).blocks == 12
        return
    with pytest.raises(geosal.SceneError, match=rf"{what}\.tif: .*{fault}; .*\(on worker tcp://\S+ of host \S+\)$"):
        geosal.compress(here / "scene.tif", output, **wish)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_sees_another_vector_file_is_named(
    apart: tuple[str, Path, Path], rgb_scene: Path, tmp_path: Path
) -> None:
    """Features are read by each worker, and the whole file has a digest."""
    address, here, there = apart
    shutil.copyfile(rgb_scene, here / "seen.tif")
    shutil.copy2(here / "seen.tif", there / "seen.tif")
    for folder, pixels in ((here, "1,1,90,90"), (there, "1,1,90,91")):
        (folder / "boxes.csv").write_text("xmin,ymin,xmax,ymax\n" + pixels + "\n")
    shutil.copystat(here / "boxes.csv", there / "boxes.csv")
    with pytest.raises(geosal.SaliencyError, match=r"boxes\.csv: the file has changed .*on worker tcp://\S+ of host"):
        geosal.compress(
            here / "seen.tif", tmp_path / "out.tif", saliency=str(here / "boxes.csv"), block=256, scheduler=address
        )
