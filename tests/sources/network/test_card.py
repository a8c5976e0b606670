from dataclasses import replace

import pytest

from geosal.errors import SceneError
from geosal.sources.network.card import ModelCard

CARD = ModelCard(("a", "b"), (1.0, 0.25), stride=8, size=64, ground_resolution=10.0, notes={"licence": "MIT"})


def test_round_trip():
    assert ModelCard.from_metadata(CARD.to_metadata(), "m.onnx") == CARD
    photographs = replace(CARD, ground_resolution=None)
    assert ModelCard.from_metadata(photographs.to_metadata(), "m.onnx") == photographs


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "other"}, "no MS-ROI model of geosal"),
        ({"version": "2"}, "has version 2"),
        ({"classes": "[]"}, "cannot be read"),
        ({"classes": '["a", "a"]'}, "not distinct"),
        ({"weights": "[1]"}, "1 weights for 2 classes"),
        ({"weights": "[1, 2]"}, "not in 0..1"),
        ({"weights": '["x", 1]'}, "cannot be read"),
        ({"std": "[1, 1, 0]"}, "no scale"),
        ({"mean": "[1]"}, "three numbers"),
        ({"stride": "0"}, "stride 0"),
        ({"size": "[1"}, "cannot be read"),
        ({"ground_resolution": "-1"}, "ground resolution"),
        ({"ground_resolution": "Infinity"}, "ground resolution"),
        ({"weights": "[NaN, 1]"}, "not in 0..1"),
        ({"classes": '"ab"'}, "classes='ab': it must be a list"),
        ({"classes": "[1, 2]"}, "is no text"),
        ({"classes": "[" * 100_000}, "cannot be read"),
        ({"mean": f"[1{'0' * 400}, 0, 0]"}, "cannot be read"),
    ],
)
def test_refusals(change: dict[str, str], says: str):
    with pytest.raises(SceneError, match=says):
        ModelCard.from_metadata(CARD.to_metadata() | change, "m.onnx")
