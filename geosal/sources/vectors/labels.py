"""Labels of one image, as annotation tools write them: YOLO's text, Pascal VOC's XML, labelme's JSON.

Each file is of one image. Shapes are taken as they were drawn: boxes as boxes, polygons as polygons.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from geosal.errors import GeosalError, ResourceError, SceneError, UsageError
from geosal.sizes import as_number
from geosal.sources.files import CLASSES
from geosal.sources.vectors.detections import MALFORMED, Image, ImageFrame, choose, features_of, of_category, shape_of
from geosal.sources.vectors.reading import MAX_FEATURES, FeatureQuery, Features

_BOX, _SCORED, _TRIANGLE = 5, 6, 7
"""Numbers in a line of YOLO's: class and box; these and a confidence; class and the least polygon."""
_NUMBER = re.compile(r"[0-9]{1,9}")
"""Number of a class."""
_MAX_CLASSES = 2**20
"""Limit of the names of classes, in bytes."""


def read_yolo(text: str, path: str, query: FeatureQuery, frame: ImageFrame) -> Features:
    """Read lines of ``class x y width height [confidence]``, or of ``class x1 y1 x2 y2 x3 y3 ...``.

    Coordinates are shares of the image's columns and rows, x and y those of a box's middle
    (https://docs.ultralytics.com/datasets/detect). The attribute is called ``confidence``; a category is a class by its
    number, or by its name in a ``classes.txt`` beside the file.

    Raises
    ------
    UsageError
        There is no such category or attribute, or an image is named.
    SceneError
        A line makes no sense.
    ResourceError
        There are too many lines, or names of classes.
    """
    if query.image is not None:
        raise UsageError(f"{text}: image={query.image}; a YOLO file is of one image, leave it out")
    size = np.array([frame.shape[1], frame.shape[0]], np.float64)
    shapes: list[Any] = []
    entries: list[dict[str, float]] = []
    classes: list[int] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.split():
            continue
        if len(shapes) >= MAX_FEATURES:
            raise ResourceError(f"{path}: has more than {MAX_FEATURES} lines; give those of this scene")
        try:
            values = [float(word) for word in line.split()]
            shapes.append(_yolo_shape(values[1:], size))
            classes.append(_class_number(values[0]))
        except (ValueError, OverflowError, ShapelyError) as error:
            raise SceneError(
                f"{path}: line {number} is no label of YOLO's (class x y width height, as shares of the image from 0 "
                "to 1); mend or remove the line"
            ) from error
        entries.append({"confidence": values[5]} if len(values) == _SCORED else {})
    wanted = query.category
    labels = [str(one) for one in classes]
    if wanted is not None and _NUMBER.fullmatch(wanted):
        wanted = str(int(wanted))
    elif wanted is not None:
        names = _class_names(path)
        labels = [names.get(one) or str(one) for one in classes]
    return _features(text, query, (shapes, entries, labels), wanted)


def _class_number(value: float) -> int:
    if not (0 <= value < 10**9 and value.is_integer()):
        raise ValueError(value)
    return int(value)


def _yolo_shape(values: Sequence[float], size: np.ndarray[Any, Any]) -> Any:
    """Draw a box or a polygon given in shares of the image."""
    if not all(-1 <= value <= 2 for value in values):  # tools let boxes reach over the edge, but not by an image
        raise ValueError(values)
    if len(values) + 1 in {_BOX, _SCORED}:
        middle, half = np.array(values[:2]) * size, np.array(values[2:4]) * size / 2
        if (half < 0).any():
            raise ValueError(values)
        return shapely.box(*(middle - half), *(middle + half))
    if len(values) + 1 < _TRIANGLE or len(values) % 2:
        raise ValueError(values)
    return shapely.make_valid(shapely.Polygon(np.reshape(values, (-1, 2)) * size))


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path}: is no text in UTF-8 ({error}); copy it again") from error


def _class_names(path: str) -> dict[int, str]:
    beside = os.path.join(os.path.dirname(path), CLASSES)
    if not os.path.isfile(beside) or os.path.basename(path) == CLASSES:
        return {}
    if os.path.getsize(beside) > _MAX_CLASSES:
        raise ResourceError(
            f"{beside}: has {os.path.getsize(beside)} bytes, more than {_MAX_CLASSES} for names of classes; give "
            "category= a number"
        )
    return dict(enumerate(line.strip() for line in _lines(beside)))


def read_voc(text: str, path: str, query: FeatureQuery, frame: ImageFrame) -> Features:
    """Read the objects of an annotation of Pascal VOC's (development kit, section 3).

    The pixel at the upper left is 1, 1 there, and a box holds the pixels that it names. Attributes are what an object
    tells besides: ``difficult``, ``truncated`` and the like.

    Raises
    ------
    UsageError
        There is no such image, category or attribute.
    SceneError
        The file is damaged, or has what no annotation needs.
    SaliencyError
        The image has another size than the scene.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import parse

    try:
        root = parse(path, forbid_dtd=True).getroot()
        size = {name: root.findtext(f"size/{name}") for name in ("height", "width")}
        objects = root.findall("object")
        _check_image(text, query, frame, root.findtext("filename") or "", size, drawn=bool(objects))
        shapes = [_voc_shape(one) for one in objects]
        labels = [(one.findtext("name") or "").strip() for one in objects]
        entries = [{str(part.tag): part.text for part in one if not len(part)} for one in objects]
    except DefusedXmlException as error:
        raise SceneError(f"{path}: has a document type or entities, which no annotation needs; remove them") from error
    except (*MALFORMED, SyntaxError, ShapelyError) as error:  # ElementTree's ParseError is a SyntaxError
        raise _malformed(path, "an annotation of Pascal VOC's", error) from error
    return _features(text, query, (shapes, entries, labels), query.category)


def _voc_shape(entry: Any) -> Any:
    left, top, right, bottom = (float(entry.find("bndbox").findtext(name)) for name in ("xmin", "ymin", "xmax", "ymax"))
    if right < left or bottom < top:
        raise ValueError(f"a box from {as_number(left)}, {as_number(top)} to {as_number(right)}, {as_number(bottom)}")
    return shapely.box(left - 1, top - 1, right, bottom)


def read_labelme(text: str, path: str, query: FeatureQuery, frame: ImageFrame) -> Features:
    """Read the shapes that were drawn with labelme: rectangles, polygons, circles, lines and points.

    Raises
    ------
    UsageError
        There is no such image, category or attribute.
    SceneError
        The file is damaged, or has a shape of another kind.
    SaliencyError
        The image has another size than the scene.
    """
    try:
        with open(path, "rb") as file:
            document = json.load(file)
        entries = document["shapes"]
        size = {name: document.get(f"image{name.capitalize()}") for name in ("height", "width")}
        name = str(document.get("imagePath") or "").replace("\\", "/")
        _check_image(text, query, frame, name, size, drawn=bool(entries))
        shapes = [_labelme_shape(entry) for entry in entries]
        labels = [str(entry.get("label", "")) for entry in entries]
    except (*MALFORMED, ShapelyError) as error:
        raise _malformed(path, "a file of labelme's", error) from error
    return _features(text, query, (shapes, entries, labels), query.category)


def _labelme_shape(entry: Mapping[str, Any]) -> Any:
    points = np.reshape(np.array(entry["points"], np.float64), (-1, 2))
    kind = entry.get("shape_type") or "polygon"
    if kind == "rectangle":
        return shapely.box(*points.min(axis=0), *points.max(axis=0))
    if kind == "circle":
        middle, edge = points
        return shapely.buffer(shapely.Point(middle), float(np.hypot(*(edge - middle))))
    if kind == "polygon":
        return shapely.make_valid(shapely.Polygon(points))
    if kind in {"line", "linestrip"}:
        return shapely.LineString(points)
    if kind == "point":
        return shapely.Point(points[0])
    raise ValueError(f"a shape of the kind {kind!r}; outline it as a polygon")


def _check_image(
    text: str, query: FeatureQuery, frame: ImageFrame, name: str, size: Mapping[str, Any], *, drawn: bool
) -> None:
    """Check that the image is the scene: by the name that the user gives, and by its size where that is told."""
    choose(text, [Image(os.path.basename(name), "1", shape_of(size), drawn=drawn)], query.image, frame)


def _features(
    text: str, query: FeatureQuery, read: tuple[list[Any], list[Any], list[str]], category: str | None
) -> Features:
    """Those of a category."""
    shapes, entries, labels = read
    both = of_category(text, list(zip(shapes, entries, strict=True)), labels, category)
    return features_of(text, [shape for shape, _ in both], [entry for _, entry in both], query)


def _malformed(path: str, what: str, error: Exception) -> GeosalError:
    if isinstance(error, GeosalError):
        return error
    cause = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
    return SceneError(f"{path}: is not {what} ({cause}); write it anew, or give the boxes as COCO or CSV")
