"""Write the outcome as files: a report to read, tables and data to work with."""

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from geosal.errors import redact
from geosal.lab.experiments.jpegs.outcome import MEASURES, PARTS, TOLERANCE, Outcome, known
from geosal.lab.experiments.jpegs.statistics import anova, verdicts
from geosal.lab.experiments.jpegs.tables import tables
from geosal.lab.experiments.reported import REPORT, limited, write_whole
from geosal.lab.experiments.wish import plain
from geosal.version import __version__

DATA, FIGURES = "results.json", "figures.csv"
_ON_VARIANCE = (
    "As in the paper, on all images of a collection. It takes the two groups for independent, though they are the "
    "same images; the last column is a t test on the differences."
)


def write_outcome(outcome: Outcome) -> list[str]:
    """Write ``report.md``, ``results.json``, ``figures.csv`` and a CSV file for each table into the output folder.

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
    texts = {REPORT: report_text(outcome), DATA: json.dumps(finite(to_document(outcome)), indent=2, allow_nan=False)}
    paths = [write_whole(folder / name, text + "\n") for name, text in texts.items()]
    sheets: dict[str, Iterable[Sequence[object]]] = {FIGURES: _figures(outcome)}
    sheets |= {f"{table.name}.csv": table.to_csv() for table in tables(outcome, anova(outcome))}
    return paths + [_write_csv(folder / name, rows) for name, rows in sheets.items()]


def to_document(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as plain data, for JSON."""
    wish, tests = outcome.wish, anova(outcome)
    return {
        "geosal": __version__,
        "output": wish.output,
        "encoder": outcome.encoder,
        "wish": {
            "images": plain(wish.images), "saliency": list(wish.saliency),
            "passes": wish.passes, "qualities": list(wish.qualities), "modes": list(wish.modes),
            "subsampling": wish.subsampling, "steps": wish.steps, "salient": wish.salient, "distinct": wish.distinct,
        },
        "sizes_within_percent": TOLERANCE,
        "sizes_matched": not outcome.unmatched,
        "maps_reproducible": not any(facts.differing for facts in outcome.maps),
        "verdicts": [verdict.to_dict() for verdict in verdicts(outcome, tests)],
        "anova": [test.to_dict() for test in tests],
        "tables": {
            table.name: {"caption": table.caption, "header": list(table.header), "rows": [list(r) for r in table.rows]}
            for table in tables(outcome, tests)
        },
        "maps": [{name: getattr(facts, name) for name in facts.__slots__} for facts in outcome.maps],
        "trials": [trial.to_dict() for trial in outcome.trials],
    }  # fmt: skip


def report_text(outcome: Outcome) -> str:
    """Write the report, in Markdown."""
    tests = anova(outcome)
    made = tables(outcome, tests)
    wish = outcome.wish
    about = (
        "The evaluation of A. Selimovic and A. Hladnik, *Content-aware image compression with convolutional neural "
        f"networks* (2018). {outcome.encoder} Saliency: `{' + '.join(map(redact, wish.saliency))}`, {wish.steps + 1} "
        f"levels; a pixel is salient from {wish.salient:g} on. MS-ROI is `{'`, `'.join(wish.modes)}`. Every file has "
        f"the size of the plain JPEG, or the table says so: within {TOLERANCE:g} %. All figures are over the colour "
        f"bands; those of averages are means over images.{limited(wish)}"
    )
    parts = [
        "# JPEG against MS-ROI at equal bytes",
        about,
        "## Tables",
        *(table.to_markdown() for table in made[:-2]),
        "## Analysis of variance",
        _ON_VARIANCE,
        made[-2].to_markdown(),
        "## Reproducibility of the maps",
        reproducibility(outcome),
        made[-1].to_markdown(),
        "## Sizes",
        sizes(outcome),
        "## Does the paper's global gain show?",
        "\n".join(f"- {verdict.sentence}" for verdict in verdicts(outcome, tests)),
    ]
    return "\n\n".join(parts)


def reproducibility(outcome: Outcome) -> str:
    """Return a sentence on whether maps came out the same."""
    differing = [facts for facts in outcome.maps if facts.differing]
    count, passes = len(outcome.maps), outcome.wish.passes
    papers = "In the paper's Figures 1 to 4 five passes give five different maps."
    if passes == 1:
        return f"Each map was made once, so nothing can be said. {papers}"
    if not differing:
        return f"All {passes} passes of each of {count} images give the same map, to the bit. {papers}"
    worst = max(facts.largest_difference for facts in differing)
    return f"The passes of {len(differing)} of {count} images DIFFER, by up to {worst:.3g} of saliency. {papers}"


def sizes(outcome: Outcome) -> str:
    """Return a sentence on whether every file has the size of its plain JPEG."""
    shaped = [trial for trial in outcome.trials if trial.method in outcome.wish.modes]
    made = [abs(trial.difference) for trial in shaped if trial.bytes is not None]
    if not outcome.unmatched:
        worst = max(made)
        return (
            f"All {len(shaped)} files are within {TOLERANCE:g} % of the plain JPEG; the farthest is {worst:.2f} % off."
        )
    lines = [f"{len(outcome.unmatched)} of {len(shaped)} files are NOT within {TOLERANCE:g} % of the plain JPEG:", ""]
    for trial in outcome.unmatched:
        why = f"{trial.difference:+.2f} %" if trial.missed is None else f"not reached: {redact(trial.missed)}"
        lines.append(f"- {trial.collection}, {trial.image}, Q {trial.quality}, {trial.method}: {why}")
    return "\n".join(lines)


def _figures(outcome: Outcome) -> Iterable[Sequence[object]]:
    yield (
        "collection", "image", "quality", "method", "bytes", "reference_bytes", "difference_percent", "matched",
        "final_quality", "part", *MEASURES,
    )  # fmt: skip
    for trial in outcome.trials:
        told = (
            trial.collection, trial.image, trial.quality, trial.method, trial.bytes, trial.reference_bytes,
            known(trial.difference), trial.matched, trial.final_quality,
        )  # fmt: skip
        for part in PARTS:
            yield (*told, part, *(known(trial.figure(part, measure)) for measure in MEASURES))


def finite(value: Any) -> Any:
    """Return plain data for JSON: infinite numbers become text, NaN becomes None."""
    match value:
        case float() if not math.isfinite(value):
            return None if math.isnan(value) else str(value)
        case Mapping():
            return {str(key): finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
        case _:
            return value


def _write_csv(path: Path, rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=os.linesep).writerows(rows)
    return write_whole(path, text.getvalue())
