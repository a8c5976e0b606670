"""Tiny ONNX files made by hand, so that tests of what reads them need neither onnx nor torch.

Only the fields that are used, by their numbers in onnx.proto.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_KINDS = {"<f4": 1, "<i8": 7}
"""Numbers of types of tensors."""


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


def _value(name: str, shape: Sequence[int | str], kind: int = 1) -> bytes:
    dims = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def _tensor(name: str, array: np.ndarray) -> bytes:
    dims = b"".join(_field(1, size) for size in array.shape)
    return dims + _field(2, _KINDS[array.dtype.str]) + _field(8, name) + _field(9, array.tobytes())


def _model(
    nodes: Sequence[bytes], tensors: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    graph = (
        b"".join(_field(1, node) for node in nodes) + _field(2, "made") + b"".join(_field(5, one) for one in tensors)
    )
    graph += b"".join(_field(11, one) for one in inputs) + b"".join(_field(12, one) for one in outputs)
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17))


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


def yolo_model(size: int, stride: int, classes: int, *, side: float, v5: bool = False) -> bytes:
    """A detector with a raw head of YOLO's: each cell of `stride` pixels scores the mean of a band, a band for a class.

    Its box is a square of `side` pixels around the middle of the cell. With `v5` every score is halved by that of an
    object, and cells come first.
    """
    cells = size // stride
    at = (np.arange(cells) + 0.5) * stride
    extra = 5 if v5 else 4
    base = np.zeros((1, extra + classes, cells * cells), "<f4")
    base[0, 0], base[0, 1] = np.tile(at, cells), np.repeat(at, cells)
    base[0, 2:4] = side
    mix = np.zeros((extra + classes, 3, 1, 1), "<f4")
    for one in range(classes):
        mix[extra + one, one] = 1
    if v5:
        base[0, 4] = 0.5
    nodes = [
        _node("AveragePool", ["pixels"], "small", kernel_shape=[stride] * 2, strides=[stride] * 2),
        _node("Conv", ["small", "mix"], "map", kernel_shape=[1, 1]),
        _node("Reshape", ["map", "shape"], "flat"),
        _node("Add", ["flat", "base"], "rows" if v5 else "found"),
    ]
    shape: list[int | str] = list(base.shape)
    if v5:
        nodes.append(_node("Transpose", ["rows"], "found", perm=[0, 2, 1]))
        shape = [1, shape[2], shape[1]]
    tensors = [_tensor("mix", mix), _tensor("shape", np.array(base.shape, "<i8")), _tensor("base", base)]
    return _model(nodes, tensors, [_value("pixels", [1, 3, size, size])], [_value("found", shape)])


def outside_model(location: str, **fields: int | bytes) -> bytes:
    """A network whose answer, float32 (1, 5, 9), is a weight that lies in another file.

    Of `fields`, ``data_location`` stands in the place of what says that it does; ``nested`` puts the weight into a
    graph within a node.
    """
    tensor = b"".join(_field(1, size) for size in (1, 5, 9)) + _field(2, 1) + _field(8, "base")
    for key, value in {"location": location, "offset": "0", "length": "180"}.items():
        tensor += _field(13, _field(1, key) + _field(2, value))
    tensor += _field(14, fields.get("data_location", 1))
    node = _node("Identity", ["base"], "found")
    if fields.get("nested"):
        inner = _field(1, node) + _field(2, "inner") + _field(5, tensor) + _field(12, _value("found", [1, 5, 9]))
        node = _node("If", ["yes"], "found") + _field(5, _field(1, "then_branch") + _field(6, inner) + _field(20, 5))
    tensors = [] if fields.get("nested") else [tensor]
    return _model([node], tensors, [_value("pixels", [1, 3, 64, 64])], [_value("found", [1, 5, 9])])


def foreign_model() -> bytes:
    """A network of an operator that only some other program has."""
    node = _node("Mystery", ["pixels"], "found") + _field(7, "com.example")
    shape = [1, 3, 64, 64]
    graph = _model([node], [], [_value("pixels", shape)], [_value("found", shape)])
    return graph + _field(8, _field(1, "com.example") + _field(2, 1))


def answering_model(size: int | str, **answers: np.ndarray) -> bytes:
    """A network that returns the same arrays whatever it sees, a picture (3, y, x), as torchvision's detectors take."""
    arrays = {name: array.astype("<f4" if array.dtype.kind == "f" else "<i8") for name, array in answers.items()}
    return _model(
        [_node("Identity", [f"known {name}"], name) for name in arrays],
        [_tensor(f"known {name}", array) for name, array in arrays.items()],
        [_value("pixels", [3, size, size])],
        [_value(name, array.shape, _KINDS[array.dtype.str]) for name, array in arrays.items()],
    )


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
