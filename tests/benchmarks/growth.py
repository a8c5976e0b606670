"""Whether time and memory grow with the scene as they should: CPU seconds by the sample, memory not at all.

    python tests/benchmarks/growth.py                                 1x, 4x, 16x the area, and 1 to 30 bands
    python tests/benchmarks/growth.py --size 1372 2745 --bands --repeat 1

See README.md in this folder for what is measured and how.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from measure import Figures, interleave, measure, warm
from report import as_markdown, circumstances, put

HERE = Path(__file__).resolve().parent
_TINY = 64
"""Rows and columns of a scene that shows what starting costs."""
_MIB = 2**20


def parse() -> argparse.Namespace:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--size", type=int, nargs="*", default=[2745, 5490, 10980], help="rows and columns, of 3 bands")
    ask.add_argument("--bands", type=int, nargs="*", default=[1, 3, 13, 30], help="of a scene of --bands-size")
    ask.add_argument("--bands-size", type=int, default=2745)
    ask.add_argument("--dtype", default="uint8", choices=("uint8", "uint16"))
    ask.add_argument("--profile", default="zstd")
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--work", type=Path, help="where scenes lie, and are kept; default: a temporary folder")
    ask.add_argument("--markdown", type=Path, help="write the table into this file")
    ask.add_argument("--section", default="growth")
    return ask.parse_args()


def scene(work: Path, size: int, bands: int, dtype: str) -> Path:
    """Make a scene unless it is there."""
    path = work / f"growth-{size}-{bands}-{dtype}.tif"
    if not path.exists():
        part = path.with_suffix(".part.tif")
        command = [sys.executable, str(HERE / "material.py"), "scene", str(part), str(size), dtype, str(bands)]
        subprocess.run(command, check=True)
        part.rename(path)
    return path


def job(path: Path, profile: str, work: Path) -> Figures:
    """Measure one job in a folder of its own."""
    warm([path])
    with tempfile.TemporaryDirectory(dir=work) as folder:
        command = [
            sys.executable, "-m", "geosal", "compress", str(path), "out.tif", "--saliency", "perlin",
            "--profile", profile, "--treatment", "smooth", "--quiet",
        ]  # fmt: skip
        return measure(command, Path(folder))


def rows_of(found: dict[str, list[Figures]], samples: dict[str, int], start: float, first: str) -> list[Sequence[str]]:
    """Rows of one series; `first` is the case that the others are compared with."""
    rows = []
    cpu = {name: min(run.cpu for run in runs) - start for name, runs in found.items()}
    memory = {name: max(run.memory for run in runs) for name, runs in found.items()}
    for name in found:
        by_sample = cpu[name] / samples[name]
        against = by_sample / (cpu[first] / samples[first])
        rows.append((
            name, f"{cpu[name] + start:.2f}", f"{1e9 * by_sample:.2f}", f"{against:.2f}",
            f"{memory[name] / _MIB:.0f}", f"{memory[name] / memory[first]:.2f}",
        ))  # fmt: skip
    return rows


def series(
    asked: argparse.Namespace, work: Path, cases: Sequence[tuple[int, int]], start: float
) -> list[Sequence[str]]:
    """Measure scenes of (size, bands) in turn."""
    paths = {f"{size}² x {bands}": (scene(work, size, bands, asked.dtype), size**2 * bands) for size, bands in cases}
    runs: dict[str, Callable[[], Figures]] = {
        name: partial(job, path, asked.profile, work) for name, (path, _) in paths.items()
    }
    found, failed = interleave(runs, asked.repeat, lambda line: sys.stderr.write(f"  {line}\n"))
    if failed:
        raise SystemExit(str(failed))
    return rows_of(found, {name: samples for name, (_, samples) in paths.items()}, start, next(iter(paths)))


def main() -> None:
    """Measure, print, write."""
    asked, where = parse(), circumstances()
    make_work: Callable[[], str] = partial(tempfile.mkdtemp, prefix="geosal-bench-")
    work = (asked.work or Path(make_work())).resolve()
    work.mkdir(parents=True, exist_ok=True)
    tiny = scene(work, _TINY, 3, asked.dtype)
    start = min(job(tiny, asked.profile, work).cpu for _ in range(asked.repeat))
    head = ("scene", "CPU s", "ns a sample, without the start", "over the first", "peak MiB", "over the first")
    rows: list[Sequence[str]] = [head]
    for cases in ([(size, 3) for size in asked.size], [(asked.bands_size, count) for count in asked.bands]):
        rows += series(asked, work, cases, start) if cases else []
    told = f"{asked.dtype}, perlin, {asked.profile}; least CPU and largest memory of {asked.repeat} runs. "
    told += f"Start: {start:.2f} s.\n"
    text = "\n".join((where, told, as_markdown(rows)))
    sys.stdout.write(text)
    if asked.markdown:
        put(asked.markdown, asked.section, text)


if __name__ == "__main__":
    main()
