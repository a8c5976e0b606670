"""What is to be found: the images of a dataset and the boxes that people drew on them."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from geosal.core.option_values import read_texts
from geosal.errors import GeosalError, ResourceError, SceneError, UsageError, cause_of, warn
from geosal.files.atomic import open_plain
from geosal.scenes import Reading, open_input
from geosal.sizes import counted, listed
from geosal.sources.vectors.detections import MALFORMED, box_of, each_box
from geosal.sources.vectors.reading import MAX_FEATURES

CROWDS = ("objects", "ignore")
"""What boxes are that COCO marks as a crowd: objects like all others, or places that count neither way."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Marked:
    """An image and the objects on it.

    Attributes
    ----------
    name, path
        Name of its file in the annotations, without folders; and where it lies.
    shape
        Its rows and columns.
    boxes
        Float64 (object, 4): left, top, right and bottom in pixels; 0 is the image's left or upper edge.
    labels
        Number of each object's class in `Truth.classes`.
    ignored
        Objects that count neither way: found or not, they change no figure.
    """

    name: str
    path: str
    shape: tuple[int, int]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    ignored: NDArray[np.bool_]


class _Drawn(NamedTuple):
    """A box as a file tells it."""

    image: str
    label: str
    box: tuple[float, float, float, float]
    crowd: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """The images of a dataset, and the classes of their objects.

    Attributes
    ----------
    classes
        Names; labels count from 0.
    images
        Those that are there, in the order of the annotations.
    missing
        Names of images that the annotations tell of and the folder lacks.
    """

    classes: tuple[str, ...]
    images: tuple[Marked, ...]
    missing: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        annotations: str,
        images: str | Sequence[str],
        *,
        classes: str | Sequence[str] = (),
        only: str | Sequence[str] = (),
        crowds: str = "objects",
    ) -> Self:
        """Read COCO annotations or a table of boxes, and find their images.

        An image is found by its name, or by its name without the suffix. Those that a folder lacks are left out, with
        a warning; of files that are listed it is understood that they are a choice.

        Parameters
        ----------
        annotations
            COCO (``.json``), or a table as `geosal.sources.vectors.detections.read_csv` takes it.
        images
            Folder of the images, or their paths.
        classes
            Classes to find, by name; all by default. Objects of others are ignored.
        only
            Names of images to take, with or without suffix; all by default.
        crowds
            `CROWDS`. Sets that mark every single object as a crowd exist: pycocotools would find nothing to find.

        Raises
        ------
        UsageError
            There is no such class or image, or no object is left.
        SceneError
            A file cannot be read, or no image lies in the folder.
        ResourceError
            There are too many boxes.
        """
        if crowds not in CROWDS:
            raise UsageError(f"crowds={crowds}: give one of {', '.join(CROWDS)}")
        classes, only = read_texts("classes", classes), read_texts("only", only)
        is_table = Path(annotations).suffix.lower() in {".csv", ".tsv"}
        names, drawn = _of_table(annotations) if is_table else _of_coco(annotations)
        if not drawn:
            raise UsageError(f"{annotations}: holds no box, so there is nothing to find; give annotations with boxes")
        known = list(dict.fromkeys(one.label for one in drawn))
        if unknown := [name for name in classes if name not in known]:
            raise UsageError(f"{annotations}: no object is called {unknown[0]}; there are {listed(sorted(known))}")
        wanted = classes or tuple(sorted(known))
        here, missing = _find(annotations, images, _chosen(annotations, names, only))
        marked = tuple(
            _marked(name, path, [one for one in drawn if one.image == name], wanted, crowds) for name, path in here
        )
        if all(image.ignored.all() for image in marked):
            raise UsageError(
                f"{annotations}: none of its objects is on {listed([one.name for one in marked])}; take others"
            )
        return cls(classes=wanted, images=marked, missing=missing)

    @property
    def count(self) -> int:
        """Return the number of objects that count."""
        return sum(int((~image.ignored).sum()) for image in self.images)


def _of_coco(path: str) -> tuple[list[str], list[_Drawn]]:
    """Read names of images, and boxes, of COCO annotations (https://cocodataset.org/#format-data)."""
    try:
        with open_plain(path) as file:
            content = file.read()
    except OSError as error:
        raise SceneError(
            f"{path}: annotations cannot be read: {cause_of(error)}; name COCO, or a table of boxes"
        ) from error
    try:
        document = json.loads(content)
        entries = document["annotations"]
        if len(entries) > MAX_FEATURES:
            raise ResourceError(f"{path}: has more than {MAX_FEATURES} annotations; give those of these images")
        labels = {entry["id"]: str(entry.get("name") or entry["id"]) for entry in document.get("categories", ())}
        images = {entry["id"]: os.path.basename(str(entry["file_name"])) for entry in document["images"]}
        drawn = []
        for entry in entries:
            if entry["category_id"] not in labels:
                raise UsageError(
                    f"{path}: annotation {entry.get('id')} is of category {entry['category_id']}, which it does not "
                    f"name; there are {listed([str(one) for one in labels]) or 'none'}: add it to categories"
                )
            crowd = bool(entry.get("iscrowd", 0))
            drawn.append(_Drawn(images[entry["image_id"]], labels[entry["category_id"]], box_of(entry), crowd))
    except (*MALFORMED, RecursionError) as error:
        if isinstance(error, GeosalError):
            raise
        cause = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise SceneError(f"{path}: holds no COCO annotations ({cause}); check what it is") from error
    return list(dict.fromkeys(images.values())), _sound(path, drawn)


def _of_table(path: str) -> tuple[list[str], list[_Drawn]]:
    drawn = [
        _Drawn(os.path.basename(image), label or "object", tuple(shapely.bounds(shape)), crowd=False)
        for image, label, shape in each_box(path)
    ]
    if any(not one.image for one in drawn):
        raise SceneError(f"{path}: does not tell the image of each box; give it a column called image")
    return list(dict.fromkeys(one.image for one in drawn)), _sound(path, drawn)


def _sound(path: str, drawn: list[_Drawn]) -> list[_Drawn]:
    """Refuse boxes that are no numbers, and leave out those without an area, which nothing can match."""
    for one in drawn:
        if not np.isfinite(one.box).all():
            raise SceneError(f"{path}: a box of {one.image} is {one.box}; mend or remove it")
    return [one for one in drawn if one.box[2] > one.box[0] and one.box[3] > one.box[1]]


def _chosen(annotations: str, names: Iterable[str], only: Sequence[str]) -> list[str]:
    found = [name for name in names if not only or name in only or Path(name).stem in only]
    for wanted in only:
        if not any(wanted in {name, Path(name).stem} for name in found):
            raise UsageError(f"{annotations}: no image is called {wanted}; there are {listed(sorted(names))}")
    return found


def _find(
    annotations: str, images: str | Sequence[str], names: Sequence[str]
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Find images by name, or by stem where that is the only file of it."""
    is_folder = isinstance(images, str)
    paths = _in_folder(images) if isinstance(images, str) else images
    by_name = {Path(path).name: path for path in paths}
    by_stem: dict[str, list[str]] = {}
    for path in paths:
        if not path.endswith((".aux.xml", ".json", ".csv")):
            by_stem.setdefault(Path(path).stem, []).append(path)
    here, missing = [], []
    for name in names:
        like = [by_name[name]] if name in by_name else by_stem.get(Path(name).stem, [])
        if len(like) == 1:
            here.append((name, like[0]))
        else:
            missing.append(name)
    place = images if is_folder else listed(list(by_name))
    if not here:
        raise SceneError(f"{place}: none of the images that {annotations} names ({listed(missing)}); name them")
    if missing and is_folder:
        warn(
            f"{annotations}: {counted(len(missing), 'image')} of {len(names)} are not in {place} ({listed(missing)}); "
            "they are left out"
        )
    return here, tuple(missing)


def _in_folder(folder: str) -> list[str]:
    try:
        return sorted(str(entry) for entry in Path(folder).iterdir() if entry.is_file())
    except OSError as error:
        raise SceneError(f"{folder}: the folder of images cannot be read: {error.strerror}") from error


def _marked(name: str, path: str, drawn: Sequence[_Drawn], classes: tuple[str, ...], crowds: str) -> Marked:
    shape = open_input(path, Reading()).grid.shape
    there = [one for one in drawn if min(one.box[2:]) > 0 and one.box[0] < shape[1] and one.box[1] < shape[0]]
    if len(there) < len(drawn):
        warn(f"{path}: of its {len(drawn)} boxes {len(drawn) - len(there)} lie outside of it, and are left out")
    drawn = there
    ignored = [one.label not in classes or (one.crowd and crowds == "ignore") for one in drawn]
    labels = [classes.index(one.label) if one.label in classes else 0 for one in drawn]
    boxes: Any = [one.box for one in drawn]
    return Marked(
        name=name,
        path=path,
        shape=shape,
        boxes=np.reshape(np.asarray(boxes, np.float64), (-1, 4)),
        labels=np.asarray(labels, np.int64),
        ignored=np.asarray(ignored, np.bool_),
    )
