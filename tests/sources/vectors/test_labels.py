"""Labels of one image, as annotation tools write them."""

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import shapely

from geosal.core.grid import Grid
from geosal.errors import ResourceError, SaliencyError, SceneError, UsageError
from geosal.sources import open_saliency
from geosal.sources.vectors import vector
from geosal.sources.vectors.detections import ImageFrame
from geosal.sources.vectors.labels import read_labelme, read_voc, read_yolo
from geosal.sources.vectors.reading import FeatureQuery, kind_of

FRAME = ImageFrame("/data/a.tif", (50, 80))
VOC = """<annotation><folder>x</folder><filename>a.png</filename>
<size><width>80</width><height>50</height><depth>3</depth></size>
<object><name>ship</name><difficult>1</difficult>
<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>20</xmax><ymax>15</ymax></bndbox></object>
<object><name>car</name><difficult>0</difficult>
<bndbox><xmin>40</xmin><ymin>40</ymin><xmax>40</xmax><ymax>40</ymax></bndbox></object></annotation>"""
LABELME = {
    "version": "5.2.1",
    "flags": {},
    "shapes": [
        {"label": "ship", "points": [[20, 15], [10, 5]], "shape_type": "rectangle", "group_id": None},
        {"label": "field", "points": [[30, 10], [50, 10], [50, 30]], "shape_type": "polygon", "group_id": 3},
        {"label": "tank", "points": [[60, 25], [60, 30]], "shape_type": "circle"},
    ],
    "imagePath": "..\\img\\a.png",
    "imageData": None,
    "imageHeight": 50,
    "imageWidth": 80,
}


def put(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


def bounds(features) -> list[list[float]]:
    return shapely.bounds(features.geometries).tolist()


def test_yolo_boxes_and_polygons(tmp_path: Path) -> None:
    lines = "0 0.1875 0.2 0.125 0.2\n\n2 0.5 0.5 0.1 0.1 0.75\n1 0.25 0.2 0.5 0.2 0.5 0.6\n"
    path = put(tmp_path, "a.txt", lines)
    assert kind_of(path) == "YOLO"
    features = read_yolo(path, path, FeatureQuery(), FRAME)
    assert features.pixels
    np.testing.assert_allclose(bounds(features), [[10, 5, 20, 15], [36, 22.5, 44, 27.5], [20, 10, 40, 30]])
    assert features.geometries[2].area == pytest.approx(200)
    assert len(read_yolo(path, path, FeatureQuery(category="1"), FRAME).geometries) == 1
    scored = read_yolo(path, path, FeatureQuery(category="2", attribute="confidence"), FRAME)
    assert scored.values.tolist() == [0.75]


def test_yolo_classes_have_names(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n")
    put(tmp_path, "classes.txt", "plane\nship\n")
    for category in ("ship", "1"):
        found = read_yolo(path, path, FeatureQuery(category=category), FRAME)
        np.testing.assert_allclose(bounds(found), [[12, 7.5, 20, 12.5]])
    with pytest.raises(UsageError, match="there are plane, ship"):
        read_yolo(path, path, FeatureQuery(category="train"), FRAME)


@pytest.mark.parametrize(
    "line",
    [
        "1.5 0.5 0.5 0.1 0.1",
        "-1 0.5 0.5 0.1 0.1",
        "0 100 120 30 40",
        "0 0.5 0.5 -0.1 0.1",
        "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7",
        "0 a b c d",
        "0 0.5 0.5 nan 0.1",
    ],
)
def test_what_is_no_line_of_yolos_is_refused(tmp_path: Path, line: str) -> None:
    path = put(tmp_path, "a.txt", f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(SceneError, match="line 2 is no label of YOLO's"):
        read_yolo(path, path, FeatureQuery(), FRAME)


def test_the_number_of_a_yolo_class_is_a_number(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n2 0.8 0.8 0.1 0.1\n")
    put(tmp_path, "classes.txt", "ship\nship\n0\n")
    for category, count in (("0", 1), ("00", 1), ("ship", 2), ("2", 1)):
        assert len(read_yolo(path, path, FeatureQuery(category=category), FRAME).geometries) == count
    for category in ("9" * 5000, "1.5", "7", "\u0661"):
        with pytest.raises(UsageError, match="there are 0"):
            read_yolo(path, path, FeatureQuery(category=category), FRAME)
    put(tmp_path, "classes.txt", "ship\n" * 2**18)
    assert len(read_yolo(path, path, FeatureQuery(category="1"), FRAME).geometries) == 1
    with pytest.raises(ResourceError, match="for names of classes"):
        read_yolo(path, path, FeatureQuery(category="ship"), FRAME)


def test_other_names_of_classes_make_another_source(tmp_path: Path, monkeypatch) -> None:
    from affine import Affine

    grid = Grid(None, Affine.identity(), width=80, height=50)
    path = put(tmp_path, "a.txt", "0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n")
    maps, sources = [], []
    for names in ("plane\nship\n", "ship\nplane\n"):
        put(tmp_path, "classes.txt", names)
        sources.append(open_saliency([f"{path}:category=ship"], grid))
        maps.append(sources[-1].read(grid.whole()))
    np.testing.assert_array_equal(np.argwhere(maps[0])[0], [7, 12])
    np.testing.assert_array_equal(np.argwhere(maps[1])[0], [22, 36])
    parts = [pickle.loads(pickle.dumps(source)) for source in sources]
    monkeypatch.setattr(vector, "_kept", OrderedDict())
    np.testing.assert_array_equal(parts[1].read(grid.whole()), maps[1])
    with pytest.raises(SaliencyError, match="has changed since it was opened"):
        parts[0].read(grid.whole())


def test_voc_boxes_hold_the_pixels_that_they_name(tmp_path: Path) -> None:
    path = put(tmp_path, "a.xml", f'<?xml version="1.0"?>\n{VOC}')
    assert kind_of(path) == "VOC"
    features = read_voc(path, path, FeatureQuery(attribute="difficult"), FRAME)
    assert bounds(features) == [[10, 5, 20, 15], [39, 39, 40, 40]]
    assert features.values.tolist() == [1, 0]
    assert bounds(read_voc(path, path, FeatureQuery(category="car"), FRAME)) == [[39, 39, 40, 40]]
    with pytest.raises(SaliencyError, match="80x50 pixels, the scene has 90x50"):
        read_voc(path, path, FeatureQuery(), ImageFrame("/data/a.tif", (50, 90)))
    with pytest.raises(UsageError, match="none of that name"):
        read_voc(path, path, FeatureQuery(image="b"), FRAME)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (VOC.replace("<xmax>20</xmax>", "<xmax>2</xmax>"), "a box from 11"),
        (VOC.replace("<ymin>6</ymin>", ""), "is not an annotation"),
        (VOC[:-20], "is not an annotation"),
        (f'<!DOCTYPE annotation [<!ENTITY x "y">]>{VOC}', "document type"),
    ],
)
def test_damaged_annotations_are_refused(tmp_path: Path, text: str, cause: str) -> None:
    path = put(tmp_path, "a.xml", text)
    with pytest.raises(SceneError, match=cause):
        read_voc(path, path, FeatureQuery(), FRAME)


def test_labelme_shapes_are_taken_as_drawn(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps(LABELME))
    assert kind_of(path) == "labelme"
    features = read_labelme(path, path, FeatureQuery(), FRAME)
    np.testing.assert_allclose(bounds(features), [[10, 5, 20, 15], [30, 10, 50, 30], [55, 20, 65, 30]])
    assert features.geometries[1].area == pytest.approx(200)
    assert features.geometries[2].area == pytest.approx(np.pi * 25, rel=0.02)
    assert len(read_labelme(path, path, FeatureQuery(category="field"), FRAME).geometries) == 1
    odd = put(tmp_path, "b.json", json.dumps({**LABELME, "shapes": [{"points": [[1, 1]], "shape_type": "mask"}]}))
    with pytest.raises(SceneError, match="'mask'; outline it as a polygon"):
        read_labelme(odd, odd, FeatureQuery(), FRAME)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.txt", "0 0.1875 0.2 0.125 0.2"), ("a.xml", VOC), ("a.json", json.dumps(LABELME))],
)
def test_they_are_sources_of_saliency(tmp_path: Path, name: str, text: str) -> None:
    from affine import Affine

    grid = Grid(None, Affine.identity(), width=80, height=50)
    path = put(tmp_path, name, text)
    source = path if name == "a.txt" else f"{path}:category=ship"
    saliency = open_saliency([source], grid).read(grid.whole())
    expected = np.zeros((50, 80), np.float32)
    expected[5:15, 10:20] = 1
    np.testing.assert_array_equal(saliency, expected)


@pytest.mark.parametrize("text", ["ncols 2\nnrows 2\nxllcorner 0\n", "0.5 0.5 7\n1.5 0.5 7\n"])
def test_a_grid_of_text_is_a_raster(tmp_path: Path, text: str) -> None:
    from geosal.sources.registry import entry_for
    from geosal.sources.text import SourceText

    assert entry_for(SourceText.parse(put(tmp_path, "a.txt", text))).endswith("RasterSource")
