"""``geosal profiles``: the formats, their codecs, who can open them, and the creation options of each."""

import sys

import click

from geosal.cli import options
from geosal.cli.completion import complete_codec
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import width_of, wrapped
from geosal.names import did_you_mean


@click.command(cls=PanelledCommand, short_help="List what --profile takes, and who can open it.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_codec)
@options.report_options
def profiles(names: tuple[str, ...], report: Report, quiet: bool) -> None:
    """List what --profile takes, and who can open it; with NAME, show the creation options that --co sets.

    \b
    geosal profiles
    geosal profiles jpeg zstd
    geosal profiles --json -
    """
    from geosal.cli.codec_text import document_of, of_format, with_options  # heavy, and the help does not need it
    from geosal.formats.table import FORMATS, PROFILES

    del quiet  # the list is what was asked for
    if unknown := [name for name in names if name not in PROFILES]:
        hint = f"{did_you_mean(unknown[0], PROFILES)} ".lstrip()
        raise click.BadParameter(f"no profile {unknown[0]}; {hint}there are {', '.join(PROFILES)}", param_hint="NAME")
    if names:
        report.show("\n\n".join(with_options(PROFILES[name]) for name in names))
    else:
        report.show("\n\n".join(of_format(form) for form in FORMATS))
        told = "The first of a format is its default. Creation options of one: geosal profiles NAME"
        report.show(f"\n{wrapped(told, width_of(sys.stdout))}")
    report.write({"profiles": [document_of(PROFILES[name]) for name in names or PROFILES]})
