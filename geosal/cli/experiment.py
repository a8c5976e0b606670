"""``geosal experiment``: plain JPEG against the content-aware one on folders of images, as in the paper."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.cli.progress import progress_bars
from geosal.errors import OutputError, TargetError, UsageError

if TYPE_CHECKING:
    from geosal.lab.experiments import Outcome


@click.command(cls=PanelledCommand, short_help="Compare JPEGs on folders of images, as the paper does.")
@click.argument("config", type=click.Path(exists=True, dir_okay=False), metavar="CONFIG")
@click.option(
    "--images",
    multiple=True,
    metavar="[NAME=]FOLDER",
    help="Images to use instead of those of CONFIG; repeat it for several collections.",
)
@click.option("-o", "--output", metavar="DIR", help="Folder of the report, instead of that of CONFIG.")
@options.overwrite
@options.report_options
def experiment(
    config: str, images: tuple[str, ...], output: str | None, overwrite: bool, report: Report, quiet: bool
) -> None:
    """Compare content-aware JPEGs with plain ones of the same size, on folders of images.

    CONFIG says which; configs/ms-roi-tables.yaml is the evaluation of the paper. The output folder gets report.md,
    its tables as CSV, results.json, and the saliency maps. The exit code is 6 if a file misses the size of the plain
    JPEG by more than 1 %; the report is still written.

    \b
    geosal experiment configs/ms-roi-tables.yaml --images pictures --output tables
    geosal experiment configs/ms-roi-tables.yaml --images a=towns --images b=sea
    """
    from geosal.lab.experiments import Experiment, run_experiment, write_outcome  # heavy; help needs none
    from geosal.lab.experiments.report import DATA, FIGURES, REPORT, reproducibility, sizes, to_document
    from geosal.lab.experiments.statistics import verdicts

    wish = Experiment.from_yaml(config, images=_collections(images), output=output)
    report.keep_apart(config, *(f"{wish.output}/{name}" for name in (REPORT, DATA, FIGURES)))
    _make_room(Path(wish.output), overwrite=overwrite)
    with progress_bars(quiet=quiet) as progress:
        outcome = run_experiment(wish, progress=progress)
    write_outcome(outcome)
    lines = [reproducibility(outcome), sizes(outcome), "", *(verdict.sentence for verdict in verdicts(outcome))]
    report.summarise("\n".join([*lines, "", f"Tables: {Path(wish.output) / 'report.md'}"]))
    report.write(to_document(outcome))
    _refuse_unmatched(outcome)


def _collections(texts: tuple[str, ...]) -> dict[str, Any] | None:
    """Return folders by the names of their collections; a folder without one is named after itself."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, place = text.partition("=")
        if equals and (not name or not place):
            raise UsageError(f"--images {text}: write FOLDER, or NAME=FOLDER")
        found.setdefault(name if equals else Path(text).resolve().name, []).append(place if equals else text)
    return found or None


def _make_room(place: Path, *, overwrite: bool) -> None:
    """Refuse, before the work, a folder that is not empty, or cannot be made."""
    place = Path(os.path.abspath(place))  # a/../b is b, though there be no a
    try:
        if place.exists() and not place.is_dir():
            raise OutputError(f"{place}: is a file; name a folder (--output DIR)")
        if not overwrite and place.is_dir() and any(place.iterdir()):
            raise OutputError(f"{place}: is not empty; name another folder (--output DIR), or use --overwrite")
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{place}: cannot be looked into: {error.strerror}; name another folder") from error


def _refuse_unmatched(outcome: "Outcome") -> None:
    if off := outcome.unmatched:
        first = off[0]
        raise TargetError(
            f"{first.collection}, {first.image}, Q {first.quality}, {first.method}: not within 1 % of the plain JPEG's "
            f"{first.reference_bytes} bytes ({len(off)} of {len(outcome.trials)} files are not); "
            f"{outcome.wish.output}/report.md lists them; take larger images, or leave these out"
        )
