"""Read detections drawn on an image: COCO annotations and tables of boxes, in columns and rows of its pixels."""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO, Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from geosal.errors import GeosalError, ResourceError, SaliencyError, SceneError, UsageError
from geosal.files.atomic import open_plain
from geosal.sizes import as_number
from geosal.sources.vectors.reading import MAX_FEATURES, FeatureQuery, Features, check_attribute, numbers
from geosal.sources.vectors.wkb import check_wkt

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
"""Limit of a line, in characters."""
_LARGEST = 2**31
"""Limit of rows and columns of an image."""
MALFORMED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError, OSError)
"""Errors that JSON of an unexpected structure leads to."""


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """The image that detections must belong to: its path, None when not known, and its rows and columns."""

    path: str | None
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Image:
    """An image that a file of detections names.

    Attributes
    ----------
    name, number
        Name of its file, and its id.
    shape
        Rows and columns; None where they are not told.
    drawn
        Whether it has boxes.
    """

    name: str
    number: str
    shape: tuple[int, int] | None = None
    drawn: bool = True

    @property
    def label(self) -> str:
        """Return its name in messages."""
        return self.name or f"image {self.number}"


def read_coco(text: str, path: str, query: FeatureQuery, frame: ImageFrame) -> Features:
    """Read the annotations of one image of a COCO file (https://cocodataset.org/#format-data), or a list of results.

    Raises
    ------
    UsageError
        It is not clear which image is meant, or there is no such image, category or attribute.
    SceneError
        The file is no COCO file.
    SaliencyError
        The image has another size than the scene, or polygons are asked for where there are none.
    """
    try:
        with open(path, "rb") as file:
            document = json.load(file)
        if isinstance(document, list):
            document = _of_results(document)
        annotations = document["annotations"]
        if len(annotations) > MAX_FEATURES:
            raise ResourceError(f"{path}: has more than {MAX_FEATURES} annotations; give those of this scene")
        names = {entry["id"]: str(entry.get("name", "")) for entry in document.get("categories", ())}
        drawn = {annotation["image_id"] for annotation in annotations}
        images = [
            Image(str(entry.get("file_name", "")), str(entry["id"]), shape_of(entry), drawn=entry["id"] in drawn)
            for entry in document["images"]
        ]
        chosen = {image.number for image in choose(text, images, query.image, frame)}
        annotations = [entry for entry in annotations if str(entry["image_id"]) in chosen]
        labels = [names.get(entry.get("category_id"), str(entry.get("category_id", ""))) for entry in annotations]
        annotations = of_category(text, annotations, labels, query.category)
        shapes = [_coco_shape(text, entry, query.shape) for entry in annotations]
    except (*MALFORMED, ShapelyError) as error:
        if isinstance(error, GeosalError):
            raise
        cause = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise SceneError(f"{path}: is neither GeoJSON nor COCO ({cause}); check what it is") from error
    return features_of(text, shapes, annotations, query)


def _of_results(results: list[Any]) -> dict[str, Any]:
    """Make a document from a detector's results (https://cocodataset.org/#format-results): boxes and ids of images."""
    ids = dict.fromkeys(entry["image_id"] for entry in results)
    return {"annotations": results, "images": [{"id": one, "file_name": str(one)} for one in ids]}


def shape_of(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return rows and columns of an image; None where unknown."""
    if entry.get("height") is None or entry.get("width") is None:
        return None
    height, width = float(entry["height"]), float(entry["width"])
    if not (0 < height < _LARGEST and 0 < width < _LARGEST):
        raise ValueError(f"an image of {as_number(width)}x{as_number(height)} pixels")
    return int(height), int(width)


def box_of(entry: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of an annotation's box, whose bbox is left, top, width and height.

    Raises
    ------
    TypeError, ValueError, KeyError
        There is none, or it is no list of four numbers.
    """
    if isinstance(entry["bbox"], str):  # of which each letter would be a number
        raise TypeError("a bbox that is a text")
    left, top, width, height = (float(number) for number in entry["bbox"])
    return left, top, left + width, top + height


def _coco_shape(text: str, entry: Mapping[str, Any], shape: str) -> Any:
    """Draw a box or a polygon of an annotation; None for an empty one."""
    if shape == "boxes":
        if not entry.get("bbox"):
            raise SaliencyError(
                f"{text}: annotation {entry.get('id')} has no bbox; add shape=polygons, if it has those"
            )
        left, top, right, bottom = box_of(entry)
        return shapely.box(left, top, right, bottom) if right > left and bottom > top else None
    outlines = entry.get("segmentation")
    if not isinstance(outlines, list) or not outlines:
        raise SaliencyError(f"{text}: annotation {entry.get('id')} has no polygon; leave shape=polygons out")
    return shapely.union_all([shapely.make_valid(shapely.Polygon(np.reshape(line, (-1, 2)))) for line in outlines])


def read_csv(text: str, path: str, query: FeatureQuery, frame: ImageFrame) -> Features:
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
            return _read_table(text, path, file, query, frame)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        if isinstance(error, GeosalError):
            raise
        raise SceneError(f"{path}: is no table in UTF-8 ({' '.join(str(error).split())}); save it as CSV") from error


def _read_table(text: str, path: str, file: IO[str], query: FeatureQuery, frame: ImageFrame) -> Features:
    """Read a table twice, line by line: first its images, then the boxes of the chosen one."""
    head = next(_rows(path, file))[1]
    draw = _drawer(path, head)
    image_column = next((name for name in _IMAGE if name in head), None)
    label_column = next((name for name in _LABEL if name in head), None)
    chosen = None
    if image_column is not None:
        images = dict.fromkeys(line[image_column] for _, line in _lines(path, file))
        chosen = {image.name for image in choose(text, [Image(name, name) for name in images], query.image, frame)}
    attribute = None if query.attribute is None else query.attribute.lower()
    check_attribute(text, attribute, sorted(name for name in head if name))
    shapes, entries, labels = [], [], []
    for number, line in _lines(path, file):
        if image_column is not None and chosen is not None and line[image_column] not in chosen:
            continue
        label = "" if label_column is None else line[label_column]
        labels.append(label)
        if query.category is not None and label != query.category:
            continue
        shapes.append(_drawn(path, number, line, draw))
        entries.append({} if attribute is None else {attribute: line[attribute]})
    of_category(text, labels, labels, query.category)
    return features_of(text, shapes, entries, query)


def each_box(path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield the image, the label and the shape of each line of a table of boxes of many images; "" for what it lacks.

    Raises
    ------
    SceneError
        As `read_csv`.
    ResourceError
        It has too many lines.
    """
    try:
        with TextIOWrapper(open_plain(path), encoding="utf-8-sig", newline="") as file:
            head = next(_rows(path, file))[1]
            draw = _drawer(path, head)
            image, label = (next((name for name in names if name in head), None) for names in (_IMAGE, _LABEL))
            for number, line in _lines(path, file):
                shape = _drawn(path, number, line, draw)
                yield "" if image is None else line[image], "" if label is None else line[label], shape
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        if isinstance(error, GeosalError):
            raise
        raise SceneError(f"{path}: is no table in UTF-8 ({' '.join(str(error).split())}); save it as CSV") from error


def _drawn(path: str, number: int, line: Mapping[str, str], draw: Any) -> Any:
    """Draw the shape of a line of a table."""
    try:
        return draw(line)
    except (ValueError, TypeError, ShapelyError) as error:
        commas = any(re.fullmatch(r"[-+]?\d+,\d+", value.strip()) for value in line.values() if value)
        mend = "write its numbers with points in place of commas" if commas else "mend or remove the line"
        raise SceneError(f"{path}: line {number}: no box in it; {mend}") from error


def _rows(path: str, file: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield lines of a table and their numbers; the first, in lower case, names the columns."""

    def lines() -> Iterator[str]:
        file.seek(0)
        while line := file.readline(_LONGEST):
            if len(line) == _LONGEST:
                raise SceneError(f"{path}: has a line of more than {_LONGEST} characters; is it a table?")
            yield line

    first = next(lines(), "")
    try:
        dialect: Any = csv.Sniffer().sniff(first[:4096].rstrip("\r\n"), delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = csv.reader(lines(), dialect)
    yield 1, [name.strip().lower() for name in next(rows, [])]
    for row in rows:
        yield rows.line_num, [field.strip() for field in row]


def _lines(path: str, file: IO[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield lines of a table by column, and their numbers."""
    rows = _rows(path, file)
    _, head = next(rows)
    count = 0
    for number, row in rows:
        if not any(row):
            continue
        count += 1
        if len(row) != len(head):
            raise SceneError(f"{path}: line {number} has {len(row)} fields, the first has {len(head)}; mend the line")
        if count > MAX_FEATURES:
            raise ResourceError(f"{path}: has more than {MAX_FEATURES} lines; give those of this scene")
        yield number, dict(zip(head, row, strict=True))


def _drawer(path: str, head: list[str]) -> Any:
    """Make the function that turns a line into a geometry."""

    def corners(line: Mapping[str, str], names: tuple[str, ...], *, size: bool) -> Any:
        x, y, right, bottom = (float(line[name]) for name in names)
        right, bottom = (x + right, y + bottom) if size else (right, bottom)
        if not np.isfinite([x, y, right, bottom]).all() or right < x or bottom < y:
            raise ValueError(names)
        return shapely.box(x, y, right, bottom)

    def outline(line: Mapping[str, str]) -> Any:
        if line["geometry"][:1].isalpha():
            return shapely.from_wkt(check_wkt(line["geometry"]))
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


def choose(text: str, images: list[Image], wanted: str | None, frame: ImageFrame) -> list[Image]:
    """Find the image that is the scene: the user's, the one of its name, or the only one, or the only one of its size.

    All images count, also those without a box: the boxes of another image are not the scene's.

    Raises
    ------
    UsageError
        It is not clear which one is meant, or there is none of that name.
    SaliencyError
        It has another size than the scene.
    """
    drawn = [image for image in images if image.drawn]
    if wanted == "all":
        found = drawn
    elif wanted is not None:
        exact = [image for image in images if image.name == wanted]
        numbered = [image for image in images if image.number == wanted]
        found = exact or numbered or [image for image in images if _stem(image.name) == wanted]
    else:
        found = [image for image in images if frame.path is not None and _stem(image.name) == _stem(frame.path)]
        found = found or (drawn if len(drawn) == 1 else [image for image in drawn if image.shape == frame.shape])
    if not found or (wanted != "all" and len(found) > 1):
        if not drawn:
            none = f"none of its {len(images)} images has a box" if images else "it names no image"
            raise UsageError(f"{text}: {none}; name in it the image that the boxes are drawn on")
        names = ", ".join(image.label for image in drawn[:6]) + (", ..." if len(drawn) > 6 else "")
        asked = "it is not clear which one the scene is"
        if wanted is not None:
            asked = f"{len(found)} are called {wanted}" if found else "none of that name"
        raise UsageError(f"{text}: it has boxes of {names}; {asked}, say image=NAME or image=all")
    for image in found:
        if image.shape is not None and image.shape != frame.shape:
            raise SaliencyError(
                f"{text}: its boxes are drawn on {image.label} of {image.shape[1]}x{image.shape[0]} pixels, the scene "
                f"has {frame.shape[1]}x{frame.shape[0]}; give the scene that they were drawn on"
            )
    return found


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def of_category(text: str, entries: list[Any], labels: list[str], wanted: str | None) -> list[Any]:
    """Take the entries whose label is the one that is wanted; all where none is.

    Raises
    ------
    UsageError
        None has it.
    """
    if wanted is None:
        return entries
    if wanted not in labels:
        raise UsageError(f"{text}: category={wanted}; there are {', '.join(sorted(set(labels))[:12]) or 'none'}")
    return [entry for entry, label in zip(entries, labels, strict=True) if label == wanted]


def features_of(text: str, shapes: list[Any], entries: list[Any], query: FeatureQuery) -> Features:
    """Features in pixels of shapes, None for empty ones, and of their entries, which hold the attribute.

    Raises
    ------
    UsageError
        There is no such attribute, or it is no number.
    """
    geometries = np.array(shapes, dtype=object)
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    values = None
    if query.attribute is not None and entries:
        keys = {key.lower(): key for entry in entries for key in entry if key}
        check_attribute(text, query.attribute.lower(), sorted(keys))
        column = np.array([entry.get(keys[query.attribute.lower()]) for entry in entries], dtype=object)
        values = numbers(text, query.attribute, column)[there]
    return Features(geometries[there], values, pixels=True)
