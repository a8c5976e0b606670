from pathlib import Path

import pytest

from geosal.errors import SceneError
from geosal.sources.network import model, session


def test_a_model_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A device has no size to look at first."""
    monkeypatch.setattr(session, "_MAX_BYTES", 1000)
    endless = tmp_path / "endless.onnx"
    endless.symlink_to("/dev/zero")
    with pytest.raises(SceneError, match=r"endless\.onnx: a model of more than 1000 bytes; give a smaller one"):
        model.Model.load(str(endless))
