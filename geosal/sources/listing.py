"""List all sources, from the table, the plug-ins and their docstrings."""

import inspect
import re
from dataclasses import dataclass, replace
from importlib.metadata import entry_points

from geosal.errors import UsageError
from geosal.sources.plugins import GROUP, origin, plugin_class
from geosal.sources.registry import load_class
from geosal.sources.table import FILES, SOURCES

_USAGE = re.compile(r"``(?P<usage>[^`]+)``[:.]?\s*(?P<summary>.*)", re.DOTALL)
_QUOTED = re.compile(r"``([^`]+)``")
_KEY = re.compile(r"(?:^|[:,])([a-z_][a-z0-9_]*)=")
_PATHS = {
    "vector": "PATH (vector): GeoJSON, GeoPackage, shapefile, FlatGeobuf, KML, GeoParquet, COCO, CSV, YOLO ...",
    "classes": "PATH (classes) of any other raster, with classes=",
    "raster": "PATH (raster) of any other raster",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A kind of source.

    Attributes
    ----------
    names
        Names that may stand before the colon; one text that describes paths where those are read.
    usage
        The syntax, with its parameters.
    parameters
        Their names.
    summary
        A sentence or two about what it does.
    description
        All else that its docstring says.
    file
        Key in `geosal.sources.table.FILES` of what reads files; None for names.
    origin
        ``geosal``, or the package that brings it, with its version.
    problem
        Why it cannot be used; None where it can.
    """

    names: tuple[str, ...]
    usage: str
    parameters: tuple[str, ...] = ()
    summary: str = ""
    description: str = ""
    file: str | None = None
    origin: str = "geosal"
    problem: str | None = None


def list_sources() -> tuple[Entry, ...]:
    """List what a SOURCE may be: what reads files, our names, and the plug-ins' names. Imports all of them."""
    named: dict[str, list[str]] = {}
    for name, target in SOURCES.items():
        named.setdefault(target, []).append(name)
    ours = [_ours(target, tuple(names)) for target, names in named.items()]
    files = [replace(_ours(FILES[kind], (paths,)), file=kind) for kind, paths in _PATHS.items()]
    brought = {entry.name: origin(entry) for entry in entry_points(group=GROUP) if entry.name not in SOURCES}
    return (*files, *ours, *(_plugged(name, package) for name, package in sorted(brought.items())))


def _ours(target: str, names: tuple[str, ...]) -> Entry:
    try:
        return _describe(load_class(target), names)
    except ImportError as error:  # what it needs is not installed; the others are still worth a list
        return Entry(names=names, usage=target, problem=f"cannot be imported: {error}")


def _plugged(name: str, package: str) -> Entry:
    try:
        kind = plugin_class(name, name)
    except UsageError as error:
        return Entry(names=(name,), usage=name, origin=package, problem=str(error))
    return _describe(kind, (name,), package)


def _parameters(*texts: str) -> tuple[str, ...]:
    """Keys in ``key=...`` and ``name:key=...,key=...``, and the one that all sources have."""
    quoted = (quote for text in texts for quote in _QUOTED.findall(text))
    return (*dict.fromkeys(key for quote in quoted for key in _KEY.findall(quote)), "weight")


def _describe(kind: object, names: tuple[str, ...], package: str = "geosal") -> Entry:
    """Take a docstring apart: ``usage``: summary, then the rest up to the table of attributes."""
    first, _, rest = (inspect.getdoc(kind) or "").partition("\n\n")
    found = _USAGE.fullmatch(first.strip())
    usage, summary = (found["usage"], found["summary"]) if found else ("|".join(names), first)
    return Entry(
        names=names,
        usage=usage,
        parameters=_parameters(first, rest),
        summary=_plain(" ".join(summary.split())),
        description=_plain(re.split(r"^[A-Z]\w+\n-{3,}$", rest, maxsplit=1, flags=re.MULTILINE)[0].strip()),
        origin=package,
    )


def _plain(text: str) -> str:
    """Return a text of a docstring without its marks of code."""
    return re.sub(r"``([^`]+)``|`([^`]+)`", lambda found: found[1] or found[2], text)
