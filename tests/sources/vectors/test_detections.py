import csv
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import shapely

from geosal.errors import ResourceError, SaliencyError, SceneError, UsageError
from geosal.sources.vectors import detections
from geosal.sources.vectors.detections import ImageFrame, read_coco, read_csv
from geosal.sources.vectors.reading import FeatureQuery

FRAME = ImageFrame("/data/a.tif", (50, 80))


def coco(tmp_path, **changes) -> str:
    document = {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 80, "height": 50},
            {"id": 2, "file_name": "b.png", "width": 80, "height": 50},
            {"id": 3, "file_name": "c.png", "width": 9, "height": 9},
        ],
        "categories": [{"id": 1, "name": "ship"}, {"id": 2, "name": "car"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "bbox": [1, 2, 10, 20],
                "score": 0.5,
                "segmentation": [[1, 2, 11, 2, 11, 22], [30, 30, 40, 30, 40, 40, 30, 40]],
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 2,
                "bbox": [5, 5, 0, 3],
                "score": 0.75,
                "segmentation": [[5, 5, 6, 6, 5, 6]],
            },
            {
                "id": 3,
                "image_id": 2,
                "category_id": 2,
                "bbox": [7, 7, 1.5, 1.5],
                "segmentation": {"counts": [1], "size": [50, 80]},
            },
        ],
        **changes,
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    return str(path)


def table(tmp_path, text: str) -> str:
    path = tmp_path / "a.csv"
    path.write_text(text)
    return str(path)


def bounds(features) -> list:
    return shapely.bounds(features.geometries).tolist()


def test_boxes_of_the_image_that_is_named_as_the_scene(tmp_path):
    found = read_coco("t", coco(tmp_path), FeatureQuery(attribute="score"), FRAME)
    assert found.pixels
    assert bounds(found) == [[1, 2, 11, 22]]
    np.testing.assert_array_equal(found.values, [0.5])


def test_an_image_and_a_category_may_be_chosen(tmp_path):
    path = coco(tmp_path)
    assert bounds(read_coco("t", path, FeatureQuery(image="b.png"), FRAME)) == [[7, 7, 8.5, 8.5]]
    assert bounds(read_coco("t", path, FeatureQuery(image="2"), FRAME)) == [[7, 7, 8.5, 8.5]]
    assert len(bounds(read_coco("t", path, FeatureQuery(image="all"), FRAME))) == 2
    assert len(bounds(read_coco("t", path, FeatureQuery(image="all", category="car"), FRAME))) == 1
    polygons = read_coco("t", path, FeatureQuery(shape="polygons", category="ship"), FRAME)
    assert polygons.geometries[0].area == 100 + 100


def test_images_without_a_name_or_a_box(tmp_path):
    path = Path(coco(tmp_path))
    document = json.loads(path.read_text())
    for image in document["images"]:
        del image["file_name"]
    path.write_text(json.dumps(document))
    number = document["annotations"][0]["image_id"]
    with pytest.raises(SaliencyError, match=f"drawn on image {number} of 80x50 pixels"):
        read_coco("t", str(path), FeatureQuery(image=str(number)), ImageFrame("a.tif", (50, 81)))
    path.write_text(json.dumps(document | {"annotations": []}))
    with pytest.raises(UsageError, match=f"none of its {len(document['images'])} images has a box"):
        read_coco("t", str(path), FeatureQuery(), ImageFrame(None, (50, 80)))
    path.write_text(json.dumps(document | {"images": []}))
    with pytest.raises(UsageError, match="it names no image; name in it"):
        read_coco("t", str(path), FeatureQuery(), ImageFrame(None, (50, 80)))


def test_which_image_is_meant_must_be_clear(tmp_path):
    path = coco(tmp_path)
    for frame, wish, message in [
        (
            ImageFrame("/data/z.tif", (50, 80)),
            FeatureQuery(),
            "boxes of a.png, b.png; it is not clear which one the scene is",
        ),
        (ImageFrame(None, (50, 80)), FeatureQuery(), "not clear which"),
        (FRAME, FeatureQuery(image="z"), "none of that name"),
        (ImageFrame("/data/c.tif", (9, 9)), FeatureQuery(category="x"), "category=x; there are none"),
        (FRAME, FeatureQuery(category="plane"), "category=plane; there are car, ship"),
        (FRAME, FeatureQuery(attribute="size"), "no attribute size; the file has bbox"),
    ]:
        with pytest.raises(UsageError, match=message):
            read_coco("t", path, wish, frame)
    with pytest.raises(SaliencyError, match="drawn on a.png of 80x50 pixels, the scene has 81x50"):
        read_coco("t", path, FeatureQuery(), ImageFrame("a.tif", (50, 81)))
    with pytest.raises(SaliencyError, match="annotation 3 has no polygon"):
        read_coco("t", path, FeatureQuery(image="b", shape="polygons"), FRAME)


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": 3},
        {"images": None},
        {"annotations": [{"image_id": 1, "bbox": ["x"]}]},
        {"annotations": [[]]},
        {"annotations": [{"image_id": 1, "bbox": "1234"}]},
    ],
)
def test_what_is_no_coco_is_one_line(tmp_path, changes):
    with pytest.raises(SceneError, match="neither GeoJSON nor COCO"):
        read_coco("t", coco(tmp_path, **changes), FeatureQuery(image="1"), FRAME)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"height": 50', '"height": 1e999'),
        ('"height": 50', '"height": 1' + "0" * 400),
        ("[1, 2, 10", "[1" + "0" * 400 + ", 2, 10"),
    ],
)
def test_numbers_without_end_are_one_line(tmp_path, old, new):
    path = coco(tmp_path)
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text().replace(old, new))
    with pytest.raises(SceneError, match="neither GeoJSON nor COCO") as caught:
        read_coco("t", path, FeatureQuery(), FRAME)
    assert len(str(caught.value)) < 400


def test_an_attribute_without_end_is_no_number(tmp_path):
    path = coco(tmp_path)
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text().replace("0.5", "1" + "0" * 400))
    with pytest.raises(UsageError, match="attribute score is no number"):
        read_coco("t", path, FeatureQuery(attribute="score"), FRAME)


def test_another_images_boxes_are_not_taken(tmp_path):
    """The scene's image has no ship, the other one has."""
    path = coco(tmp_path, annotations=[{"id": 1, "image_id": 2, "bbox": [1, 2, 10, 20]}])
    assert bounds(read_coco("t", path, FeatureQuery(), FRAME)) == []
    assert bounds(read_coco("t", path, FeatureQuery(attribute="score"), FRAME)) == []
    assert bounds(read_coco("t", path, FeatureQuery(), ImageFrame("b.tif", (50, 80)))) == [[1, 2, 11, 22]]
    other = read_coco("t", path, FeatureQuery(), ImageFrame("z.tif", (50, 80)))
    assert bounds(other) == [[1, 2, 11, 22]], "no image bears the scene's name, and one has boxes"


def test_a_name_comes_before_a_number_and_a_number_before_a_stem(tmp_path):
    names = [(7, "1"), (1, "2.png"), (2, "7.png"), (3, "in/3.png"), (4, "3.tif"), (5, "5"), (6, "5")]
    images = [{"id": number, "file_name": name, "width": 80, "height": 50} for number, name in names]
    boxes = [{"id": number, "image_id": number, "bbox": [number, 0, 1, 1]} for number, _ in names]
    path = coco(tmp_path, images=images, annotations=boxes)
    for wanted, number in [("1", 7), ("2", 2), ("2.png", 1), ("3", 3), ("7", 7)]:
        assert bounds(read_coco("t", path, FeatureQuery(image=wanted), FRAME))[0][0] == number
    with pytest.raises(UsageError, match="2 are called 5"):
        read_coco("t", path, FeatureQuery(image="5"), FRAME)


def test_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(detections, "MAX_FEATURES", 2)
    with pytest.raises(ResourceError, match="more than 2 annotations"):
        read_coco("t", coco(tmp_path), FeatureQuery(), FRAME)
    with pytest.raises(ResourceError, match="more than 2 lines"):
        read_csv("t", table(tmp_path, "x,y,w,h\n" + "1,2,3,4\n" * 3), FeatureQuery(), FRAME)
    monkeypatch.setattr(detections, "_LONGEST", 50)
    with pytest.raises(SceneError, match="has a line of more than 50 characters"):
        read_csv("t", table(tmp_path, "x,y,w,h\n" + "1" * 60), FeatureQuery(), FRAME)


def test_the_hosts_limit_of_csv_stays(tmp_path):
    before = csv.field_size_limit()
    read_csv("t", table(tmp_path, "x,y,w,h\n1,2,3,4\n"), FeatureQuery(), FRAME)
    assert csv.field_size_limit() == before


def test_a_table_is_read_line_by_line(tmp_path):
    lines = "".join(f"{'a' if n % 1000 == 0 else 'b'}.png,{n},2,3,4,{'x' * 90}\n" for n in range(20_000))
    path = table(tmp_path, "image,x,y,w,h,note\n" + lines)
    tracemalloc.start()
    found = read_csv("t", path, FeatureQuery(attribute="x"), FRAME)
    assert found.values.tolist() == list(range(0, 20_000, 1000))
    assert tracemalloc.get_traced_memory()[1] < 2**18  # the file takes eight times as much
    tracemalloc.stop()


def test_wkt_nested_without_end_is_one_line(tmp_path):
    """GEOS would recurse until the stack ends, and the process with it."""
    for depth, message in [(6000, "line 2: no box in it"), (50_000, "is no table")]:
        deep = "GEOMETRYCOLLECTION(" * depth + "POINT(1 1)" + ")" * depth
        with pytest.raises(SceneError, match=message):
            read_csv("t", table(tmp_path, f'geometry\n"{deep}"\n'), FeatureQuery(), FRAME)


def test_json_nested_without_end_is_one_line(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a":' + "[" * 200_000)
    with pytest.raises(SceneError, match="neither GeoJSON nor COCO"):
        read_coco("t", str(path), FeatureQuery(), FRAME)


@pytest.mark.parametrize(
    "text",
    [
        "xmin,ymin,xmax,ymax\n1,2,11,22\n",
        "Left;Top;Right;Bottom\n1;2;11;22\n",
        "x,y,width,height\n1,2,10,20\n\n",
        "x\ty\tw\th\n1\t2\t10\t20\n",
        'geometry\n"[(1, 2), (11, 2), (11, 22), (1, 22)]"\n',
        'geometry\n"POLYGON ((1 2, 11 2, 11 22, 1 22, 1 2))"\n',
    ],
)
def test_columns_of_a_table(tmp_path, text):
    assert bounds(read_csv("t", table(tmp_path, text), FeatureQuery(), FRAME)) == [[1, 2, 11, 22]]


def test_lines_of_the_scenes_image_and_a_class(tmp_path):
    text = "image_id,x1,y1,x2,y2,class,score\na.jpg,1,2,3,4,ship,0.5\na.jpg,1,2,5,6,car,\nb.jpg,7,7,8,8,car,1\n"
    path = table(tmp_path, text)
    assert bounds(read_csv("t", path, FeatureQuery(), FRAME)) == [[1, 2, 3, 4], [1, 2, 5, 6]]
    assert bounds(read_csv("t", path, FeatureQuery(category="car"), FRAME)) == [[1, 2, 5, 6]]
    assert bounds(read_csv("t", path, FeatureQuery(image="b.jpg"), FRAME)) == [[7, 7, 8, 8]]
    np.testing.assert_array_equal(read_csv("t", path, FeatureQuery(attribute="Score"), FRAME).values, [0.5, np.nan])
    with pytest.raises(UsageError, match="not clear which one"):
        read_csv("t", path, FeatureQuery(), ImageFrame("z.tif", (50, 80)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "the first line names a, b; a table of boxes has"),
        ("xmin,ymin,xmax,ymax\n1,2,3\n", "line 2 has 3 fields"),
        ("xmin,ymin,xmax,ymax\n1,2,3,x\n", "line 2: no box in it"),
        ("xmin,ymin,xmax,ymax\n\n5,2,3,4\n", "line 3: no box in it"),
        ("xmin,ymin,xmax,ymax\n1,2,inf,4\n", "line 2: no box in it; mend or remove"),
        ("xmin;ymin;xmax;ymax\n1,5;2,5;3;4\n", "line 2: no box in it; write its numbers with points"),
        ("geometry\nPOLYGON((\n", "line 2: no box in it"),
        ('geometry\n"(1, 2)"\n', "line 2: no box in it"),
    ],
)
def test_bad_tables_are_one_line(tmp_path, text, message):
    with pytest.raises(SceneError, match=message) as caught:
        read_csv("t", table(tmp_path, text), FeatureQuery(), FRAME)
    assert "\n" not in str(caught.value)


def test_tables_in_another_encoding_are_one_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"xmin\xff\xfe\n1")
    with pytest.raises(SceneError, match="is no table in UTF-8"):
        read_csv("t", str(path), FeatureQuery(), FRAME)


def test_results_of_a_detector_are_read(tmp_path):
    results = [
        {"image_id": "a", "category_id": 1, "bbox": [1, 2, 10, 20], "score": 0.5},
        {"image_id": "b", "category_id": 2, "bbox": [5, 5, 1, 3], "score": 0.75},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    wish = FeatureQuery(attribute="score")
    found = read_coco("t", str(path), wish, ImageFrame("/x/a.tif", (50, 80)))
    assert [one.bounds for one in found.geometries] == [(1, 2, 11, 22)]
    assert found.values.tolist() == [0.5]
    other = read_coco("t", str(path), FeatureQuery(image="b", category="2"), ImageFrame(None, (50, 80)))
    assert [one.bounds for one in other.geometries] == [(5, 5, 6, 8)]
    with pytest.raises(UsageError, match="it is not clear which one the scene is"):
        read_coco("t", str(path), wish, ImageFrame("/x/c.tif", (50, 80)))


@pytest.mark.parametrize("box", [{}, {"bbox": []}, {"bbox": None}])
def test_annotations_without_a_box_name_the_mend(tmp_path, box):
    outline = {"id": 7, "image_id": 1, "segmentation": [[1, 2, 11, 2, 11, 22]], **box}
    path = coco(tmp_path, annotations=[outline])
    with pytest.raises(SaliencyError, match="annotation 7 has no bbox; add shape=polygons"):
        read_coco("t", path, FeatureQuery(image="a"), ImageFrame(None, (50, 80)))
    polygons = read_coco("t", path, FeatureQuery(image="a", shape="polygons"), ImageFrame(None, (50, 80)))
    assert polygons.geometries[0].area == 100
