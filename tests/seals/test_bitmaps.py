"""Bitmaps that anybody may have written."""

import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from geosal.seals.bitmaps import pack, unpack


def _noise(shape: tuple[int, int], sigma: float, share: float, seed: int) -> np.ndarray:
    field = np.random.default_rng(seed).normal(size=shape)
    smooth = gaussian_filter(field, sigma) if sigma else field
    return smooth > np.quantile(smooth, 1 - share)


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([0, 1, 4, 20]), st.floats(0, 1), st.integers(0, 9999))
@example(1, 1, 0, 0.0, 0)
@example(1, 70, 4, 0.5, 0)
@example(70, 1, 4, 0.5, 0)
def test_it_comes_back(rows: int, cols: int, sigma: float, share: float, seed: int) -> None:
    which = _noise((rows, cols), sigma, share, seed)
    np.testing.assert_array_equal(unpack(pack(which), (rows, cols)), which)


def test_shapes_come_back_in_few_bytes() -> None:
    blobs, boxes = _noise((512, 512), 30, 0.3, 1), np.zeros((512, 512), np.bool_)
    boxes[40:90, 100:160] = boxes[300:400, 0:40] = boxes[500:, 480:] = True
    for which, most in (
        (blobs, len(zlib.compress(np.packbits(blobs).tobytes())) // 2),
        (boxes, 60),
        (np.zeros_like(boxes), 0),
        (np.ones_like(boxes), 1),
    ):
        packed = pack(which)
        assert len(packed) <= most
        np.testing.assert_array_equal(unpack(packed, which.shape), which)


def test_noise_takes_no_more_than_its_bits() -> None:
    noise = _noise((512, 512), 0, 0.5, 2)
    assert len(pack(noise)) < 512 * 64 + 100
    np.testing.assert_array_equal(unpack(pack(noise), (512, 512)), noise)


@pytest.mark.parametrize(
    "bitmap",
    [
        b"x",
        b"aa",
        b"b",
        b"e",
        b"b" + zlib.compress(bytes(19)),
        b"b" + zlib.compress(bytes(21)),
        b"b" + zlib.compress(bytes(2**24)),
        b"b" + zlib.compress(bytes(20))[:-1],
        b"b" + zlib.compress(bytes(20)) + b"more",
        b"e" + zlib.compress(bytes(2**24)),
        b"e" + zlib.compress(bytes(19)),
        b"e" + zlib.compress(bytes([1] + [0] * 19)),
        b"e" + zlib.compress(bytes([255] * 20)),
        b"e" + zlib.compress(bytes([1] + [0] * 19) + b"\xff\xff"),
        b"e" + zlib.compress(bytes([1] + [0] * 19) + b"\x18\x00"),
        b"e" + zlib.compress(bytes([2] + [0] * 19) + b"\x04\x01\x00\x00"),
    ],
)
def test_another_size_and_nonsense_are_refused(bitmap: bytes) -> None:
    assert not unpack(b"b" + zlib.compress(bytes(20)), (10, 12)).any()
    assert unpack(b"e" + zlib.compress(bytes([1] + [0] * 19) + b"\x16\x00"), (10, 12)).sum() == 1
    with pytest.raises(ValueError, match="a bitmap"):
        unpack(bitmap, (10, 12))


@given(st.binary(max_size=60), st.sampled_from([b"b", b"e", b""]), st.booleans())
def test_any_bytes_are_a_bitmap_or_refused(data: bytes, kind: bytes, deflated: bool) -> None:
    try:
        found = unpack(kind + (zlib.compress(data) if deflated else data), (9, 33))
    except ValueError:
        return
    assert found.shape == (9, 33)
