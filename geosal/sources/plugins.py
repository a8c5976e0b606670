"""Sources of other packages: entry points of the group ``geosal.sources``, name -> class.

In the other package's ``pyproject.toml``, for a class that is a `geosal.sources.SourceClass`::

    [project.entry-points."geosal.sources"]
    roads = "my_package.roads:Roads"

Its name is then a SOURCE like ours: ``roads:width=3``. It cannot replace one of our names, and `Saliency` reads
``weight=`` itself.
"""

from typing import TYPE_CHECKING, cast

from geosal.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from geosal.sources.base import SourceClass

GROUP = "geosal.sources"
_PARTS = ("open", "read", "known", "kind", "__dask_tokenize__")
"""Members that a class must have. `text` and `fingerprint` may be fields, which only its objects have."""


def plugin_names() -> tuple[str, ...]:
    """Return the names that installed packages bring, in order, without importing them."""
    from importlib.metadata import entry_points  # slow, and few sources are a plug-in's

    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def plugin_class(text: str, name: str) -> "type[SourceClass] | None":
    """Import the class that a package brings under `name`; None where none does.

    Parameters
    ----------
    text
        SOURCE as the user wrote it, for messages.
    name
        Its name.

    Raises
    ------
    UsageError
        The class cannot be imported, is no source, or two packages bring it.
    """
    from importlib.metadata import entry_points

    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        return None
    if len({entry.value for entry in found}) > 1:
        origins = " and ".join(sorted(origin(entry) for entry in found))
        raise UsageError(f"{text}: {origins} both bring a source {name}; uninstall one of them")
    return _load(text, found[0])


def origin(entry: "EntryPoint") -> str:
    """Return the package that brings an entry point, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _load(text: str, entry: "EntryPoint") -> "type[SourceClass]":
    try:
        kind = entry.load()
    except Exception as error:  # an import runs any code of the other package
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(
            f"{text}: the source {entry.name} of {origin(entry)} cannot be imported ({cause}); update or uninstall it"
        ) from error
    missing = [part for part in _PARTS if not hasattr(kind, part) and part not in getattr(kind, "__annotations__", ())]
    if not isinstance(kind, type) or missing:
        lack = f"lacks {', '.join(missing)}" if isinstance(kind, type) else "is no class"
        raise UsageError(
            f"{text}: {entry.value} of {origin(entry)} is no source of saliency, it {lack}; update or uninstall it"
        )
    return cast("type[SourceClass]", kind)
