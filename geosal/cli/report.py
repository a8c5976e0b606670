"""``geosal report``: one page that shows what became of a scene."""

import os
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from geosal.cli import options
from geosal.cli.output import Report, pairs
from geosal.cli.panels import PanelledCommand
from geosal.cli.progress import progress_bars
from geosal.core.progress import ignore
from geosal.errors import GeosalError, UsageError, redact, visible
from geosal.sizes import as_bytes, counted

if TYPE_CHECKING:
    from geosal.job.recipe import Recipe
    from geosal.reports import Report as Page
    from geosal.reports import ReportSpec


def _read_as() -> tuple[str, ...]:
    """Names of the options that say how a scene is read, and how sources unite."""
    from geosal.scenes import Reading  # which the help does not need

    return (*(field.name for field in fields(Reading)), "combine", "outside", "background")


@click.command(cls=PanelledCommand, short_help="Show what became of a scene on a page of HTML.")
@click.argument("original", metavar="ORIGINAL", required=False)
@click.argument("outputs", metavar="OUTPUT...", nargs=-1)
@click.option("-o", "--output", "path", metavar="FILE.html", help="The page to write.")
@click.option("--index", metavar="FOLDER", help="Instead, list the reports of a folder on a page: FOLDER/index.html.")
@click.option("--title", metavar="TEXT", help="Heading of the page (default: the names of the files).")
@options.saliency
@options.combine
@options.outside
@options.background
@options.reading
@options.max_pixels
@options.drivers
@options.overwrite
@options.report_options
def report(
    original: str | None, outputs: tuple[str, ...], path: str | None, index: str | None, report: Report, **wish: Any
) -> None:
    """Show what became of ORIGINAL in each OUTPUT: one page of HTML that needs no network.

    Before and after under a handle, with zoom to real pixels; what matters, what was lost and where the bytes went as
    maps over the scene; figures by level; what is proved; and the command that does it again. What the job was, each
    OUTPUT tells itself; a mask must lie beside it or ORIGINAL. Options go before that.

    \b
    geosal report scene.tif smaller.tif -o report.html
    geosal report scene.tif smaller.tif smaller.jp2 smaller.jpg -o report.html
    geosal report --index reports
    """
    quiet = wish.pop("quiet")
    if index is not None:
        _list(index, [original, path, *outputs], wish, report)
        return
    if original is None or path is None:
        what = "ORIGINAL and OUTPUT" if original is None else "the page to write: -o report.html"
        raise UsageError(f"report: name {what}")
    options.keep_report_apart(report, wish["saliency"], original, *outputs, path, *wish["stack"])
    from geosal.reports import ReportSpec, make_report  # heavy, and the help does not need it

    spec = ReportSpec(
        original=original,
        outputs=outputs,
        path=path,
        saliency=list(wish["saliency"]) or None,
        title=wish["title"],
        overwrite=wish["overwrite"],
        options={name: wish[name] for name in _read_as() if wish.get(name) not in (None, ())},
    )
    spec.check()
    coming = (
        f"{path}: measures and draws {counted(len(outputs), 'output')} of {original}; takes a minute or more if large"
    )
    with progress_bars(quiet=quiet, instead=coming) as progress:
        page = make_report(spec, progress or ignore)
    report.summarise(_as_text(page, outputs))
    report.write(page.to_dict())
    _tell_of_failed(page, outputs)


def _list(folder: str, others: list[str | None], wish: Collection[str], report: Report) -> None:
    from geosal.reports import write_index

    if any(others):
        raise UsageError(f"--index {folder}: lists reports that are there; leave out other paths, or --index")
    context = click.get_current_context()
    typed = {name for name in wish if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if typed:
        named = " and ".join(each.opts[-1] for each in context.command.params if each.name in typed)
        raise UsageError(f"--index {folder}: lists reports that are there, as they are; leave out {named}, or --index")
    path, count = write_index(folder)
    report.summarise(pairs([("index", path), ("reports", count)]))
    report.write({"index": path, "reports": count})


def _as_text(page: "Page", outputs: Sequence[str]) -> str:
    rows: list[tuple[str, object]] = [("report", f"{page.path} ({as_bytes(page.bytes)})")]
    for output, comparison, verdict in zip(outputs, page.comparisons, page.verdicts, strict=True):
        rows.append(("shows", f"{output}: PSNR {comparison.scores().psnr:.2f} dB, {verdict}"))
    return pairs(rows)


def _tell_of_failed(page: "Page", outputs: Sequence[str]) -> None:
    """Say last, where a script would look, that a page was made of an output that does not hold what was promised."""
    failed = [output for output, proved in zip(outputs, page.proved, strict=True) if proved is False]
    if failed:
        told = f"CHECKS FAILED: {', '.join(failed)}; {page.path} says which, and geosal verify ends with code 6"
        click.echo(visible(redact(told)), err=True)


def spec_of(recipe: "Recipe", path: str) -> "ReportSpec":
    """Say what the report of a job is to show, and refuse, before the job, one that cannot be written.

    Raises
    ------
    GeosalError
        See `geosal.reports.ReportSpec.check`.
    """
    from geosal.reports import ReportSpec

    told = {name: getattr(recipe, name) for name in _read_as()}
    usual = {each.name: each.default for each in fields(type(recipe))}
    spec = ReportSpec(
        original=recipe.input,
        outputs=(recipe.output,),
        path=path,
        saliency=list(recipe.saliency),
        overwrite=recipe.overwrite,
        options={name: value for name, value in told.items() if value != usual[name]},
    )
    spec.check(unmade=True)
    return spec


def add_report(spec: "ReportSpec", *, quiet: bool) -> dict[str, Any]:
    """Make the report of a job that is done; what goes wrong leaves the output alone, and says so.

    Raises
    ------
    GeosalError
        The report cannot be made; its class, and so its exit code, tells why.
    """
    from geosal.reports import make_report

    try:
        with progress_bars(quiet=quiet) as progress:
            page = make_report(spec, progress or ignore)
    except GeosalError as error:
        (output,) = spec.outputs
        raise type(error)(f"--report {spec.path}: cannot be made ({error}); {output} itself is complete") from error
    _tell_of_failed(page, spec.outputs)
    return {"path": page.path, "bytes": page.bytes, "seconds": page.seconds}


def specs_of(recipes: "Sequence[Recipe]", folder: str | None) -> "dict[str, ReportSpec]":
    """Say what the reports of several jobs are to show, by their outputs, one page each in a folder, if one is named.

    Raises
    ------
    GeosalError
        The folder cannot be made, or a page in it cannot be written.
    """
    if folder is None:
        return {}
    from geosal.batch.jobs import make_directory

    make_directory(folder, "--report")
    pages = {recipe.output: os.path.join(folder, f"{os.path.basename(recipe.output)}.html") for recipe in recipes}
    if len(set(pages.values())) < len(pages):
        raise UsageError(
            f"--report {folder}: outputs in several folders have one name, and so would pages; leave it out"
        )
    return {recipe.output: spec_of(recipe, pages[recipe.output]) for recipe in recipes}
