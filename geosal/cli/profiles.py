"""``geosal profiles``: the formats, their codecs, who can open them, and the creation options of each."""

import math
import sys
import textwrap
from typing import Any

import click

from geosal.cli import options
from geosal.cli.output import Report
from geosal.cli.paper import width_of, wrapped
from geosal.formats.codec import ALL_TYPES, Codec
from geosal.formats.format import Format
from geosal.formats.options import YES_NO, CreationOption
from geosal.formats.table import FORMATS, PROFILES, format_with

_WIDTH = 80
_INDENT = " " * 4
_NAME = 14
"""Columns of a codec's name."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.report_options
def profiles(names: tuple[str, ...], report: Report, quiet: bool) -> None:
    """List what --profile takes, and who can open it; with NAME, show the creation options that --co sets.

    \b
    geosal profiles
    geosal profiles jpeg zstd
    geosal profiles --json -
    """
    del quiet  # the list is what was asked for
    if unknown := [name for name in names if name not in PROFILES]:
        raise click.BadParameter(f"no profile {unknown[0]}; there are {', '.join(PROFILES)}", param_hint="NAME")
    if names:
        report.show("\n\n".join(_with_options(PROFILES[name]) for name in names))
    else:
        report.show("\n\n".join(_of_format(form) for form in FORMATS))
        told = "The first of a format is its default. Creation options of one: geosal profiles NAME"
        report.show(f"\n{wrapped(told, width_of(sys.stdout))}")
    report.write({"profiles": [_document(PROFILES[name]) for name in names or PROFILES]})


def _of_format(form: Format[Any]) -> str:
    head = f"{form.name} ({', '.join(form.suffixes)})"
    lines = [head]
    for codec in form.codecs:
        margin = len(_INDENT) + _NAME
        readers = wrapped(_readers(codec), width_of(sys.stdout), indent=margin)
        lines += [f"{_INDENT}{codec.name:<{_NAME}}{_in_words(codec)}", f"{' ' * margin}{readers}"]
    return "\n".join(lines)


def _in_words(codec: Codec) -> str:
    kind = "lossless" if codec.lossless else "lossy"
    types = "any type" if codec.dtypes == ALL_TYPES else ", ".join(codec.dtypes)
    bands = f"; {', '.join(map(str, codec.counts))} bands" if codec.counts else ""
    return f"{kind}; {types}{bands}"


def _readers(codec: Codec) -> str:
    return f"opens in: {codec.opens_in}"


def _with_options(codec: Codec) -> str:
    form = format_with(codec)
    lines = [f"{codec.name}: {form.name} ({', '.join(form.suffixes)}); {_in_words(codec)}"]
    lines += textwrap.wrap(_readers(codec), _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    for option in _options_of(codec):
        values = _values(option, codec).replace("|", "| ")  # a line may end after a stroke
        usage = wrapped(f"--co {option.name}={values}", width_of(sys.stdout), indent=2 * len(_INDENT))
        lines += ["", f"{_INDENT}{usage.replace('| ', '|')}"]
        text = f"{option.text} Default: {_default(option, codec)}."
        lines += textwrap.wrap(text, _WIDTH, initial_indent=_INDENT * 2, subsequent_indent=_INDENT * 2)
    return "\n".join(lines)


def _options_of(codec: Codec) -> list[CreationOption]:
    form = format_with(codec)
    return [option for option in form.options if form.has_option(codec, option.name)]


def _default(option: CreationOption, codec: Codec) -> str:
    """Return the default that the codec sets, else that of its format."""
    return dict(codec.options).get(option.name, option.default)


def _values(option: CreationOption, codec: Codec) -> str:
    """Describe the values of an option: its words, or its limits."""
    if option.words:
        switch = option.words >= YES_NO
        words = sorted(option.words - YES_NO if switch else option.words) + (["YES", "NO"] if switch else [])
        words = [word for word in words if not word.isdecimal()] or words  # GDAL's numbers for the same
        return "|".join(words + (["N"] if option.or_whole else []))
    limits = option.limits_of.get(dict(codec.options).get("COMPRESS", ""), option.limits)
    if limits is None:
        return "TEXT"
    least, greatest = (f"{limit:g}" for limit in limits)
    span = f"{least} or more" if math.isinf(limits[1]) else f"{least}..{greatest}"
    return span + (", several with commas" if option.many else "")


def _document(codec: Codec) -> dict[str, Any]:
    form = format_with(codec)
    return {
        "name": codec.name,
        "format": form.name,
        "driver": form.driver,
        "suffixes": list(form.suffixes),
        "lossless": codec.lossless,
        "opens_in": codec.opens_in,
        "dtypes": list(codec.dtypes),
        "counts": list(codec.counts) or None,
        "options": [
            {"name": option.name, "text": option.text, "default": _default(option, codec)}
            | {"values": _values(option, codec)}
            for option in _options_of(codec)
        ],
    }
