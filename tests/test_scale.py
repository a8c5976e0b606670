"""Scenes of any size: what is planned, sent to workers and held in memory does not grow with them."""

import pickle
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

import geosal
from geosal.job.plan import make_plan
from geosal.job.task import task_of
from geosal.produce import Cut, CutTask

MIB = 2**20
_SIX_BLOCKS = """
import sys
import geosal
class Enough(Exception): pass
def stop(told):
    if told.stage == "smooth" and told.done >= 6:
        raise Enough
try:
    geosal.compress(sys.argv[1], sys.argv[2], saliency="half", max_pixels=2 * 10**11, workers=2, progress=stop)
except Enough:
    sys.exit(0)
sys.exit(1)
"""


def sparse(path: Path, size: int, count: int = 1, pixel: float = 10) -> Path:
    """A tiled GeoTIFF in which two tiles are written; the others take no room."""
    place = {"crs": "EPSG:32631", "transform": rasterio.Affine(pixel, 0, 4e5, 0, -pixel, 49e5)}
    tiling = {"tiled": True, "blockxsize": 512, "blockysize": 512, "interleave": "pixel", "compress": "deflate"}
    profile = {"driver": "GTiff", "width": size, "height": size, "count": count, "dtype": "uint8"}
    tile = np.random.default_rng(0).integers(1, 255, (count, 512, 512), dtype=np.uint8)
    with rasterio.open(path, "w", sparse_ok=True, bigtiff="YES", **profile, **place, **tiling) as dataset:
        for offset in (0, size // 1024 * 512):
            dataset.write(tile, window=Window(offset, offset, 512, 512))
    return path


def run(command: Sequence[Any]) -> tuple[int, str, int]:
    """Run a small process that runs another: its exit code, what it says, and the peak of its memory in bytes."""
    # Linux counts the memory of whoever starts a process as that process's own. So a small one starts it.
    watch = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(peak if sys.platform == 'darwin' else peak * 1024)\n"
        "sys.stderr.write(done.stderr + done.stdout)\n"
        "sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, sys.executable, *map(str, command)],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr, int(done.stdout)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Scenes of three bands: 2000 pixels a side, and 100 000."""
    folder = tmp_path_factory.mktemp("scale")
    return {size: sparse(folder / f"{size}.tif", size, 3) for size in (2000, 100_000)}


@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_what_a_worker_gets_does_not_grow_with_the_scene(scenes: dict[int, Path], tmp_path: Path, suffix: str) -> None:
    mask = sparse(tmp_path / "mask.tif", 1000, pixel=1000)
    outlines = tmp_path / "outlines.geojson"
    ring = "[[[400100,4899900],[400900,4899900],[400900,4899100],[400100,4899900]]]"
    feature = f'{{"type":"Feature","properties":{{}},"geometry":{{"type":"Polygon","coordinates":{ring}}}}}'
    crs = '"crs":{"type":"name","properties":{"name":"EPSG:32631"}}'
    outlines.write_text(f'{{"type":"FeatureCollection",{crs},"features":[{",".join([feature] * 500)}]}}')
    sent = {}
    for size, scene in scenes.items():
        recipe = geosal.Recipe(
            input=str(scene), output=str(tmp_path / f"a.{suffix}"), saliency=("perlin", f"{mask}:range=0-255",
            str(outlines)),
        )  # fmt: skip
        plan = make_plan(recipe)
        cutter = _cutter(plan)
        sent[size] = len(pickle.dumps(CutTask(task_of(plan), Cut(cutter, plan.layout.has_mask))))
    assert sent[100_000] <= sent[2000] + 300  # more overviews, longer numbers
    assert sent[100_000] <= 10_000


def test_the_graph_of_arrays_grows_by_tasks_alone(scenes: dict[int, Path]) -> None:
    """No pixels, no map and no scene travel in it: each task is some hundred bytes, whatever lies in the chunks."""
    scene = geosal.open_scene(scenes[100_000], chunks=4096)
    graph = geosal.smooth(scene, geosal.saliency("perlin", like=scene)).__dask_graph__()
    assert len(dict(graph)) > 10_000
    assert len(cloudpickle.dumps(graph)) <= 300 * len(dict(graph))


def _cutter(plan: geosal.Plan) -> Any:
    from geosal.formats.pyramid import Cutter, TileEncoder

    encoder: TileEncoder = plan.target.encoder  # type: ignore[assignment]
    return Cutter.of(encoder, plan.layout, plan.target.rounding)


@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_a_scene_of_ten_gigapixels_is_planned_within_half_a_gibibyte(
    scenes: dict[int, Path], tmp_path: Path, suffix: str
) -> None:
    code, said, peak = run(
        ["-P", "-m", "geosal", "plan", scenes[100_000], tmp_path / f"a.{suffix}", "-s", "perlin"]
    )  # fmt: skip
    assert code == 0, said
    assert "2,401 blocks" in said
    assert peak <= 512 * MIB, f"{peak / MIB:.0f} MiB"


@pytest.mark.parametrize("command", ["info", "compress"])
def test_trial_18_a_bomb_of_dimensions_is_refused(tmp_path: Path, command: str) -> None:
    """A TIFF of 200 bytes that claims 2e9 x 2e9 pixels."""
    side = 2_000_000_000
    tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, side), (279, 4, 1)]
    directory = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags)
    bomb = tmp_path / "bomb.tif"
    bomb.write_bytes((b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory).ljust(200, b"\0"))
    more = [] if command == "info" else [tmp_path / "out.tif", "-s", "half"]
    code, said, peak = run(["-P", "-m", "geosal", command, bomb, *more])
    assert code == 7
    assert "--max-pixels" in said
    assert len(said.strip().splitlines()) == 1
    assert peak <= 300 * MIB, f"{peak / MIB:.0f} MiB"
    assert list(tmp_path.iterdir()) == [bomb]


def test_trial_18_a_sparse_file_of_160_gigapixels_streams_where_it_is_allowed(tmp_path: Path) -> None:
    scene = sparse(tmp_path / "scene.tif", 400_000)
    code, said, _ = run(["-P", "-m", "geosal", "compress", scene, tmp_path / "out.tif", "-s", "half"])
    assert (code, "--max-pixels" in said) == (7, True)
    code, said, peak = run(["-P", "-c", _SIX_BLOCKS, scene, tmp_path / "out.tif"])
    assert code == 0, said  # it was stopped by the callback, after six of 38 416 blocks
    assert peak <= 512 * MIB, f"{peak / MIB:.0f} MiB"
