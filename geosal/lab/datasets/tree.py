"""The names in a folder and below it."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from geosal.errors import SceneError, cause_of

_UNFINISHED = re.compile(
    r"\.(part|partial|crdownload|download|tmp|aria2)$|\.(tiff?|jp2|png|zip|tar|gz|xml|txt|(geo)?json)\.[0-9A-Fa-f]{8}$",
    re.IGNORECASE,
)
"""Endings that browsers and clients of object stores give to files while they arrive."""


@dataclass(frozen=True)
class Tree:
    """Names below a folder, sorted; hidden ones are left out.

    Attributes
    ----------
    root
        The folder.
    files, folders
        Paths relative to it, with ``/`` between their parts.
    """

    root: str
    files: tuple[str, ...]
    folders: tuple[str, ...]

    @classmethod
    def of(cls, root: str, depth: int) -> Self:
        """Look into a folder; links to folders are followed, each folder is looked into once.

        Parameters
        ----------
        root
            The folder.
        depth
            Levels of folders; 1 is the folder alone.

        Raises
        ------
        SceneError
            There is no such folder, or it cannot be read.
        """
        if not os.path.isdir(root):
            what = "is a file" if os.path.exists(root) else "no such folder"
            raise SceneError(f"{root}: {what}; give the folder that the data set was unpacked to")
        files: list[str] = []
        folders: list[str] = []
        seen: set[str] = set()
        for place, below, names in os.walk(root, followlinks=True, onerror=_refuse):
            inside = _relative(place, root)
            level = inside.count("/") + 1 if inside else 0
            real = os.path.realpath(place)
            if real in seen or level + 1 >= depth:
                below.clear()
            if real in seen:
                continue
            seen.add(real)
            below[:] = sorted(name for name in below if not name.startswith("."))
            files += [f"{inside}/{name}".lstrip("/") for name in names if not name.startswith(".")]
            folders += [f"{inside}/{name}".lstrip("/") for name in below]
        return cls(root, tuple(sorted(files)), tuple(sorted(folders)))

    def path(self, inside: str) -> str:
        """Return a path as it is from where we are."""
        return os.path.join(self.root, inside) if inside else self.root

    def within(self, folders: Iterable[str], suffixes: tuple[str, ...]) -> Iterator[PurePosixPath]:
        """Yield files that lie directly in a folder of one of these names, and have one of these suffixes.

        The names may be those of the root itself: who gives the folder of the images gives no folder above it.
        """
        names = {name.lower() for name in folders}
        above = os.path.basename(os.path.abspath(self.root))
        for text in self.files:
            path = PurePosixPath(text)
            if (path.parent.name or above).lower() in names and path.suffix.lower() in suffixes:
                yield path

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Files that look as if a download had not finished them."""
        return tuple(name for name in self.files if _UNFINISHED.search(name))


def _relative(place: str, root: str) -> str:
    inside = os.path.relpath(place, root)
    return "" if inside == "." else inside.replace(os.sep, "/")


def _refuse(error: OSError) -> None:
    raise SceneError(f"{error.filename}: the folder cannot be read: {cause_of(error)}") from error
