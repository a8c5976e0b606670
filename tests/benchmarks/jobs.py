"""Whole jobs: geosal and what people use instead, as processes side by side in one go.

    python tests/benchmarks/jobs.py                               blobs on 10980 x 10980, the codecs of the goals
    python tests/benchmarks/jobs.py --size 2048 --repeat 1        a quick look
    python tests/benchmarks/jobs.py --goals --markdown docs/benchmarks/jobs.md
    python tests/benchmarks/jobs.py --scene scene.tif --mask half grid perlin blobs boxes --codec deflate
    python tests/benchmarks/jobs.py --levels --codec zstd1 --baseline none

See README.md in this folder for what is measured and how.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cases import BASELINES, GOAL_CODECS, Codec, Mask, Scene, codec
from goals import goals_table
from measure import Figures, interleave, measure, warm
from report import OURS, Row, as_markdown, circumstances, jobs_table, put

HERE = Path(__file__).resolve().parent
GDAL_CACHE_MB = "256"
LEVEL_MASKS = ("uniform", "blobs2", "blobs4", "blobs9")
_COPIES_IN_MEMORY = 7
"""The script in memory holds so many times the pixels, by and large."""
_PROBE = "import sys, rasterio; s = rasterio.open(sys.argv[1]); print(max(s.shape), s.dtypes[0], s.count)"
"""Run in a process of its own: what measures stays small, see `measure`."""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--size", type=int, nargs="+", default=[10980], help="rows and columns of scenes that are made")
    ask.add_argument("--dtype", nargs="+", default=["uint8"], choices=("uint8", "uint16"))
    ask.add_argument("--source", nargs="+", default=["tif"], choices=("tif", "jp2"), help="format of those scenes")
    ask.add_argument("--scene", type=Path, nargs="+", default=[], help="measure on these files instead")
    ask.add_argument("--mask", nargs="+", default=["blobs"], help="half grid perlin uniform boxes blobs blobsN")
    ask.add_argument("--codec", nargs="+", default=list(GOAL_CODECS), help="see cases.codec; a number is the level")
    ask.add_argument("--baseline", nargs="+", default=list(BASELINES), choices=(*BASELINES, "none"))
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--levels", action="store_true", help="only geosal, from one level to nine, side by side")
    ask.add_argument("--goals", action="store_true", help="print the project's goals beside what was reached")
    ask.add_argument("--work", type=Path, help="where everything lies, scenes are kept; default: a temporary folder")
    ask.add_argument("--markdown", type=Path, help="write the tables into this file")
    ask.add_argument("--section", default="jobs", help="the part of the Markdown file that is replaced")
    return ask.parse_args(arguments)


def say(text: str) -> None:
    """Tell on stderr how far it is; stdout is for the tables."""
    sys.stderr.write(text + "\n")


class Bench:
    """Makes what is measured with, and runs the contenders.

    Parameters
    ----------
    work
        Folder of scenes, masks and outputs.
    baselines
        Names of the others that run.
    repeat
        Runs of each contender.
    """

    def __init__(self, work: Path, baselines: Sequence[str], repeat: int) -> None:
        self.work = work
        self.baselines = [name for name in baselines if name != "none"]
        self.repeat = repeat
        self.notes: dict[str, None] = {}
        self._finished: set[Path] = set()
        if "dask" in self.baselines and importlib.util.find_spec("dask_image") is None:
            self._note("dask-image is not installed (pip install '.[bench]'): that baseline is left out")
            self.baselines.remove("dask")

    def made_scene(self, size: int, dtype: str, source: str = "tif") -> Scene:
        """A made-up scene, as a tiled GeoTIFF or as a lossless JPEG 2000 with tiles of 1024."""
        path = self.work / f"scene-{size}-{dtype}.tif"
        self._make(path, "scene", str(size), dtype)
        if source == "jp2":
            plain, path = path, path.with_suffix(".jp2")
            self._make(path, "jp2", str(plain))
        return Scene(path, size, dtype)

    def given_scene(self, path: Path) -> Scene:
        """A scene of the user's."""
        probe = subprocess.run([sys.executable, "-c", _PROBE, path], capture_output=True, text=True, check=True)
        size, dtype, count = probe.stdout.split()
        if count != "3":
            self._note(f"{path.name} has {count} bands, the goals are meant for 3")
        return Scene(path.resolve(), int(size), dtype)

    def mask(self, scene: Scene, name: str) -> Mask:
        """A mask on a scene's grid; a file in any case, the baselines read nothing else."""
        path = self.work / f"{scene.path.stem}-{name}.tif"
        self._make(path, "mask", str(scene.path), name)
        return Mask(name, path)

    def finished(self, scene: Scene, mask: Mask) -> Path:
        """The smooth pixels, decoded and tiled: what GDAL has to copy and no more; of this geosal, so made anew."""
        path = self.work / f"{scene.path.stem}-{mask.name}-finished.tif"
        if path not in self._finished:
            path.unlink(missing_ok=True)
            self._finished.add(path)
            with self._folder() as folder:
                smoothed = folder / "smoothed.tif"
                subprocess.run(ours(scene, mask, codec("zstd1", scene.size), smoothed), check=True)
                self._make(path, "finished", str(smoothed))
        return path

    def contest(self, scene: Scene, mask: Mask, kind: Codec) -> list[Row]:
        """Geosal and the baselines on one case, in turn."""
        runs: dict[str, Callable[[], Figures]] = {OURS: self._runner(ours(scene, mask, kind, Path("out" + kind.suffix)),
                                                                     [scene.path, mask.path])}  # fmt: skip
        for name in self._baselines_for(scene, kind):
            try:
                given = self.finished(scene, mask) if name == "gdal" and kind.smooths else scene.path
            except subprocess.CalledProcessError:
                self._note(f"{scene.label}, {mask.name}: the pixels could not be smoothed for GDAL to copy")
                continue
            command = [
                sys.executable, str(HERE / "baselines.py"), name, "out" + kind.suffix, str(given), str(mask.path),
                str(kind.driver), *kind.gdal_options,
            ]  # fmt: skip
            runs[name] = self._runner(command, [given, mask.path])
        say(f"{scene.label}, {mask.name}, {kind.name}")
        found = self._interleave(runs, f"{scene.label}, {kind.name}", OURS)
        return [Row(scene.label, mask.name, kind.name, name, tuple(figures)) for name, figures in found.items()]

    def family(self, scene: Scene, masks: Sequence[Mask], kind: Codec) -> list[Row]:
        """Geosal alone on several masks, in turn."""
        runs = {
            mask.name: self._runner(ours(scene, mask, kind, Path("out" + kind.suffix)), [scene.path, mask.path])
            for mask in masks
        }
        say(f"{scene.label}, {kind.name}")
        found = self._interleave(runs, f"{scene.label}, {kind.name}")
        return [Row(scene.label, name, kind.name, OURS, tuple(figures)) for name, figures in found.items()]

    def _interleave(
        self, runs: Mapping[str, Callable[[], Figures]], what: str, needed: str = ""
    ) -> dict[str, list[Figures]]:
        found, failed = interleave(runs, self.repeat, lambda line: say(f"  {line}"), needed)
        for name, why in failed.items():
            self._note(f"{what}: {name} is not available: {why}")
        return found

    def _baselines_for(self, scene: Scene, kind: Codec) -> Iterator[str]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        for name in self.baselines if kind.driver else ():
            if name != "gdal" and not kind.smooths:
                continue  # a script that smooths does something else
            if name == "source" and scene.path.suffix != ".jp2":
                continue
            if name == "memory" and _COPIES_IN_MEMORY * scene.raw_bytes > memory / 2:
                self._note(f"{scene.label}: the script in memory is left out, it needs more than half of the memory")
            else:
                yield name

    def _runner(self, command: Sequence[str], inputs: Sequence[Path]) -> Callable[[], Figures]:
        """What measures a command in a folder that is new each time."""
        threads = {"GDAL_NUM_THREADS": "ALL_CPUS", "GDAL_CACHEMAX": GDAL_CACHE_MB}
        environment = threads if command[1] == str(HERE / "baselines.py") else {}

        def run() -> Figures:
            warm(inputs)
            with self._folder() as folder:
                return measure(command, folder, environment)

        return run

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = self.work / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def _make(self, path: Path, what: str, *arguments: str) -> None:
        if not path.exists():
            say(f"making {path.name}")
            part = path.with_suffix(f".part{path.suffix}")
            subprocess.run([sys.executable, str(HERE / "material.py"), what, str(part), *arguments], check=True)
            part.rename(path)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            say(text)
            self.notes[text] = None


def ours(scene: Scene, mask: Mask, kind: Codec, out: Path) -> list[str]:
    """The command of our job."""
    options = [part for option in kind.options for part in ("--co", option)]
    return [
        sys.executable, "-m", "geosal", "compress", str(scene.path), str(out), "--saliency", mask.source,
        "--profile", kind.profile, *options, "--treatment", kind.treatment, "--quiet",
    ]  # fmt: skip


def run(asked: argparse.Namespace, bench: Bench) -> list[Row]:
    """Measure all that was asked for."""
    scenes = [bench.given_scene(path) for path in asked.scene] or [
        bench.made_scene(size, dtype, source) for size in asked.size for dtype in asked.dtype for source in asked.source
    ]
    rows: list[Row] = []
    for scene in scenes:
        kinds = [codec(name, scene.size) for name in asked.codec]
        if not asked.levels:
            masks = [bench.mask(scene, name) for name in asked.mask]
            rows += [row for mask in masks for kind in kinds for row in bench.contest(scene, mask, kind)]
        if asked.levels or asked.goals:
            masks = [bench.mask(scene, name) for name in LEVEL_MASKS]
            default = [kind for kind in kinds if kind.name == "deflate"] or kinds[:1]
            rows += [row for kind in (kinds if asked.levels else default) for row in bench.family(scene, masks, kind)]
    return rows


def main() -> None:
    """Measure, print, write."""
    asked = parse()
    where = circumstances()
    make_work: Callable[[], str] = partial(tempfile.mkdtemp, prefix="geosal-bench-")
    work = asked.work.resolve() if asked.work else Path(make_work())
    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(work, asked.baseline, asked.repeat)
    try:
        rows = run(asked, bench)
    finally:
        if asked.work is None:
            shutil.rmtree(work)
    scenes = ", ".join(path.name for path in asked.scene) or "made by material.py"
    parts = [
        where,
        f"Scenes: {scenes}; {asked.repeat} runs of each, in turn.\n",
        as_markdown(jobs_table(rows, BASELINES)),
        *([as_markdown(goals_table(rows))] if asked.goals else []),
        "".join(f"- {note}\n" for note in bench.notes),
    ]
    text = "\n".join(part for part in parts if part)
    sys.stdout.write(text)
    if asked.markdown:
        put(asked.markdown, asked.section, text)


if __name__ == "__main__":
    main()
