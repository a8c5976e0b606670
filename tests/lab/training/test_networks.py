from pathlib import Path

import pytest

from geosal.errors import SceneError

torch = pytest.importorskip("torch")

from geosal.lab.training.networks import count_parameters, make_network  # noqa: E402
from geosal.lab.training.vgg16 import load_vgg16  # noqa: E402


def test_vgg16_is_the_papers():
    network = make_network("vgg16", 102)
    convolutions = [one for one in network.modules() if isinstance(one, torch.nn.Conv2d)]
    assert len(convolutions) == 13 + 3 + 1
    assert not any(isinstance(one, torch.nn.Linear) for one in network.modules())
    assert network.classifier.bias is None
    features = network.features.features
    assert count_parameters(features) == 14_714_688
    assert count_parameters(network) == 14_714_688 + 147_488 + 10_240 + 9_438_208 + 104_448
    keys = [key for key in network.features.state_dict() if key.startswith("features.")]
    assert keys[:2] + keys[-2:] == ["features.0.weight", "features.0.bias", "features.28.weight", "features.28.bias"]


def test_compact_is_small():
    network = make_network("compact", 10)
    assert count_parameters(network) < 1_000_000
    assert network.stride == 8


@pytest.mark.parametrize(("backbone", "stride"), [("vgg16", 16), ("compact", 8)])
def test_a_logit_is_the_mean_of_its_map(backbone: str, stride: int):
    torch.manual_seed(0)
    network = make_network(backbone, 5).eval()
    pixels = torch.randn(2, 3, 3 * stride, 4 * stride)
    with torch.inference_mode():
        cam, logits = network(pixels)
        again = network(pixels)
    assert cam.shape == (2, 5, 3, 4)
    torch.testing.assert_close(cam.mean((2, 3)), logits)
    assert torch.equal(cam, again[0])
    assert torch.equal(logits, again[1])


def test_relu_of_the_head_can_be_had():
    torch.manual_seed(0)
    features = make_network("vgg16", 3, head_relu=True).features.eval()
    with torch.inference_mode():
        assert features(torch.randn(1, 3, 32, 32)).min() >= 0


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict with torchvision's keys; its classifier is cut short, as nothing looks at it."""
    torch.manual_seed(1)
    state = make_network("vgg16", 2).features.state_dict()
    state = {key: value for key, value in state.items() if key.startswith("features.")}
    state["classifier.0.weight"] = torch.zeros(2, 2)
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save(state, path)
    return path


def test_weights_of_torchvision_fit(weights: Path):
    features = make_network("vgg16", 3).features
    head = features.head[0].weight.clone()
    load_vgg16(features, str(weights))
    saved = torch.load(weights, weights_only=True)
    assert torch.equal(features.features[28].weight, saved["features.28.weight"])
    assert torch.equal(features.head[0].weight, head)


def test_wrong_weights(weights: Path, tmp_path: Path):
    features = make_network("vgg16", 3).features
    with pytest.raises(SceneError, match="no such file"):
        load_vgg16(features, str(tmp_path / "missing.pth"))
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(SceneError, match="give a state dict of torchvision's VGG16"):
        load_vgg16(features, str(tmp_path / "text.pth"))
    (tmp_path / "cut.pth").write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(SceneError, match=r"cut\.pth"):
        load_vgg16(features, str(tmp_path / "cut.pth"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(SceneError, match="holds a list"):
        load_vgg16(features, str(tmp_path / "list.pth"))
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(SceneError, match=r"features\.0\.bias is missing and should be 64 \(26 tensors differ\)"):
        load_vgg16(features, str(tmp_path / "other.pth"))


def test_code_in_a_weights_file_is_not_run(tmp_path: Path):
    mark = tmp_path / "mark"

    class Evil:
        def __reduce__(self):
            return (Path.touch, (mark,))

    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(SceneError, match="holds more than tensors"):
        load_vgg16(make_network("vgg16", 3).features, str(tmp_path / "evil.pth"))
    assert not mark.exists()
