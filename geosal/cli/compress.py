"""``geosal compress``: the main job."""

from typing import Any

import click

from geosal.cli import options
from geosal.cli.output import Report, as_bytes, as_kernels, as_ladder, as_search, counted, pairs
from geosal.cli.progress import progress_bars


@click.command()
@options.job_arguments
@options.job_options
@options.report_options
def compress(config: str | None, report: Report, quiet: bool, **wish: Any) -> None:
    """Smooth INPUT where it matters least and write a smaller OUTPUT (.tif: COG, .jp2: JPEG2000, .zarr, .jpg, .png).

    Pixels of saliency 1 stay as they are; georeferencing, nodata, band names and tags are kept. OUTPUT appears only
    complete and checked.

    \b
    geosal compress scene.tif smaller.tif --saliency mask.tif
    geosal compress scene.tif smaller.jp2 --saliency perlin:seed=7 --steps 6
    geosal compress scene.tif smaller.jpg --saliency mask.tif --target-jpeg 75
    geosal compress --config recipe.yaml scene.tif smaller.tif
    """
    from geosal.job.pipeline import run  # heavy, and the help does not need it
    from geosal.job.plan import make_plan

    recipe = options.build_recipe(config, wish)
    options.keep_report_apart(report, recipe.sources, recipe.input, recipe.output, config)
    plan = make_plan(recipe)
    grid = plan.layout.grid
    with progress_bars(grid.width * grid.height, quiet=quiet) as progress:
        summary = run(plan, progress).to_dict()
    report.summarise(_as_table(summary))
    report.write(summary)


def _as_table(summary: dict[str, Any]) -> str:
    bands = counted(summary["count"], "band")
    size = f"{summary['bytes']} ({as_bytes(summary['bytes'])}), {summary['bits_per_pixel']:.3f} bits per pixel"
    rows = [
        ("output", summary["output"]),
        ("codec", f"{summary['profile']} ({summary['driver']})"),
        (
            "size",
            f"{summary['width']} x {summary['height']} px, {bands} of {summary['dtype']}",
        ),
        ("bytes", size),
        ("input", _as_gain(summary["input_bytes"], summary["bytes"])),
        ("treated", summary["treatment"]),
        ("ladder", as_ladder(summary["ladder"])),
        as_kernels(summary, _as_effective(summary)),
        ("coverage", f"{100 * summary['coverage']:.1f} %"),
        *as_search(summary["search"]),
        ("work", f"{counted(summary['blocks'], 'block')} in {summary['seconds']:.1f} s"),
        ("memory", f"at most {as_bytes(summary['peak_rss_bytes'])}"),
    ]
    return pairs(rows)


def _as_effective(summary: dict[str, Any]) -> str:
    """K_e over the valid pixels; over all of them too, as the paper and a saliency map count, where that differs."""
    of_valid, of_all = (f"{summary[key]:.2f} px" for key in ("effective_kernel", "effective_kernel_all"))
    return of_valid if of_valid == of_all else f"{of_valid} of the valid pixels, {of_all} of all"


def _as_gain(before: int | None, after: int) -> str:
    if before is None:
        return "of unknown size"
    change = 100 * (after / before - 1)
    if change <= 0:
        return f"{as_bytes(before)}: the output is {-change:.1f} % smaller"
    return f"{as_bytes(before)}: the output is {change:.1f} % LARGER; the input's codec is a tighter one, see --profile"
