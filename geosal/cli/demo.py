"""``geosal demo``: the main job on a synthetic scene."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geosal.cli import options
from geosal.cli.output import Command, Report, as_shares, grid, pairs
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import width_of, wrapped
from geosal.cli.progress import progress_bars
from geosal.errors import OutputError
from geosal.sizes import as_bytes

if TYPE_CHECKING:
    from geosal.lab.demo.demonstration import DemoJpeg, DemoRow

DIRECTORY = "geosal-demo"


@click.command(cls=PanelledCommand, short_help="Try it on a scene that is made up for it.")
@click.argument("directory", default=DIRECTORY, metavar="[DIRECTORY]")
@options.overwrite
@options.report_options
def demo(directory: str, overwrite: bool, report: Report, quiet: bool) -> None:
    """Make a small realistic scene and a mask, compress it, and show what that does.

    Everything goes into DIRECTORY (geosal-demo by default); nothing is downloaded.

    \b
    geosal demo
    geosal demo somewhere-else
    """
    from geosal.core.gdal_env import path_text
    from geosal.lab.demo.demonstration import SIZE, compare_jpegs, run_demo  # heavy, and the help does not need it

    place = Path(path_text("directory", directory))
    # The default directory is ours to fill again; any other may hold files that only look like ours.
    _make_room(place, overwrite=overwrite or directory == DIRECTORY)
    coming = (
        f"{place}: makes a scene of {SIZE} x {SIZE} px, eight files of it and two pictures; takes some 20 s of a core"
    )
    with progress_bars(SIZE * SIZE, quiet=quiet, instead=coming) as progress:
        rows = run_demo(place, progress)
        jpegs = compare_jpegs(place, progress)
    report.summarise(_as_table(rows))
    report.summarise(_what_next(place, rows, jpegs))
    report.write({
        "directory": directory, "files": [asdict(row) for row in rows], "jpegs": [asdict(jpeg) for jpeg in jpegs]
    })  # fmt: skip


def _make_room(place: Path, *, overwrite: bool) -> None:
    try:
        if not overwrite and place.is_dir() and any(place.iterdir()):
            raise OutputError(f"{place}: is not empty; name another directory, or use --overwrite")
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{place}: cannot be made: {error.strerror}; name another directory") from error


def _as_table(rows: "list[DemoRow]") -> str:
    header = ("file", "codec", "bytes", "bits/px", "smaller by", "K_e")
    return grid(
        header,
        [
            (
                row.file,
                row.profile,
                f"{row.bytes:,}",
                f"{row.bits_per_pixel:.3f}",
                "" if row.reduction_percent is None else f"{row.reduction_percent:.1f} %",
                f"{row.effective_kernel:.2f}",
            )
            for row in rows
        ],
    )


def _what_next(place: Path, rows: "list[DemoRow]", jpegs: "list[DemoJpeg]") -> str:
    shares = as_shares(rows[-1].kernel_shares)
    prose = (
        '"smaller by" is against the same codec without smoothing (plain-*, GDAL\'s own copy). K_e is the mean kernel '
        f"width in pixels; width and share of the pixels: {shares}."
    )
    plain, shaped = jpegs
    of_jpegs = (
        f"{place / 'jpegs.png'}: a plain JPEG and one that follows the mask, both of {as_bytes(plain.bytes)}: "
        f"{shaped.kept_psnr - plain.kept_psnr:+.1f} dB where it matters, "
        f"{shaped.rest_psnr - plain.rest_psnr:+.1f} dB elsewhere."
    )
    rest = [
        ("Look at", f"{place / 'before-after.png'}: town and ships are as they were, fields and open sea are blurred."),
        ("", of_jpegs),
        ("Next", Command("geosal compress YOUR_SCENE.tif smaller.tif --saliency YOUR_MASK.tif")),
        ("", "No mask at hand? --saliency detail; and what would happen, without doing it: geosal plan ..."),
    ]
    return f"\n{wrapped(prose, width_of(sys.stdout))}\n\n{pairs(rest)}"
