"""``geosal saliency``: a saliency map as a file."""

from typing import Any

import click

from geosal.cli import options
from geosal.cli.completion import complete_file, complete_source
from geosal.cli.output import Report, as_shares, pairs
from geosal.cli.panels import PanelledCommand
from geosal.cli.progress import progress_bars
from geosal.names import PALETTES
from geosal.sizes import as_bytes


@click.command(cls=PanelledCommand, short_help="Write a saliency map, and a picture of it.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", shell_complete=complete_source)
@click.argument("output", metavar="OUTPUT", shell_complete=complete_file)
@click.option(
    "--like", required=True, metavar="INPUT", shell_complete=complete_file, help="Scene whose grid the map gets."
)
@options.combine
@options.outside
@options.background
@options.bidx
@options.bands
@options.resolution
@options.resampling
@options.stack
@click.option("--levels", type=click.IntRange(2, 256), metavar="N", help="Reduce the map to N values.")
@click.option("--preview", metavar="PNG", help="Draw the map over a small picture of the scene as well.")
@click.option("--palette", type=click.Choice(PALETTES), help="Colours of the preview (default viridis).")
@options.steps
@options.block
@options.workers
@options.max_pixels
@options.drivers
@options.overwrite
@options.report_options
def saliency(sources: tuple[str, ...], output: str, like: str, report: Report, quiet: bool, **wish: Any) -> None:
    """Write the saliency that SOURCEs give on the grid of a scene: uint8, 255 = 1.0 = kept as it is.

    \b
    geosal saliency perlin:seed=7 map.tif --like scene.tif
    geosal saliency town.tif ships.tif map.tif --like scene.tif --combine max
    """
    from geosal.maps.saliency_map import write_saliency_map  # heavy, and the help does not need it

    options.keep_report_apart(report, sources, like, output, wish["preview"], *wish["stack"])
    given = {name: value for name, value in wish.items() if value is not None and value != ()}
    with progress_bars(quiet=quiet) as progress:
        outcome = write_saliency_map(sources, output, like, progress=progress, **given)
    rows = [
        ("output", outcome["output"]),
        ("size", f"{outcome['width']} x {outcome['height']} px"),
        ("bytes", f"{outcome['bytes']} ({as_bytes(outcome['bytes'])})"),
        ("mean saliency", f"{outcome['mean']:.3f}"),
        (
            "kernels",
            f"{as_shares(outcome['kernel_shares'])}; effective {outcome['effective_kernel']:.2f} px of all pixels",
        ),
        ("coverage", f"{100 * outcome['coverage']:.1f} %"),
        *([("preview", wish["preview"])] if outcome["preview"] else []),
    ]
    report.summarise(pairs(rows))
    report.write(outcome)
