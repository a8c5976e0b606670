"""Tables, and what they were measured on."""

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from measure import Figures

OURS = "geosal"
_PACKAGES = (
    "geosal", "rasterio", "numpy", "imagecodecs", "opencv-python-headless", "dask", "rioxarray", "dask-image"
)  # fmt: skip
_MIB = 2**20
_BUSY_LOOP = """
import sys, time
start, turns = float(sys.argv[1]), 0
while time.time() < start: pass
while time.time() < start + 0.25: turns += 1
print(turns)
"""

Table = list[Sequence[str]]
"""Rows of cells, the head first."""


@dataclass(frozen=True)
class Row:
    """All repeats of one contender in one case.

    Attributes
    ----------
    scene, mask, codec
        The case.
    who
        `OURS`, or a baseline's name.
    runs
        Figures of each repeat.
    """

    scene: str
    mask: str
    codec: str
    who: str
    runs: tuple[Figures, ...]

    @property
    def case(self) -> tuple[str, str, str]:
        """What the contenders of a case share."""
        return self.scene, self.mask, self.codec

    def least(self, what: str) -> float:
        """Smallest figure of all repeats: what disturbs a run only adds to it."""
        return min(float(getattr(run, what)) for run in self.runs)

    def most(self, what: str) -> float:
        """Largest figure of all repeats, for memory and disk."""
        return max(float(getattr(run, what)) for run in self.runs)


def peer(row: Row, rows: Iterable[Row], who: str) -> Row | None:
    """Another contender in the case of `row`."""
    return next((other for other in rows if other.case == row.case and other.who == who), None)


def jobs_table(rows: Sequence[Row], names: dict[str, str]) -> Table:
    """All figures of whole jobs; ratios are geosal's over the baseline's."""
    table: Table = [
        ("scene", "mask", "codec", "who", "wall s: least", "median", "CPU s", "peak MiB", "temp. MB", "output MB",
         "geosal / this: wall", "CPU", "memory", "bytes")
    ]  # fmt: skip
    for row in rows:
        ours = peer(row, rows, OURS)
        ratios: Sequence[str] = ("", "", "", "")
        if row.who != OURS and ours is not None:
            ratios = (
                f"{ours.least('wall') / row.least('wall'):.2f}",
                f"{ours.least('cpu') / row.least('cpu'):.2f}",
                f"{ours.most('memory') / row.most('memory'):.2f}",
                f"{ours.least('size') / row.least('size'):.3f}",
            )
        table.append(
            (
                *row.case,
                names.get(row.who, row.who),
                f"{row.least('wall'):.2f}",
                f"{median(run.wall for run in row.runs):.2f}",
                f"{row.least('cpu'):.2f}",
                f"{row.most('memory') / _MIB:.0f}",
                f"{row.most('temporary') / 1e6:.0f}",
                f"{row.least('size') / 1e6:.1f}",
                *ratios,
            )
        )
    return table


def as_markdown(table: Table) -> str:
    """Lay a table out, columns aligned: readable as it is, and Markdown."""
    if len(table) < 2:
        return "nothing was measured\n"
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    right = [_is_numeric(column[1:]) for column in zip(*table, strict=True)]
    head, *rows = [
        "| " + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) + " |"
        for row in table
    ]
    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)) + "|"
    return "\n".join([head, rule, *rows]) + "\n"


def _is_numeric(cells: Iterable[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(re.fullmatch(r"[<>=\s]*-?[\d.]+x?", cell) for cell in filled)


def circumstances() -> str:
    """Machine, versions and date, as sentences."""
    versions = [f"Python {platform.python_version()}", f"GDAL {_gdal_version()}"]
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"{_cpu()}, {_cores()} cores that gave {cores_got():.1f} cores' work to busy loops, {_memory_gib():.0f} GiB, "
        f"{platform.system()}. {', '.join(versions)}. "
        f"{datetime.now(UTC):%Y-%m-%d}.\n"
    )


def cores_got() -> float:
    """What all cores do together over what one does alone: less than their number when others use the machine."""
    runs = [(_turns(1), _turns(_cores())) for _ in range(3)]
    return median(together for _, together in runs) / max(alone for alone, _ in runs)


def _turns(processes: int) -> int:
    """Turns of a loop that processes make side by side in a quarter of a second, all together."""
    command = [sys.executable, "-c", _BUSY_LOOP, str(time.time() + 0.4)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(int(process.communicate()[0]) for process in running)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.*)$", text, re.MULTILINE))
    if "model name" not in found:
        return platform.machine()
    wide = "with AVX-512" if "avx512f" in text else "with AVX2" if "avx2" in text else "without AVX2"
    return f"{found['model name']} (family {found.get('cpu family')}, model {found.get('model')}; {wide})"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _gdal_version() -> str:
    """Asked of a process of its own: what measures stays small."""
    command = [sys.executable, "-c", "import rasterio; print(rasterio.__gdal_version__)"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def put(path: Path, section: str, text: str) -> None:
    """Write `text` into a Markdown file, in the place of the section's last text, or at the end."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    block = f"{begin}\n\n{text.strip()}\n\n{end}"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    before, found, rest = old.partition(begin)
    if found and end in rest:
        path.write_text(before + block + rest.partition(end)[2], encoding="utf-8")
    else:
        path.write_text(f"{old.rstrip()}\n\n{block}\n".lstrip(), encoding="utf-8")
