import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from geosal.lab.detection.boxes import over_union  # noqa: E402
from geosal.lab.detection.card import DetectorCard  # noqa: E402
from geosal.lab.detection.onnx_detector import OnnxDetector  # noqa: E402
from geosal.lab.detection.truth import Marked, Truth  # noqa: E402
from geosal.lab.training.crops import Scene  # noqa: E402
from geosal.lab.training.detecting import DetectorSettings, learn, train_detector  # noqa: E402
from geosal.lab.training.export import export_detector  # noqa: E402
from geosal.sources.network.card import IMAGENET_MEAN, IMAGENET_STD  # noqa: E402


def _scene(seed):
    chance = np.random.default_rng(seed)
    pixels = chance.integers(60, 90, (128, 128, 3)).astype(np.uint8)
    boxes = []
    for top in (10, 50, 90):
        for left in (10, 50, 90):
            width, height = chance.integers(12, 24, 2)
            pixels[top : top + height, left : left + width] = 220
            boxes.append([left, top, left + width, top + height])
    count = len(boxes)
    return Scene(
        pixels,
        Marked(
            name="a", path="", shape=(128, 128), boxes=np.array(boxes, np.float64), labels=np.zeros(count, np.int64),
            ignored=np.zeros(count, np.bool_),
        ),
    )  # fmt: skip


def test_it_learns_bright_boxes_and_finds_others(tmp_path):
    told = []
    settings = DetectorSettings(steps=100, batch=4, side=64, width=6, jitter=0.05, learning_rate=0.01, average=0.8)
    network = learn([_scene(0), _scene(1)], 1, settings, lambda step, loss: told.append((step, loss)))
    assert [step for step, _ in told] == [50, 100]
    assert told[1][1] < told[0][1]
    export_detector(network, str(tmp_path / "m.onnx"))
    card = DetectorCard(classes=("box",), input=128, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    other = _scene(2)
    found = OnnxDetector.load(str(tmp_path / "m.onnx"), card).detect(other.pixels)
    best = [over_union(found.boxes[:12], box[np.newaxis]).max() for box in other.marked.boxes]
    assert sum(share > 0.5 for share in best) >= 6


def test_a_detector_is_trained_on_images_that_are_not_held_out(make_dataset, tmp_path):
    path = make_dataset({"a.png": [(20, 20, 50, 40)], "b.png": [(60, 60, 90, 90)]})
    truth = Truth.read(str(path), str(tmp_path / "images"), only=["a"])
    card = train_detector(truth, str(tmp_path / "m.onnx"), DetectorSettings(steps=2, side=64, width=4), size=128)
    detector = OnnxDetector.load(str(tmp_path / "m.onnx"))
    assert (detector.card, detector.classes) == (card, ("square",))
    detector.detect(np.zeros((128, 128, 3), np.uint8))
