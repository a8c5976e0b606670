"""Find the class that opens a SOURCE: one of the table, one of a plug-in, or the one that reads such a path."""

import os
import re
from importlib import import_module
from typing import cast

from geosal.errors import UsageError
from geosal.names import did_you_mean
from geosal.sources.base import SourceClass
from geosal.sources.plugins import plugin_class, plugin_names
from geosal.sources.table import FILES, SOURCES, VECTORS
from geosal.sources.text import KEY, Given, Opener, SourceText

_NOTHING = ("none", "off", "no", "null", "nothing")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan")


def opener_of(source: SourceText) -> Opener:
    """Find what opens a source: a class by a name of `SOURCES`, by one of a plug-in, or by the kind of path.

    Raises
    ------
    UsageError
        The text is neither a name nor a path, or a plug-in is broken.
    """
    if isinstance(source, Given):
        return source.opener
    return _plugged(source) or load_class(entry_for(source))


def is_plugged(source: SourceText) -> bool:
    """Return whether a source is that of a plug-in, or of a caller.

    Raises
    ------
    UsageError
        The plug-in is broken.
    """
    return isinstance(source, Given) or _plugged(source) is not None


def may_be_plugged(source: SourceText) -> bool:
    """Return whether a plug-in could have that name; which there are, the metadata of all packages tell, slowly."""
    return source.target not in SOURCES and _NAME.fullmatch(source.target) is not None


def _plugged(source: SourceText) -> type[SourceClass] | None:
    return plugin_class(source.text, source.target) if may_be_plugged(source) else None


def entry_for(source: SourceText) -> str:
    """Return "module:attribute" of our class that opens a source.

    Raises
    ------
    UsageError
        The text is neither a name of `SOURCES` nor a path.
    """
    if source.target in SOURCES:
        return SOURCES[source.target]
    _refuse_what_is_no_path(source)
    if source.target.lower().partition("?")[0].endswith(VECTORS) and not _is_grid_of_text(source.target):
        return FILES["vector"]
    return FILES["raster" if source.get("classes") is None else "classes"]


def _is_grid_of_text(path: str) -> bool:
    """Return whether a .txt is a raster: an ASCII grid, which begins with ncols, or lines of x, y and a value.

    Three words that are no numbers are those of a table's head.
    """
    if not (path.lower().endswith(".txt") and os.path.isfile(path)):
        return False
    with open(path, "rb") as file:
        words = file.readline(256).lower().split()
    return words[:1] in ([b"ncols"], [b"nrows"]) or (len(words) == 3 and all(map(_NUMBER.fullmatch, words)))


def load_class(entry: str) -> type[SourceClass]:
    """Import "module:attribute"."""
    module, _, attribute = entry.partition(":")
    return cast("type[SourceClass]", getattr(import_module(module), attribute))


def _refuse_what_is_no_path(source: SourceText) -> None:
    target = source.target
    if not os.path.exists(target):
        for match in re.finditer(rf":(?={KEY})", target):
            if os.path.isfile(target[: match.start()]):
                raise UsageError(
                    f"{source.text}: the parameters {target[match.start() + 1 :]} cannot be read; they are written "
                    "KEY=VALUE,KEY=VALUE, and no value holds a colon"
                )
    if os.path.exists(target) or any(mark in target for mark in "/\\."):
        return
    names = (*SOURCES, *plugin_names())
    name, colon, rest = target.partition(":")
    if colon and name in names:
        raise UsageError(f"{source.text}: cannot read {rest!r}; parameters are written {name}:KEY=VALUE,KEY=VALUE")
    if name.lower() in _NOTHING:
        raise UsageError(
            f"saliency {source.text}: no such name; something has to matter, and uniform:saliency=1 keeps every pixel"
        )
    guess = did_you_mean(name, names, "; ")
    raise UsageError(f"saliency {source.text}: no such name and no such file; the names are {', '.join(names)}{guess}")
