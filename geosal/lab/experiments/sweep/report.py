"""Write the outcome of a sweep: a report to read, and the tables."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from geosal.lab.experiments.reported import REPORT, left_out, limited, table_row, write_whole
from geosal.lab.experiments.rows import Row, write_rows
from geosal.lab.experiments.sweep import LEVELS, SWEEP
from geosal.lab.experiments.sweep.outcome import Outcome
from geosal.sizes import counted

FILES, LEVELS_NAME = "sweep", "levels"
_EXPLAINED = (
    "Averages over the images of each dataset; reductions in percent of the bytes, against the unsmoothed image. K_e "
    "is the effective kernel of a mask, the mean width over the pixels."
)


def write_sweep(outcome: Outcome) -> list[str]:
    """Write ``report.md``, ``sweep.csv`` and ``levels.csv`` into the output folder, with Parquet where pyarrow is.

    Returns
    -------
    list of str
        Their paths.

    Raises
    ------
    OutputError
        One of them cannot be written.
    """
    folder = Path(outcome.wish.output)
    paths = [
        *write_rows(folder, FILES, SWEEP, list(outcome.files())),
        *write_rows(folder, LEVELS_NAME, LEVELS, list(outcome.levels())),
    ]
    return [*paths, write_whole(folder / REPORT, report_text(outcome) + "\n")]


def report_text(outcome: Outcome) -> str:
    """Write the report, in Markdown: averages over all images of each dataset, and what was left out."""
    rows = list(outcome.files())
    lines = [
        "# Smoothing by kernels and masks, and what encoders make of it", "", summary(outcome), "",
        _EXPLAINED,
        "", "| dataset | encoder | setting | mask | kernel | images | bpp | of original | of unsmoothed | MSE |",
        "|---|---|---:|---|---:|---:|---:|---:|---:|---:|", *_averages(rows),
    ]  # fmt: skip
    return "\n".join([*lines, *left_out(outcome.skipped)])


def _averages(rows: list[Row]) -> list[str]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["dataset"], row["encoder"], row["setting"], row["mask"], row["kernel"]].append(row)
    return [_average(key, group) for key, group in groups.items()]


def _average(key: tuple[Any, ...], rows: list[Row]) -> str:
    dataset, encoder, setting, mask, kernel = key
    width = f"{kernel}" if kernel is not None else f"K_e {_mean(rows, 'effective_kernel', '.2f')}"
    cells = (
        dataset, encoder, "" if setting is None else f"{setting:g}", mask, width, len(rows), _mean(rows, "bpp", ".3f"),
        _mean(rows, "reduction_of_original", ".1f"), _mean(rows, "reduction_of_unsmoothed", ".1f"),
        _mean(rows, "mse", ".4g"),
    )  # fmt: skip
    return table_row(cells)


def _mean(rows: list[Row], column: str, form: str) -> str:
    values = [row[column] for row in rows if row[column] is not None]
    return format(sum(values) / len(values), form) if values else "-"


def summary(outcome: Outcome) -> str:
    """Return a sentence on what was done."""
    images = len({(seen.dataset, seen.image) for seen in outcome.seen})
    files = len(outcome.seen) * len(tuple(outcome.wish.settings))
    words = f"{counted(images, 'image')}, {counted(len(outcome.seen), 'look')}, {counted(files, 'file')}."
    words += limited(outcome.wish)
    left = len(outcome.skipped)
    return words if not left else f"{words} {left} {'image or mask' if left == 1 else 'images or masks'} left out."


def to_document(outcome: Outcome) -> dict[str, Any]:
    """Return what was done as plain data, for JSON; the figures are in the tables."""
    return {
        "output": outcome.wish.output,
        "wish": outcome.wish.to_plain(),
        "images": len({(seen.dataset, seen.image) for seen in outcome.seen}),
        "looks": len(outcome.seen),
        "files": sum(1 for _ in outcome.files()),
        "levels": sum(1 for _ in outcome.levels()),
        "resumed_looks": outcome.resumed,
        "left_out": [each._asdict() for each in outcome.skipped],
    }
