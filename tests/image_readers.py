"""Which programs read the COGs, JPEG 2000s, JPEGs and PNGs that geosal writes: a table of outputs by readers.

    npm install --prefix js geotiff@2         # for the reader in JavaScript
    NODE_PATH=js/node_modules python tests/image_readers.py

Makes a small scene and an output in each profile, reads these by each program that is there, and compares the pixels
with those that geosal reads: `same`, or the largest difference of a codec that loses some. The table in
docs/reference/formats.md was made so. Stores are read by `readers.py`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from rasters import PLACE, read, save

import geosal
from geosal.scenes import Scene

SIDE = 600
OUTPUTS = {
    "a.tif": ("deflate", "zstd", "lzw", "raw", "jpeg", "webp", "lerc", "jxl"),
    "a.jp2": ("jp2-lossless", "jp2", "htj2k"),
    "a.jpg": ("jpg",),
    "a.png": ("png",),
}
_NEAR = 12
"""Largest difference of two decoders of one lossy file: each rounds colours and enlarges chroma in its own way."""
_JS = """
const { fromFile } = require("geotiff"); const fs = require("fs");
(async () => {
  const image = await (await fromFile(process.argv[2])).getImage();
  const isYCbCr = image.fileDirectory.PhotometricInterpretation === 6;
  const rgb = isYCbCr ? await image.readRGB() : await image.readRasters({ interleave: true });
  fs.writeFileSync(process.argv[3], Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength));
})().catch((error) => { console.error(String(error)); process.exit(1); });
"""
Reader = Callable[[Path, Path], NDArray[Any]]


def _run(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            (done.stderr or done.stdout).strip().splitlines()[-1] if done.stderr or done.stdout else "failed"
        )


def _gdal(path: Path, work: Path) -> NDArray[Any]:
    _run("gdal_translate", "-q", path, work / "out.tif")
    return read(work / "out.tif")


def _vips(path: Path, work: Path) -> NDArray[Any]:
    _run("vips", "copy", path, work / "out.tif")
    return read(work / "out.tif")


def _openjpeg(path: Path, work: Path) -> NDArray[Any]:
    _run("opj_decompress", "-quiet", "-i", path, "-o", work / "out.tif")
    return read(work / "out.tif")


def _tifffile(path: Path, work: Path) -> NDArray[Any]:
    del work
    found = tifffile.imread(path, series=0, level=0)
    return found if found.shape[0] == 3 else np.moveaxis(found, -1, 0)


def _geotiff_js(path: Path, work: Path) -> NDArray[Any]:
    (work / "read.js").write_text(_JS)
    _run("node", work / "read.js", path, work / "out.raw")
    return np.moveaxis(np.fromfile(work / "out.raw", np.uint8).reshape(SIDE, SIDE, 3), -1, 0)


def _found(*words: str) -> str:
    """The first version in what a program prints."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else ""


def _version_of_geotiff_js() -> str:
    package = Path(os.environ.get("NODE_PATH", ""), "geotiff", "package.json")
    return json.loads(package.read_text())["version"] if package.exists() else "missing"


READERS: dict[str, tuple[str, Callable[[], str], Reader, tuple[str, ...]]] = {
    "GDAL": ("gdal_translate", lambda: _found("gdalinfo", "--version"), _gdal, (".tif", ".jp2", ".jpg", ".png")),
    "libvips": ("vips", lambda: _found("vips", "--version"), _vips, (".tif", ".jp2", ".jpg", ".png")),
    "tifffile": (sys.executable, lambda: str(tifffile.__version__), _tifffile, (".tif",)),
    "OpenJPEG": ("opj_decompress", lambda: _found("opj_decompress", "-h"), _openjpeg, (".jp2",)),
    "geotiff.js": ("node", _version_of_geotiff_js, _geotiff_js, (".tif",)),
}
"""Name -> its program, its version, how it reads, and the suffixes that it knows."""


def told(found: NDArray[Any], wanted: NDArray[Any]) -> str:
    """What a reader's pixels are, beside those of geosal."""
    if found.shape != wanted.shape:
        return f"{found.shape}"
    apart = int(np.abs(found.astype(int) - wanted).max())
    return "same" if apart == 0 else f"±{apart}" if apart <= _NEAR else f"OTHER ({apart})"


def main() -> None:
    """Print the table."""
    there = {name: told for name, told in READERS.items() if shutil.which(told[0])}
    head = [f"{name} {version()}".strip() for name, (_, version, *_) in there.items()]
    sys.stdout.write(f"| output | {' | '.join(head)} |\n|---|{'---|' * len(there)}\n")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        rows, cols = np.mgrid[:SIDE, :SIDE]
        pixels = np.stack([120 + 60 * np.sin(rows / 30 + band) * np.cos(cols / 40) for band in range(3)]).astype(
            np.uint8
        )
        scene = save(folder / "scene.tif", pixels, photometric="RGB", **PLACE)
        for name, profiles in OUTPUTS.items():
            for profile in profiles:
                output = folder / profile / name
                output.parent.mkdir()
                options = {"QUALITY": "80"} if profile == "jpg" else {}  # without, a search would find a size
                geosal.compress(scene, output, saliency="half", profile=profile, creation_options=options)
                opened = Scene.open(str(output))  # also where GDAL lacks JPEG XL
                wanted, cells = opened.read(opened.grid.whole()).pixels, []
                for _, _, reads, suffixes in there.values():
                    work = folder / "work"
                    work.mkdir()
                    try:
                        cells.append(told(reads(output, work), wanted) if output.suffix in suffixes else "")
                    except Exception as error:  # noqa: BLE001  whatever it is, that reader fails
                        cells.append(f"no: {' '.join(str(error).split())[-70:]}")
                    shutil.rmtree(work)
                sys.stdout.write(f"| `{profile}` | {' | '.join(cells)} |\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
