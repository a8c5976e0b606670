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
from geosal.lab.experiments.wish import Wish
from geosal.scenes import AnyScene, open_input

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".jp2", ".webp")
"""Suffixes of the files that are taken from a folder; a file that is named may have any."""
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
    """

    collection: str
    name: str
    path: str
    scene: AnyScene
    bands: int

    @property
    def state(self) -> str:
        """Return what tells the file's present content from another, by its size and time; empty if it is not local."""
        states = [file_state(path) for path in (self.path, *self.scene.files)]
        return hashlib.sha256(repr(states).encode()).hexdigest()[:12] if any(states) else ""


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
    found = (picture for name, places in wish.images.items() for picture in _collection(wish, name, places, on_fault))
    return tuple(found)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings that almost every picture would cause several times."""
    with warnings.catch_warnings():
        for text in _EXPECTED:
            warnings.filterwarnings("ignore", message=f".*{text}", category=GeosalWarning)
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)  # plain files, in many threads
        yield


def _collection(wish: Wish, collection: str, places: Sequence[str], on_fault: OnFault | None) -> Iterator[Picture]:
    paths = list(dict.fromkeys(path for place in places for path in _files(place)))[: wish.limit]
    stems = [Path(path).stem for path in paths]
    names = [Path(path).name for path in paths]
    for path, stem, name in zip(paths, stems, names, strict=True):
        unlike = stem if stems.count(stem) == 1 else name if names.count(name) == 1 else path
        try:
            yield _open(wish, collection, unlike, path)
        except GeosalError as error:
            if on_fault is None:
                raise
            on_fault(path, error)


def _files(place: str) -> list[str]:
    """Return the file itself, or the images in a folder, sorted by name."""
    if not os.path.exists(place) and "://" not in place and not place.startswith("/vsi"):
        raise SceneError(f"{place}: no such file or folder of images; name one: --images FOLDER")
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


def _open(wish: Wish, collection: str, name: str, path: str) -> Picture:
    scene = open_input(path, wish.reading)
    layout = scene.layout
    if layout.dtype != "uint8":
        raise UsageError(
            f"{path}: {layout.dtype}, and files here hold bytes; in CONFIG say how: to_byte: percentile:2-98"
        )
    bands = layout.count - (layout.alpha is not None)
    if bands not in _COUNTS:
        raise UsageError(f"{path}: {bands} bands, and a study takes one or three; in RECIPE choose: bidx: [1, 2, 3]")
    return Picture(collection=collection, name=name, path=path, scene=scene, bands=bands)
