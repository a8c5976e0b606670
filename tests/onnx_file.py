"""Tiny ONNX files made by hand, so that tests of what reads them need neither onnx nor torch.

Only the fields that are used, by their numbers in onnx.proto.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: Sequence[int] | int) -> bytes:
    parts = [_field(1, name) for name in inputs] + [_field(2, output), _field(4, kind)]
    for name, value in attributes.items():
        if isinstance(value, int):
            parts.append(_field(5, _field(1, name) + _field(3, value) + _field(20, 2)))
        else:
            parts.append(_field(5, _field(1, name) + b"".join(_field(8, one) for one in value) + _field(20, 7)))
    return b"".join(parts)


def mixing_model(
    mix: Sequence[Sequence[float]], stride: int = 4, *, metadata: Mapping[str, str] | None = None, names: str = "cam"
) -> bytes:
    """A model whose map of a class is a mix of red, green and blue, means of `stride` x `stride` pixels."""
    weights = np.asarray(mix, "<f4")
    count = len(weights)
    dims = b"".join(_field(1, size) for size in (count, 3, 1, 1))
    tensor = dims + _field(2, 1) + _field(8, "mix") + _field(9, weights.tobytes())
    nodes = [
        _node("AveragePool", ["pixels"], "small", kernel_shape=[stride] * 2, strides=[stride] * 2),
        _node("Conv", ["small", "mix"], names, kernel_shape=[1, 1]),
        _node("GlobalAveragePool", [names], "means"),
        _node("Flatten", ["means"], "logits", axis=1),
    ]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "mixing") + _field(5, tensor)
    graph += _field(11, _value("pixels", ["batch", 3, "y", "x"]))
    graph += _field(12, _value(names, ["batch", count, "map_y", "map_x"])) + _field(
        12, _value("logits", ["batch", count])
    )
    props = b"".join(_field(14, _field(1, key) + _field(2, text)) for key, text in (metadata or {}).items())
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17)) + props


def card_metadata(classes: Sequence[str], **values: Any) -> dict[str, str]:
    """Metadata as geosal writes them; mean 0 and deviation 1 unless told, so that maps are what the mix says."""
    known = {
        "classes": list(classes),
        "weights": [1.0] * len(classes),
        "stride": 4,
        "size": 16,
        "ground_resolution": None,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
    }
    return {"format": "geosal-msroi", "version": "1"} | {
        key: json.dumps(value) for key, value in (known | values).items()
    }
