"""``geosal compress``: the main job."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.batch import input_and_output, parts_wished, run_all
from geosal.cli.failure import Failure
from geosal.cli.guard import say
from geosal.cli.next_steps import next_steps
from geosal.cli.output import Report, as_gain, as_kernels, as_ladder, as_noise, as_search, pairs
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import width_of, wrapped
from geosal.cli.progress import progress_bars
from geosal.cli.report import add_report, spec_of, specs_of
from geosal.errors import GeosalError
from geosal.sizes import as_bytes, as_work, counted

if TYPE_CHECKING:
    from geosal.batch.jobs import Job, Part
    from geosal.core.progress import ProgressCallback
    from geosal.job.recipe import Recipe
    from geosal.reports import ReportSpec


@click.command(cls=PanelledCommand, short_help="Make a smaller file that keeps what matters.")
@options.job_arguments
@options.job_options
@click.option(
    "--report", "page", metavar="FILE.html",
    help="Show what became of the scene on a page as well; of several jobs a page each in the folder of that name.",
)  # fmt: skip
@options.report_options
@click.option(
    "--resume", is_flag=True, help="Go on with the blocks of a killed job of the same options; leave what is finished."
)
def compress(config: str | None, report: Report, quiet: bool, page: str | None, resume: bool, **wish: Any) -> None:
    """Smooth INPUT where it matters least and write a smaller OUTPUT (.tif: COG, .jp2, .zarr, .jpg, .png, .bpg).

    Pixels of saliency 1 stay as they are; georeferencing, nodata, band names and tags are kept. OUTPUT appears only
    complete and checked. Where OUTPUT is a directory (DIR/), there may be many INPUTs and patterns, and a product goes
    whole: a file for each band, with one decision of what matters.

    \b
    geosal compress scene.tif smaller.tif --saliency mask.tif
    geosal compress scene.tif smaller.jp2 --saliency perlin:seed=7 --steps 6
    geosal compress scene.tif smaller.jpg --saliency mask.tif --target-jpeg 75
    geosal compress --config recipe.yaml scene.tif smaller.tif
    geosal compress a.tif b.tif smaller/ --saliency detail --suffix .jpg
    geosal compress S2B_MSIL2A_....SAFE smaller/ --saliency clouds
    geosal compress scene.tif smaller.tif --saliency mask.tif --report report.html
    """
    paths, directory, suffix = (wish.pop(name) for name in ("paths", "out_dir", "suffix"))
    if parts := parts_wished(config, paths, (directory, suffix), report, wish):
        if code := _run_all(parts, page, report, quiet=quiet, resume=resume):
            raise click.exceptions.Exit(code)
        return
    recipe = options.build_recipe(config, wish | input_and_output(paths, suffix))
    options.keep_report_apart(report, recipe.sources, recipe.input, recipe.output, config, page, *recipe.stack)
    spec = None if page is None else spec_of(recipe, page)
    summary = _run_alone(recipe, quiet=quiet, resume=resume)
    report.summarise(_as_table(summary))
    report.summarise(f"\n{pairs(next_steps(recipe)[: 1 if spec else 2])}")
    if spec is not None:
        summary["report"] = _add(spec, summary, report, quiet=quiet)
    report.write(summary)


def _add(spec: "ReportSpec", summary: dict[str, Any], report: Report, *, quiet: bool) -> dict[str, Any]:
    """Make the report of a single job; where that fails, the document tells of both."""
    try:
        page = add_report(spec, quiet=quiet)
    except GeosalError as error:
        report.write({**summary, "report": None, "error": asdict(Failure.of(error))})
        raise
    report.summarise(f"\nreport: {page['path']} ({as_bytes(page['bytes'])})")
    return page


def _run_all(parts: "Sequence[Part]", page: str | None, report: Report, *, quiet: bool, resume: bool) -> int:
    """Do several jobs, with a report of each where a folder is named for them, and an index of all."""
    from geosal.core.machine import keep_memory

    keep_memory()  # before libraries start threads
    from geosal.batch.jobs import check, directories_of, having, jobs_in

    specs: dict[str, ReportSpec] = {}

    def work(job: "Job", told: "ProgressCallback") -> dict[str, Any]:
        summary = _run(job.recipe, told, resume=resume)
        return {**summary, "report": add_report(specs[job.output], quiet=True)} if job.output in specs else summary

    with having(directories_of(parts)), progress_bars(quiet=quiet) as progress:
        check(parts, resume=resume)
        specs.update(specs_of([job.recipe for job in jobs_in(parts)], page))
        code = run_all(parts, work, report, progress, resume=resume)
    if page is not None and any(os.path.exists(spec.path) for spec in specs.values()):
        from geosal.reports import write_index

        index, _ = write_index(page)
        report.summarise(f"reports: {index}")
    return code


def _run_alone(recipe: "Recipe", *, quiet: bool, resume: bool) -> dict[str, Any]:
    from geosal.core.machine import keep_memory

    keep_memory()  # before libraries start threads
    from geosal.job.pipeline import run  # heavy, and the help does not need it
    from geosal.job.plan import make_plan

    if resume and (done := _done(recipe)) is not None:
        return done
    plan = make_plan(recipe)
    grid = plan.layout.grid
    with progress_bars(grid.width * grid.height, quiet=quiet) as progress:
        return run(plan, progress, resume=resume).to_dict()


def _run(recipe: "Recipe", told: "ProgressCallback", *, resume: bool) -> dict[str, Any]:
    from geosal.job.pipeline import run
    from geosal.job.plan import make_plan

    done = _done(recipe) if resume else None
    return run(make_plan(recipe), told, resume=resume).to_dict() if done is None else done


def _done(recipe: "Recipe") -> dict[str, Any] | None:
    """Sum up a job whose output is finished already, and say so."""
    from geosal.job.pipeline import done_before

    done = done_before(recipe)
    if done is None:
        return None
    say(f"{recipe.output}: is finished already, by the same options and of the same files; nothing is written")
    return done.to_dict()


def _as_table(summary: dict[str, Any]) -> str:
    bands = counted(summary["count"], "band")
    size = f"{summary['bytes']} ({as_bytes(summary['bytes'])}), {summary['bits_per_pixel']:.3f} bits per pixel"
    rows = [
        *_as_files(summary["files"]),
        ("codec", f"{summary['profile']} ({summary['driver']})"),
        (
            "size",
            f"{summary['width']} x {summary['height']} px, {bands} of {summary['dtype']}",
        ),
        ("bytes", size),
        *as_gain(summary, summary["bytes"]),
        ("treated", summary["treatment"]),
        *as_noise(summary["noise"]),
        ("ladder", as_ladder(summary["ladder"])),
        as_kernels(summary, _as_effective(summary)),
        ("coverage", f"{100 * summary['coverage']:.1f} %"),
        *as_search(summary["search"]),
        *([("seal", summary["seal"])] if summary["seal"] else []),
        ("work", _as_work(summary)),
        ("memory", f"at most {as_bytes(summary['peak_rss_bytes'])}"),
    ]
    end = "It was finished already." if summary["finished_before"] else f"It took {summary['seconds']:.1f} s."
    told = wrapped(f"{summary['sentence']} {end}", width_of(sys.stdout))
    return f"{pairs(rows)}\n\n{told}"


def _as_work(summary: dict[str, Any]) -> str:
    """Tell of the blocks, and of the time that they took."""
    if summary["finished_before"]:
        from geosal.job.summary import BEFORE

        return BEFORE
    return as_work(summary["blocks"], summary["resumed_blocks"], summary["seconds"])


def _as_files(files: list[dict[str, Any]]) -> list[tuple[str, object]]:
    """The output, and what lies beside it and belongs to it."""
    first, *others = files
    rows: list[tuple[str, object]] = [("output", first["path"])]
    for each in others:
        rows.append(("beside" if len(rows) == 1 else "", f"{each['path']} ({as_bytes(each['bytes'])})"))
    return rows


def _as_effective(summary: dict[str, Any]) -> str:
    """K_e over the valid pixels; over all of them too, as the paper and a saliency map count, where that differs."""
    of_valid, of_all = (f"{summary[key]:.2f} px" for key in ("effective_kernel", "effective_kernel_all"))
    return of_valid if of_valid == of_all else f"{of_valid} of the valid pixels, {of_all} of all"
