"""Files that SOURCEs name: the digest of one, and one found again by its name and its digest."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from geosal.core.zarr.files import is_zarr
from geosal.errors import GeosalError, SceneError, cause_of
from geosal.files.copies import on_disk
from geosal.sources.text import base_name

CLASSES = "classes.txt"
"""Names of YOLO's classes, one a line, that annotation tools lay beside the labels."""
_PARTS_OF_SHAPEFILES = (".shx", ".dbf", ".prj")


@contextmanager
def here(path: str, *, anew: bool = False) -> Iterator[str]:
    """Lend the path of a file on this machine: the path itself, or that of a copy of what lies on a server.

    With `anew` it is fetched again though the process has a copy.

    Raises
    ------
    SceneError
        It cannot be fetched.
    """
    try:
        with on_disk(path, anew=anew) as local:
            yield local
    except GeosalError:
        raise
    except OSError as error:
        raise SceneError(f"{path}: cannot be fetched ({cause_of(error)}); see that the address is right") from error


def digest(path: str) -> str:
    """SHA-256 of a file; of a shapefile, of its four parts one after the other; of a .txt, with the classes beside it.

    Of a folder, which is a Zarr store, it is that of the names and contents of its files.

    Raises
    ------
    SceneError
        It cannot be read.
    """
    found = hashlib.sha256()
    stem, suffix = os.path.splitext(path)
    parts = [path]
    if os.path.isdir(path):  # a Zarr store, or an array in one
        parts = sorted(os.path.join(place, name) for place, _, names in os.walk(path) for name in names)
        found.update("\n".join(os.path.relpath(part, path) for part in parts).encode())
    if suffix.lower() == ".shp":
        parts += [stem + part for part in _PARTS_OF_SHAPEFILES if os.path.exists(stem + part)]
    classes = os.path.join(os.path.dirname(path), CLASSES)
    if suffix.lower() == ".txt" and os.path.basename(path) != CLASSES and os.path.isfile(classes):
        parts.append(classes)
    try:
        for part in parts:
            with open(part, "rb") as file:
                while piece := file.read(2**20):
                    found.update(piece)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}); copy it again") from error
    return found.hexdigest()


def find(name: str, wanted: str, folders: Iterable[str]) -> str | None:
    """Find a file by its name and its digest.

    Parameters
    ----------
    name
        Base name; a text with a folder in it is found nowhere.
    wanted
        SHA-256 as `digest` gives it, in small letters.
    folders
        Directories of this machine to look into, themselves only.

    Returns
    -------
    str or None
        Path of the first that is the same; None where there is none.

    Raises
    ------
    SceneError
        A file of that name cannot be read.
    """
    if name != base_name(name) or name in {"", ".", ".."} or "\0" in name:
        return None
    places = (os.path.join(folder, name) for folder in dict.fromkeys(folders))
    return next((place for place in places if _is_there(place) and digest(place) == wanted), None)


def _is_there(path: str) -> bool:
    return os.path.isfile(path) or (os.path.isdir(path) and is_zarr(path))
