"""Weights in other files, by tiny models; onnxruntime itself is not asked."""

import numpy as np
import pytest
from onnx_file import answering_model, foreign_model, mixing_model, outside_model, yolo_model

from geosal.sources.network.model import _shipped
from geosal.sources.network.outside import outside_file


@pytest.mark.parametrize(
    "content",
    [
        mixing_model([[1, 0, 0]], metadata={"format": "other"}), yolo_model(64, 8, 2, side=10), foreign_model(),
        answering_model(64, found=np.zeros((1, 5, 9))), _shipped(), b"",
    ],
)  # fmt: skip
def test_a_model_that_is_whole(content: bytes) -> None:
    assert outside_file(content) is None


@pytest.mark.parametrize(
    "fields", [{}, {"nested": 1}, {"data_location": 0}, {"data_location": 2**32 + 1}, {"data_location": b"x"}]
)
@pytest.mark.parametrize("place", ["w.bin", "/srv/models/w.bin", "../w.bin", ""])
def test_a_weight_in_another_file_is_found(place: str, fields: dict[str, int | bytes]) -> None:
    assert outside_file(outside_model(place, **fields)) == place


@pytest.mark.parametrize("content", [b"nothing", b"\x0a", b"\x08" + b"\x80" * 11, b"\x3a\x05ab", b"\x0b", b"\x09ab"])
def test_what_is_no_model(content: bytes) -> None:
    with pytest.raises(ValueError, match="field|number"):
        outside_file(content)


def test_a_model_of_too_many_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.sources.network.outside._MOST_FIELDS", 20)
    with pytest.raises(ValueError, match="more than 20 fields"):
        outside_file(b"\x08\x01" * 21)
