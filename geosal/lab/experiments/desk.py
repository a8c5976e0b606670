"""The folder of a study: names of the files of each image, that no two share, and room for files on the way."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from itertools import count
from pathlib import Path

from geosal.errors import OutputError
from geosal.files.publish import WorkDirectory
from geosal.lab.experiments.images import Picture

MAPS, FILES = "maps", "images"
"""Folders of saliency maps, and of files that are kept."""
_WORK = "candidate"


@dataclass(frozen=True)
class Desk:
    """Paths of files while a study runs, and after it.

    Attributes
    ----------
    output
        Folder of the report.
    work
        A hidden folder for files that are not kept; it goes at the end.
    keep
        Whether files are kept.
    names
        Collection and path of a picture -> name of its files, with the folder of its collection if there are several.
    """

    output: Path
    work: Path
    keep: bool
    names: Mapping[tuple[str, str], Path]

    def map_of(self, picture: Picture, name: str = "") -> Path:
        """Return the path of a picture's map, which is kept."""
        return self._place(self.output / MAPS, picture, f"-{file_name(name)}.tif" if name else ".tif")

    @contextmanager
    def file_of(self, picture: Picture, what: str, suffix: str) -> Iterator[Path]:
        """Give the path of a file to make of a picture; it goes at the end, unless files are kept."""
        path = self._place(self.output / FILES if self.keep else self.work, picture, f"-{file_name(what)}{suffix}")
        try:
            yield path
        finally:
            if not self.keep:
                for made in path.parent.glob(f"{escape(path.name)}*"):  # and what lies beside it
                    made.unlink()

    def work_of(self, picture: Picture, what: str, suffix: str) -> Path:
        """Return the path of a file on the way, which is not kept."""
        return self._place(self.work, picture, f"-{file_name(what)}{suffix}")

    def name_of(self, picture: Picture) -> str:
        """Return what tells a picture from all others of the study."""
        return self.names[picture.collection, picture.path].as_posix()

    def _place(self, folder: Path, picture: Picture, ending: str) -> Path:
        name = folder / self.names[picture.collection, picture.path]
        name.parent.mkdir(parents=True, exist_ok=True)
        return name.with_name(name.name + ending)


@contextmanager
def open_desk(output: str, pictures: Sequence[Picture], *, keep: bool) -> Iterator[Desk]:
    """Make the folder of a report, and delete what a killed run has left on the way.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    place = Path(output)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with WorkDirectory(place / _WORK, overwrite=True) as work:
            yield Desk(place, work.path(_WORK).parent, keep, _names(pictures))
    except OSError as error:
        if not _is_own(error, place):
            raise
        raise OutputError(f"{output}: cannot be written: {error.strerror}; name another folder") from error


def _is_own(error: OSError, output: Path) -> bool:
    """Return whether the error is about the output folder."""
    return error.filename is not None and str(error.filename).startswith(str(output))


def _names(pictures: Sequence[Picture]) -> dict[tuple[str, str], Path]:
    """Name the files of each picture, so that no two have the same."""
    collections = list(dict.fromkeys(picture.collection for picture in pictures))
    names: dict[tuple[str, str], Path] = {}
    for collection, folder in zip(collections, _unlike(collections), strict=True):
        here = [picture for picture in pictures if picture.collection == collection]
        for picture, name in zip(here, _unlike([picture.name for picture in here]), strict=True):
            names[collection, picture.path] = Path(folder, name) if len(collections) > 1 else Path(name)
    return names


def _unlike(texts: Sequence[str]) -> list[str]:
    """Make names that any file system takes, numbered where they would be equal."""
    found: list[str] = []
    taken: set[str] = set()
    for plain in map(file_name, texts):
        endings = ("" if number == 1 else f"~{number}" for number in count(1))
        name = next(plain + ending for ending in endings if (plain + ending).lower() not in taken)
        taken.add(name.lower())
        found.append(name)
    return found


def file_name(text: str) -> str:
    """Make a name that any file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_.=," else "_" for letter in text).strip(".") or "_"
