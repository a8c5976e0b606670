"""Damage to files, by their structure and byte by byte, always the same for the same state of a random generator."""

import copy
import json
import random
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

_EDGES = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
"""Numbers at which types end."""
_ODD_TEXTS = (
    "", " ", "\0", "..", "../../etc/passwd", "/etc/passwd", "~", "x" * 5000, "nan", "inf", "-1", "1e999", "0x10",
    "http://127.0.0.1:9/x.tif", "/vsicurl/http://127.0.0.1:9/x", "\ud800", "\u202e", "é" * 9, "a\nb", "%s%n", "{}",
    "9" * 400, "0x" + "f" * 4000, "'", '"', "<x>", "&lt;", "-", "1-", "=", ":", ",", "🛰",
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), [], {}, [[]], [None], {"": {}}, [0] * 40, "nan",
)  # fmt: skip
_DEEP = 400


def odd_value(chance: random.Random) -> Any:
    """A value that no key should have."""
    if chance.random() < 0.35:
        return chance.choice(_ODD_TEXTS)
    if chance.random() < 0.05:
        value: Any = 1
        for _ in range(_DEEP):
            value = [value] if chance.random() < 0.5 else {"a": value}
        return value
    return copy.deepcopy(chance.choice(_ODD_VALUES))


def bytewise(data: bytes, chance: random.Random) -> bytes:
    """Change, insert, delete, double or cut some bytes."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(7):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(out):
                out[at] = chance.randrange(256)
            case 2:
                out[at:at] = chance.randbytes(chance.choice((1, 2, 4, 40)))
            case 3:
                del out[at : at + chance.choice((1, 2, 4, 100))]
            case 4:
                size = chance.choice((1, 2, 4, 8))
                edge = chance.choice(_EDGES) % 256**size
                out[at : at + size] = edge.to_bytes(size, chance.choice(("little", "big")))
            case 5:
                out[at:at] = out[max(0, at - chance.randrange(1, 60)) : at]
            case 6 if chance.random() < 0.3:
                del out[at:]
            case _:
                pass
    return bytes(out)


def as_text(data: bytes, chance: random.Random) -> bytes:
    """Change a text: its words, numbers and marks."""
    text = data.decode("utf-8", "replace")
    for _ in range(chance.choice((1, 1, 2, 3))):
        tokens = re.findall(r"\w+|[^\w]", text)
        if not tokens:
            return chance.choice(_ODD_TEXTS).encode("utf-8", "replace")
        at = chance.randrange(len(tokens))
        match chance.randrange(6):
            case 0:
                tokens[at] = chance.choice(_ODD_TEXTS)
            case 1:
                tokens[at] = str(chance.choice(_EDGES) * chance.choice((1, -1)))
            case 2:
                del tokens[at : at + chance.randrange(1, 4)]
            case 3:
                tokens[at:at] = tokens[at : at + chance.randrange(1, 9)] * chance.choice((1, 1, 30))
            case 4:
                other = chance.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 5:
                tokens[at] += chance.choice("\0\n\t-.:,;=#%<>(){}[]\"'")
        text = "".join(tokens)
    return text.encode("utf-8", "surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or object in a value, with each of its indexes or keys."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            yield one, key
            waiting.append(one[key])


def as_json(data: bytes, chance: random.Random) -> bytes:
    """Change values, keys and structure of JSON; now and then its text."""
    if chance.random() < 0.15:
        return as_text(data, chance)
    try:
        value = [json.loads(data)]
    except ValueError:
        return as_text(data, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        holder, key = chance.choice(list(_places(value)))
        match chance.randrange(8):
            case 0 if isinstance(holder, dict):
                holder[chance.choice(_ODD_TEXTS)] = holder.pop(key)
            case 1 if holder is not value:
                del holder[key]
            case 2 if isinstance(holder, list) and holder is not value:
                holder.extend(copy.deepcopy(holder[: chance.randrange(1, 5)]))
            case 3:
                _, other = source = chance.choice(list(_places(value)))
                holder[key] = copy.deepcopy(source[0][other])
            case 4 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = chance.choice((-holder[key], holder[key] + 1, chance.choice(_EDGES), holder[key] // 3))
            case _:
                holder[key] = odd_value(chance)
    # A lone surrogate or a NaN is written as Python writes it: others do so too.
    return json.dumps(value[0]).encode("ascii")


_ELEMENT = re.compile(rb"<([\w:.]+)[^<>/]*>([^<>]*)</\1>")
_DOCTYPE = b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d SYSTEM "file:///etc/passwd">]>'


def as_xml(data: bytes, chance: random.Random) -> bytes:
    """Change texts, attributes and elements of XML; add entities, nesting and other encodings."""
    for _ in range(chance.choice((1, 1, 2))):
        found = list(_ELEMENT.finditer(data))
        if not found or chance.random() < 0.1:
            return as_text(data, chance)
        data = _with_odd_element(data, chance.choice(found), chance)
    return data


def _with_odd_element(data: bytes, one: re.Match[bytes], chance: random.Random) -> bytes:
    (begin, end), (first, last) = one.span(), one.span(2)
    odd = chance.choice(_ODD_TEXTS).encode("utf-8", "replace").translate(None, b'&<"\0')
    quoted = list(re.finditer(rb'="([^"<]*)"', data))
    place = chance.choice(quoted).span(1) if quoted else (first, last)
    coded = chance.choice((b"x", b"utf-16", b"utf-7"))
    inside = chance.choice((b"&b;", b"&d;", b"&#0;", b"<![CDATA[x]]>"))
    return chance.choice(
        (
            data[:begin] + data[end:],
            data[:begin] + one[0] * chance.choice((2, 2, 300)) + data[end:],
            data[:begin] + b"<a>" * _DEEP + one[0] + b"</a>" * _DEEP + data[end:],
            _DOCTYPE + data,
            data[:first] + inside + data[last:],
            data[: place[0]] + odd + data[place[1] :],
            b'<?xml version="1.0" encoding="' + coded + b'"?>' + data,
            data[:first] + odd + data[last:],
            data[:first] + odd + data[last:],
        )
    )


def as_lines(data: bytes, chance: random.Random) -> bytes:
    """Drop, double or exchange lines, or change one of them."""
    lines = data.split(b"\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[at]] * chance.choice((1, 1, 50))
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            lines[at] = as_text(lines[at], chance)
    return b"\n".join(lines)


def as_tiff(data: bytes, chance: random.Random) -> bytes:
    """Change the fields of directories of a little-endian TIFF or BigTIFF."""
    big = data[2] == 43
    count_form, entry_form, next_form = ("<Q", "<HHQQ", "<Q") if big else ("<H", "<HHII", "<I")
    directories, place = [], struct.unpack_from(next_form, data, 8 if big else 4)[0]
    while place and len(directories) < 20:
        (count,) = struct.unpack_from(count_form, data, place)
        directories.append((place, count))
        place = struct.unpack_from(
            next_form, data, place + struct.calcsize(count_form) + count * struct.calcsize(entry_form)
        )[0]
    out = bytearray(data)
    most = 64 if big else 32
    for _ in range(chance.choice((1, 1, 2, 3))):
        begin, count = chance.choice(directories)
        entry = begin + struct.calcsize(count_form) + chance.randrange(count) * struct.calcsize(entry_form)
        number = chance.choice((*_EDGES, len(data), len(data) - 1, begin, chance.randrange(len(data)))) % 2**most
        match chance.randrange(6):
            case 0:
                struct.pack_into("<H", out, entry, chance.choice((254, 256, 257, 322, 324, 325, 42112, number % 65536)))
            case 1:
                struct.pack_into("<H", out, entry + 2, chance.choice((*range(20), 65535)))
            case 2:
                struct.pack_into(next_form, out, entry + 4, number)
            case 3 | 4:
                struct.pack_into(next_form, out, entry + 4 + most // 8, number)
            case 5:
                after = begin + struct.calcsize(count_form) + count * struct.calcsize(entry_form)
                struct.pack_into(next_form, out, after, number)
    return bytes(out)


def segments(marks: bytes, order: str = ">H") -> Mutation:
    """Make a mutation of lengths and contents behind marks, such as markers or kinds of chunks, by their pattern."""
    size = struct.calcsize(order)

    def mutated(data: bytes, chance: random.Random) -> bytes:
        found = [one.end() for one in re.finditer(marks, data, re.DOTALL) if one.end() + size <= len(data)]
        if not found:
            return bytewise(data, chance)
        out = bytearray(data)
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.choice(found)
            if chance.random() < 0.5:
                struct.pack_into(order, out, at, chance.choice((*_EDGES, len(data))) % 256**size)
            elif at + size < len(out):
                out[at + size + chance.randrange(min(40, len(out) - at - size))] = chance.choice(_EDGES) % 256
        return bytes(out)

    return mutated


def some(*mutations: Mutation, noise: float = 0.15) -> Mutation:
    """Make a mutation that is one of several, and now and then bytewise."""

    def mutated(data: bytes, chance: random.Random) -> bytes:
        one = bytewise if chance.random() < noise else chance.choice(mutations)
        return one(data, chance)

    return mutated
