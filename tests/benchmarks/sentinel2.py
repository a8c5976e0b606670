"""The same job on one scene as Sentinel-2 in .SAFE and in EOPF Zarr, in turn.

    python tests/benchmarks/sentinel2.py SCENE --work FOLDER      three bands of uint16: B04, B03 and B02
    python tests/benchmarks/sentinel2.py SCENE --repeat 3 --markdown docs/benchmarks/jobs.md

See README.md in this folder for what is measured and how.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from measure import Figures, interleave, measure, warm
from report import as_markdown, circumstances, put

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from eopf import make_eopf
from products import PRODUCT, granule_xml, tile_xml, write

_NAME = "S2B_MSIL2A_20220301T102030_N0509_R065_T32TNR_20220301T120000"
_BANDS = ("B04", "B03", "B02")
_MIB = 2**20


def parse() -> argparse.Namespace:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("scene", type=Path, help="a raster of red, green and blue in uint16")
    ask.add_argument("--work", type=Path, help="where the products lie, and are kept; default: a temporary folder")
    ask.add_argument("--profile", default="zstd")
    ask.add_argument("--saliency", default="perlin")
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--markdown", type=Path, help="write the table into this file")
    ask.add_argument("--section", default="sentinel2")
    return ask.parse_args()


def make_safe(work: Path, scene: Path) -> Path:
    """Write three bands as a Level-2A product: JPEG 2000 without loss, in tiles of 1024 pixels, as ESA's are."""
    root = work / f"{_NAME}.SAFE"
    image = "GRANULE/L2A_T32TNR_A1/IMG_DATA/R10m/T32TNR_20220301T102030_{}_10m"
    with rasterio.open(scene) as source:
        side = source.height
        for index, band in enumerate(_BANDS, start=1):
            tiles: Any = {"BLOCKXSIZE": 1024, "BLOCKYSIZE": 1024}
            write(root / f"{image.format(band)}.jp2", source.read(index), 10, **tiles)
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{n}">-1000</BOA_ADD_OFFSET>' for n in range(13))
    numbers = f"<BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>{offsets}"
    granules = granule_xml([image.format(band) for band in _BANDS])
    made = PRODUCT.format(level="2A", name=root.name, baseline="05.09", granules=granules, numbers=numbers)
    (root / "MTD_MSIL2A.xml").write_text(made)
    (root / "GRANULE/L2A_T32TNR_A1/MTD_TL.xml").write_text(tile_xml("2A", {10: side}))
    return root


def products(work: Path, scene: Path) -> dict[str, Path]:
    """Make both products unless they are there."""
    safe, zarr = work / f"{_NAME}.SAFE", work / f"{_NAME}.zarr"
    if not safe.exists():
        make_safe(work, scene)
    if not zarr.exists():
        make_eopf(zarr, safe)
    return {".SAFE": safe, "EOPF Zarr": zarr}


def job(product: Path, asked: argparse.Namespace, work: Path, output: Path) -> Figures:
    """Measure one job; its output stays under `output`."""
    warm(path for path in product.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory(dir=work) as folder:
        command = [
            sys.executable, "-m", "geosal", "compress", str(product), "out.tif", "--bands", "rgb",
            "--saliency", asked.saliency, "--profile", asked.profile, "--quiet",
        ]  # fmt: skip
        figures = measure(command, Path(folder))
        os.replace(Path(folder) / "out.tif", output)
    return figures


def are_alike(outputs: Sequence[Path]) -> bool:
    """Return whether the files have the same pixels."""
    first, *others = (rasterio.open(path) for path in outputs)
    return all(
        np.array_equal(first.read(window=window), other.read(window=window))
        for other in others
        for _, window in first.block_windows(1)
    )


def main() -> None:
    """Measure, compare the outputs, print, write."""
    asked, where = parse(), circumstances()
    make_work: Callable[[], str] = partial(tempfile.mkdtemp, prefix="geosal-bench-")
    work = (asked.work or Path(make_work())).resolve()
    work.mkdir(parents=True, exist_ok=True)
    made = products(work, asked.scene.resolve())
    outputs = {name: work / f"of{path.suffix}.tif" for name, path in made.items()}
    runs: dict[str, Callable[[], Figures]] = {
        name: partial(job, path, asked, work, outputs[name]) for name, path in made.items()
    }
    found, failed = interleave(runs, asked.repeat, lambda line: sys.stderr.write(f"  {line}\n"))
    if failed:
        raise SystemExit(str(failed))
    least = {
        name: (min(run.wall for run in each), min(run.cpu for run in each), max(run.memory for run in each))
        for name, each in found.items()
    }
    first = next(iter(least.values()))
    rows: list[Sequence[str]] = [("product", "wall s", "CPU s", "peak MiB", "over .SAFE: wall", "CPU", "memory")]
    for name, (wall, cpu, memory) in least.items():
        ratios = [f"{own / theirs:.2f}" for own, theirs in zip((wall, cpu, memory), first, strict=True)]
        rows.append((name, f"{wall:.1f}", f"{cpu:.1f}", f"{memory / _MIB:.0f}", *ratios))
    load = os.getloadavg()[1]
    with rasterio.open(asked.scene) as source:
        size = f"{source.width} x {source.height}"
    alike = "alike" if are_alike(list(outputs.values())) else "NOT alike"
    options = f"`--bands rgb --saliency {asked.saliency} --profile {asked.profile}`"
    told = (
        f"{size}, three bands of uint16, {options}; least time and largest memory of {asked.repeat} runs in turn, load "
        f"{load:.1f} at the end. The outputs' pixels are {alike}.\n"
    )
    text = "\n".join((where, told, as_markdown(rows)))
    sys.stdout.write(text)
    if asked.markdown:
        put(asked.markdown, asked.section, text)


if __name__ == "__main__":
    main()
