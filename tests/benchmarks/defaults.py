"""What a new user gets: the default command of its kind on every raster and product of a folder, in bytes.

python tests/benchmarks/defaults.py DATA                                 table on the terminal
python tests/benchmarks/defaults.py DATA --save now.json                 keep the figures
python tests/benchmarks/defaults.py DATA --before then.json              beside those of another version
python tests/benchmarks/defaults.py DATA --markdown docs/benchmarks/defaults.md        into a file
python tests/benchmarks/defaults.py DATA --only sen2ships --kind tif     some of them
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from crops import discs
from rasterio.errors import RasterioError
from rasterio.windows import Window
from report import Table, as_markdown, put

import geosal
from geosal.job.outlook import look_out
from geosal.job.plan import make_plan
from geosal.job.recipe import Recipe

_LEAST_BYTES = 20_000
"""Below it a file is mostly header, and says nothing about a codec."""
_LARGEST = 4096
"""Rows and columns of the piece that stands for a scene larger than that."""
_SUFFIXES = frozenset((".tif", ".tiff", ".gtif", ".jp2", ".j2k", ".jpg", ".jpeg", ".png"))
_SKIPPED = ("imagetiff_fuzz", "pillow_fuzz", "train")
"""Folders of broken files and of pictures to learn from."""
_BOXES = {
    "airbus_aircraft/*": "airbus_aircraft/annotations.csv:buffer=10px",
    "sen2ships/klang/*": "sen2ships/klang/klang_coco.json:saliency=0.8,buffer=5px",
    "sen2ships/cartagena/*": "sen2ships/cartagena/cartagena_coco.json:saliency=0.8,buffer=5px",
    "vehicles_coco/terrain2.png": "vehicles_coco/terrain2_coco.json:buffer=5px",
    "spacenet/sample_geotiff.tif": "spacenet/geotiff_labels.geojson:crs=scene",
    "landsat8_elkton/L8-B?-*": "landsat8_elkton/L8-Labels-Elkton-VA.geojson",
}
"""Masks that come with the data; all others get three discs that take 15 %, saliency falling to 0 around them."""
_PRODUCTS = (
    ("sentinel2_safe/S2A_MSIL1C_*.SAFE", "clouds", {"bands": "rgb", "to_byte": "tci"}),
    ("landsat_c2/LC08_L2SP_008059*", "clouds:dilate=60m", {"bands": "rgb"}),
)
"""Products with the options of the README's lines for them."""


@dataclass(frozen=True)
class Case:
    """A default command: what is read, where to look, the options of its kind."""

    name: str
    kind: str
    path: Path
    saliency: str
    suffix: str
    options: dict[str, Any]


def cases(data: Path, folder: Path, only: str) -> Iterator[Case]:
    """Yield all commands on what lies in a folder."""
    for pattern, saliency, options in _PRODUCTS:
        for path in sorted(data.glob(pattern)):
            name = str(path.relative_to(data))
            if only in name:
                yield Case(name, "product .tif", path, saliency, ".tif", options)
                bytes_of = {"to_byte": "percentile:2-98"} | options
                yield Case(name, "product .jpg", path, saliency, ".jpg", bytes_of)
                jpeg = {"profile": "jpeg"} | bytes_of
                yield Case(name, "product .tif jpeg", path, saliency, ".tif", jpeg)
    for path in sorted(data.rglob("*")):
        name = str(path.relative_to(data))
        wanted = path.suffix.lower() in _SUFFIXES and only in name and not any(part in name for part in _SKIPPED)
        if not wanted or ".SAFE" in name or path.stat().st_size < _LEAST_BYTES:
            continue
        try:
            scene, mask, bands, dtype = prepare(path, name, data, folder)
        except (RasterioError, OSError, ValueError):
            continue
        yield Case(name, ".tif", scene, mask, ".tif", {})
        yield Case(name, ".jp2", scene, mask, ".jp2", {"profile": "jp2"})
        if dtype == "uint8" and bands in (1, 3):
            yield Case(name, ".tif jpeg", scene, mask, ".tif", {"profile": "jpeg"})
            yield Case(name, ".tif webp", scene, mask, ".tif", {"profile": "webp"})
            yield Case(name, ".jpg", scene, mask, ".jpg", {})


def prepare(path: Path, name: str, data: Path, folder: Path) -> tuple[Path, str, int, str]:
    """Find a scene's mask, or make one; a scene that is huge is cut, with the codec that it has."""
    with rasterio.open(path) as dataset:
        height, width = dataset.shape
        if max(height, width) > _LARGEST:
            window = Window(0, 0, min(width, _LARGEST), min(height, _LARGEST))
            cut = folder / f"{name.replace('/', '-')}.tif"
            profile = dataset.profile | {"driver": "GTiff", "width": window.width, "height": window.height}
            with rasterio.open(cut, "w", **profile) as target:
                target.write(dataset.read(window=window))
            path, height, width = cut, int(window.height), int(window.width)
        bands, dtype = dataset.count, dataset.dtypes[0]
    for pattern, mask in _BOXES.items():
        if Path(name).match(pattern):
            return path, str(data / mask), bands, dtype
    mask = folder / f"{height}x{width}.png"
    if not mask.exists():
        levels = np.floor(discs((height, width), 0.15) * 255).astype(np.uint8)
        with rasterio.open(mask, "w", driver="PNG", width=width, height=height, count=1, dtype="uint8") as target:
            target.write(levels, 1)
    return path, f"{mask}:align=pixels", bands, dtype


def run(case: Case, folder: Path) -> tuple[int, int, bool] | str:
    """Run a command: bytes read and bytes written, or the reason why it was refused.

    Of an output that is larger, `geosal plan` is asked whether it had said so.
    """
    output = folder / f"out{case.suffix}"
    wish = {"saliency": case.saliency, "overwrite": True, "max_pixels": 10**10, **case.options}
    try:
        summary = geosal.compress(str(case.path), str(output), **wish)
    except geosal.GeosalError as error:
        return str(error)
    read = summary.input_bytes or os.path.getsize(case.path)
    planned = (
        summary.bytes >= read
        and look_out(make_plan(Recipe.from_mapping({"input": str(case.path), "output": str(output), **wish}))).is_larger
    )
    return read, summary.bytes, planned


def main(words: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="", help="part of the names of what is measured")
    parser.add_argument("--kind", default="", help="part of the kind of command, such as .jpg")
    parser.add_argument("--save", type=Path, help="file for the figures")
    parser.add_argument("--before", type=Path, help="figures of another version")
    parser.add_argument("--markdown", type=Path, help="file in which the table has its place")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    found: dict[str, tuple[int, int, bool]] = {}
    refused: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="geosal-bench-") as place:
        for case in cases(asked.data.resolve(), Path(place), asked.only):
            if asked.kind not in case.kind:
                continue
            result = run(case, Path(place))
            if isinstance(result, str):
                refused[case.kind] += 1
                sys.stderr.write(f"refused: {case.name} {case.kind}: {result[:160]}\n")
            else:
                found[f"{case.name} | {case.kind}"] = result
                sys.stderr.write(f"{case.name} {case.kind}: {result[1] / result[0]:.3f}\n")
    if asked.save:
        asked.save.write_text(json.dumps(found, indent=1), encoding="utf-8")
    before = json.loads(asked.before.read_text(encoding="utf-8")) if asked.before else {}
    tables = [as_markdown(sums(found, before, refused)), as_markdown(each(found, before))]
    text = "\n\n".join(tables)
    sys.stdout.write(f"{text}\n")
    if asked.markdown:
        put(asked.markdown, "defaults", text)


def each(found: dict[str, tuple[int, int, bool]], before: dict[str, Any]) -> Table:
    """All commands, one a line."""
    table: Table = [("input", "command", "input kB", "before kB", "now kB", "before / input", "now / input", "")]
    for key, (read, written, planned) in found.items():
        name, kind = key.split(" | ")
        then = before.get(key, (read, None))[1]
        table.append(
            (
                name if len(name) < 50 else f"…{name[-49:]}",
                kind,
                f"{read / 1000:.0f}",
                "" if then is None else f"{then / 1000:.0f}",
                f"{written / 1000:.0f}",
                "" if then is None else f"{then / read:.2f}",
                f"{written / read:.2f}",
                "smaller" if written < read else "LARGER, as planned" if planned else "LARGER",
            )
        )
    return table


def sums(found: dict[str, tuple[int, int, bool]], before: dict[str, Any], refused: Counter[str]) -> Table:
    """For each kind of command how many outputs are smaller, and the middle one of their ratios."""
    names = "command", "jobs", "smaller before", "smaller now", "larger, as planned", "median before", "median now"
    table: Table = [(*names, "refused")]
    kinds = {key.split(" | ")[1] for key in found}
    for kind in sorted(kinds):
        now = {key: pair for key, pair in found.items() if key.endswith(f"| {kind}")}
        then = {key: (read, before[key][1]) for key, (read, *_) in now.items() if key in before}
        ratios, were = ([written / read for read, written, *_ in pairs.values()] for pairs in (now, then))
        table.append(
            (
                kind,
                str(len(now)),
                str(sum(ratio < 1 for ratio in were)) if were else "",
                str(sum(ratio < 1 for ratio in ratios)),
                str(sum(planned for *_, planned in now.values())),
                f"{np.median(were):.2f}" if were else "",
                f"{np.median(ratios):.2f}",
                str(refused[kind]),
            )
        )
    return table


if __name__ == "__main__":
    main()
