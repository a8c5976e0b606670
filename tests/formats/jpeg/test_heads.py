"""Heads of streams, read as Pillow reads them."""

import io

import numpy as np
import pytest
from PIL import Image

from geosal.formats.jpeg.heads import Head


def _stream(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)).convert(mode).save(
        out, "JPEG", **options
    )
    return out.getvalue()


@pytest.mark.parametrize("quality", [5, 50, 83, 97])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("mode", "sampling", "found"), [
    ("RGB", 0, "444"), ("RGB", 1, None), ("RGB", 2, "420"), ("L", 0, "444"),
])  # fmt: skip
def test_tables_and_sampling(quality: int, progressive: bool, mode: str, sampling: int, found: str | None) -> None:
    stream = _stream(mode, quality=quality, progressive=progressive, subsampling=sampling)
    head = Head.read(stream[: stream.index(b"\xff\xda") + 8])
    right = Image.open(io.BytesIO(stream)).quantization  # type: ignore[attr-defined]
    assert head is not None
    assert (head.bands, head.subsampling) == (1 if mode == "L" else 3, found)
    np.testing.assert_array_equal(head.tables, [right[0], right.get(1, right[0])])


def test_tables_that_stand_elsewhere() -> None:
    shared, own = _stream(quality=30), _stream(quality=60)
    begin, end = (own.index(marker) for marker in (b"\xff\xdb", b"\xff\xc0"))
    bare = own[:begin] + own[end:]
    tables = shared[: shared.index(b"\xff\xc0")] + b"\xff\xd9"
    assert Head.read(bare) is None
    head, right = Head.read(bare, tables), Head.read(shared)
    assert head is not None
    assert right is not None
    np.testing.assert_array_equal(head.tables, right.tables)


def test_of_other_colours_and_of_no_jpeg_nothing_is_told() -> None:
    stream = _stream()
    adobe = stream[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0" + stream[2:]
    assert adobe[:2] == stream[:2]
    for odd in (_stream("CMYK"), adobe, b"", stream[:100], b"II*\0" + bytes(100), stream[:20] + bytes(50)):
        assert Head.read(odd) is None


def test_damage_is_no_error() -> None:
    rng = np.random.default_rng(0)
    whole = _stream(quality=70)
    length = whole.index(b"\xff\xda") + 8
    for _ in range(2000):
        damaged = np.frombuffer(whole[: rng.integers(1, length)], np.uint8).copy()
        places = rng.integers(0, damaged.size, 3)
        damaged[places] = rng.integers(0, 256, 3)
        head = Head.read(damaged.tobytes(), whole[:length] if rng.integers(2) else b"")
        assert head is None or head.tables.all()
