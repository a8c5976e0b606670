"""Several inputs, one job each: the jobs one after the other, and a table at the end."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from geosal.cli import options
from geosal.cli.failure import Failure
from geosal.cli.guard import failure_of, say
from geosal.cli.output import Report, grid
from geosal.cli.paper import width_of, wrapped
from geosal.errors import OutputError, UsageError, redact
from geosal.sizes import as_bytes, as_change, as_written, counted, listed

if TYPE_CHECKING:
    from geosal.batch.jobs import Job, Part
    from geosal.batch.run import Outcome
    from geosal.batch.whole import Whole

_MOST_NAMES = 3
"""Most outputs that are named for one cause."""
_LEAST_NAME = 16
"""Columns that a name has at least where a table is wider than the terminal."""


def input_and_output(paths: Sequence[str], suffix: str | None, *, into_folder: bool = False) -> dict[str, str]:
    """Tell the two paths of a single job apart; the second may be a directory where nothing is written.

    Raises
    ------
    UsageError
        There are more than two, or a suffix that only names in a directory have.
    OutputError
        The second is a directory.
    """
    if suffix is not None:
        raise UsageError(f"--suffix {suffix}: names outputs in a directory; add --out-dir DIR, or leave it out")
    if len(paths) > 2:
        stacked = " ".join(shlex.join(["--stack", path]) for path in paths[1:-1])
        last = shlex.quote(paths[-1].rstrip("/"))
        raise UsageError(
            f"{len(paths)} paths are given, and {paths[-1]} is no directory: for a file of each input name one for the "
            f"outputs, {last}/ (or --out-dir {last}); if they are bands of one scene, name the others with {stacked}"
        )
    if len(paths) == 2 and not into_folder:
        _refuse_no_file(*paths)
    return dict(zip(("input", "output"), paths, strict=False))


def _refuse_no_file(source: str, output: str) -> None:
    """Refuse an output that is a product, or that many would need a directory for."""
    from geosal.batch.names import is_pattern
    from geosal.scenes.products import is_product

    if os.path.isdir(output) and is_product(output):
        raise OutputError(f"{output}: is a product, and nothing is written into one; name another directory")
    if not os.path.splitext(output)[1] and (is_pattern(source) or is_product(source)):
        raise UsageError(
            f"{output}: names no file, which has a suffix such as .tif, and is no directory; for a directory of "
            f"outputs write {output}/"
        )


def directory_in(paths: Sequence[str], out_dir: str | None) -> tuple[Sequence[str], str | None]:
    """Tell inputs and the directory of their outputs apart, named by --out-dir or as the last path; None without one.

    A last path is a directory where it ends with a slash, or one is there; a Zarr store and a product are none.
    """
    if out_dir is not None or len(paths) < 2:
        return paths, out_dir
    last = paths[-1]
    if os.path.isdir(last):
        from geosal.scenes.products import is_product
        from geosal.scenes.zarr_store import is_store

        return (paths, None) if is_store(last) or is_product(last) else (paths[:-1], last)
    return (paths[:-1], last) if last.endswith("/") and not last.lower().endswith(".zarr/") else (paths, None)


def parts_wished(
    config: str | None,
    paths: Sequence[str],
    places: tuple[str | None, str | None],
    report: Report,
    wish: dict[str, Any],
) -> "list[Part]":
    """Make the jobs of a command line that asks for several; none where it asks for one.

    Parameters
    ----------
    config
        A recipe in YAML, of one job or several.
    paths
        Inputs, and the directory of their outputs unless `places` has it.
    places
        --out-dir and --suffix.
    report
        Kept apart from the files of all jobs.
    wish
        Options of the command line.

    Raises
    ------
    GeosalError
        An option or an input cannot be.
    """
    parts = _parts_in(config, wish)
    if parts and (paths or places[0] is not None):
        raise UsageError(f"--config {config}: its jobs have inputs and outputs of their own; leave out other paths")
    inputs, directory = directory_in(paths, places[0])
    if directory is not None:
        parts = _parts_of(config, inputs, (directory, places[1]), wish)
    for part in parts:
        for job in part.jobs:
            sources = (part.whole.recipe if part.whole else job.recipe).sources
            options.keep_report_apart(report, sources, job.input, job.output, config, *job.recipe.stack)
    return parts


def _parts_in(config: str | None, wish: dict[str, Any]) -> "list[Part]":
    """Make the jobs in a YAML file of several; none where there is no such file."""
    if config is None:
        return []
    made = options.build_jobs(config, wish)
    if not made:
        return []
    from geosal.batch.jobs import Job, Part

    return [Part((Job(recipe),)) for recipe in made]


def _parts_of(
    config: str | None, inputs: Sequence[str], places: tuple[str, str | None], wish: dict[str, Any]
) -> "list[Part]":
    """Make the jobs of several inputs; without one, of that of the recipe."""
    from geosal.batch.run import parts_of
    from geosal.formats.table import format_of

    whole = options.whole_wish(config, wish)
    own, _ = whole.pop("input", None), whole.pop("output", None)
    parts = parts_of(inputs or [text for text in [own] if text], *places, whole)
    for part in parts:
        for job in part.jobs:
            format_of(job.output)
    return parts


def run_all(
    parts: "Sequence[Part]",
    work: "Callable[[Job, Any], dict[str, Any]]",
    report: Report,
    told: Any = None,
    *,
    will: bool = False,
    resume: bool = False,
) -> int:
    """Do, or plan, all jobs one after the other; one that fails does not keep the others back.

    What is no failure of one job, such as a signal or no memory, ends them all; what was done until then is told.

    Parameters
    ----------
    parts
        At least one.
    work
        Does one, with a callback for its progress, and returns its summary.
    report
        Gets a line for each, a table at the end, and one document of all.
    told
        Callback for the progress of all.
    will
        The jobs are only planned.
    resume
        See `geosal.batch.run.work_through`.

    Returns
    -------
    int
        Exit code: 0, or that of the first job that failed.
    """
    from geosal.batch.jobs import jobs_in
    from geosal.batch.run import work_through
    from geosal.core.progress import ignore

    documents: list[dict[str, Any]] = []
    jobs, code, said = jobs_in(parts), 0, None
    try:
        outcomes = _as_far(work_through(parts, work, told or ignore, decide=not will, resume=resume), jobs, documents)
        for number, outcome in enumerate(outcomes, start=1):
            job, error = outcome.job, outcome.error
            if error is not None:
                if error is not said:
                    say(str(error), "error")
                code, said = code or error.exit_code, error
                documents.append(_failed(job, Failure.of(error), outcome.seconds))
            else:
                documents.append(outcome.result or {})
                name = job.output if job.unmade is None else os.path.basename(job.output)
                report.summarise(f"{number}/{len(jobs)}  {name}: {_sizes(documents[-1], will=will)}")
    finally:
        _tell(documents, report, will=will)
    for part in parts:
        if part.whole is not None and os.path.exists(part.whole.recipe.output):
            report.summarise(f"what matters in these bands: {part.whole.recipe.output}")
            _tell_of_rest(part.whole, report)
    return code


def _tell_of_rest(whole: "Whole", report: Report) -> None:
    """Say what has gone along with the bands as it was."""
    paths = [] if whole.rest is None else [path for path in whole.rest.copies.values() if os.path.isfile(path)]
    if paths:
        size = as_bytes(sum(map(os.path.getsize, paths)))
        report.summarise(f"{counted(len(paths), 'file')} beside them, metadata and quality bands, as they were: {size}")


def _as_far(
    outcomes: "Iterator[Outcome[dict[str, Any]]]", jobs: "Sequence[Job]", documents: list[dict[str, Any]]
) -> "Iterator[Outcome[dict[str, Any]]]":
    """Yield outcomes; what ends all jobs is noted of the one that it came in."""
    try:
        yield from outcomes
    except BaseException as error:
        documents.append(_failed(jobs[min(len(documents), len(jobs) - 1)], failure_of(error), 0.0))
        raise


def _failed(job: "Job", failure: Failure, seconds: float) -> dict[str, Any]:
    return {"input": redact(job.input), "output": job.output, "seconds": seconds, "error": asdict(failure)}


def _tell(documents: Sequence[dict[str, Any]], report: Report, *, will: bool) -> None:
    """Print the table and write the document, also where nobody reads the table any more."""
    try:
        report.summarise(f"\n{_table(documents, will=will)}")
    finally:
        failed = sum("error" in one for one in documents)
        before = {} if will else {"finished_before": _before(documents)}
        report.write({"jobs": documents, "failed": failed, **before})


def _sizes(summary: dict[str, Any], *, will: bool) -> str:
    before, after = summary["input_bytes"], _bytes(summary)
    told = f"about {as_bytes(after)}" if will else as_bytes(after)
    return told if before is None else f"{told} of {as_bytes(before)}, {as_change(after, before)}"


def _bytes(document: dict[str, Any]) -> int:
    """Size of the output of a job: of a plan's, as a sample lets expect."""
    return int(document["estimated_bytes"] if "estimated_bytes" in document else document["bytes"])


def _table(documents: Sequence[dict[str, Any]], *, will: bool) -> str:
    """Lay out a line for each job; seconds where something was done."""
    timed = not will
    rows = [_row(document, timed=timed) for document in documents]
    done = [document for document in documents if "error" not in document]
    sized = [document for document in done if document["input_bytes"]]
    failed = len(documents) - len(done)
    before = _before(done)
    told = f"{counted(len(done), 'file')} would be written" if will else as_written(len(done) - before, before)
    told += f", {failed} FAILED" if failed else ""
    if sized:
        before, after = sum(document["input_bytes"] for document in sized), sum(map(_bytes, sized))
        seconds = (
            [f"{sum(document.get('seconds', 0.0) for document in documents if not _before([document])):.1f}"]
            if timed
            else []
        )
        rows.append(("all", as_bytes(before), as_bytes(after), *seconds, as_change(after, before)))
    header = ("output", "before", "after", *(["s"] if timed else []), "")
    return f"{grid(header, _fitting(header, rows))}\n{_remarks(documents)}\n{told}"


def _before(documents: Sequence[dict[str, Any]]) -> int:
    """Count the outputs that were finished by a job before."""
    return sum(document.get("finished_before", False) for document in documents)


def _seconds(document: dict[str, Any]) -> str:
    """Tell the time of a job; nothing where it had nothing to do."""
    return "" if document.get("finished_before") else f"{document.get('seconds', 0.0):.1f}"


def _row(document: dict[str, Any], *, timed: bool) -> tuple[str, ...]:
    name = os.path.basename(document["output"])
    seconds = [_seconds(document)] if timed else []
    if "error" in document:
        return name, "", "", *seconds, f"FAILED (code {document['error']['code']})"
    before, after = document["input_bytes"], _bytes(document)
    change = "" if before is None else as_change(after, before)
    return name, "" if before is None else as_bytes(before), as_bytes(after), *seconds, change


def _remarks(documents: Sequence[dict[str, Any]]) -> str:
    """Say why jobs failed, and why outputs are larger than their inputs; what has the same cause stands once."""
    causes: dict[tuple[str, str], list[str]] = {}
    for document in documents:
        name = os.path.basename(document["output"])
        if "error" in document:
            message = document["error"]["message"]
            for path in (document["output"], document["input"]):  # it stands before the colon
                message = message.removeprefix(f"{path}: ")
            causes.setdefault(("FAILED", message), []).append(name)
        elif document.get("cause"):
            causes.setdefault(("LARGER", document["cause"]), []).append(name)
    lines = (f"{what} {listed(names, _MOST_NAMES)}: {cause}" for (what, cause), names in causes.items())
    return "".join(f"\n{wrapped(line, width_of(sys.stdout), indent=2)}\n" for line in lines)


def _fitting(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Shorten names at their beginnings where the terminal is too narrow: what tells them apart is at the end."""
    limit = width_of(sys.stdout)
    if limit is None:
        return list(rows)
    others = [max(len(row[column]) for row in (header, *rows)) for column in range(1, len(header) - 1)]
    room = max(_LEAST_NAME, limit - sum(others) - 2 * (len(header) - 1) - max(len(row[-1]) for row in rows))
    return [(row[0] if len(row[0]) <= room else f"…{row[0][1 - room :]}", *row[1:]) for row in rows]
