"""Detections drawn on an image: COCO annotations and tables of boxes, in columns and rows of its pixels."""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geosal.errors import GeosalError, ResourceError, SaliencyError, SceneError, UsageError
from geosal.sources.vectorfile import MAX_FEATURES, Features, Wish, check_attribute, numbers

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_IMAGE = ("image", "image_id", "image_name", "filename", "file_name", "file", "path")
_LABEL = ("class", "label", "category", "name", "class_name")
_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
    ("minx", "miny", "maxx", "maxy"),
)
_SIZES = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"))
_LONGEST = 2**20


@dataclass(frozen=True, slots=True)
class Frame:
    """The image that detections must belong to: its path, None when not known, and its rows and columns."""

    path: str | None
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Image:
    name: str
    number: str
    shape: tuple[int, int] | None = None


def read_coco(text: str, path: str, wish: Wish, frame: Frame) -> Features:
    """Read the annotations of one image of a COCO file (https://cocodataset.org/#format-data).

    Raises
    ------
    UsageError
        It is not clear which image is meant, or there is no such image, category or attribute.
    SceneError
        The file is no COCO file.
    SaliencyError
        The image has another size than the scene, or polygons are asked for where there are none.
    """
    from shapely.errors import ShapelyError  # noqa: PLC0415

    try:
        with open(path, "rb") as file:
            document = json.load(file)
        annotations = document["annotations"]
        names = {entry["id"]: str(entry.get("name", "")) for entry in document.get("categories", ())}
        drawn = {annotation["image_id"] for annotation in annotations}
        images = [
            _Image(str(entry.get("file_name", "")), str(entry["id"]), (int(entry["height"]), int(entry["width"])))
            for entry in document["images"]
            if entry["id"] in drawn
        ]
        chosen = {image.number for image in _choose(text, images, wish.image, frame)}
        annotations = [entry for entry in annotations if str(entry["image_id"]) in chosen]
        labels = [names.get(entry.get("category_id"), "") for entry in annotations]
        annotations = _of_category(text, annotations, labels, wish.category)
        shapes = [_coco_shape(text, entry, wish.shape) for entry in annotations]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError, ShapelyError) as error:
        if isinstance(error, GeosalError):
            raise
        cause = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise SceneError(f"{path}: is neither GeoJSON nor COCO ({cause}); check what it is") from error
    return _features(text, shapes, annotations, wish)


def _coco_shape(text: str, entry: Mapping[str, Any], shape: str) -> Any:
    """Draw a box or a polygon of an annotation; None for an empty one."""
    import shapely  # noqa: PLC0415

    if shape == "boxes":
        x, y, width, height = (float(number) for number in entry["bbox"])
        return shapely.box(x, y, x + width, y + height) if width > 0 and height > 0 else None
    outlines = entry.get("segmentation")
    if not isinstance(outlines, list) or not outlines:
        raise SaliencyError(f"{text}: annotation {entry.get('id')} has no polygon; leave shape=polygons out")
    return shapely.union_all([shapely.make_valid(shapely.Polygon(np.reshape(line, (-1, 2)))) for line in outlines])


def read_csv(text: str, path: str, wish: Wish, frame: Frame) -> Features:
    """Read boxes from a table with a head line: corners, or corner and size, or a geometry; and maybe image and class.

    Raises
    ------
    UsageError
        It is not clear which image is meant, or there is no such image, category or attribute.
    SceneError
        The table has no such columns, or a line makes no sense.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head, lines = _table(path, file.read())
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise SceneError(f"{path}: is no table in UTF-8 ({' '.join(str(error).split())}); save it as CSV") from error
    from shapely.errors import ShapelyError  # noqa: PLC0415

    draw = _drawer(path, head)
    image_column = next((name for name in _IMAGE if name in head), None)
    if image_column is not None:
        images = [_Image(name, name) for name in dict.fromkeys(line[image_column] for line in lines)]
        chosen = {image.name for image in _choose(text, images, wish.image, frame)}
        lines = [line for line in lines if line[image_column] in chosen]
    label_column = next((name for name in _LABEL if name in head), "")
    lines = _of_category(text, lines, [line.get(label_column, "") for line in lines], wish.category)
    shapes = []
    for line in lines:
        try:
            shapes.append(draw(line))
        except (ValueError, TypeError, ShapelyError) as error:
            raise SceneError(f"{path}: line {line['']}: no box in it; mend or remove the line") from error
    return _features(text, shapes, lines, wish)


def _table(path: str, content: str) -> tuple[list[str], list[dict[str, str]]]:
    """Column names in lower case, and lines by column; each line's number is under ''."""
    csv.field_size_limit(_LONGEST)
    try:
        dialect: Any = csv.Sniffer().sniff(content[:4096].partition("\n")[0], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows: Iterator[list[str]] = csv.reader(content.splitlines(), dialect)
    head = [name.strip().lower() for name in next(rows, [])]
    lines = []
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        if len(row) != len(head):
            raise SceneError(f"{path}: line {number} has {len(row)} fields, the first has {len(head)}; mend the line")
        lines.append({**dict(zip(head, (field.strip() for field in row), strict=True)), "": str(number)})
        if len(lines) > MAX_FEATURES:
            raise ResourceError(f"{path}: has more than {MAX_FEATURES} lines; give those of this scene")
    return head, lines


def _drawer(path: str, head: list[str]) -> Any:
    """Make the function that turns a line into a geometry."""
    import shapely  # noqa: PLC0415

    def corners(line: Mapping[str, str], names: tuple[str, ...], *, size: bool) -> Any:
        x, y, right, bottom = (float(line[name]) for name in names)
        right, bottom = (x + right, y + bottom) if size else (right, bottom)
        if not np.isfinite([x, y, right, bottom]).all() or right < x or bottom < y:
            raise ValueError(names)
        return shapely.box(x, y, right, bottom)

    def outline(line: Mapping[str, str]) -> Any:
        if line["geometry"][:1].isalpha():
            return shapely.from_wkt(line["geometry"])
        return shapely.make_valid(shapely.Polygon(np.reshape(_NUMBER.findall(line["geometry"]), (-1, 2)).astype(float)))

    for names in _CORNERS:
        if set(names) <= set(head):
            return lambda line: corners(line, names, size=False)
    for names in _SIZES:
        if set(names) <= set(head):
            return lambda line: corners(line, names, size=True)
    if "geometry" in head:
        return outline
    raise SceneError(
        f"{path}: the first line names {', '.join(head[:12])}; a table of boxes has xmin,ymin,xmax,ymax or "
        "x,y,width,height or geometry, in pixels"
    )


def _choose(text: str, images: list[_Image], wanted: str | None, frame: Frame) -> list[_Image]:
    """Find the image that is the scene: as the user says, by name, else by being the only one or of its size."""
    if wanted == "all":
        found = images
    elif wanted is not None:
        found = [image for image in images if wanted in {image.name, image.number, _stem(image.name)}]
    else:
        found = [image for image in images if frame.path is not None and _stem(image.name) == _stem(frame.path)]
        found = found or (images if len(images) == 1 else [image for image in images if image.shape == frame.shape])
    if not found or (wanted is None and len(found) > 1):
        names = ", ".join(image.name for image in images[:6]) + (", ..." if len(images) > 6 else "")
        asked = "none of that name" if wanted is not None else "it is not clear which one the scene is"
        raise UsageError(f"{text}: it has boxes of {names}; {asked}, say image=NAME or image=all")
    for image in found:
        if image.shape is not None and image.shape != frame.shape:
            raise SaliencyError(
                f"{text}: its boxes are drawn on {image.name} of {image.shape[1]}x{image.shape[0]} pixels, the scene "
                f"has {frame.shape[1]}x{frame.shape[0]}; give the scene that they were drawn on"
            )
    return found


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _of_category(text: str, entries: list[Any], labels: list[str], wanted: str | None) -> list[Any]:
    if wanted is None:
        return entries
    if wanted not in labels:
        raise UsageError(f"{text}: category={wanted}; there are {', '.join(sorted(set(labels))[:12]) or 'none'}")
    return [entry for entry, label in zip(entries, labels, strict=True) if label == wanted]


def _features(text: str, shapes: list[Any], entries: list[Any], wish: Wish) -> Features:
    import shapely  # noqa: PLC0415

    geometries = np.array(shapes, dtype=object)
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    values = None
    if wish.attribute is not None:
        # The names of a table's columns were put into lower case.
        keys = {key.lower(): key for entry in entries for key in entry if key}
        check_attribute(text, wish.attribute.lower(), sorted(keys))
        column = np.array([entry.get(keys[wish.attribute.lower()]) for entry in entries], dtype=object)
        values = numbers(text, wish.attribute, column)[there]
    return Features(geometries[there], values, pixels=True)
