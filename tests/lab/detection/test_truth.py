import json

import numpy as np
import pytest

from geosal.errors import GeosalWarning, SceneError, UsageError
from geosal.lab.detection.truth import Truth

BOXES = [(10, 20, 40, 60), (100, 100, 120, 140)]


def test_coco_boxes_become_corners(make_dataset):
    path = make_dataset({"a.png": BOXES, "b.png": []})
    truth = Truth.read(str(path), str(path.parent / "images"))
    assert truth.classes == ("square",)
    assert [image.name for image in truth.images] == ["a.png", "b.png"]
    np.testing.assert_array_equal(truth.images[0].boxes, BOXES)
    assert truth.images[0].shape == (160, 160)
    assert (truth.count, len(truth.images[1].boxes)) == (2, 0)


def test_a_table_of_boxes_tells_the_same(make_dataset):
    path = make_dataset({"a.png": BOXES})
    table = path.with_suffix(".csv")
    lines = ["image,xmin,ymin,xmax,ymax,class", *(f"a.png,{','.join(map(str, box))},square" for box in BOXES)]
    table.write_text("\n".join(lines))
    truth = Truth.read(str(table), str(path.parent / "images"))
    assert truth.classes == ("square",)
    np.testing.assert_array_equal(truth.images[0].boxes, BOXES)


def test_outlines_in_a_table_become_their_bounds(make_dataset):
    path = make_dataset({"a.png": BOXES})
    table = path.with_suffix(".csv")
    table.write_text('id,image_id,geometry,class\n1,a.png,"[(5, 6), (30, 6), (30, 9), (5, 9), (5, 6)]",Airplane\n')
    truth = Truth.read(str(table), str(path.parent / "images"))
    np.testing.assert_array_equal(truth.images[0].boxes, [[5, 6, 30, 9]])


def test_a_crowd_of_one_is_an_object_unless_told(make_dataset):
    path = make_dataset({"a.png": BOXES})
    document = json.loads(path.read_text())
    document["annotations"][0]["iscrowd"] = 1
    path.write_text(json.dumps(document))
    folder = str(path.parent / "images")
    assert Truth.read(str(path), folder).images[0].ignored.tolist() == [False, False]
    assert Truth.read(str(path), folder, crowds="ignore").images[0].ignored.tolist() == [True, False]


def test_objects_of_other_classes_are_ignored(make_dataset):
    path = make_dataset({"a.png": BOXES})
    document = json.loads(path.read_text())
    document["categories"].append({"id": 7, "name": "cut off"})
    document["annotations"][1]["category_id"] = 7
    path.write_text(json.dumps(document))
    truth = Truth.read(str(path), str(path.parent / "images"), classes="square")
    assert truth.classes == ("square",)
    assert truth.images[0].ignored.tolist() == [False, True]


def test_images_that_are_not_there_are_told_and_left_out(make_dataset):
    path = make_dataset({"a.png": BOXES, "b.png": BOXES})
    (path.parent / "images" / "b.png").unlink()
    with pytest.warns(GeosalWarning, match=r"1 image of 2 are not in .*\(b\.png\); they are left out"):
        truth = Truth.read(str(path), str(path.parent / "images"))
    assert [image.name for image in truth.images] == ["a.png"]
    assert truth.missing == ("b.png",)


def test_an_image_is_found_by_its_name_without_suffix(make_dataset):
    path = make_dataset({"a.png": BOXES})
    (path.parent / "images" / "a.png").rename(path.parent / "images" / "a.tif")
    assert Truth.read(str(path), str(path.parent / "images")).images[0].path.endswith("a.tif")


def test_only_some_images(make_dataset):
    path = make_dataset({"a.png": BOXES, "b.png": BOXES})
    assert [one.name for one in Truth.read(str(path), str(path.parent / "images"), only=["b"]).images] == ["b.png"]


def test_boxes_without_area_are_left_out(make_dataset):
    path = make_dataset({"a.png": BOXES})
    document = json.loads(path.read_text())
    document["annotations"][0]["bbox"][2] = 0
    path.write_text(json.dumps(document))
    assert Truth.read(str(path), str(path.parent / "images")).count == 1


def test_boxes_outside_of_the_image_are_told_and_left_out(make_dataset):
    path = make_dataset({"a.png": BOXES})
    document = json.loads(path.read_text())
    document["annotations"][0]["bbox"] = [1e6, 1e6, 30, 20]
    path.write_text(json.dumps(document))
    with pytest.warns(GeosalWarning, match=r"of its 2 boxes 1 lie outside of it"):
        assert Truth.read(str(path), str(path.parent / "images")).count == 1


def _with(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _unknown_category(path):
    annotations = json.loads(path.read_text())["annotations"]
    annotations[1]["category_id"] = 9
    _with(path, annotations=annotations)


def _not_a_number(path):
    annotations = json.loads(path.read_text())["annotations"]
    annotations[0]["bbox"][0] = float("nan")
    _with(path, annotations=annotations)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda path: _with(path, annotations=[]), UsageError, "holds no box, so there is nothing to find"),
        (_unknown_category, UsageError, "annotation 1 is of category 9, which it does not name; there are 1"),
        (_not_a_number, SceneError, "a box of a.png is"),
        (lambda path: path.write_text('{"images": []}'), SceneError, "holds no COCO annotations"),
        (lambda path: path.unlink(), SceneError, "annotations cannot be read: No such file or directory; name"),
        (lambda path: path.write_text("[" * 100_000), SceneError, "holds no COCO annotations"),
        (lambda path: (path.parent / "images" / "a.png").unlink(), SceneError, "none of the images"),
        (lambda path: (path.parent / "images" / "a.png").write_text("no"), SceneError, "a.png"),
    ],
)
def test_what_cannot_be_a_dataset_is_refused(make_dataset, spoil, error, message):
    path = make_dataset({"a.png": BOXES})
    spoil(path)
    with pytest.raises(error, match=message):
        Truth.read(str(path), str(path.parent / "images"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": ["ship"]}, "no object is called ship; there are square"),
        ({"only": ["z"]}, "no image is called z; there are a.png"),
        ({"crowds": "some"}, "crowds=some: give one of objects, ignore"),
    ],
)
def test_a_wish_that_fits_no_dataset_is_refused(make_dataset, given, message):
    path = make_dataset({"a.png": BOXES})
    with pytest.raises(UsageError, match=message):
        Truth.read(str(path), str(path.parent / "images"), **given)


def test_only_crowds_to_be_ignored_leave_nothing(make_dataset):
    path = make_dataset({"a.png": BOXES})
    document = json.loads(path.read_text())
    _with(path, annotations=[one | {"iscrowd": 1} for one in document["annotations"]])
    with pytest.raises(UsageError, match="none of its objects is on a.png"):
        Truth.read(str(path), str(path.parent / "images"), crowds="ignore")


def test_a_folder_that_is_not_there(make_dataset):
    path = make_dataset({"a.png": BOXES})
    with pytest.raises(SceneError, match="the folder of images cannot be read"):
        Truth.read(str(path), str(path.parent / "elsewhere"))


def test_a_table_without_images_is_refused(tmp_path):
    (tmp_path / "boxes.csv").write_text("xmin,ymin,xmax,ymax\n1,2,3,4\n")
    with pytest.raises(SceneError, match="does not tell the image of each box"):
        Truth.read(str(tmp_path / "boxes.csv"), str(tmp_path))
