"""Several inputs, one job each: names of the outputs, the jobs one after the other, and a table at the end."""

import glob
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geosal.cli import options
from geosal.cli.failure import Failure
from geosal.cli.guard import failure_of, say
from geosal.cli.output import Report, grid
from geosal.errors import GeosalError, OutputError, UsageError, redact
from geosal.files.names import stem_of
from geosal.sizes import as_bytes, as_change, counted

if TYPE_CHECKING:
    from geosal.job.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Job:
    """One input, and where its output goes."""

    input: str
    output: str


def input_and_output(paths: Sequence[str], suffix: str | None, *, into_folder: bool = False) -> dict[str, str]:
    """Tell the two paths of a single job apart; the second may be a directory where nothing is written.

    Raises
    ------
    UsageError
        There are more than two, or a suffix that only names in a directory have.
    OutputError
        The second is a directory.
    """
    from geosal.scenes.zarr_store import is_store

    if suffix is not None:
        raise UsageError(f"--suffix {suffix}: names outputs in a directory; add --out-dir DIR, or leave it out")
    if len(paths) > 2:
        raise UsageError(
            f"{len(paths)} paths are given, a job has an input and an output; for several inputs name the directory "
            f"of their outputs: --out-dir {shlex.quote(paths[-1])}"
        )
    if len(paths) == 2 and not into_folder and os.path.isdir(paths[1]) and not is_store(paths[1]):
        raise OutputError(f"{paths[1]}: is a directory; give a file name in it, or say --out-dir {paths[1]}")
    return dict(zip(("input", "output"), paths, strict=False))


def recipes_of_all(
    paths: Sequence[str], place: tuple[str, str], config: str | None, report: Report, wish: dict[str, Any]
) -> "dict[Job, Recipe]":
    """Make the recipe of each of several jobs; a wish that cannot be is refused before the first.

    Parameters
    ----------
    paths
        The inputs; without one, that of the recipe in `config`.
    place
        Directory of the outputs, and what their names end with.
    config
        A recipe in YAML.
    report
        Kept apart from the files of all jobs.
    wish
        Options of the command line.

    Raises
    ------
    GeosalError
        An option, an input or an output cannot be.
    """
    from geosal.formats.table import format_of
    from geosal.job.recipe_file import read_recipe

    if not paths and config is not None:
        paths = [text for text in [read_recipe(config).get("input")] if text]
    if wish["stack"]:
        raise UsageError("--stack with --out-dir: the bands of one scene, and a directory for many; leave one out")
    jobs = jobs_of(paths, *place)
    made = options.build_recipes(config, wish, [(job.input, job.output) for job in jobs])
    recipes = dict(zip(jobs, made, strict=True))
    for job, recipe in recipes.items():
        format_of(job.output)
        options.keep_report_apart(report, recipe.sources, job.input, job.output, config, *recipe.stack)
    return recipes


def recipes_in(
    config: str | None, paths: Sequence[str], directory: str | None, report: Report, wish: dict[str, Any]
) -> "dict[Job, Recipe]":
    """Make the recipe of each job in a file of several; none where there is no such file.

    Parameters
    ----------
    config
        A recipe in YAML.
    paths, directory
        Of the command line, where nothing may stand then.
    report, wish
        As for `recipes_of_all`.

    Raises
    ------
    GeosalError
        As `recipes_of_all`; or two jobs would have one output.
    """
    made = [] if config is None else options.build_jobs(config, wish)
    if made and (paths or directory is not None):
        raise UsageError(f"--config {config}: its jobs have inputs and outputs of their own; leave out other paths")
    recipes: dict[Job, Recipe] = {}
    for recipe in made:
        options.keep_report_apart(report, recipe.sources, recipe.input, recipe.output, config, *recipe.stack)
        if any(os.path.realpath(recipe.output) == os.path.realpath(job.output) for job in recipes):
            raise UsageError(f"--config {config}: {recipe.output} would be the output of two jobs; give another name")
        recipes[Job(recipe.input, recipe.output)] = recipe
    return recipes


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
    jobs = [Job(path, os.path.join(directory, stem_of(path) + ending)) for path in dict.fromkeys(found)]
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


def make_directory(directory: str, option: str = "--out-dir") -> None:
    """Make the directory of all outputs, or of what an option names it for, where there is none.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{option} {directory}: cannot be made: {error.strerror}; name another") from error


@contextmanager
def lent_directory(directory: str) -> Iterator[None]:
    """Have the directory of all outputs there while jobs are planned; what was not there before goes again.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    place = Path(directory).absolute()
    lent = [each for each in (place, *place.parents) if not os.path.lexists(each)]
    make_directory(directory)
    try:
        yield
    finally:
        for each in lent:
            with suppress(OSError):  # something was put there
                each.rmdir()


def _expanded(text: str) -> list[str]:
    """A path as it stands, or what a pattern fits; URLs may hold its signs."""
    if not glob.has_magic(text) or "://" in text or text.startswith("/vsi") or os.path.exists(text):
        return [text]
    found = sorted(glob.glob(text, recursive=True))
    if not found:
        raise UsageError(f"{text}: no file fits this pattern; look at it with ls")
    return found


def run_all(jobs: Iterable[Job], work: Callable[[Job], dict[str, Any]], report: Report, *, will: bool = False) -> int:
    """Do, or plan, all jobs one after the other; one that fails does not keep the others back.

    What is no failure of one job, such as a signal or no memory, ends them all; what was done until then is told.

    Parameters
    ----------
    jobs
        At least one.
    work
        Does one and returns its summary.
    report
        Gets a line for each, a table at the end, and one document of all.
    will
        The jobs are only planned.

    Returns
    -------
    int
        Exit code: 0, or that of the first job that failed.
    """
    documents: list[dict[str, Any]] = []
    jobs, code = list(jobs), 0
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
                report.summarise(f"{number}/{len(jobs)}  {job.output}: {_sizes(summary, will=will)}")
    finally:
        _tell(documents, report, will=will)
    return code


def _failed(job: Job, failure: Failure) -> dict[str, Any]:
    return {"input": redact(job.input), "output": job.output, "error": asdict(failure)}


def _tell(documents: Sequence[dict[str, Any]], report: Report, *, will: bool) -> None:
    """Print the table and write the document, also where nobody reads the table any more."""
    try:
        report.summarise(f"\n{_table(documents, will=will)}")
    finally:
        report.write({"jobs": documents, "failed": sum("error" in one for one in documents)})


def _sizes(summary: dict[str, Any], *, will: bool) -> str:
    before, after = summary["input_bytes"], _bytes(summary)
    told = f"about {as_bytes(after)}" if will else as_bytes(after)
    return told if before is None else f"{told} of {as_bytes(before)}, {as_change(after, before)}"


def _bytes(document: dict[str, Any]) -> int:
    """Size of the output of a job: of a plan's, as a sample lets expect."""
    return int(document["estimated_bytes"] if "estimated_bytes" in document else document["bytes"])


def _table(documents: Sequence[dict[str, Any]], *, will: bool) -> str:
    rows = [_row(document) for document in documents]
    done = [document for document in documents if "error" not in document]
    sized = [document for document in done if document["input_bytes"]]
    failed = len(documents) - len(done)
    told = f"{counted(len(done), 'file')} {'would be ' if will else ''}written" + (
        f", {failed} FAILED" if failed else ""
    )
    if sized:
        before, after = sum(document["input_bytes"] for document in sized), sum(map(_bytes, sized))
        rows.append(("all", as_bytes(before), as_bytes(after), as_change(after, before)))
    return f"{grid(('output', 'before', 'after', ''), rows)}\n\n{told}"


def _row(document: dict[str, Any]) -> tuple[str, str, str, str]:
    name = os.path.basename(document["output"])
    if "error" in document:
        return name, "", "", f"FAILED (code {document['error']['code']})"
    before, after = document["input_bytes"], _bytes(document)
    change = "" if before is None else as_change(after, before)
    return name, "" if before is None else as_bytes(before), as_bytes(after), change
