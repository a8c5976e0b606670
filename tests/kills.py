"""Kill jobs at random moments, go on with each by --resume, and compare the output with that of a job left in peace.

    python tests/kills.py [--kills 40] [--seed 1] [DIRECTORY]

No test of the suite, as it takes minutes. A killed job may be killed again while it goes on. The last lines tell how
many blocks had to be done again; the exit code is 1 where any output differs by a byte.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import rasterio

SIDE, BLOCK = 3072, 512
BYTES, WIDE = "scene8.tif", "scene16.tif"
JOBS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "COG deflate, smooth": (BYTES, "out.tif", ("--profile", "deflate", "--treatment", "smooth")),
    "COG deflate, bound, sealed": (WIDE, "out.tif", ("--treatment", "bound:error=16", "--seal")),
    "COG zstd, smooth and bound": (WIDE, "out.tif", ("--profile", "zstd", "--treatment", "bound:error=32")),
    "COG jpeg": (BYTES, "out.tif", ("--profile", "jpeg")),
    "JPEG 2000, smooth": (BYTES, "out.jp2", ("--treatment", "smooth")),
    "JPEG 2000, lossy, with a mask": (BYTES, "out.jp2", ("--profile", "jp2", "--co", "QUALITY=20")),
    "Zarr, smooth": (BYTES, "out.zarr", ("--treatment", "smooth")),
    "Zarr, bound, in shards": (WIDE, "out.zarr", ("--treatment", "bound:error=16", "--co", "SHARDS=2")),
    "JPEG": (BYTES, "out.jpg", ("--co", "QUALITY=80")),
    "JPEG, of a target": (BYTES, "out.jpg", ()),
    "BPG, with a mask": (BYTES, "out.bpg", ("--co", "PRESET=ultrafast")),
}
"""What is made, of which scene, under which name and with which options."""


def make_scenes(folder: Path) -> None:
    """Make a scene of bytes and one of 16 bits, each with nodata in a corner."""
    random_state = np.random.default_rng(0)
    rows, cols = np.mgrid[:SIDE, :SIDE]
    shape = 100 + 60 * np.sin(rows / 90) * np.cos(cols / 70)
    for name, dtype, factor in ((BYTES, "uint8", 1), (WIDE, "uint16", 40)):
        place = {"crs": "EPSG:32631", "transform": rasterio.transform.from_origin(4e5, 49e5, 10, 10), "nodata": 0}
        size = {"count": 3, "height": SIDE, "width": SIDE, "dtype": dtype, "tiled": True}
        with rasterio.open(folder / name, "w", driver="GTiff", **size, **place) as dataset:
            for band in range(1, 4):
                pixels = (shape * factor + random_state.normal(0, 4 * factor, shape.shape)).clip(1).astype(dtype)
                pixels[:300, :400] = 0
                dataset.write(pixels, band)


def digest(output: Path) -> dict[str, str]:
    """The digest of each file of an output and of what lies beside it."""
    files = [path for path in output.parent.rglob("*") if path.is_file()]
    return {str(path.relative_to(output.parent)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class Run:
    """One of the jobs, in its own folder."""

    def __init__(self, name: str, folder: Path, scenes: Path) -> None:
        scene, output, options = JOBS[name]
        folder.mkdir(parents=True)
        self.output = folder / output
        self.command = [
            sys.executable, "-P", "-m", "geosal", "compress", str(scenes / scene), str(self.output), "-s", "grid",
            "--block", str(BLOCK), "--workers", "2", "--quiet", "--json", "-", *options,
        ]  # fmt: skip

    def kill(self, moment: float, *more: str) -> int:
        """Start it, kill it at a moment between 0 and 1 of its blocks, or beyond; return the blocks in its journal."""
        wanted = round(moment * (SIDE // BLOCK) ** 2)
        process = subprocess.Popen([*self.command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and self.blocks() < min(wanted, (SIDE // BLOCK) ** 2):
            time.sleep(0.002)
        time.sleep(max(0.0, moment - 1))
        process.kill()
        process.wait()
        return self.blocks()

    def blocks(self) -> int:
        """Count the blocks in the journal; 0 where there is none."""
        (journal,) = list(self.output.parent.glob(".*/journal.jsonl")) or (None,)
        try:
            return 0 if journal is None else max(0, journal.read_bytes().count(b"\n") - 2)
        except FileNotFoundError:
            return 0

    def finish(self, *more: str) -> dict[str, int]:
        """Let it end, and return its summary."""
        done = subprocess.run([*self.command, *more], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(self.command)}: {done.stderr}")
        summary: dict[str, int] = json.loads(done.stdout)
        return summary


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Do as many kills as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(dir=asked.directory) as text:
        folder = Path(text)
        make_scenes(folder)
        whole: dict[str, dict[str, str]] = {}
        tally: Counter[str] = Counter()
        kill = 0
        while kill < asked.kills:
            name = list(JOBS)[kill % len(JOBS)] if kill < len(JOBS) else chance.choice(list(JOBS))
            if name not in whole:
                peace = Run(name, folder / f"whole{len(whole)}", folder)
                peace.finish()
                whole[name] = digest(peace.output)
            run = Run(name, folder / f"kill{kill}", folder)
            noted = run.kill(chance.uniform(0.05, 1.3))
            kills = 1
            if chance.random() < 0.3:
                noted, kills = run.kill(chance.uniform(0.3, 1.3), "--resume"), 2
            summary = run.finish("--resume")
            again = summary["blocks"] - summary["resumed_blocks"]
            alike = digest(run.output) == whole[name]
            kill += kills
            tally.update(kills=kills, jobs=1, blocks=summary["blocks"], again=again, different=not alike)
            say(
                f"{name}: {kills} x killed, {noted} of {summary['blocks']} blocks noted, {again} done again, "
                f"{'the same bytes' if alike else 'DIFFERENT'}"
            )
    say(
        f"{tally['kills']} kills of {tally['jobs']} jobs: {tally['again']} of {tally['blocks']} blocks done again, "
        f"{tally['different']} outputs differ"
    )
    sys.exit(tally["different"] > 0)


if __name__ == "__main__":
    main()
