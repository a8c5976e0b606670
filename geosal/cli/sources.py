"""``geosal sources``: the kinds of SOURCE and their syntax."""

import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from geosal.cli import options
from geosal.cli.completion import complete_kind
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import width_of, wrapped
from geosal.names import did_you_mean

if TYPE_CHECKING:
    from geosal.sources.listing import Entry

_USUAL_WIDTH = 100
"""Columns of a list that goes into a file."""


@click.command(cls=PanelledCommand, short_help="List what --saliency takes.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_kind)
@options.report_options
def sources(names: tuple[str, ...], report: Report, quiet: bool) -> None:
    """List all kinds of SOURCE with their parameters; with NAME, show all about one.

    \b
    geosal sources
    geosal sources detail spectral
    geosal sources --json -
    """
    del quiet  # the list is what was asked for
    from geosal.sources.listing import list_sources  # heavy, and the help does not need it

    entries = list_sources()
    if names:
        known = sorted(name for entry in entries for name in _keys(entry))
        if unknown := [name for name in names if name not in known]:
            hint = f"{did_you_mean(unknown[0], known)} ".lstrip()
            raise click.BadParameter(f"no source {unknown[0]}; {hint}there are {', '.join(known)}", param_hint="NAME")
        entries = tuple(entry for entry in entries if set(names) & set(_keys(entry)))
    report.show("\n\n".join(_as_text(entry, whole=bool(names)) for entry in entries))
    if not names:
        told = "Any of them takes weight=W as well, for --combine weighted. More of one: geosal sources NAME"
        report.show(f"\n{wrapped(told, width_of(sys.stdout))}")
    report.write({"sources": [asdict(entry) for entry in entries]})


def _keys(entry: "Entry") -> tuple[str, ...]:
    """Return the names by which an entry is shown; for those that read files: raster, vector, classes."""
    return entry.names if entry.file is None else (entry.file,)


def _as_text(entry: "Entry", *, whole: bool) -> str:
    head = ", ".join(entry.names) + ("" if entry.origin == "geosal" else f"  ({entry.origin})")
    if entry.problem is not None:
        return f"{head}\n{_wrap(entry.problem)}"
    usage = _wrap(entry.usage.replace(",", ", ")).replace(", ", ",")  # a line may end after a comma
    lines = [wrapped(head, width_of(sys.stdout), indent=4), usage, _wrap(entry.summary)]
    if whole and entry.description:
        lines += ["", textwrap.indent(_laid_out(entry.description), "    ")]
    return "\n".join(lines)


def _laid_out(description: str) -> str:
    """Break the paragraphs of a description anew for a narrower terminal; formulas, which are indented, stay."""
    width = width_of(sys.stdout)
    if width is None:
        return description
    return "\n\n".join(
        part if "\n " in f"\n{part}" else wrapped(" ".join(part.split()), width - 4)
        for part in description.split("\n\n")
    )


def _wrap(text: str) -> str:
    width = width_of(sys.stdout) or _USUAL_WIDTH
    return textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
