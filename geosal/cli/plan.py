"""``geosal plan``: what a job would do."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.batch import input_and_output, parts_wished, run_all
from geosal.cli.failure import Failure
from geosal.cli.output import Report, as_gain, as_kernels, as_ladder, as_noise, pairs
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import width_of, wrapped
from geosal.cli.progress import progress_bars
from geosal.core.progress import Progress, ignore
from geosal.errors import TargetError, UsageError
from geosal.files.addresses import is_remote
from geosal.sizes import as_bytes, counted

if TYPE_CHECKING:
    from geosal.batch.jobs import Job, Part
    from geosal.job.recipe import Recipe


@click.command(cls=PanelledCommand, short_help="Tell what compress would do; compare profiles.")
@options.job_arguments
@options.job_options
@click.option(
    "--estimate", "careful", is_flag=True,
    help="Time a larger sample: bytes, seconds, memory and disk; with a target, the setting that meets it.",
)  # fmt: skip
@click.option(
    "--profiles", metavar="all|NAMES",
    help="Compare profiles instead: bytes, seconds, errors and who can open the file, of all that fit, or of some: "
    "deflate,zstd,jp2. OUTPUT may be a folder then, or a name without suffix.",
)  # fmt: skip
@options.report_options
def plan(config: str | None, report: Report, quiet: bool, careful: bool, profiles: str | None, **wish: Any) -> None:
    """Show what compress would do with the same options; a sample is read, nothing is written.

    \b
    geosal plan scene.tif smaller.tif --saliency mask.tif
    geosal plan scene.tif smaller.jpg -s mask.tif --target-size 5MB --estimate
    geosal plan scenes/*.tif smaller/ --saliency detail
    geosal plan scene.tif smaller.tif --saliency mask.tif --profiles all
    """
    paths, directory, suffix = (wish.pop(name) for name in ("paths", "out_dir", "suffix"))
    alone = profiles is not None and directory is None and config is None  # a folder may be its OUTPUT
    if parts := [] if alone else parts_wished(config, paths, (directory, suffix), report, wish):
        if profiles is not None:
            raise UsageError("--profiles: compares profiles for one input; give a folder as its OUTPUT, if you like")
        _plan_all(parts, report, careful)
        return
    named = input_and_output(paths, suffix, into_folder=profiles is not None)
    recipe = options.build_recipe(config, wish | named)
    options.keep_report_apart(report, recipe.sources, recipe.input, recipe.output, config, *recipe.stack)
    if profiles is not None:
        _compare(recipe, profiles, report, quiet=quiet)
        return
    document = _planned(recipe, careful=careful, quiet=quiet)
    report.show(_as_table(document))  # also when quiet: it is what was asked for
    refusal = _refusal(recipe, document)
    report.write(document if refusal is None else {**document, "error": asdict(Failure.of(refusal))})
    if refusal is not None:
        raise refusal


def _plan_all(parts: "Sequence[Part]", report: Report, careful: bool) -> None:
    """Plan several jobs; bands of a product with the sources themselves, as no map of their saliency is made."""
    from geosal.batch.jobs import check, directories_of, having

    def planned(job: "Job", _: object) -> dict[str, Any]:
        recipe = job.unmade or job.recipe
        document = _planned(recipe, careful=careful, quiet=report.quiet)
        if (refusal := _refusal(recipe, document)) is not None:
            raise refusal
        return document

    with having(directories_of(parts)):
        check(parts)
        code = run_all(parts, planned, replace(report, quiet=False), will=True)
    if code:
        raise click.exceptions.Exit(code)


def _planned(recipe: "Recipe", *, careful: bool, quiet: bool) -> dict[str, Any]:
    """Plan a job and describe it, with the size that its output will have."""
    from geosal.job.estimate import estimate  # heavy, and the help does not need it
    from geosal.job.outlook import explained, look_out
    from geosal.job.plan import make_plan
    from geosal.job.summary import in_words
    from geosal.job.tags import recipe_of

    made = make_plan(recipe)
    document = made.describe()
    with progress_bars(quiet=quiet) as progress:
        told = progress or ignore
        expected = estimate(made, told) if careful else None
        told(Progress("sample", 0, 1, "steps"))
        outlook = explained(made, expected.bytes) if expected else look_out(made)
    document |= {"estimated_bytes": outlook.bytes, "estimate": expected and expected.to_dict(), **outlook.to_dict()}
    shares = {2 * int(level) + 1: share for level, share in document["level_shares"].items()}
    document["sentence"] = in_words(made, outlook, shares, will=True)
    return {**document, "recipe": recipe_of(made)}


def _refusal(recipe: "Recipe", document: dict[str, Any]) -> TargetError | None:
    """Return what --not-larger says of an output that is expected to be larger."""
    before = document["input_bytes"]
    if not recipe.not_larger or before is None or document["estimated_bytes"] <= before:
        return None
    return TargetError(f"--not-larger: {recipe.output} would be larger than {recipe.input}: {document['cause']}")


def _compare(recipe: "Recipe", profiles: str, report: Report, *, quiet: bool) -> None:
    """Show what each profile would make of the scene."""
    from geosal.cli.choices import as_table
    from geosal.job.choices import choices_for

    with progress_bars(quiet=quiet) as progress:
        choices = choices_for(recipe, profiles, progress or ignore)
    report.show(as_table(choices))
    report.write(choices.to_dict())


def _as_treatment(plan: dict[str, Any]) -> str:
    """Return what an estimate has found; without one, what a search begins with."""
    if plan["estimate"]:
        return str(plan["estimate"]["treatment"])
    return f"{plan['treatment']}, before the search for the target" if plan["targets"] else str(plan["treatment"])


def _as_writer(plan: dict[str, Any]) -> str:
    """Return who writes the file, and why it is not geosal."""
    writer = "GDAL's own" if plan["writer"] == "GDAL" else plan["writer"]
    return f"{writer}: {plan['gdal_because']}" if plan["gdal_because"] else str(writer)


def _as_table(plan: dict[str, Any]) -> str:
    workers = f"{plan['workers']} at once" if plan["workers"] else f"all threads of {plan['scheduler']}"
    rows: list[tuple[str, object]] = [
        ("scene", plan["input"]),
        ("output", plan["output"]),
        ("codec", f"{plan['profile']} ({plan['driver']})"),
        ("writer", _as_writer(plan)),
        ("size", f"{plan['width']} x {plan['height']} px, {counted(plan['count'], 'band')} of {plan['dtype']}"),
        ("treated", _as_treatment(plan)),
        *as_noise(plan["noise"]),
        ("ladder", as_ladder(plan["ladder"])),
        as_kernels(plan, f"{plan['effective_kernel']:.2f} px"),
        ("", "from a sample of all pixels, those without data too"),
        ("coverage", f"{100 * plan['coverage']:.1f} %"),
        ("work", f"{counted(plan['blocks'], 'block')} of {plan['block']} px (halo {plan['halo']} px), {workers}"),
        ("memory", f"about {as_bytes(plan['memory_bytes'])}"),
        ("target", plan["targets"] or "none"),
        ("bytes", f"about {as_bytes(plan['estimated_bytes'])} (from a sample)"),
        *as_gain(plan, plan["estimated_bytes"]),
        *_expected(plan),
    ]
    return f"{pairs(rows)}\n\n{wrapped(plan['sentence'], width_of(sys.stdout))}"


def _expected(plan: dict[str, Any]) -> list[tuple[str, object]]:
    estimate = plan["estimate"]
    if estimate is None:
        return [("disk", f"at most {as_bytes(plan['disk_bytes'])} {_where(plan['output'])} while it runs")]
    rows: list[tuple[str, object]] = [
        ("time", f"about {estimate['seconds']:.1f} s, with this machine as busy as it is now"),
        ("disk", f"about {as_bytes(estimate['disk_bytes'])} while it runs, the output included"),
    ]
    return [*rows, ("setting", estimate["found"])] if estimate["found"] else rows


def _where(output: str) -> str:
    """Say where a job has its temporary files: on an object store there are none."""
    return f"in {tempfile.gettempdir()} (TMPDIR)" if is_remote(output) else "beside the output"
