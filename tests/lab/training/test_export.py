from pathlib import Path

import numpy as np
import pytest

from geosal.errors import OutputError, VerificationError
from geosal.sources.network.card import ModelCard

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from geosal.lab.training import export as exporting  # noqa: E402
from geosal.lab.training.export import export  # noqa: E402
from geosal.lab.training.networks import MsRoi, make_network  # noqa: E402

CLASSES = tuple("abcde")


def _trained(backbone: str) -> tuple[MsRoi, ModelCard]:
    """Make a network whose batch norms have seen something, so that folding them is no identity."""
    torch.manual_seed(0)
    network = make_network(backbone, len(CLASSES)).train()
    if backbone == "compact":
        with torch.no_grad():
            for _ in range(3):
                network(torch.randn(4, 3, 32, 32) * 2 + 1)
    card = ModelCard(CLASSES, (1, 1, 0.5, 0, 1), stride=network.stride, size=64, backbone=backbone)
    return network.eval(), card


@pytest.mark.parametrize("backbone", ["compact", "vgg16"])
def test_onnxruntime_gives_what_torch_gives(backbone: str, tmp_path: Path):
    network, card = _trained(backbone)
    export(network, card, str(tmp_path / "m.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    stride = card.stride
    for batch, height, width in ((1, stride, stride), (3, 2 * stride, 7 * stride), (2, 8 * stride, 4 * stride)):
        pixels = np.random.default_rng(batch).standard_normal((batch, 3, height, width)).astype(np.float32)
        with torch.inference_mode():
            wanted = [one.numpy() for one in network(torch.from_numpy(pixels))]
        cam, logits = session.run(["cam", "logits"], {"pixels": pixels})
        scale = max(1.0, float(np.abs(wanted[0]).max()))
        assert cam.shape == (batch, len(CLASSES), height // stride, width // stride)
        np.testing.assert_allclose(cam, wanted[0], atol=1e-5 * scale)
        np.testing.assert_allclose(logits, wanted[1], atol=1e-5 * scale)
        np.testing.assert_allclose(cam.mean((2, 3)), logits, atol=1e-5 * scale)
        assert np.array_equal(cam, session.run(["cam"], {"pixels": pixels})[0])


def test_the_file_carries_its_card(tmp_path: Path):
    network, card = _trained("compact")
    export(network, card, str(tmp_path / "m.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map, "m.onnx") == card
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_the_same_network_gives_the_same_bytes(tmp_path: Path):
    network, card = _trained("compact")
    for name in ("a", "b"):
        export(network, card, str(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_place_that_cannot_be_written(tmp_path: Path):
    network, card = _trained("compact")
    with pytest.raises(OutputError, match="cannot be written"):
        export(network, card, str(tmp_path / "missing" / "m.onnx"))


def test_a_graph_that_gives_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    network, card = _trained("compact")
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(VerificationError, match="differs from torch's"):
        export(network, card, str(tmp_path / "m.onnx"))
    assert list(tmp_path.iterdir()) == []
