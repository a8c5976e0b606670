"""What `geosal plan --profiles` expects, beside what each job then makes: bytes, errors and PSNR.

python tests/benchmarks/expected.py SCENE...                            table on the terminal
python tests/benchmarks/expected.py SCENE... --saliency detail          another saliency
python tests/benchmarks/expected.py SCENE... --profiles zstd,jp2        some profiles
python tests/benchmarks/expected.py SCENE... --markdown docs/benchmarks/expected.md   the summary into a file
"""

import argparse
import math
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import median
from typing import NamedTuple

from report import Table, as_markdown, put

import geosal
from geosal.job.choices import Choice, plan_profiles
from geosal.sizes import as_bytes


class Found(NamedTuple):
    """An estimate and the job after it."""

    choice: Choice
    size: int
    off: float
    """Bytes expected over those that were made, in percent."""
    decibels: float
    """Difference of the PSNR of the background, in dB; NaN where there is none."""
    largest: float
    """Largest error of the whole scene."""


def found_on(scene: Path, saliency: str, profiles: str, folder: Path) -> list[Found]:
    """Estimate all profiles on a scene, and carry each of them out."""
    choices = plan_profiles(scene, folder, saliency=saliency, profiles=profiles)
    rows: list[Found] = []
    known: dict[str, geosal.Comparison] = {}
    for choice in choices.profiles:
        made = geosal.compress(scene, choice.output, saliency=saliency, profile=choice.profile, overwrite=True)
        key = choice.treatment if choice.lossless else choice.profile  # lossless codecs bring back the same pixels
        scores = known[key] = known.get(key) or geosal.compare(scene, choice.output, saliency)
        gap = choice.psnr_background - scores.scores("background").psnr
        off = 100 * (choice.bytes / made.bytes - 1)
        rows.append(Found(choice, made.bytes, off, gap, scores.scores().max_error))
        told = f"{choice.profile:<13} {as_bytes(choice.bytes):>9} {as_bytes(made.bytes):>9} {off:+6.1f} %"
        sys.stdout.write(f"{told} {gap:+6.2f} dB, error {choice.largest_error:g} {rows[-1].largest:g}\n")
        sys.stdout.flush()
    share = 100 * choices.sample_pixels / (choices.width * choices.height)
    sys.stdout.write(f"{scene.name}: {choices.width} x {choices.height}, sample {share:.0f} %\n\n")
    return rows


def row_of(scene: Path, rows: list[Found]) -> tuple[str, ...]:
    """Sum up a scene."""
    off = sorted(abs(row.off) for row in rows)
    worst = max(rows, key=lambda row: abs(row.off))
    gaps = [abs(row.decibels) for row in rows if math.isfinite(row.decibels)]
    broken = sum(row.choice.is_promised and row.largest > row.choice.largest_error for row in rows)
    order = [row.choice.profile for row in sorted(rows, key=lambda row: row.size)]
    expected = [row.choice.profile for row in sorted(rows, key=lambda row: row.choice.bytes)]
    return (
        scene.name,
        str(len(rows)),
        f"{median(off):.1f} %",
        f"{worst.off:+.1f} % ({worst.choice.profile})",
        f"{max(gaps, default=math.nan):.2f} dB",
        "yes" if order[0] == expected[0] else f"no: {order[0]}, not {expected[0]}",
        str(broken),
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE")
    parser.add_argument("--saliency", default="perlin:seed=7")
    parser.add_argument("--profiles", default="all")
    parser.add_argument("--work", type=Path, help="folder for the outputs; deleted afterwards")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--section", default="expected")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    table: Table = [
        ("scene", "profiles", "bytes off: median", "most", "PSNR off: most", "smallest is right", "broken promises")
    ]
    for scene in given.scenes:
        with tempfile.TemporaryDirectory(dir=given.work) as folder:
            table.append(row_of(scene, found_on(scene, given.saliency, given.profiles, Path(folder))))
    text = as_markdown(table)
    sys.stdout.write(f"{text}\n")
    if given.markdown is not None:
        put(given.markdown, given.section, text)


if __name__ == "__main__":
    main()
