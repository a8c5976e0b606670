import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

Call = Callable[..., Result]
SMALL = ("--backbone", "compact", "--size", 16, "--batch", 4, "--validation", 2, "--threads", 1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight dark and eight bright pictures, and eight between."""
    root = tmp_path_factory.mktemp("data")
    for kind, level in (("bright", 220), ("dark", 20), ("grey", 120)):
        (root / kind).mkdir()
        for number in range(8):
            Image.fromarray(np.full((16, 16, 3), level + number, np.uint8)).save(root / kind / f"{number}.png")
    return root


def test_refusals_that_need_no_torch(data: Path, tmp_path: Path, call: Call) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for words, says in (
        ((data, "--backbone", "resnet"), "'resnet' is not one of"),
        ((data, "--epochs", 0), "--epochs 0"),
        ((data, "--size", 100), "vgg16 takes multiples of 16 px"),
        ((data, "--vgg16-weights", __file__, "--json", __file__), "a file of the job itself"),
        ((data, "--json", run / "report.json"), "a file of the job itself"),
        ((data, "--classes", ","), "names no class"),
        ((data, "--weight", "dark"), "--weight dark: is no NAME=WEIGHT"),
        ((data, "--weight", "dark=2"), "give a weight in 0..1"),
        ((data, "--ground-resolution", 0), "give metres above 0"),
        ((data, "--ground-resolution", "inf"), "give metres above 0"),
        ((data, "--note", "licence"), "is no KEY=TEXT"),
    ):
        result = call("train", *words, "-o", run)
        assert result.exit_code == 2, result.stderr
        assert says in result.stderr
        assert result.stderr.count("\n") == 1
    assert not list(run.iterdir())


def test_without_torch(data: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = call("train", data, "-o", tmp_path / "run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "which is not installed; pip install 'geosal[train]'" in result.stderr


class TestWithTorch:
    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        pytest.importorskip("torch")
        pytest.importorskip("onnx")

    def test_a_run_and_what_it_leaves(self, data: Path, tmp_path: Path, call: Call) -> None:
        run = tmp_path / "run"
        words = ("train", data, *SMALL, "--epochs", 2, "--test", 1, "-o", run, "--ground-resolution", 10)
        result = call(*words, "--weight", "dark=0.5", "--note", "licence=CC0", "--json", tmp_path / "out.json")
        assert result.exit_code == 0, result.stderr
        assert "epochs    2 of 2" in result.stdout
        assert "on 3 test pictures" in result.stdout
        assert result.stderr.startswith("epoch 1: loss ")
        names = {path.name for path in run.iterdir()}
        assert names == {"checkpoint.pt", "confusion.csv", "log.csv", "model.onnx", "report.json"}
        report = json.loads((run / "report.json").read_text())
        assert report == json.loads((tmp_path / "out.json").read_text())
        assert report["pictures"] == {"train": 15, "validation": 6, "test": 3}
        assert report["complete"] is True
        assert np.sum(report["test"]["confusion"]) == 3
        assert len(list(csv.reader((run / "log.csv").open()))) == 3
        assert (run / "confusion.csv").read_text().startswith("class,bright,dark,grey\nbright,")

        import onnx

        properties = {one.key: one.value for one in onnx.load(run / "model.onnx").metadata_props}
        assert json.loads(properties["classes"]) == ["bright", "dark", "grey"]
        assert json.loads(properties["weights"]) == [1, 0.5, 1]
        assert json.loads(properties["ground_resolution"]) == 10
        assert json.loads(properties["notes"])["licence"] == "CC0"

    def test_classes_and_resuming(self, data: Path, tmp_path: Path, call: Call) -> None:
        run = tmp_path / "run"
        words = ("train", data, *SMALL, "--classes", "grey, dark", "-o", run, "--quiet")
        assert call(*words, "--epochs", 1).exit_code == 0
        again = call(*words, "--epochs", 2)
        assert again.exit_code == 5
        assert "holds a run; go on with --resume, start again with --overwrite" in again.stderr
        resumed = call(*words, "--epochs", 2, "--resume")
        assert (resumed.exit_code, resumed.stdout, resumed.stderr) == (0, "", "")
        report = json.loads((run / "report.json").read_text())
        assert (report["epochs"], report["classes"], report["test"]) == (2, ["grey", "dark"], None)
        assert call(*words, "--epochs", 1, "--overwrite").exit_code == 0
        assert json.loads((run / "report.json").read_text())["epochs"] == 1

    @pytest.mark.parametrize("name", ["model.onnx", "report.json", "confusion.csv", "log.csv"])
    def test_files_of_others_are_left_alone(self, data: Path, tmp_path: Path, call: Call, name: str) -> None:
        run = tmp_path / "run"
        run.mkdir()
        (run / name).write_text("mine")
        words = ("train", data, *SMALL, "--epochs", 1, "-o", run, "--quiet")
        refused = call(*words)
        assert refused.exit_code == 5
        assert f"holds a {name} and no run" in refused.stderr
        assert (run / name).read_text() == "mine"
        assert call(*words, "--overwrite").exit_code == 0
        assert (run / name).read_bytes() != b"mine"

    def test_memory_that_is_not_there(
        self, data: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

        monkeypatch.setattr("geosal.lab.training.learning.Learner.learn_epoch", fail)
        result = call("train", data, *SMALL, "-o", tmp_path / "run")
        assert (result.exit_code, "smaller --batch" in result.stderr) == (7, True)

    def test_refusals(self, data: Path, tmp_path: Path, call: Call) -> None:
        run = tmp_path / "run"
        (tmp_path / "wrong.pth").write_text("no weights")
        for code, says, words in (
            (3, "no such folder", (tmp_path / "missing",)),
            (2, "class 'red'", (data, "--classes", "red,dark")),
            (2, "no class has that name", (data, "--weight", "red=1")),
            (2, "leaves none to learn from", (data, "--validation", 8)),
            (2, "--resume", (data, "--resume")),
            (3, "wrong.pth", (data, "--backbone", "vgg16", "--size", 32, "--vgg16-weights", tmp_path / "wrong.pth")),
            (2, "the compact backbone has no place", (data, "--vgg16-weights", tmp_path / "wrong.pth")),
            (5, "cannot be made", (data, "-o", tmp_path / "wrong.pth" / "run")),
        ):
            result = call("train", words[0], *SMALL, "-o", run, *words[1:])
            assert result.exit_code == code, (words, result.stderr)
            assert says in result.stderr
            assert result.stderr.count("\n") == 1
        assert not run.exists() or list(run.iterdir()) == []
