"""Hashes of a fixed set of outputs: ``python tests/identity.py TABLE.json``, with whichever geosal that Python imports.

A change that should change no output is checked by it: write a table before and one after, then
``python tests/identity.py AFTER.json --against BEFORE.json`` tells each job whose outcome differs. An outcome is the
hash of each file, or the text of the refusal. JPEG 2000 files have one of their boxes without the codestream and one of
their pixels, TIFFs of LERC one of their pixels. For another version:
``PYTHONPATH=ITS_CHECKOUT python tests/identity.py TABLE.json``.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from scipy import ndimage

import geosal

_SHAPE = (700, 901)
_PLACE = Affine(10, 0, 600000, 0, -10, 4600000)
_PROFILES = {
    "tif": ("deflate", "zstd", "lzw", "lzma", "jxl", "raw", "jpeg", "webp", "lerc"),
    "jp2": ("jp2-lossless", "jp2", "htj2k"),
    "zarr": ("zarr",),
    "jpg": ("jpg",),
}
_TREATMENTS = (
    ("smooth",), ("bound:error=8",), ("bound:error=8,finer=0.5",), ("quality",), ("quality:low=40,high=90",),
    ("twopass",), ("smooth", "bound:error=8"), ("smooth", "quality"),
)  # fmt: skip
_MORE: dict[str, dict[str, Any]] = {
    "target-size.jpg": {"target_size": 60_000}, "target-jpeg.jpg": {"target_jpeg": 60}, "bpp.jp2": {"target_bpp": 2.0},
    "psnr.tif": {"profile": "jpeg", "min_psnr": ("40",)}, "ssim.jpg": {"min_ssim": ("salient:0.95",)},
    "ratio.tif": {"target_ratio": 6.0, "profile": "webp"}, "by-gdal.tif": {"creation_options": (("LEVEL", "22"),)},
    "cubic.tif": {"creation_options": (("OVERVIEW_RESAMPLING", "CUBIC"),)}, "bidx.tif": {"bidx": (2,)},
    "small-blocks.tif": {"creation_options": (("BLOCKSIZE", "128"),), "block": 256},
    "sharding.zarr": {"creation_options": (("BLOCKSIZE", "256"),)},
    "few.jp2": {"creation_options": (("RESOLUTIONS", "2"),)},
    "444.jpg": {"creation_options": (("SUBSAMPLING", "444"),)}, "byte.jpg": {"to_byte": "percentile:2-98"},
    "unknown.tif": {"profile": "defalte"}, "unknown-option.tif": {"creation_options": (("LEVLE", "3"),)},
    "bad-suffix.gif": {}, "processes.tif": {"scheduler": "processes", "workers": 2},
    "two-sources.tif": {"saliency": ("perlin", "half"), "combine": "mean"}, "detail.tif": {"saliency": ("detail",)},
    "sigma.tif": {"sigma": "flat"}, "steps.tif": {"steps": 3},
}  # fmt: skip


def scenes(folder: Path) -> dict[str, Path]:
    """Write a scene of each dtype and kind, the same at each call."""
    seeded = np.random.default_rng(0)
    base = ndimage.gaussian_filter(seeded.normal(size=(4, *_SHAPE)), (0, 9, 9))
    base = (base - base.min()) / np.ptp(base) + seeded.normal(size=base.shape) * 0.004
    made = {}

    def scene(
        name: str, bands: int, dtype: str, top: float, nodata: float | None = None, *, alpha: bool = False
    ) -> None:
        pixels = np.clip(base[:bands] * top, 0, top).astype(dtype)
        if alpha:
            pixels[-1] = np.where(base[-1] > 0.3, np.iinfo(dtype).max, 0)
        elif nodata is not None:
            pixels[:, :90, :200] = nodata
        made[name] = folder / f"{name}.tif"
        more: dict[str, str] = {"photometric": "RGB"} if bands in {3, 4} and dtype == "uint8" else {}
        more |= {"alpha": "YES"} if alpha else {}
        with rasterio.open(
            made[name],
            "w",
            "GTiff",
            _SHAPE[1],
            _SHAPE[0],
            bands,
            "EPSG:32633",
            _PLACE,
            dtype,
            nodata,
            tiled=True,
            **more,
        ) as sink:
            sink.write(pixels)
            sink.update_tags(SENSOR="of a test", TIFFTAG_DATETIME="2026:01:01 00:00:00")
            sink.set_band_description(1, "first")

    scene("byte", 1, "uint8", 255)
    scene("rgb", 3, "uint8", 255)
    scene("rgb-nodata", 3, "uint8", 255, 0)
    scene("rgba", 4, "uint8", 255, alpha=True)
    scene("sixteen", 2, "uint16", 9000, 0)
    scene("signed", 1, "int16", 3000, -9999)
    scene("long", 1, "int32", 70000)
    scene("float", 2, "float32", 1.0, float("nan"))
    scene("double", 1, "float64", 1.0)
    return made


def jobs(made: dict[str, Path]) -> Iterator[tuple[str, Path, str, dict[str, Any]]]:
    """Name each job, with its input, the name of its output and its options."""
    for scene, path in made.items():
        for suffix, profiles in _PROFILES.items():
            for profile in profiles:
                for treatment in _TREATMENTS:
                    name = f"{scene}.{profile}.{'+'.join(treatment).replace(':', '-')}.{suffix}"
                    yield name, path, f"out.{suffix}", {"profile": profile, "treatment": treatment}
    for scene in ("rgb", "sixteen"):
        for name, options in _MORE.items():
            yield f"{scene}.{name}", made[scene], name, options


def compressed(path: Path, output: Path, options: dict[str, Any]) -> dict[str, str]:
    """Carry out a job and tell what it made, with the plan and the checks of it."""
    wish = {"input": str(path), "output": str(output), "saliency": "grid", "workers": 1, "block": 512} | options
    plan = geosal.make_plan(geosal.Recipe.from_mapping(wish))
    told = {key: value for key, value in plan.describe().items() if key not in {"memory_bytes", "workers"}}
    summary = geosal.run(plan).to_dict()
    if summary["search"]:
        summary["search"] = {key: value for key, value in summary["search"].items() if "seconds" not in key}
    summary = {key: value for key, value in summary.items() if key not in {"seconds", "peak_rss_bytes"}}
    checks = [str(check) for check in geosal.verify(output, against=path)]
    return {
        "plan": _digest(json.dumps(told, sort_keys=True, default=str)),
        "summary": _digest(json.dumps(summary, sort_keys=True, default=str)),
        "checks": _digest(json.dumps(checks)),
    } | _files(output.parent)


def others(made: dict[str, Path]) -> dict[str, Callable[[Path], object]]:
    """Name the outputs of the other faces: arrays, comparison, the commands."""

    def command(*words: str) -> Callable[[Path], object]:
        def run(folder: Path) -> str:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "geosal", *words],
                capture_output=True, text=True, check=False, cwd=folder,
            )  # fmt: skip
            return f"{done.returncode}\n{done.stdout}\n{done.stderr}"

        return run

    def written(folder: Path) -> None:
        scene = geosal.open_scene(made["rgb"])
        geosal.write(geosal.smooth(scene, geosal.saliency(scene, "grid")), folder / "array.tif")

    def compared(folder: Path) -> str:
        geosal.compress(made["rgb"], folder / "c.jpg", saliency="grid", workers=1)
        told = geosal.compare(made["rgb"], folder / "c.jpg", "grid").to_dict()
        return json.dumps({key: value for key, value in told.items() if key != "seconds"}, sort_keys=True, default=str)

    rgb = f"../{made['rgb']}"
    helps = ("compress", "plan", "verify", "compare", "saliency", "sources", "profiles", "info", "demo", "train")
    return {
        "array": written,
        "compare": compared,
        "map": command("saliency", rgb, "map.tif", "-s", "perlin", "--quiet"),
        "preview": command("saliency", rgb, "map.tif", "-s", "perlin", "--quiet", "--preview", "map.png"),
        "sources": command("sources"),
        "profiles": command("profiles"),
        "misspelt": command("compress", rgb, "a.tif", "-s", "perlni"),
        "no-mask": command("compress", rgb, "a.tif", "-s", "nowhere.geojson"),
    } | {f"help-{name}": command(name, "--help") for name in helps}


def outcome(work: Callable[[Path], dict[str, str] | object], folder: Path) -> dict[str, str]:
    """Tell the hashes of what was made, or the refusal."""
    folder.mkdir()
    try:
        told = work(folder)
    except geosal.GeosalError as error:
        text = f"{type(error).__name__}: {error}"
        return {"refused": text}
    return told if isinstance(told, dict) else {"told": _digest(str(told or ""))} | _files(folder)


def _files(folder: Path) -> dict[str, str]:
    hashes = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".jp2" or _is_lerc(path):
            with rasterio.open(path) as source:
                hashes[f"{name} pixels"] = _digest(source.read().tobytes())
        if path.suffix == ".jp2":
            hashes[f"{name} boxes"] = _digest(path.read_bytes().partition(b"jp2c")[0])
        elif not _is_lerc(path):
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return hashes


def _is_lerc(path: Path) -> bool:
    """Tell whether a file is a TIFF of LERC, whose encoder leaves chance bits where none count."""
    if path.suffix != ".tif":
        return False
    with rasterio.open(path) as source:
        return source.compression is not None and source.compression.name.startswith("lerc")


def _digest(text: str | bytes) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:16]


def table(word: str) -> dict[str, dict[str, str]]:
    """Carry out every job whose name has this word."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="identity") as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(text)  # paths in texts are then the same at each call
        folder = Path()
        made = scenes(folder)
        for number, (name, path, output, options) in enumerate(jobs(made)):
            if word in name:
                found[name] = outcome(lambda at: compressed(path, at / output, options), folder / str(number))  # noqa: B023
        for name, work in others(made).items():
            if word in name:
                found[name] = outcome(work, folder / name)
    return found


def main() -> None:
    """Write the table; compare it where another is given; exit code 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="JSON to write")
    parser.add_argument("--against", type=Path, help="an older table")
    parser.add_argument("-k", default="", help="only jobs with this in their names")
    options = parser.parse_args()
    before = json.loads(options.against.read_text()) if options.against else None
    output = options.table.resolve()
    sys.modules["__main__"].__file__ = __file__  # worker processes look for it, from another folder
    found = table(options.k)
    output.write_text(json.dumps(found, indent=1))
    before = found if before is None else before
    wrong = [name for name in found if name in before and found[name] != before[name]]
    for name in wrong:
        sys.stdout.write(f"DIFFERS  {name}\n  before {before[name]}\n  now    {found[name]}\n")
    made = sum("refused" not in told for told in found.values())
    sys.stdout.write(f"{len(found)} jobs, {made} made, {len(found) - made} refused, {len(wrong)} differ\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
