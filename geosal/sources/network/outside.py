"""Weights that an ONNX file keeps in other files, found without onnx.

onnxruntime reads such files from where a model says: below the folder where one is, and an older one (1.19) anywhere.
They would be no part of the model's digest either.
"""

from collections.abc import Iterator, Mapping

_KINDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Message of onnx.proto -> number of a field -> the message in it, as far as tensors lie below."""
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_VARINT, _WIDE, _BYTES, _NARROW = 0, 1, 2, 5
"""Types of a field on the wire: https://protobuf.dev/programming-guides/encoding/."""
_WIDTHS = {_WIDE: 8, _NARROW: 4}
_LONGEST = 10
"""Bytes of a number at most."""
_MOST_FIELDS = 10**7
_ENUM = 2**32 - 1


def outside_file(content: bytes) -> str | None:
    """Return the file in which a model keeps weights, as the model names it; None of a model that is whole.

    Parameters
    ----------
    content
        The model's bytes.

    Raises
    ------
    ValueError
        They are no model.
    """
    waiting = [("model", memoryview(content))]
    left = _MOST_FIELDS
    while waiting:
        kind, message = waiting.pop()
        below = _KINDS[kind]
        for number, value in _fields(message):
            left -= 1
            if not left:
                raise ValueError(f"it has more than {_MOST_FIELDS} fields")
            if isinstance(value, int):
                if kind == "tensor" and number == _DATA_LOCATION and value & _ENUM == _EXTERNAL:
                    return _place(message)
            elif kind == "tensor" and number == _EXTERNAL_DATA:
                return _place(message)
            elif number in below:
                waiting.append((below[number], value))
    return None


def _place(tensor: memoryview) -> str:
    """Return the file that a tensor names."""
    for number, entry in _fields(tensor):
        if number == _EXTERNAL_DATA and not isinstance(entry, int):
            told = {key: bytes(value) for key, value in _fields(entry) if not isinstance(value, int)}
            if told.get(1) == b"location":
                return told.get(2, b"").decode(errors="replace")
    return ""


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a message; of numbers with a fixed width none."""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _number(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _number(message, at)
        elif kind in _WIDTHS:
            length = _WIDTHS[kind]
        else:
            raise ValueError(f"a field of type {kind}")
        if at + length > len(message):
            raise ValueError("a field is cut off")
        if kind == _BYTES:
            yield number, message[at : at + length]
        at += length


def _number(message: memoryview, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the least first; return it and where it ends."""
    value = 0
    for place, byte in enumerate(message[at : at + _LONGEST]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number does not end")
