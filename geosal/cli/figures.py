"""``geosal figures``: the figures of the first paper, from the tables of a study."""

import os
from typing import Any

import click

from geosal.cli import options
from geosal.cli.completion import complete_file
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.sizes import counted


@click.command(cls=PanelledCommand, short_help="Draw the figures of a study from its tables.")
@click.argument("folders", type=click.Path(), metavar="FOLDER...", nargs=-1, required=True)
@click.option("--figure", "names", multiple=True, metavar="N", help="A figure: 5a, table-1; repeat it. Default: all.")
@click.option("-o", "--output", metavar="DIR", help="Folder of the figures (default FOLDER/figures).")
@click.option(
    "--scene", metavar="FILE", shell_complete=complete_file, help="Raster or product for figures 2 to 4 and 14."
)
@options.saliency
@options.overwrite
@options.report_options
def figures(folders: tuple[str, ...], report: Report, quiet: bool, names: tuple[str, ...], **wish: Any) -> None:
    """Draw the figures of the first paper from the tables in FOLDER, which geosal experiment wrote.

    The tables of several folders are put together.

    Each becomes an SVG and a PNG; Table 1 becomes Markdown. A figure whose rows or columns the tables lack, or that
    shows a scene where none is given, is left out and told, unless it was named. Figures 2 to 4 show a scene, Figure 14
    also what matters in it.

    \b
    geosal figures sweep
    geosal figures sweep --figure 5a --figure 5b -o pictures
    geosal figures sweep ships -o pictures
    geosal figures sweep --figure 3 --figure 4 --scene scene.tif
    """
    del quiet  # there is no progress
    from geosal.lab.figures import FIGURES, draw  # heavy; help needs none
    from geosal.lab.figures.table import FILES

    wish["sources"] = wish.pop("saliency")
    read = [os.path.join(folder, name) for folder in folders for name in FILES]
    report.keep_apart(*read, *options.job_paths(wish["sources"], wish["scene"]))
    drawn = draw(folders, wish.pop("output"), names, **wish)
    number = sum(name in FIGURES for name in drawn.names)
    table = " and Table 1" if len(drawn.names) > number else ""
    report.summarise(f"{counted(number, 'figure')}{table}: {os.path.dirname(drawn.files[0])}")
    report.write({"files": list(drawn.files), "left_out": dict(drawn.left_out)})
