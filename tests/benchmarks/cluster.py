"""What more workers of a cluster bring: real ones, and as many as one likes that sleep while the file is real.

    python tests/benchmarks/cluster.py                          1 and 2 workers, DEFLATE and JPEG 2000: six minutes
    python tests/benchmarks/cluster.py --replay 1 2 4 8 16 32 64
    python tests/benchmarks/cluster.py --size 5490 --repeat 1   a quick look

See README.md in this folder for what is measured and how.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

from appender import CODECS, Appender, appending
from blocks import recorded_in
from dask_cluster import HERE, Cluster, Spent, running
from report import as_markdown, circumstances, put
from simulated import Network, speed_up

_MIB = 2**20
_BLOCK = 2048
_RECORDED = 3
"""Blocks along a side of the scene of which blocks are recorded; those of the last row and column are left out."""
_NETWORKS = (Network("1 Gbit/s", 125e6), Network("10 Gbit/s", 1250e6))


def parse() -> argparse.Namespace:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--size", type=int, default=10980, help="rows and columns of the scene, three bands of uint8")
    ask.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="worker processes of one thread each")
    ask.add_argument("--share", type=float, help="hold each worker to this share of a core (takes root)")
    ask.add_argument("--codec", nargs="+", choices=list(CODECS), help="default: deflate jp2-lossless; --replay: all")
    ask.add_argument("--repeat", type=int, default=2)
    ask.add_argument("--replay", type=int, nargs="+", default=[], help="workers that sleep, at most 64")
    ask.add_argument("--blocks", type=int, default=196, help="of a replayed job: a square of an even number")
    ask.add_argument("--work", type=Path, help="where scenes and recorded blocks lie, and are kept")
    ask.add_argument("--markdown", type=Path, help="write the table into this file")
    return ask.parse_args()


def say(text: str) -> None:
    """Tell on stderr how far it is; stdout is for the tables."""
    sys.stderr.write(text + "\n")


def material(work: Path, name: str, *arguments: str) -> Path:
    """Make a scene unless it is there."""
    path = work / name
    if not path.exists():
        part = path.with_suffix(".part.tif")
        subprocess.run([sys.executable, str(HERE / "material.py"), "scene", str(part), *arguments], check=True)
        part.rename(path)
    return path


def options_of(codec: str) -> list[str]:
    """Return the options of a job."""
    return ["-s", "perlin", "--profile", codec, "--treatment", "smooth", "--block", str(_BLOCK)]


def speed_ups(asked: argparse.Namespace, work: Path) -> Iterator[Sequence[str]]:
    """Measure real workers; yield rows."""
    yield (
        "codec", "workers", "wall s", "blocks s", "speed-up: wall", "blocks", "busy", "start s", "end s",
        "client CPU s", "scheduler CPU s", "workers' CPU s", "client MiB", "scheduler MiB",
    )  # fmt: skip
    scene = material(work, f"scene-{asked.size}.tif", str(asked.size), "uint8")
    small = material(work, "scene-2048.tif", "2048", "uint8")
    codecs = asked.codec or ["deflate", "jp2-lossless"]
    best: dict[tuple[str, int], Spent] = {}
    for count in asked.workers:
        with running(count, share=asked.share) as cluster:
            cluster.compress(small, work / "first.tif", "-s", "half", "--block", "512")  # all is loaded then
            for codec in codecs * asked.repeat:
                spent = _job(cluster, scene, work, codec)
                say(f"  {codec}, {count}: {spent.wall:.1f} s")
                known = best.get((codec, count))
                best[codec, count] = spent if known is None or spent.wall < known.wall else known
    for codec in codecs:
        first = best[codec, asked.workers[0]]
        for count in asked.workers:
            yield _row(codec, count, best[codec, count], first)


def _job(cluster: Cluster, scene: Path, work: Path, codec: str) -> Spent:
    output = work / f"out{CODECS[codec]}"
    spent = cluster.compress(scene, output, *options_of(codec))
    subprocess.run(["rm", "-rf", str(output), f"{output}.aux.xml"], check=True)
    return spent


def _row(codec: str, count: int, spent: Spent, first: Spent) -> Sequence[str]:
    return (
        codec, str(count), f"{spent.wall:.1f}", f"{spent.span:.1f}", f"{first.wall / spent.wall:.2f}",
        f"{first.span / spent.span:.2f}", f"{min(spent.busy, 1):.2f}", f"{spent.before:.1f}", f"{spent.after:.1f}",
        f"{spent.client_cpu:.1f}", f"{spent.scheduler_cpu:.1f}", f"{spent.workers_cpu:.1f}",
        f"{spent.client_peak / _MIB:.0f}", f"{spent.scheduler_peak / _MIB:.0f}",
    )  # fmt: skip


def replays(asked: argparse.Namespace, work: Path) -> Iterator[Sequence[str]]:
    """Record blocks, simulate many workers, and let as many sleep; yield rows."""
    yield (
        "codec", "s a block", "MB a block", "append ms", "encode ms", "end ms", "workers", "speed-up: model, 10 Gbit/s",
        "model, 1 Gbit/s", "sleeping workers", "busy", "client CPU ms a block", "client MiB", "scheduler MiB",
    )  # fmt: skip
    side = _BLOCK * _RECORDED
    scene = material(work, f"scene-{side}.tif", str(side), "uint8")
    large = _sparse(work, _BLOCK * round(asked.blocks**0.5))
    for codec in asked.codec or CODECS:
        folder = work / f"blocks-{codec}"
        if not folder.exists():
            folder.mkdir()
            with running(1, environment={"BLOCKS_RECORD": str(folder)}, preload=HERE / "blocks.py") as cluster:
                _job(cluster, scene, work, codec)
        append = appending(folder, large, work, codec)
        seconds = [record.seconds for record in recorded_in(folder)]
        for count in asked.replay:
            spent = _replayed(folder, large, work, codec, count)
            say(f"  {codec}, {count}: {mean(seconds) * spent.blocks / spent.span:.1f}")
            yield _replay_row(codec, seconds, append, count, spent)


def _replayed(folder: Path, scene: Path, work: Path, codec: str, count: int) -> Spent:
    processes = min(2, count)
    environment = {"BLOCKS_REPLAY": str(folder)}
    with running(processes, count // processes, environment=environment, preload=HERE / "blocks.py") as cluster:
        return _job(cluster, scene, work, codec)


def _replay_row(codec: str, seconds: Sequence[float], append: Appender, count: int, spent: Spent) -> Sequence[str]:
    slow, fast = (speed_up(seconds, append, network, count, spent.blocks) for network in _NETWORKS)
    return (
        codec, f"{mean(seconds):.2f}", f"{append.size / 1e6:.1f}", f"{1e3 * append.take:.1f}",
        f"{1e3 * append.encode:.1f}", f"{1e3 * append.finish:.1f}", str(count), f"{fast:.1f}", f"{slow:.1f}",
        f"{mean(seconds) * spent.blocks / spent.span:.1f}", f"{min(spent.busy, 1):.2f}",
        f"{1e3 * spent.client_cpu / spent.blocks:.0f}", f"{spent.client_peak / _MIB:.0f}",
        f"{spent.scheduler_peak / _MIB:.0f}",
    )  # fmt: skip


def _sparse(work: Path, size: int) -> Path:
    """Make a scene without any pixels: those who sleep read none."""
    path = work / f"sparse-{size}.tif"
    if not path.exists():
        code = (
            "import sys, rasterio\n"
            "size = int(sys.argv[2])\n"
            "rasterio.open(sys.argv[1], 'w', driver='GTiff', width=size, height=size, count=3, dtype='uint8',\n"
            "    nodata=0, tiled=True, blockxsize=512, blockysize=512, sparse_ok=True, interleave='pixel',\n"
            "    bigtiff='YES', crs='EPSG:32631', transform=rasterio.Affine(10, 0, 399960, 0, -10, 4900020)).close()"
        )
        subprocess.run([sys.executable, "-c", code, str(path), str(size)], check=True)
    return path


def main() -> None:
    """Measure, print, write."""
    asked, where = parse(), circumstances()
    with tempfile.TemporaryDirectory(prefix="geosal-bench-") as temporary:
        work = (asked.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        rows = list((replays if asked.replay else speed_ups)(asked, work))
    text = f"{where}\n{as_markdown(rows)}"
    sys.stdout.write(text)
    if asked.markdown:
        put(asked.markdown, "sleeping" if asked.replay else "cluster", text)


if __name__ == "__main__":
    main()
