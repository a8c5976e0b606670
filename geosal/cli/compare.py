"""``geosal compare``: how good an output is, and how small."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.apart import refuse_job_file
from geosal.cli.completion import complete_file
from geosal.cli.output import Report, grid, pairs
from geosal.cli.panels import PanelledCommand
from geosal.cli.progress import progress_bars
from geosal.errors import OutputError, UsageError
from geosal.files.atomic import may_write, write_text
from geosal.files.publish import check_output, why_no_folder
from geosal.sizes import as_bytes, as_number, counted

if TYPE_CHECKING:
    from geosal.comparison import Comparison, Pair, Row
    from geosal.job.proof import Held

_RULES = ("combine", "outside", "background")


@click.command(cls=PanelledCommand, short_help="Measure what was lost: PSNR, SSIM, errors.")
@click.argument("original", metavar="ORIGINAL", shell_complete=complete_file)
@click.argument("candidate", metavar="CANDIDATE", shell_complete=complete_file)
@options.saliency
@options.combine
@options.outside
@options.background
@options.steps
@options.reading
@click.option("--data-range", type=float, metavar="X", help="Width of the range of values (default: of the data type).")
@click.option("--csv", "table", metavar="FILE", help="Write all figures as a table: each part in each band.")
@click.option("--error-map", metavar="FILE.tif", help="Write the largest error of each pixel over the bands.")
@click.option("--picture", metavar="FILE.png", help="Draw both, what matters and what was lost, whole and magnified.")
@options.max_pixels
@options.drivers
@options.overwrite
@options.report_options
def compare(original: str, candidate: str, report: Report, quiet: bool, table: str | None, **wish: Any) -> None:
    """Measure how far CANDIDATE is from ORIGINAL: PSNR, SSIM, MS-SSIM, errors, bits per pixel.

    With a --saliency, the salient part (what is to be kept), the background and each level get figures of their own.
    Pixels where one of the two holds no data are not compared.

    \b
    geosal compare scene.tif smaller.tif
    geosal compare scene.tif smaller.jp2 --csv figures.csv --error-map errors.tif
    geosal compare scene.tif smaller.tif --saliency mask.tif --picture lost.png
    """
    from geosal.comparison import judge  # heavy, and the help does not need it
    from geosal.formats.table import has_world_file
    from geosal.maps.png import check_png

    error_map, picture, overwrite = (wish.pop(name) for name in ("error_map", "picture", "overwrite"))
    read = options.job_paths(wish["saliency"], original, candidate, *wish["stack"])
    report.keep_apart(*read, table, error_map, picture)
    if error_map is not None:
        check_output(error_map, overwrite=overwrite, inputs=read, with_world_file=has_world_file(error_map))
    if picture is not None:
        check_png(picture, "picture", overwrite=overwrite, inputs=[*read, *([error_map] if error_map else [])])
    _check_table(table, overwrite=overwrite, others=[*read, error_map, picture])
    held, pair = _hold(original, candidate, {name: value for name, value in wish.items() if value not in (None, ())})
    with progress_bars(pair.grid.height * pair.grid.width, quiet=quiet) as progress:
        outcome = judge(
            pair, data_range=wish["data_range"], error_map=error_map, overwrite=overwrite, progress=progress
        )
        outcome = replace(outcome, as_the_file_says=held.said)
        if picture is not None:
            from geosal.maps.lost import write_lost  # drawing libraries, which figures do not need

            write_lost(picture, pair, outcome, overwrite=overwrite, progress=progress)
    if not quiet:
        line = [held.line] if held.said else []
        report.show("\n".join([*line, _as_text(outcome, picture, held.lacking)]))
    report.write({**outcome.to_dict(), "picture": picture})
    if table is not None:
        _write_table(table, outcome)


def _hold(original: str, candidate: str, given: dict[str, Any]) -> tuple["Held", "Pair"]:
    from geosal.core.ladder import Ladder
    from geosal.job.proof import hold
    from geosal.scenes import Reading

    asked = (*(field.name for field in fields(Reading)), *_RULES)
    wanted = {name: given[name] for name in asked if name in given}
    held = hold(candidate, original, given.get("saliency"), **wanted)
    if held.saliency is None and (given.keys() & {*_RULES, "steps"}):
        raise UsageError("an option of the saliency without --saliency; name its SOURCE as well")
    return held, held.pair(candidate, Ladder(steps=given["steps"]) if "steps" in given else None)


def _check_table(path: str | None, *, overwrite: bool, others: Sequence[str | None]) -> None:
    """Refuse, before the work, a table that could not be written."""
    if path is None:
        return
    place = Path(path)
    if not path:
        raise UsageError("--csv '': names no file; name one")
    if place.is_dir():
        raise OutputError(f"--csv {path}: is a directory; name a file in it")
    if not place.absolute().parent.is_dir():
        raise OutputError(f"--csv {path}: {why_no_folder(place.absolute().parent)}")
    refuse_job_file("--csv", path, others)
    if place.exists() and not overwrite:
        raise OutputError(f"--csv {path}: exists; replace it with --overwrite, or choose another name")
    if not may_write(place):
        raise OutputError(f"--csv {path}: may not be written; choose another place")


def _write_table(path: str, outcome: "Comparison") -> None:
    columns, rows = outcome.table()
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_text(path, text.getvalue())
    except OSError as error:
        raise OutputError(f"--csv {path}: cannot be written: {error.strerror}; write it elsewhere") from error


def _as_text(outcome: "Comparison", picture: str | None, lacking: str) -> str:
    size = f"{outcome.width} x {outcome.height} px, {counted(outcome.count, 'band')} of {outcome.dtype}"
    facts: list[tuple[str, object]] = [
        ("original", f"{outcome.original}{_in_brackets(outcome.original_bytes)}"),
        ("candidate", f"{outcome.candidate}{_in_brackets(outcome.candidate_bytes)}"),
        ("compared", f"{size}; data range {as_number(outcome.data_range)} ({outcome.data_range_from})"),
    ]
    if outcome.bits_per_pixel is not None:
        facts.append(("bits per pixel", f"{outcome.bits_per_pixel:.3f}; {_reduction(outcome)}"))
    if not outcome.georeferenced:
        facts.append(("georeferencing", "not compared: not both have one"))
    if outcome.saliency is not None:
        facts.append(("saliency", outcome.saliency))
    elif outcome.made_with is not None:
        why = lacking or "name it (--saliency) to see each part"
        facts.append(("made with", f"saliency {outcome.made_with}; {why}"))
    if outcome.lost or outcome.gained:
        facts.append(("left out", f"{outcome.lost} samples lost, {outcome.gained} gained since the original"))
    if outcome.error_map is not None:
        facts.append(("error map", outcome.error_map))
    if picture is not None:
        facts.append(("picture", picture))
    kernel = "kernel" if any(row.level is not None for row in outcome.rows) else ""
    header = ("part", "share", "PSNR dB", "SSIM", "MS-SSIM", "RMSE", "MAE", "largest", kernel)
    rows = [_cells(row) for row in outcome.rows if row.band == 0 or (row.part == "whole" and outcome.count > 1)]
    return f"{pairs(facts)}\n\n{grid(header, rows)}"


def _cells(row: "Row") -> tuple[str, ...]:
    scores = row.scores
    note = "" if row.level is None else f"to {2 * row.level + 1} px"
    return (
        row.part if row.band == 0 else f"band {row.band}",
        f"{100 * row.share:.1f} %",
        _figure(scores.psnr, ".2f"),
        _figure(scores.ssim, ".5f"),
        _figure(scores.ms_ssim, ".5f"),
        _figure(scores.rmse, ".4g"),
        _figure(scores.mae, ".4g"),
        _figure(scores.max_error, "g"),
        note or row.name,
    )


def _figure(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _in_brackets(size: int | None) -> str:
    return "" if size is None else f" ({as_bytes(size)})"


def _reduction(outcome: "Comparison") -> str:
    raw = f"{_change(outcome.reduction_of_raw)} than the samples in memory"
    return raw if outcome.reduction is None else f"{_change(outcome.reduction)} than the original, {raw}"


def _change(percent: float | None) -> str:
    percent = percent or 0.0
    return f"{abs(percent):.1f} % {'smaller' if percent >= 0 else 'larger'}"
