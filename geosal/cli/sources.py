"""``geosal sources``: the kinds of SOURCE and their syntax."""

import textwrap
from dataclasses import asdict

import click

from geosal.cli import options
from geosal.cli.output import Report
from geosal.sources.listing import Entry, list_sources

_WIDTH = 100


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.report_options
def sources(names: tuple[str, ...], report: Report, quiet: bool) -> None:
    """List all kinds of SOURCE with their parameters; with NAME, show all about one.

    \b
    geosal sources
    geosal sources detail spectral
    geosal sources --json -
    """
    del quiet  # the list is what was asked for
    entries = list_sources()
    if names:
        known = sorted(name for entry in entries for name in _keys(entry))
        if unknown := [name for name in names if name not in known]:
            raise click.BadParameter(f"no source {unknown[0]}; there are {', '.join(known)}", param_hint="NAME")
        entries = tuple(entry for entry in entries if set(names) & set(_keys(entry)))
    report.show("\n\n".join(_as_text(entry, whole=bool(names)) for entry in entries))
    if not names:
        report.show("\nAny of them takes weight=W as well, for --combine weighted. More of one: geosal sources NAME")
    report.write({"sources": [asdict(entry) for entry in entries]})


def _keys(entry: Entry) -> tuple[str, ...]:
    """Return the names by which an entry is shown; for those that read files: raster, vector, classes."""
    return entry.names if entry.file is None else (entry.file,)


def _as_text(entry: Entry, *, whole: bool) -> str:
    head = ", ".join(entry.names) + ("" if entry.origin == "geosal" else f"  ({entry.origin})")
    if entry.problem is not None:
        return f"{head}\n{_wrap(entry.problem)}"
    lines = [head, f"    {entry.usage}", _wrap(entry.summary)]
    if whole and entry.description:
        lines += ["", textwrap.indent(entry.description, "    ")]
    return "\n".join(lines)


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
