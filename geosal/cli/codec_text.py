"""Codecs in words for ``geosal profiles``, and as plain data: who can open them, and their creation options."""

import math
import sys
import textwrap
from typing import Any

from geosal.cli.paper import width_of, wrapped
from geosal.formats.codec import ALL_TYPES, Codec
from geosal.formats.format import Format
from geosal.formats.options import YES_NO, CreationOption
from geosal.formats.table import format_with
from geosal.sizes import as_number

_WIDTH = 80
_INDENT = " " * 4
_NAME = 14
"""Columns of a codec's name."""


def of_format(form: Format[Any]) -> str:
    """Tell a format, and its codecs in a few lines each."""
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


def with_options(codec: Codec) -> str:
    """Tell a codec with all its creation options."""
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
    least, greatest = (as_number(limit) for limit in limits)
    span = f"{least} or more" if math.isinf(limits[1]) else f"{least}..{greatest}"
    return span + (", several with commas" if option.many else "")


def document_of(codec: Codec) -> dict[str, Any]:
    """Tell a codec as plain data for JSON."""
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
