import os
from pathlib import Path

import pytest

from geosal.errors import SceneError
from geosal.sources.network import model, session


def test_a_model_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(session, "_MAX_BYTES", 1000)
    large = tmp_path / "large.onnx"
    large.write_bytes(bytes(2000))
    with pytest.raises(SceneError, match=r"large\.onnx: a model of more than 1000 bytes; give a smaller one"):
        model.Model.load(str(large))


def test_a_device_that_does_not_end_is_no_model(tmp_path: Path) -> None:
    endless = tmp_path / "endless.onnx"
    endless.symlink_to("/dev/zero")
    with pytest.raises(SceneError, match=r"endless\.onnx: .*it is a pipe or a device; give an ONNX file"):
        model.Model.load(str(endless))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_model_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(SceneError, match=r"pipe\.onnx: .*it is a pipe or a device; give an ONNX file"):
        model.Model.load(str(tmp_path / "pipe.onnx"))
