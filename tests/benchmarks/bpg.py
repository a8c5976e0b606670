"""A BPG at equal bytes: saliency as a map of QPs beside smoothing, on crops of real scenes.

python tests/benchmarks/bpg.py                                               the table, on the terminal
python tests/benchmarks/bpg.py --markdown docs/benchmarks/bpg.md             into a file
python tests/benchmarks/bpg.py --cost --markdown docs/benchmarks/bpg.md      a job's CPU beside x265's, by bpg_cost.py

QPs are whole, so bytes are met between two of them: decibels are interpolated in the logarithm of bytes.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from bpg_cost import table as costs
from crops import CROPS_8, Crop, Scene, make, open_crop
from report import Table, as_markdown, put

from geosal.core.grid import Block
from geosal.scenes import Scene as Opened

_SIDE = 512
_TARGET = 32
"""QP of the plain file whose bytes the others meet."""
_SMOOTHED = (14, 18, 22, 26, 30)
_GAPS = {4: (29, 31, 33), 8: (27, 29, 31, 33), 12: (24, 27, 30, 33)}
"""How far the background's QP lies above that of what matters -> QPs of the latter."""
_WORST = 52


def table(crops: Sequence[Crop], folder: Path) -> Table:
    """What each treatment gives at the bytes of a plain file."""
    rows: Table = [("crop", "treatment", "salient dB", "background dB")]
    for crop in crops:
        scene = open_crop(_middle(crop), folder)
        size, plain = _judged(scene, *_plain(scene, folder, _TARGET))
        rows.append((scene.name, f"plain, QP {_TARGET}", *(f"{each:.2f}" for each in plain)))
        curves: dict[str, tuple[Sequence[int], Callable[[Scene, Path, int], tuple[int, Path]]]] = {
            "smooth": (_SMOOTHED, _smooth)
        }
        for gap, at in _GAPS.items():
            curves[f"quality, {gap} QPs apart"] = at, lambda scene, folder, qp, gap=gap: _mapped(scene, folder, qp, gap)
        for name, (at, run) in curves.items():
            found = [_judged(scene, *run(scene, folder, qp)) for qp in at]
            rows.append((scene.name, name, *_at(size, found, plain)))
    return rows


def _middle(crop: Crop) -> Crop:
    row, col, *_ = crop.window or (0, 0)
    return replace(crop, window=(row, col, _SIDE, _SIDE))


def _plain(scene: Scene, folder: Path, qp: int) -> tuple[int, Path]:
    return make(scene, folder, ".bpg", saliency="uniform:saliency=1", treatment="smooth", creation_options=_qp(qp))


def _smooth(scene: Scene, folder: Path, qp: int) -> tuple[int, Path]:
    return make(scene, folder, ".bpg", treatment="smooth", creation_options=_qp(qp))


def _mapped(scene: Scene, folder: Path, qp: int, gap: int) -> tuple[int, Path]:
    return make(scene, folder, ".bpg", treatment=f"quality:low={max(1, _WORST - qp - gap)},high={_WORST - qp}")


def _qp(qp: int) -> dict[str, str]:
    return {"QUALITY": str(qp)}


def _judged(scene: Scene, size: int, path: Path) -> tuple[int, tuple[float, float]]:
    """Return the bytes, and the PSNR of what matters and of the rest."""
    opened = Opened.open(path)
    off = np.square(opened.read(Block(0, 0, *opened.grid.shape)).pixels.astype(np.float64) - scene.pixels)
    salient = scene.levels == 0
    psnr = [float(10 * np.log10(255**2 / np.mean(off[:, where]))) for where in (salient, ~salient)]
    return size, (psnr[0], psnr[1])


def _at(size: int, found: Sequence[tuple[int, tuple[float, float]]], plain: tuple[float, float]) -> tuple[str, ...]:
    """Return what the others gain on the plain file at its bytes; a dash where they do not reach them."""
    known = sorted(found)
    places = np.log([each for each, _ in known])
    if not places[0] <= np.log(size) <= places[-1]:
        return "-", "-"
    gains = [np.interp(np.log(size), places, [psnr[part] for _, psnr in known]) - plain[part] for part in (0, 1)]
    return tuple(f"{gain:+.2f}" for gain in gains)


def main(argv: Sequence[str]) -> int:
    """Make the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--crops", type=int, default=len(CROPS_8), help="how many of the crops")
    ask.add_argument("--cost", action="store_true", help="the CPU of a job beside that of x265 alone")
    ask.add_argument("--size", type=int, default=5490, help="rows and columns of the scene for --cost")
    ask.add_argument("--markdown", type=Path, help="file into which the table goes")
    given = ask.parse_args(argv)
    if given.cost:
        return _tell(given.markdown, "bpg-cost", as_markdown(costs(given.size)))
    with tempfile.TemporaryDirectory() as folder:
        found = as_markdown(table(CROPS_8[: given.crops], Path(folder)))
    return _tell(given.markdown, "bpg", found)


def _tell(markdown: Path | None, name: str, found: str) -> int:
    if markdown is None:
        sys.stdout.write(found + "\n")
    else:
        put(markdown, name, found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
