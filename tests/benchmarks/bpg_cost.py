"""What a job to BPG costs beside x265 alone, in seconds of CPU; `bpg.py --cost` runs it.

x265 gets the finished planes of each tile, which lie in memory, with the regions of their QPs, the preset and an
encoder for each picture, as the job gives them; as many threads as there are cores take them. The job is a whole
process.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

from measure import Figures, measure
from report import Table

from geosal.core.machine import cpu_count
from geosal.formats.bpg.tiles import BpgEncoder, Frame
from geosal.job.plan import Plan, make_plan
from geosal.job.recipe import Recipe
from geosal.job.task import task_of

_SALIENCY = "perlin"
_TREATMENTS = ("smooth", "quality")
_MATERIAL = Path(__file__).with_name("material.py")
_REPEAT = 3


def table(size: int) -> Table:
    """Return the medians for a made-up scene of 3 bands of uint8."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = folder / "scene.tif"
        measure([sys.executable, str(_MATERIAL), "scene", str(scene), str(size), "uint8"], _new(folder / "made"))
        rows: Table = [("pixels", "treatment", "job, CPU s", "x265 alone, CPU s", "ratio")]
        for treatment in _TREATMENTS:
            whole, alone = _costs(scene, treatment, folder)
            rows.append((f"{size} x {size}", treatment, f"{whole:.1f}", f"{alone:.1f}", f"{whole / alone:.2f}"))
        return rows


def _costs(scene: Path, treatment: str, folder: Path) -> tuple[float, float]:
    """Return the medians of the job and of x265, which take turns."""
    plan = make_plan(Recipe.from_mapping({
        "input": str(scene), "output": str(folder / "a.bpg"), "saliency": [_SALIENCY], "treatment": treatment,
    }))  # fmt: skip
    encoder = plan.target.encoder
    assert isinstance(encoder, BpgEncoder)
    frames = _finished(plan, encoder)
    _job(scene, treatment, folder)  # it leaves the bytecode of all modules, as an installer does
    runs = [(_job(scene, treatment, folder).cpu, _alone(encoder, frames)) for _ in range(_REPEAT)]
    whole, alone = zip(*runs, strict=True)
    return median(whole), median(alone)


def _job(scene: Path, treatment: str, folder: Path) -> Figures:
    job = _new(Path(tempfile.mkdtemp(dir=folder)))
    command = [sys.executable, "-m", "geosal", "compress", str(scene), str(job / "a.bpg"), "-s", _SALIENCY]
    own = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONPYCACHEPREFIX": str(folder / "code")}
    return measure([*command, "--treatment", treatment], job, own | {"PYTHONDONTWRITEBYTECODE": ""})


def _finished(plan: Plan, encoder: BpgEncoder) -> list[Frame]:
    """Return the pictures that x265 gets, of all tiles."""
    task = replace(task_of(plan), statistics=False)
    frames: list[Frame] = []
    for block in plan.layout.grid.blocks(encoder.tile):
        work = task(block)
        frames += encoder.frames(work.pixels, work.mask, work.levels)
    return frames


def _alone(encoder: BpgEncoder, frames: list[Frame]) -> float:
    begin = time.process_time()
    with ThreadPoolExecutor(cpu_count()) as pool:
        for _ in pool.map(encoder.packets, frames):
            pass
    return time.process_time() - begin


def _new(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
