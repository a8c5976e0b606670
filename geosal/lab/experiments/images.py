"""Find the images of an experiment, and check them before any work."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from geosal.errors import SceneError, UsageError
from geosal.lab.experiments.wish import Experiment
from geosal.scenes import AnyScene, open_input

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".jp2", ".webp")
"""Suffixes of the files that are taken from a folder; a file that is named may have any."""
_COUNTS = (1, 3)


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


def find_pictures(wish: Experiment) -> tuple[Picture, ...]:
    """Find all images, and refuse those that a JPEG cannot hold, by their headers.

    Raises
    ------
    SceneError
        A folder holds no image, or a file is no image.
    UsageError
        An image is not of bytes, or has neither one nor three bands.
    """
    return tuple(picture for name, places in wish.images.items() for picture in _collection(wish, name, places))


def _collection(wish: Experiment, collection: str, places: Sequence[str]) -> Iterator[Picture]:
    paths = list(dict.fromkeys(path for place in places for path in _files(place)))
    stems = [Path(path).stem for path in paths]
    names = [Path(path).name for path in paths]
    for path, stem, name in zip(paths, stems, names, strict=True):
        unlike = stem if stems.count(stem) == 1 else name if names.count(name) == 1 else path
        yield _open(wish, collection, unlike, path)


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


def _open(wish: Experiment, collection: str, name: str, path: str) -> Picture:
    scene = open_input(path, wish.reading)
    layout = scene.layout
    if layout.dtype != "uint8":
        raise UsageError(f"{path}: {layout.dtype}, and a JPEG holds bytes; in CONFIG say how: to_byte: percentile:2-98")
    bands = layout.count - (layout.alpha is not None)
    if bands not in _COUNTS:
        raise UsageError(f"{path}: {bands} bands, and a JPEG holds one or three; in CONFIG choose: bidx: [1, 2, 3]")
    return Picture(collection=collection, name=name, path=path, scene=scene, bands=bands)
