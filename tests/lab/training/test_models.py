"""The model that travels with the package."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from geosal.lab.training.accuracy import Judgement
from geosal.lab.training.folders import Listing
from geosal.lab.training.pictures import Pictures, Split
from geosal.sources.network.card import ModelCard

onnxruntime = pytest.importorskip("onnxruntime")

MODEL = resources.files("geosal.sources.network") / "models" / "compact-eurosat.onnx"


@pytest.fixture(scope="module")
def session() -> "onnxruntime.InferenceSession":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(MODEL.read_bytes(), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def card(session: "onnxruntime.InferenceSession") -> ModelCard:
    return ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map, str(MODEL))


def test_it_is_small_and_says_what_it_is(card: ModelCard) -> None:
    assert len(MODEL.read_bytes()) < 4_000_000
    assert len(card.classes) == 10
    assert (card.stride, card.size, card.ground_resolution, card.backbone) == (8, 64, 10, "compact")
    weights = dict(zip(card.classes, card.weights, strict=True))
    assert weights["Residential"] == weights["Industrial"] == 1
    assert weights["SeaLake"] == 0
    assert {"data", "licence", "samples", "accuracy"} <= card.notes.keys()
    page = MODEL.parent.joinpath("compact-eurosat.md").read_text(encoding="utf-8")
    assert card.notes["accuracy"].split()[0] in page


def test_a_logit_is_the_mean_of_its_map(session: "onnxruntime.InferenceSession", card: ModelCard) -> None:
    pixels = np.random.default_rng(0).standard_normal((2, 3, 96, 64)).astype(np.float32)
    cam, logits = session.run(["cam", "logits"], {"pixels": pixels})
    assert cam.shape == (2, 10, 12, 8)
    np.testing.assert_allclose(cam.mean((2, 3)), logits, atol=1e-4)
    assert np.array_equal(cam, session.run(["cam"], {"pixels": pixels})[0])


def test_held_out_accuracy(
    session: "onnxruntime.InferenceSession", card: ModelCard, shared_data: Path, tmp_path: Path
) -> None:
    """Pictures that neither taught it nor chose its epoch: the last 120 of each class."""
    data = shared_data / "train" / "EuroSAT_RGB_600_per_class.tar.gz"
    if not data.is_file():
        pytest.skip(f"no {data}")
    pictures = Pictures.load(Listing.of(str(data), card.classes), card.size, tmp_path / "samples.npy")
    places = Split.last(pictures.labels, card.classes, 60, 120).test
    mean, std = np.float32(card.mean), np.float32(card.std)
    answers = []
    for part in np.split(places, 24):
        pixels = (pictures.samples[part].astype(np.float32) / 255 - mean) / std
        answers.append(session.run(["logits"], {"pixels": np.moveaxis(pixels, 3, 1).copy()})[0])
    judged = Judgement.of(np.concatenate(answers), pictures.labels[places])
    assert judged.accuracy >= 0.9
    assert f"{judged.accuracy:.4f}" == card.notes["accuracy"].split()[0]
