"""Several inputs, one job each: names of the outputs, the jobs one after the other, and a table at the end."""

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from geosal.cli.failure import Failure
from geosal.cli.guard import failure_of, say
from geosal.cli.output import Report, counted, grid
from geosal.errors import GeosalError, OutputError, UsageError, redact
from geosal.sizes import as_bytes

_PACKED = (".zip", ".tar", ".SAFE", ".safe")
"""Endings of products that no output keeps."""


@dataclass(frozen=True, slots=True)
class Job:
    """One input, and where its output goes."""

    input: str
    output: str


def jobs_of(inputs: Iterable[str], directory: str, suffix: str) -> list[Job]:
    """Name the output of each input: its name without the ending, and a suffix, in a directory.

    Parameters
    ----------
    inputs
        Paths; of a pattern such as ``"scenes/*.tif"``, that no shell has taken, all files that fit.
    directory
        Of all outputs.
    suffix
        What comes after the name: ``.tif``, ``_small.jp2``, or just ``jp2``.

    Raises
    ------
    UsageError
        There is no input, two inputs would have one output, or an output is an input.
    """
    ending = suffix if "." in suffix else f".{suffix}"
    found = [path for text in inputs for path in _expanded(text)]
    if not found:
        raise UsageError("--out-dir: no input is named; name some before it: geosal compress a.tif b.tif --out-dir out")
    jobs = [Job(path, os.path.join(directory, _stem(path) + ending)) for path in dict.fromkeys(found)]
    taken: dict[str, Job] = {}
    read = {os.path.realpath(path) for path in found}
    for job in jobs:
        other = taken.setdefault(os.path.normcase(job.output), job)
        if other is not job:
            raise UsageError(
                f"{job.output}: would be the output of {redact(other.input)} and of {redact(job.input)}; give them "
                "other names, or directories of their own"
            )
        if os.path.realpath(job.output) in read:
            raise UsageError(f"{job.output}: is an input as well; name another --out-dir or --suffix")
    return jobs


def make_directory(directory: str) -> None:
    """Make the directory of all outputs, where there is none.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--out-dir {directory}: cannot be made: {error.strerror}; name another") from error


def _expanded(text: str) -> list[str]:
    """A path as it stands, or what a pattern fits; URLs may hold its signs."""
    if not glob.has_magic(text) or "://" in text or text.startswith("/vsi") or os.path.exists(text):
        return [text]
    found = sorted(glob.glob(text, recursive=True))
    if not found:
        raise UsageError(f"{text}: no file fits this pattern; look at it with ls")
    return found


def _stem(path: str) -> str:
    """Name of an input without folders and ending; of a product, also without that of its archive."""
    name = os.path.basename(path.partition("?")[0].rstrip("/")) or "output"
    if os.path.isdir(path) and not name.endswith(_PACKED):
        return name
    stem = os.path.splitext(name)[0]
    return os.path.splitext(stem)[0] if name.endswith(_PACKED) and stem.endswith(_PACKED) else stem


def run_all(jobs: Sequence[Job], work: Callable[[Job], dict[str, Any]], report: Report) -> int:
    """Do all jobs one after the other; one that fails does not keep the others back.

    What is no failure of one job, such as a signal or no memory, ends them all; what was done until then is told.

    Parameters
    ----------
    jobs
        At least one.
    work
        Does one and returns its summary.
    report
        Gets a line for each, a table at the end, and one document of all.

    Returns
    -------
    int
        Exit code: 0, or that of the first job that failed.
    """
    documents: list[dict[str, Any]] = []
    code = 0
    try:
        for number, job in enumerate(jobs, start=1):
            try:
                summary = work(job)
            except GeosalError as error:
                say(str(error), "error")
                code = code or error.exit_code
                documents.append(_failed(job, Failure.of(error)))
            except BaseException as error:
                documents.append(_failed(job, failure_of(error)))
                raise
            else:
                documents.append(summary)
                report.summarise(f"{number}/{len(jobs)}  {job.output}: {_sizes(summary)}")
    finally:
        _tell(documents, report)
    return code


def _failed(job: Job, failure: Failure) -> dict[str, Any]:
    return {"input": redact(job.input), "output": job.output, "error": asdict(failure)}


def _tell(documents: Sequence[dict[str, Any]], report: Report) -> None:
    """Print the table and write the document, also where nobody reads the table any more."""
    try:
        report.summarise(f"\n{_table(documents)}")
    finally:
        report.write({"jobs": documents, "failed": sum("error" in one for one in documents)})


def _sizes(summary: dict[str, Any]) -> str:
    before = summary["input_bytes"]
    told = as_bytes(summary["bytes"])
    return told if before is None else f"{told} of {as_bytes(before)}, {_change(before, summary['bytes'])}"


def _change(before: int, after: int) -> str:
    percent = 100 * (after / before - 1)
    return f"{-percent:.1f} % smaller" if percent <= 0 else f"{percent:.1f} % LARGER"


def _table(documents: Sequence[dict[str, Any]]) -> str:
    rows = [_row(document) for document in documents]
    done = [document for document in documents if "error" not in document]
    sized = [document for document in done if document["input_bytes"]]
    failed = len(documents) - len(done)
    told = f"{counted(len(done), 'file')} written" + (f", {failed} FAILED" if failed else "")
    if sized:
        before, after = (sum(document[key] for document in sized) for key in ("input_bytes", "bytes"))
        rows.append(("all", as_bytes(before), as_bytes(after), _change(before, after)))
    return f"{grid(('output', 'before', 'after', ''), rows)}\n\n{told}"


def _row(document: dict[str, Any]) -> tuple[str, str, str, str]:
    name = os.path.basename(document["output"])
    if "error" in document:
        return name, "", "", f"FAILED (code {document['error']['code']})"
    before = document["input_bytes"]
    change = "" if before is None else _change(before, document["bytes"])
    return name, "" if before is None else as_bytes(before), as_bytes(document["bytes"]), change
