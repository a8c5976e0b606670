"""``geosal view``: a picture of a raster, in the terminal where it can show one."""

import os
import sys
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.completion import complete_file
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import width_of, wrapped
from geosal.cli.screen import kind_of, on_screen, room_on
from geosal.errors import UsageError, redact
from geosal.files.names import stem_of
from geosal.names import PALETTES

if TYPE_CHECKING:
    from geosal.maps.view import View

_UNITED = ("combine", "outside", "background")


@click.command(cls=PanelledCommand, short_help="Look at a raster in the terminal, or as a PNG.")
@click.argument("input", metavar="INPUT", shell_complete=complete_file)
@click.option("-o", "--output", metavar="PNG", help="Write the picture to this file, instead of to the terminal.")
@click.option("--size", "side", type=click.IntRange(min=1), metavar="N", help="Rows and columns at most.")
@options.saliency
@options.combine
@options.outside
@options.background
@click.option("--palette", type=click.Choice(PALETTES), help="Colours of the saliency (default viridis).")
@options.reading
@options.max_pixels
@options.drivers
@options.overwrite
@options.report_options
def view(input: str, output: str | None, side: int | None, report: Report, quiet: bool, **wish: Any) -> None:
    """Look at a raster or a product, whole; with a --saliency, at what matters in it.

    The picture is drawn in the terminal: with all its pixels in kitty, Ghostty, iTerm2 and WezTerm, else in half blocks
    of 24 bits (or 256 colours). Where there is no terminal, it becomes a PNG: --output, or
    else NAME-view.png in the working directory, whose name is printed. A file with overviews is not read whole.

    \b
    geosal view scene.tif
    geosal view S2B_MSIL2A_….SAFE --bands cir
    geosal view scene.tif --saliency clouds --saliency ships.geojson
    geosal view smaller.tif --output small.png --size 800
    """
    del quiet  # the picture is what was asked for
    kind = None if output is not None or report.target == "-" else kind_of(sys.stdout)
    overwrite, palette = wish.pop("overwrite"), wish.pop("palette")
    options.keep_report_apart(report, wish["saliency"], input, output, *wish["stack"])
    from geosal.maps.png import check_png, write_png  # heavy, and the help does not need it

    if kind is None and output is None:
        output = _free(f"{stem_of(input)}-view")
    if output is not None:
        read = options.job_paths(wish["saliency"], input, *wish["stack"])
        check_png(output, "picture", overwrite=overwrite, inputs=read)
    seen = _looked_at(input, (side, side) if side else room_on(kind), palette, wish)
    if output is not None:
        write_png(output, seen.image, overwrite=overwrite)
        report.show(output)
    elif kind is not None:
        click.echo(on_screen(seen.image, kind))  # no URL is in it that would have to be redacted
        report.show(wrapped(_in_words(input, seen), width_of(sys.stdout)))
    report.write(_document(input, output, seen))


def _free(stem: str) -> str:
    """Return the first name of a picture that nothing in the working directory has."""
    names = (f"{stem}{number}.png" for number in chain([""], (f"-{each}" for each in count(2))))
    return next(name for name in names if not os.path.lexists(name))


def _looked_at(path: str, room: tuple[int, int], palette: str | None, wish: dict[str, Any]) -> "View":
    from geosal.maps.palettes import USUAL
    from geosal.maps.view import view as look
    from geosal.scenes import Reading

    given = {name: value for name, value in wish.items() if value not in (None, ())}
    sources = given.pop("saliency", ())
    united = {name: given.pop(name) for name in _UNITED if name in given}
    if united and not sources:
        raise UsageError(f"--{next(iter(united))} without --saliency: name its SOURCE as well")
    return look(path, Reading(**given), room, sources=sources, palette=palette or USUAL, united=united)


def _in_words(path: str, seen: "View") -> str:
    rows, columns = seen.shape
    colours = "as red, green and blue" if len(seen.bands) > 1 else "in grey"
    small = f"; a pixel shows {seen.factor} x {seen.factor}" if seen.factor > 1 else ""
    bands = f"band{'s' if len(seen.bands) > 1 else ''} {', '.join(seen.bands)} {colours}"
    return f"{os.path.basename(redact(path).rstrip('/'))}: {columns} x {rows} px, {bands}{small}"


def _document(path: str, output: str | None, seen: "View") -> dict[str, Any]:
    height, width, _ = seen.image.shape
    return {
        "input": path,
        "picture": output,
        "factor": seen.factor,
        "width": width,
        "height": height,
        "bands": list(seen.bands),
    }
