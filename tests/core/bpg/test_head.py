"""The head of a BPG: what is written is read again, and of any other bytes it says what is wrong."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.core.bpg.bits import ue7
from geosal.core.bpg.head import GREY, MAGIC, RGB, Head
from geosal.core.bpg.hevc import Coding

_CODING = Coding(chroma=0, block=0, more_block=3, transform=0, more_transform=3, depth=0, sao=True, smooth=True)
_HEAD = Head(shape=(300, 200), pixel_format=GREY, colour_space=0, coding=_CODING)


def _read(data: bytes) -> Head:
    return Head.read(io.BytesIO(data))


@pytest.mark.parametrize("alpha", [None, _CODING])
def test_a_head_comes_back(alpha: Coding | None) -> None:
    coding = Coding(chroma=3, block=0, more_block=2, transform=0, more_transform=3, depth=1, sao=False, smooth=True)
    head = Head(
        shape=(11, 70000), pixel_format=3, colour_space=RGB, coding=coding, alpha=alpha is not None, alpha_coding=alpha
    )
    written = head.written(123)
    found = _read(written + bytes(123))
    assert (found.shape, found.coding, found.alpha_coding) == (head.shape, coding, alpha)
    assert (found.data, found.length) == (len(written), 123)


def test_metadata_are_skipped() -> None:
    written = _HEAD.written(5)
    place = len(MAGIC) + 2 + len(ue7(200)) + len(ue7(300)) + 1
    flagged = written[:5] + bytes([written[5] | 8]) + written[6:place] + ue7(7) + b"\3\5hello" + written[place:]
    assert _read(flagged).coding == _CODING
    assert _read(flagged).data == _read(written).data + 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: b"\x89PNG" + data[4:], "no BPG"),
        (lambda data: data[:9], "cut off"),
        (lambda data: data[:-1], "cut off"),
        (lambda data: data[:4] + b"\xc0" + data[5:], "does not have"),
        (lambda data: data[:4] + b"\x02" + data[5:], "10 bits"),
        (lambda data: data[:5] + b"\x01" + data[6:], "animation"),
        (lambda data: data[:5] + b"\x04" + data[6:], "CMYK"),
        (lambda data: data[:4] + b"\x40" + data[5:], "video"),
        (lambda data: data[:6] + b"\0" + data[8:], "no rows or no columns"),
        (lambda data: data[:6] + ue7(2**20) + ue7(2**20) + data[10:], "the most"),
    ],
)
def test_what_is_not_read_is_refused(change: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _read(change(_HEAD.written(0)))  # type: ignore[operator]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = _read(MAGIC + data)
    except ValueError:
        return
    assert min(found.shape) > 0
