import pytest
import yaml

from geosal.errors import UsageError
from geosal.lab.experiments.detection.wish import Detection
from geosal.lab.experiments.study import read_study

PLAIN = {"images": {"a": "x", "b": "y"}, "annotations": "boxes.json", "detectors": "m.onnx"}


def test_one_value_goes_for_every_collection_and_another_for_one():
    wish = Detection.from_mapping(PLAIN | {"buffer": {"": "20px", "b": "5px"}, "square": 64})
    assert [wish.of("buffer", name) for name in "ab"] == ["20px", "5px"]
    assert [wish.of("square", name) for name in "ab"] == [64, 64]
    assert wish.of("classes", "a") is None


def test_the_recipe_names_the_study(tmp_path):
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(PLAIN | {"study": "detection"}))
    study, wish = read_study(str(tmp_path / "r.yaml"), output="elsewhere")
    assert study.wish is Detection
    assert (wish.output, wish.saliency, dict(wish.boxes)) == ("elsewhere", 0.8, {"boxes": ""})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"annotations": {"a": "boxes.json"}}, "annotations='b': it must be one for each collection"),
        (
            {"detectors": {"a": "m.onnx", "b": "n.onnx", "c": "o.onnx"}},
            "detectors: no images are called c; there are a, b",
        ),
        ({"classes": {"c": ["ship"]}}, "no images are called c"),
        ({"boxes": {"poor": "shift=far"}}, "no number"),
        ({"boxes": ["shift=1"]}, "boxes"),
        ({"boxes": {"none": ""}}, "boxes"),
        ({"masks": {"boxes": "half"}}, "boxes"),
        ({"saliency": 2}, "saliency"),
        ({"crowds": "all"}, "crowds"),
        ({"draws": 1}, "draws"),
        ({"square": 3}, "square"),
        ({"overlap": 1}, "overlap"),
        ({"detector": "m.onnx"}, "detectors"),
        ({"annotations": None}, "annotations: RECIPE does not tell them"),
        ({"detectors": None}, "write detectors: detector.onnx"),
        ({"buffer": "5parsecs"}, "buffer=5parsecs; write metres such as buffer=60m, or pixels"),
        ({"buffer": {"a": "5px", "b": "5px,saliency=1"}}, "buffer=5px,saliency=1; write"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        Detection.from_mapping(PLAIN | given)
