"""Write the outcome of a study of detection: a report to read, and the tables."""

import math
from pathlib import Path
from typing import Any

from geosal.lab.experiments.detection import COMPARISONS, DETECTION
from geosal.lab.experiments.detection.outcome import Condition, Outcome
from geosal.lab.experiments.reported import REPORT, left_out, limited, table_row, write_whole
from geosal.lab.experiments.rows import Row, write_rows
from geosal.sizes import counted

TABLE, COMPARED = "detection", "comparisons"
_EXPLAINED = (
    "Average precision in percent; between brackets lie 95 % of the draws of squares of the images. Few images and few "
    "objects say little: where the bracket of a difference holds 0, nothing is shown. K_e is the effective kernel of a "
    "mask, the mean width over the pixels."
)


def write_detection(outcome: Outcome) -> list[str]:
    """Write ``report.md``, ``detection.csv`` and ``comparisons.csv``, with Parquet where pyarrow is.

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
        *write_rows(folder, TABLE, DETECTION, [condition.row() for condition in outcome.conditions]),
        *write_rows(folder, COMPARED, COMPARISONS, list(outcome.comparisons())),
    ]
    return [*paths, write_whole(folder / REPORT, report_text(outcome) + "\n")]


def report_text(outcome: Outcome) -> str:
    """Write the report, in Markdown: precision under each condition, masks against kernels, and what was left out."""
    lines = [
        "# What smoothing costs a detector", "", summary(outcome), "",
        _EXPLAINED, "",
        "| dataset | encoder | smoothing | bpp | AP | AP50 | AP75 | small | medium | large |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|", *map(_line, outcome.conditions), "",
        "## Masks against kernels, kernels against none", "",
        "| dataset | encoder | smoothing | bpp | AP | against | its bpp | its AP | difference |",
        "|---|---|---|---:|---:|---|---:|---:|---:|", *map(_compared, outcome.comparisons()),
    ]  # fmt: skip
    return "\n".join([*lines, *left_out(outcome.skipped)])


def _line(condition: Condition) -> str:
    found, row = condition.precision, condition.row()
    smoothing = (
        f"K {condition.kernel}" if condition.kernel else f"{condition.mask}, K_e {condition.effective_kernel:.1f}"
    )
    cells = (
        condition.dataset, condition.setting.name, smoothing, f"{condition.bpp:.3f}",
        f"{_percent(found.ap)} [{_percent(row['ap_low'])}, {_percent(row['ap_high'])}]",
        *(_percent(value) for value in (found.ap50, found.ap75, found.small, found.medium, found.large)),
    )  # fmt: skip
    return table_row(cells)


def _compared(row: Row) -> str:
    encoder = row["encoder"] if row["setting"] is None else f"{row['encoder']}-{row['parameter']}={row['setting']:g}"
    width = "" if row["baseline_kernel"] is None else f" (K {row['baseline_kernel']:.3g})"
    smoothing = row["mask"] if row["kernel"] is None else f"K {row['kernel']}"
    cells = (
        row["dataset"], encoder, smoothing, f"{row['bpp']:.3f}", _percent(row["ap"]), f"{row['baseline']}{width}",
        f"{row['baseline_bpp']:.3f}", _percent(row["baseline_ap"]),
        f"{_percent(row['difference'])} [{_percent(row['low'])}, {_percent(row['high'])}]",
    )  # fmt: skip
    return table_row(cells)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def summary(outcome: Outcome) -> str:
    """Return a sentence on what was done."""
    told = [
        f"{name}: {counted(len(truth.images), 'image')}, {counted(truth.count, 'object')}"
        for name, truth in outcome.truths.items()
    ]
    words = f"{'; '.join(told)}; {counted(len(outcome.conditions), 'condition')}."
    words += limited(outcome.wish)
    return words if not outcome.skipped else f"{words} {counted(len(outcome.skipped), 'image')} or masks left out."


def to_document(outcome: Outcome) -> dict[str, Any]:
    """Return what was done as plain data, for JSON; the figures are in the tables."""
    return {
        "output": outcome.wish.output,
        "wish": outcome.wish.to_plain(),
        "datasets": {
            name: {"images": len(truth.images), "objects": truth.count, "classes": list(truth.classes)}
            for name, truth in outcome.truths.items()
        },
        "conditions": len(outcome.conditions),
        "resumed_looks": outcome.resumed,
        "left_out": [each._asdict() for each in outcome.skipped],
    }
