"""Find the pictures to learn from, in a folder or a tar with one folder for each class."""

import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from geosal.errors import SceneError, UsageError, cause_of
from geosal.sizes import as_bytes, listed

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
MAX_FILE_BYTES = 64 * 2**20
"""Limit of a picture in bytes; a tar from elsewhere may claim anything."""
MAX_PICTURES = 1_000_000


@dataclass(frozen=True)
class Listing:
    """The pictures of some classes, in their natural order: class by class, 2 before 10.

    Attributes
    ----------
    path
        The folder or the tar.
    classes
        Names of the classes, sorted, or in the order asked for.
    members
        Path of each picture inside.
    labels
        Index of each picture's class.
    """

    path: str
    classes: tuple[str, ...]
    members: tuple[str, ...]
    labels: tuple[int, ...]

    @classmethod
    def of(cls, path: str, only: Sequence[str] = ()) -> Self:
        """List the pictures of a folder or a tar; `only` names the classes wanted, in their order.

        Raises
        ------
        SceneError
            The path is missing or unreadable, or holds fewer than two classes.
        UsageError
            A class of `only` is missing.
        """
        found = list(dict.fromkeys(_walk(path) if os.path.isdir(path) else _members(path)))
        if len(found) > MAX_PICTURES:
            raise SceneError(f"{path}: holds more than {MAX_PICTURES} pictures; give a part of them")
        by_class = _by_class(path, found)
        for name in only:
            if name not in by_class:
                raise UsageError(f"class {name!r}: {path} has none; it has {listed(sorted(by_class))}")
        classes = tuple(dict.fromkeys(only)) or tuple(sorted(by_class))
        if len(classes) < 2:
            raise SceneError(
                f"{path}: has pictures of {len(classes)} classes and learning needs two; "
                f"put those of each class into a folder of its name"
            )
        members = [sorted(by_class[name], key=_natural) for name in classes]
        labels = tuple(label for label, names in enumerate(members) for _ in names)
        return cls(path, classes, tuple(name for names in members for name in names), labels)

    def read(self) -> Iterator[tuple[int, bytes]]:
        """Read all pictures, with their place in the listing; a tar is read in its own order.

        Raises
        ------
        SceneError
            A picture cannot be read.
        """
        places = {member: place for place, member in enumerate(self.members)}
        try:
            if os.path.isdir(self.path):
                for name, place in places.items():
                    with open(os.path.join(self.path, name), "rb") as file:
                        yield place, _bounded(file.read(MAX_FILE_BYTES + 1), f"{self.path}/{name}")
                return
            with tarfile.open(self.path, "r|*") as tar:
                for info in tar:
                    if info.isfile() and (place := places.pop(info.name, -1)) >= 0:
                        member = tar.extractfile(info)
                        content = b"" if member is None else member.read(MAX_FILE_BYTES + 1)
                        yield place, _bounded(content, info.name)
        except (OSError, tarfile.TarError, EOFError) as error:
            if isinstance(error, SceneError):
                raise
            where = getattr(error, "filename", None) or self.path
            raise SceneError(f"{where}: cannot be read to its end: {cause_of(error)}; get it again") from error


def _walk(path: str) -> Iterator[str]:
    for place, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            whole = os.path.join(place, name)
            # Reading a pipe would wait for ever; a broken link is reported when it is read.
            if _is_picture(name) and (os.path.isfile(whole) or not os.path.exists(whole)):
                yield os.path.relpath(whole, path)


def _members(path: str) -> Iterator[str]:
    if not os.path.exists(path):
        raise SceneError(f"{path}: no such folder or file; give a folder of class folders, or a .tar.gz of one")
    try:
        with tarfile.open(path, "r|*") as tar:
            yield from (info.name for info in tar if info.isfile() and _is_picture(os.path.basename(info.name)))
    except (OSError, tarfile.TarError, EOFError) as error:
        raise SceneError(
            f"{path}: is neither a folder nor a tar that can be read: {cause_of(error)}; give a folder of class folders"
        ) from error


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _by_class(path: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Sort pictures by their folder; files beside class folders, such as a contact sheet, belong to no class."""
    by_folder: dict[str, list[str]] = {}
    for name in names:
        by_folder.setdefault(os.path.dirname(name), []).append(name)
    above = {"", "."}
    for folder in by_folder:
        above.update(map(str, PurePosixPath(folder).parents))
    by_class: dict[str, list[str]] = {}
    for folder in by_folder.keys() - above:
        label = os.path.basename(folder)
        if not label.isprintable():  # names that are no UTF-8 neither
            raise SceneError(f"{path}: a folder is named {label!r}, which no model card can hold; name it otherwise")
        if label in by_class:
            raise SceneError(f"{path}: two folders are named {label!r}; give the one that holds the classes to learn")
        by_class[label] = by_folder[folder]
    return by_class


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Return a sort key that puts image_2 before image_10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"([0-9]+)", name) if part]


def _bounded(content: bytes, name: str) -> bytes:
    if len(content) > MAX_FILE_BYTES:
        raise SceneError(f"{name}: is larger than {as_bytes(MAX_FILE_BYTES)}; learning takes small pictures, cut it")
    return content
