"""The study on small images with bright squares, which a detector of a few lines finds."""

import csv
import json
import math
from pathlib import Path

import pytest
import yaml
from detections import Bright
from onnx_file import mixing_model, yolo_model

from geosal.errors import GeosalWarning, SceneError
from geosal.lab.experiments.detection import COMPARISONS, DETECTION
from geosal.lab.experiments.detection.outcome import _between
from geosal.lab.experiments.detection.report import report_text, write_detection
from geosal.lab.experiments.detection.run import run_detection
from geosal.lab.experiments.detection.wish import Detection
from geosal.lab.experiments.engine import Course
from geosal.lab.experiments.study import read_study

pytest.importorskip("pycocotools")

SQUARES = {"a.png": [(20, 20, 28, 28), (100, 40, 112, 54)], "b.png": [(60, 120, 70, 128)]}


@pytest.fixture
def wish_of(make_dataset, tmp_path):
    def make(squares=SQUARES, **given):
        annotations = make_dataset(squares)
        plain = {
            "images": {"squares": str(tmp_path / "images")},
            "annotations": str(annotations),
            "detectors": "none.onnx",
            "output": str(tmp_path / "out"),
            "kernels": [1, 3, 17],
            "boxes": {"boxes": "", "missed": "drop=1"},
            "buffer": "6px",
            "encoders": {"png": None, "jpeg": {"quality": [90, 40]}},
            "square": 80,
            "draws": 20,
        }
        return Detection.from_mapping(plain | given)

    return make


def _run(wish, **course):
    return run_detection(wish, Course(workers=1, **course), {name: Bright() for name in wish.images})


def _rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_for_each_condition(wish_of, tmp_path):
    outcome = _run(wish_of())
    write_detection(outcome)
    rows = _rows(tmp_path / "out" / "detection.csv")
    assert tuple(rows[0]) == DETECTION
    assert len(rows) == (3 + 2) * 3
    by = {(row["mask"], row["kernel"], row["encoder"]): row for row in rows if row["setting"] in {"", "90.0"}}
    plain, wide, boxes, missed = (
        by[key] for key in (("none", "1", "png"), ("none", "17", "png"), ("boxes", "", "png"), ("missed", "", "png"))
    )
    assert (plain["images"], plain["objects"], plain["detector"]) == ("2", "3", "bright")
    assert float(plain["ap"]) == pytest.approx(1)
    assert float(wide["ap"]) < 0.5  # squares of 8 pixels are gone
    assert float(boxes["ap"]) > float(wide["ap"])
    # Without a box nothing is salient: the same as the widest kernel everywhere.
    assert (missed["effective_kernel"], missed["bytes"], missed["ap"]) == ("17.0", wide["bytes"], wide["ap"])
    assert float(boxes["bpp"]) == 8 * int(boxes["bytes"]) / (2 * 160 * 160)
    assert int(wide["bytes"]) < int(boxes["bytes"]) < int(plain["bytes"])
    assert float(plain["ap_low"]) == pytest.approx(1) == float(plain["ap_high"])
    assert plain["ap_large"] == ""


def test_masks_are_held_against_kernels(wish_of, tmp_path):
    outcome = _run(wish_of(boxes={"boxes": ""}))
    write_detection(outcome)
    rows = _rows(tmp_path / "out" / "comparisons.csv")
    assert tuple(rows[0]) == COMPARISONS
    of_png = {row["baseline"]: row for row in rows if (row["encoder"], row["mask"]) == ("png", "boxes")}
    of_kernels = [row for row in rows if (row["encoder"], row["mask"]) == ("png", "none")]
    assert [(row["kernel"], row["baseline"]) for row in of_kernels] == [("3", "unsmoothed"), ("17", "unsmoothed")]
    assert of_png["kernel"]["baseline_kernel"] == "17"
    assert of_png["unsmoothed"]["baseline_kernel"] == "1"
    assert float(of_png["best"]["baseline_ap"]) == pytest.approx(1)
    between = of_png["equal rate"]
    assert float(between["baseline_bpp"]) == float(between["bpp"])
    for row in rows:
        assert float(row["difference"]) == pytest.approx(float(row["ap"]) - float(row["baseline_ap"]))
    settings = {(row["setting"], row["baseline_setting"]) for row in rows if row["baseline"] == "setting"}
    assert len(settings) == 2
    assert "## Masks against kernels" in report_text(outcome)


def test_equal_rate_lies_between_two_widths(wish_of):
    outcome = _run(wish_of())
    kernels = [one for one in outcome.conditions if one.mask == "none" and one.setting.encoder == "png"]
    high, low = sorted(kernels, key=lambda one: -one.bpp)[1:3]
    middle = _between(kernels, (high.bpp + low.bpp) / 2)
    assert middle.ap == pytest.approx((high.precision.ap + low.precision.ap) / 2)
    assert _between(kernels, 2 * max(one.bpp for one in kernels)) is None


def test_a_run_that_was_killed_goes_on_to_the_same_tables(wish_of, tmp_path, monkeypatch):
    wish = wish_of()
    write_detection(_run(wish))
    tables = [tmp_path / "out" / name for name in ("detection.csv", "comparisons.csv")]
    wanted = [table.read_bytes() for table in tables]
    journal = tmp_path / "out" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:5]))
    outcome = _run(wish, resume=True)
    assert 0 < outcome.resumed < 10
    write_detection(outcome)
    assert wanted == [table.read_bytes() for table in tables]


def test_an_image_that_cannot_be_read_is_left_out_of_every_condition(wish_of, tmp_path):
    wish = wish_of(SQUARES | {"c.png": [(10, 10, 20, 20)]})
    (tmp_path / "images" / "c.png").write_bytes(b"no picture")
    with pytest.warns(GeosalWarning, match="left out"):
        outcome = _run(wish)
    assert {condition.images for condition in outcome.conditions} == {2}
    assert len(outcome.skipped) == 1


def test_an_image_without_annotations_is_left_out(wish_of, make_dataset, tmp_path):
    wish = wish_of()
    (tmp_path / "images" / "z.png").write_bytes((tmp_path / "images" / "a.png").read_bytes())
    with pytest.warns(GeosalWarning, match="the annotations do not tell of it"):
        outcome = _run(wish)
    assert {condition.images for condition in outcome.conditions} == {2}


def test_a_size_without_objects_has_no_figure(wish_of):
    assert all(math.isnan(condition.precision.large) for condition in _run(wish_of()).conditions)


class TestRecipe:
    """From the YAML to the tables, with a detector from a file."""

    @pytest.fixture
    def recipe(self, wish_of, tmp_path):
        pytest.importorskip("onnxruntime")

        def write(model):
            wish = wish_of()
            (tmp_path / "m.onnx").write_bytes(model)
            (tmp_path / "m.json").write_text(json.dumps({"classes": ["square"], "input": 64}))
            plain = {
                "study": "detection", "images": {"squares": str(tmp_path / "images")},
                "annotations": wish.annotations[""], "detectors": str(tmp_path / "m.onnx"),
                "output": str(tmp_path / "out"), "kernels": [1, 9], "encoders": ["png"], "draws": 5,
            }  # fmt: skip
            (tmp_path / "r.yaml").write_text(yaml.safe_dump(plain))
            return str(tmp_path / "r.yaml")

        return write

    def test_it_writes_the_tables(self, recipe, tmp_path):
        study, wish = read_study(recipe(yolo_model(64, 8, 1, side=9)))
        outcome = study.run(wish, Course(workers=1))
        assert {Path(path).name for path in study.write(outcome)} >= {"detection.csv", "comparisons.csv", "report.md"}
        rows = _rows(tmp_path / "out" / "detection.csv")
        assert [row["detector"] for row in rows] == ["m.onnx"] * 3
        assert study.told(outcome).startswith("squares: 2 images, 3 objects; 3 conditions.")
        assert study.document(outcome)["conditions"] == 3
        assert study.fault(outcome) is None

    def test_a_detector_of_another_layout_is_one_line(self, recipe):
        study, wish = read_study(recipe(mixing_model([[1, 0, 0]])))
        with pytest.raises(SceneError, match="understood for 1 classes are") as caught:
            study.run(wish, Course(workers=1))
        assert "\n" not in str(caught.value)
