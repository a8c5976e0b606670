"""``geosal experiment``: the papers' studies on folders of images, as a recipe tells."""

import os
from pathlib import Path
from typing import Any

import click

from geosal.cli import options
from geosal.cli.completion import complete_file
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.cli.progress import progress_bars
from geosal.core.progress import ignore
from geosal.errors import OutputError, UsageError
from geosal.files.journal import JOURNAL


@click.command(cls=PanelledCommand, short_help="Repeat the papers' studies on folders of images.")
@click.argument("config", callback=options.find_study, shell_complete=complete_file, metavar="RECIPE")
@click.option(
    "--images",
    multiple=True,
    metavar="[NAME=]FOLDER",
    help="Images to use instead of those of RECIPE; repeat it for several collections.",
)
@click.option("-o", "--output", metavar="DIR", help="Folder of the report, instead of that of RECIPE.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Tasks at once; by default one per core.")
@click.option("--resume", is_flag=True, help="Go on with what a killed run of the same recipe has left.")
@options.overwrite
@options.report_options
def experiment(config: str, report: Report, quiet: bool, overwrite: bool, resume: bool, **wish: Any) -> None:
    """Carry out a study on folders of images, and write its report and its tables.

    RECIPE tells which: a file, or one that geosal brings. configs/ms-roi-tables.yaml is the second paper's:
    content-aware JPEGs against plain ones of the same size; the exit code is 6 if a file misses that size by more than
    1 %. Recipes in configs/paper are the first paper's: smoothing by masks and kernels, and what encoders make of it.
    An image that cannot be read is left out, and the exit code is 3. The report is written all the same.

    \b
    geosal experiment configs/ms-roi-tables.yaml --images pictures --output tables
    geosal experiment configs/paper/study.yaml --images towns --resume
    """
    from geosal.lab.experiments.engine import Course  # heavy; help needs none
    from geosal.lab.experiments.study import read_study

    study, wished = read_study(config, images=_collections(wish["images"]), output=wish["output"])
    report.keep_apart(config, *(f"{wished.output}/{name}" for name in (*study.files, JOURNAL)))
    _make_room(Path(wished.output), overwrite=overwrite, resume=resume)
    with progress_bars(quiet=quiet) as progress:
        outcome = study.run(wished, Course(resume=resume, workers=wish["workers"], report=progress or ignore))
    study.write(outcome)
    report.summarise(study.told(outcome))
    report.write(study.document(outcome))
    if (fault := study.fault(outcome)) is not None:
        raise fault


def _collections(texts: tuple[str, ...]) -> dict[str, Any] | None:
    """Return folders by the names of their collections; a folder without one is named as in a recipe."""
    from geosal.lab.experiments.wish import name_of_place  # heavy; help needs none

    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, place = text.partition("=")
        if equals and (not name or not place):
            raise UsageError(f"--images {text}: write FOLDER, or NAME=FOLDER")
        found.setdefault(name if equals else name_of_place(text), []).append(place if equals else text)
    return found or None


def _make_room(place: Path, *, overwrite: bool, resume: bool) -> None:
    """Refuse, before the work, a folder that is not empty, or cannot be made."""
    place = Path(os.path.abspath(place))  # a/../b is b, though there be no a
    try:
        if place.exists() and not place.is_dir():
            raise OutputError(f"{place}: is a file; name a folder (--output DIR)")
        if not overwrite and not resume and place.is_dir() and any(place.iterdir()):
            go_on = "go on with it: --resume, or " if (place / JOURNAL).is_file() else ""
            raise OutputError(f"{place}: is not empty; {go_on}name another folder (--output DIR), or use --overwrite")
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{place}: cannot be looked into: {error.strerror}; name another folder") from error
