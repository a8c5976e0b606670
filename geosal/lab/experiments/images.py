"""Find the images of a study, and check them before any work."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rasterio.errors import NotGeoreferencedWarning

from geosal.core.shared_raster import file_state
from geosal.errors import GeosalError, GeosalWarning, SceneError, UsageError
from geosal.lab.datasets import DatasetImage, find_images
from geosal.lab.datasets.layouts import SUFFIXES
from geosal.lab.experiments.wish import Wish, name_of_place
from geosal.scenes import AnyScene, Reading, open_input
from geosal.sources.files import digest
from geosal.sources.text import SourceText

_COUNTS = (1, 3)
_EXPECTED = (
    "has no georeferencing", "wherever the scene lies", "mean saliency", "stay as they are", "matter alike",
    "aligned by pixels", "fits by pixels", "read as 0 to 255",
)  # fmt: skip
"""Warnings that are true of most pictures, and of plain files by intention."""

OnFault = Callable[[str, GeosalError], None]
"""Takes the path of an image that cannot be read, and why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """One image.

    Attributes
    ----------
    collection, name
        Names in the tables.
    path
        Path of the file.
    scene
        The opened image, as the experiment reads it.
    bands
        Beside alpha.
    reading
        How it is read.
    annotations
        Path of its boxes or outlines, where its data set has some.
    """

    collection: str
    name: str
    path: str
    scene: AnyScene
    bands: int
    reading: Reading
    annotations: str | None = None

    @property
    def state(self) -> str:
        """Return what tells the file's present content from another, by its size and time; empty if it is not local."""
        states = [file_state(path) for path in (self.path, *self.scene.files)]
        stamps = [None if state is None else state.stamps for state in states]
        return hashlib.sha256(repr(stamps).encode()).hexdigest()[:12] if any(stamps) else ""


def contents_of(sources: Sequence[str], known: dict[str, str] | None = None) -> str:
    """Return what tells the present contents of the files that SOURCE texts name from others; empty without any.

    Parameters
    ----------
    sources
        SOURCE texts. What they name and is not on this machine is left out: who uses it is told.
    known
        Keeps digests by path, as many images may share a mask.
    """
    known = {} if known is None else known
    paths = [path for text in sources for path in SourceText.parse(text).paths if os.path.exists(path)]
    for path in paths:
        if path not in known:
            known[path] = digest(path)
    return hashlib.sha256(" ".join(known[path] for path in paths).encode()).hexdigest()[:12] if paths else ""


def find_pictures(wish: Wish, on_fault: OnFault | None = None) -> tuple[Picture, ...]:
    """Find all images, and refuse those that most codecs cannot hold, by their headers.

    Parameters
    ----------
    wish
        Folders and files, and how they are read.
    on_fault
        Takes each image that cannot be read or is refused, which is left out; without it, the first one is an error.

    Raises
    ------
    SceneError
        A folder holds no image, or a file is no image.
    UsageError
        An image is not of bytes, or has neither one nor three bands.
    """
    found = (picture for name in wish.images for picture in _collection(wish, name, on_fault))
    return tuple(found)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings that almost every picture would cause several times."""
    with warnings.catch_warnings():
        for text in _EXPECTED:
            warnings.filterwarnings("ignore", message=f".*{text}", category=GeosalWarning)
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)  # plain files, in many threads
        yield


def _collection(wish: Wish, collection: str, on_fault: OnFault | None) -> Iterator[Picture]:
    for image in tuple(_listed(wish, collection))[: wish.limit]:
        try:
            yield _open(collection, image)
        except GeosalError as error:
            if on_fault is None:
                raise
            on_fault(image.source, error)


def _listed(wish: Wish, collection: str) -> Iterator[DatasetImage]:
    """List the images of a collection: those of a data set, or of plain folders."""
    asked = wish.images[collection]
    for place in asked.places:
        if not os.path.exists(place) and "://" not in place and not place.startswith("/vsi"):
            own = "" if collection == name_of_place(place) else f"{collection}="
            raise SceneError(
                f"{place}: no such file or folder of images; name yours in RECIPE, or on the command line: "
                f"--images {own}FOLDER"
            )
    if asked.layout is not None:
        yield from find_images(asked.layout, asked.places[0], asked.parts)
        return
    paths = list(dict.fromkeys(path for place in asked.places for path in _files(place)))
    stems = [Path(path).stem for path in paths]
    names = [Path(path).name for path in paths]
    for path, stem, name in zip(paths, stems, names, strict=True):
        unlike = stem if stems.count(stem) == 1 else name if names.count(name) == 1 else path
        reading = wish.reading(collection)
        yield DatasetImage(dataset=collection, part="", name=unlike, source=path, reading=reading)


def _files(place: str) -> list[str]:
    """Return the file itself, or the images in a folder, sorted by name."""
    if not os.path.isdir(place):
        return [place]
    try:
        found = sorted(entry for entry in Path(place).iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise SceneError(f"{place}: the folder cannot be read: {error.strerror}") from error
    images = [str(path) for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not images:
        raise SceneError(f"{place}: the folder holds no image ({', '.join(SUFFIXES)}); name one that does")
    return images


def _open(collection: str, image: DatasetImage) -> Picture:
    path, scene = image.source, open_input(image.source, image.reading)
    layout = scene.layout
    if layout.dtype != "uint8":
        raise UsageError(f"{path}: {layout.dtype}, a study takes bytes; say in RECIPE: to_byte: percentile:2-98")
    bands = layout.count - (layout.alpha is not None)
    if bands not in _COUNTS:
        raise UsageError(f"{path}: {bands} bands, and a study takes one or three; in RECIPE choose: bidx: [1, 2, 3]")
    return Picture(
        collection=collection,
        name=image.name,
        path=path,
        scene=scene,
        bands=bands,
        reading=image.reading,
        annotations=image.annotations,
    )
