"""Tiny graphs in each layout; a band of the picture makes the scores of a class."""

import json
import sys

import numpy as np
import pytest
from onnx_file import answering_model, foreign_model, mixing_model, outside_model, yolo_model

from geosal.errors import SceneError, UsageError
from geosal.lab.detection.card import DetectorCard
from geosal.lab.detection.onnx_detector import OnnxDetector

pytest.importorskip("onnxruntime")

SIZE, STRIDE = 64, 8


@pytest.fixture
def save(tmp_path):
    def write(content, **card):
        (tmp_path / "m.onnx").write_bytes(content)
        if card:
            (tmp_path / "m.json").write_text(json.dumps(card))
        return str(tmp_path / "m.onnx")

    return write


def _picture(*cells, shape=(SIZE, SIZE)):
    """Black but for cells (row, column, band, value)."""
    pixels = np.zeros((*shape, 3), np.uint8)
    for row, col, band, value in cells:
        pixels[row * STRIDE : (row + 1) * STRIDE, col * STRIDE : (col + 1) * STRIDE, band] = value
    return pixels


@pytest.mark.parametrize("v5", [False, True])
def test_a_raw_head_of_yolo(save, v5):
    detector = OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 2, side=10, v5=v5), classes=["ship", "car"], input=SIZE))
    assert detector.card.layout == ("yolov5" if v5 else "yolo")
    found = detector.detect(_picture((1, 2, 0, 255), (5, 6, 1, 102)))
    assert found.boxes.tolist() == [[15, 7, 25, 17], [47, 39, 57, 49]]
    assert found.scores == pytest.approx(np.array([1, 0.4]) / (2 if v5 else 1))
    assert found.labels.tolist() == [0, 1]


def test_boxes_of_one_thing_are_one_box(save):
    """Boxes of 30 pixels at cells of 8 share more than half of their union with their neighbours."""
    detector = OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=30), classes=["ship"], input=SIZE, iou=0.5))
    found = detector.detect(_picture((3, 3, 0, 200), (3, 4, 0, 255), (2, 4, 0, 100)))
    assert found.boxes.tolist() == [[21, 13, 51, 43]]


def test_faster_rcnn_counts_its_classes_from_one(save):
    content = answering_model(
        SIZE,
        boxes=np.array([[1, 2, 11, 12], [20, 20, 30, 40], [0, 0, 5, 5.0]]),
        labels=np.array([2, 1, 1]),
        scores=np.array([0.9, 0.6, 0.001]),
    )
    detector = OnnxDetector.load(save(content, classes=["ship", "car"], input=SIZE))
    assert detector.card.layout == "fasterrcnn"
    found = detector.detect(_picture())
    assert found.boxes.tolist() == [[1, 2, 11, 12], [20, 20, 30, 40]]
    assert found.labels.tolist() == [1, 0]


def test_the_order_of_bands_is_that_of_the_card(save):
    model = save(yolo_model(SIZE, STRIDE, 1, side=8))
    card = DetectorCard(classes=("ship",), input=SIZE, order="BGR")
    assert len(OnnxDetector.load(model, card).detect(_picture((1, 1, 0, 255)))) == 0
    assert len(OnnxDetector.load(model, card).detect(_picture((1, 1, 2, 255)))) == 1


def test_samples_are_scaled_as_the_card_says(save):
    model = save(yolo_model(SIZE, STRIDE, 1, side=8))
    card = DetectorCard(classes=("ship",), input=SIZE, divide=1.0, mean=(100, 0, 0), std=(200, 1, 1))
    assert OnnxDetector.load(model, card).detect(_picture((1, 1, 0, 200))).scores == pytest.approx([0.5])


def test_a_zoomed_tile_gives_boxes_of_the_scene(save):
    model = save(yolo_model(SIZE, STRIDE, 1, side=8))
    detector = OnnxDetector.load(model, DetectorCard(classes=("ship",), input=SIZE, zoom=2.0))
    assert detector.tile == SIZE // 2
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[4:8, 8:12] = 255
    assert detector.detect(pixels).boxes[0].tolist() == [8, 4, 12, 8]


def test_a_smaller_tile_is_filled_up(save):
    detector = OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=12), classes=["ship"], input=SIZE))
    found = detector.detect(_picture((0, 0, 0, 255), (2, 4, 0, 255), shape=(24, 40)))
    assert sorted(found.boxes.tolist()) == [[0, 0, 10, 10], [30, 14, 40, 24]]


def test_a_larger_tile_is_refused(save):
    detector = OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=12), classes=["ship"], input=SIZE))
    with pytest.raises(SceneError, match="a picture of 80x80 pixels; it looks at 64 at most"):
        detector.detect(_picture(shape=(80, 80)))


class TestRefusals:
    def test_of_another_layout(self, save):
        with pytest.raises(
            SceneError, match=r"returns .*understood for 1 classes are \(1, 5, n\), \(1, n, 6\), and boxes"
        ):
            OnnxDetector.load(save(mixing_model([[1, 0, 0]]), classes=["ship"], input=SIZE))

    def test_of_a_wrong_number_of_classes(self, save):
        with pytest.raises(SceneError, match="name its classes right"):
            OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 3, side=8), classes=["ship"], input=SIZE))

    def test_of_a_layout_that_it_has_not(self, save):
        with pytest.raises(SceneError, match="not yolov5"):
            OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=8), classes=["ship"], input=SIZE, layout="yolov5"))

    def test_of_shapes_that_may_be_two_layouts(self, save):
        # 1 x 6 x 7 is four numbers and two classes of 7 cells, or 6 cells of 5 numbers and two classes.
        content = answering_model(SIZE, found=np.zeros((1, 6, 7)))
        with pytest.raises(SceneError, match="may be yolo or yolov5; say which in its card"):
            OnnxDetector.load(save(content, classes=["ship", "car"], input=SIZE))

    def test_of_another_size(self, save):
        with pytest.raises(SceneError, match="takes pictures of 64 pixels, its card says input 128"):
            OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=8), classes=["ship"], input=128))

    def test_of_what_is_no_model(self, save):
        with pytest.raises(SceneError, match="is no ONNX model"):
            OnnxDetector.load(save(b"nothing", classes=["ship"]))

    def test_of_an_operator_that_only_another_program_has(self, save):
        with pytest.raises(SceneError, match=r"is no ONNX model .*com\.example.*; export a detector to ONNX"):
            OnnxDetector.load(save(foreign_model(), classes=["ship"], input=SIZE))

    @pytest.mark.parametrize("place", ["w.bin", "{folder}/w.bin"])
    def test_of_weights_in_another_file(self, save, tmp_path, monkeypatch, place):
        """The file is there, and onnxruntime would read it."""
        monkeypatch.chdir(tmp_path)
        np.zeros(45, "<f4").tofile("w.bin")
        place = place.format(folder=tmp_path)
        with pytest.raises(SceneError, match=r"m\.onnx: keeps weights in another file \('.*w\.bin'\).*save it as one"):
            OnnxDetector.load(save(outside_model(place), classes=["ship"], input=SIZE))

    def test_of_values_that_are_no_numbers(self, save):
        content = answering_model(SIZE, found=np.full((1, 5, 9), np.nan))
        detector = OnnxDetector.load(save(content, classes=["ship"], input=SIZE))
        with pytest.raises(SceneError, match="no number"):
            detector.detect(_picture())

    def test_of_a_class_that_the_card_lacks(self, save):
        content = answering_model(
            SIZE, boxes=np.ones((1, 4)) * [0, 0, 9, 9], labels=np.array([3]), scores=np.array([0.9])
        )
        detector = OnnxDetector.load(save(content, classes=["ship"], input=SIZE))
        with pytest.raises(SceneError, match="returns class 2, and it has 1 counted from 0"):
            detector.detect(_picture())

    def test_without_a_card(self, save):
        with pytest.raises(SceneError, match=r"its card .*m\.json cannot be read"):
            OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=8)))

    def test_without_onnxruntime(self, save, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(UsageError, match=r"pip install 'geosal\[detection\]'"):
            OnnxDetector.load(save(yolo_model(SIZE, STRIDE, 1, side=8), classes=["ship"]))


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({}, "classes"),
        ({"classes": ["a", "a"]}, "each stands once"),
        ({"classes": ["a"], "inptu": 3}, "input"),
        ({"classes": ["a"], "input": 7.5}, "32 to 4096"),
        ({"classes": ["a"], "layout": "detr"}, "one of auto"),
        ({"classes": ["a"], "std": [0, 1, 1]}, "above 0"),
        ({"classes": ["a"], "mean": [1]}, "three numbers"),
        ({"classes": ["a"], "mean": ["a", "b", "c"]}, "numbers"),
        ({"classes": 3}, "card"),
        ({"classes": "ship"}, "classes='ship': it must be a list"),
        ({"classes": ["a"], "std": "123"}, "std='123': it must be a list"),
        ({"classes": ["a"], "zoom": 1e9}, "zoom"),
    ],
)
def test_a_card_that_makes_no_sense(tmp_path, card, message):
    (tmp_path / "m.json").write_text(json.dumps(card))
    with pytest.raises(SceneError, match=message):
        DetectorCard.beside(str(tmp_path / "m.onnx"))


def test_one_name_is_no_list_of_its_letters():
    with pytest.raises(ValueError, match=r"classes: a list of names, such as \['ship'\]"):
        DetectorCard(classes="ship")


def test_a_card_is_read_as_it_was_written(tmp_path):
    card = DetectorCard(classes=("ship", "car"), layout="yolo", input=256, zoom=2.0, mean=(0.1, 0.2, 0.3))
    (tmp_path / "m.json").write_text(card.to_json())
    assert DetectorCard.beside(str(tmp_path / "m.onnx")) == card
