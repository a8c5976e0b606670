"""Kill jobs at every rename, link, unlink and fsync, and let a reader of ours look at what is there.

    python tests/kill_points.py [--jobs NAME …] [--calls NAME …]

The suite does a few of them, as all take many minutes. It needs strace, whose fault injection kills a job as it begins
its n-th call of a kind. Each job is done onto a free name and over an old output with all its sidecars. Whatever was
killed when, after `geosal info` the old output is there or the new one, whole, with its own sidecars and no other. The
exit code is 1 where that is not so. It is also told what a reader that is not ours may have seen before.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from cases.frame import geosal as command
from soak import digest

import geosal
from geosal.job.pipeline import compress

CALLS = ("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "fsync", "fdatasync")
SIDE = 300
JOBS: dict[str, dict[str, Any]] = {
    "out.tif": {},
    "gdal.tif": {"creation_options": {"OVERVIEW_RESAMPLING": "NEAREST"}},
    "out.jp2": {},
    "lossy.jp2": {"profile": "jp2"},
    "out.zarr": {},
    "out.jpg": {},
    "sealed.tif": {"seal": True, "stac": True, "datetime": "2024-05-01"},
}
"""Options of each job, by the name of its output."""
_OLD = {"saliency": "uniform:saliency=1"}


def make_scene(path: Path) -> None:
    """Make a scene whose nodata needs a mask in a lossy file."""
    pixels = np.random.default_rng(0).integers(90, 120, (3, SIDE, SIDE), np.uint8)
    pixels[:, :40, :70] = 0
    place = {"crs": "EPSG:32631", "transform": rasterio.transform.from_origin(4e5, 49e5, 10, 10)}
    size = {"count": 3, "height": SIDE, "width": SIDE, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", **size, **place) as dataset:
        dataset.write(pixels)


def forked(work: Callable[[], object], *strace: str) -> int:
    """Do work in a child, which has all of geosal already, under strace if wished; its exit code, or minus a signal."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            if strace:
                os.kill(os.getpid(), signal.SIGSTOP)
            work()
            code = 0
        finally:
            os._exit(code)
    if strace:
        os.waitpid(child, os.WUNTRACED)
        tracer = subprocess.Popen(["strace", "-f", *strace, "-p", str(child)], stderr=subprocess.PIPE)
        while b"attached" not in tracer.stderr.readline():
            pass
        os.kill(child, signal.SIGCONT)
    _, status = os.waitpid(child, 0)
    if strace:
        tracer.stderr.close()
        tracer.wait()
    return os.waitstatus_to_exitcode(status)


def points_of(work: Callable[[], object], calls: Sequence[str], log: Path) -> list[tuple[str, int]]:
    """Every call of a job, by its name and the number that it has in its thread."""
    if forked(work, "-e", f"trace={','.join(calls)}", "-o", str(log)):
        sys.exit("a job that nobody kills has failed")
    counts: Counter[tuple[str, str]] = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.MULTILINE))
    most = {name: max((count for (_, each), count in counts.items() if each == name), default=0) for name in calls}
    return [(name, number) for name in calls for number in range(1, most[name] + 1)]


def look(output: Path) -> int:
    """Let a reader of ours look, in a child."""
    return forked(lambda: command("info", output))


def kind_of(found: dict[str, str], old: dict[str, str], new: dict[str, str]) -> str:
    """What lies there: the old output, the new one, none, or neither."""
    return "nothing" if not found else "old" if found == old else "new" if found == new else "neither"


def kill(name: str, calls: Sequence[str], scene: Path, folder: Path, *, over: bool) -> Counter[str]:
    """Kill a job at each of its points, onto a free name or over an old output."""
    wish = {"saliency": "half", "workers": 1, "block": 256, "overwrite": True, **JOBS[name]}
    if JOBS[name].get("seal"):
        wish["block"] = 512
    before, done, there = (folder / each for each in ("before", "done", "there"))
    for each in (before, done):
        each.mkdir(parents=True)
    if over:
        forked(lambda: compress(scene, before / name, **{**wish, **_OLD, "treatment": "smooth"}))
    shutil.copytree(before, there)
    points = points_of(lambda: compress(scene, there / name, **wish), calls, folder / "log")
    new, old = digest(there / name), digest(before / name)
    where = f"{name} {'over an old output' if over else 'onto a free name'}"
    tally: Counter[str] = Counter()
    for call, number in points:
        shutil.rmtree(there)
        shutil.copytree(before, there)
        strace = ("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}", "-o", "/dev/null")
        code = forked(lambda: compress(scene, there / name, **wish), *strace)
        seen = kind_of(digest(there / name), old, new)
        look(there / name)
        after = kind_of(digest(there / name), old, new)
        tally.update(
            {
                "points": 1,
                "killed": code == -signal.SIGKILL,
                f"a foreign reader sees: {seen}": 1,
                f"after info: {after}": 1,
            }
        )
        if after == "neither" or (after == "nothing" and over):
            tally["faults"] += 1
            say(f"  {where}, {call} {number}: {sorted(digest(there / name))}")
    shutil.rmtree(folder)
    say(f"{where}: {dict(sorted(tally.items()))}")
    return tally


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Do all jobs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--calls", nargs="+", choices=CALLS, default=list(CALLS))
    asked = parser.parse_args()
    sys.dont_write_bytecode = True  # or the first job renames the bytecode of what it imports, and no other does
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="points") as text:
        scene = Path(text) / "scene.tif"
        make_scene(scene)
        geosal.make_plan(
            geosal.Recipe.from_mapping({"input": scene, "output": Path(text) / "a.tif", "saliency": "half"})
        )
        for name in asked.jobs:
            for over in (False, True):
                total += kill(name, asked.calls, scene, Path(text) / f"{name}-{over}", over=over)
    for key, number in sorted(total.items()):
        say(f"{number:6} {key}")
    sys.exit(total["faults"] > 0)


if __name__ == "__main__":
    main()
