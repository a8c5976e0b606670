"""JPEG at qualities between the whole numbers, by our own quantisation tables.

libjpeg scales the tables of ITU-T T.81, annex K, by ``200 - 2 * quality`` percent (``5000 / quality`` below 50) and
takes whole qualities only. One step changes a file by some 2 %; with a fraction the same formula changes entries one by
one.
"""

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg.stream import HUFFMAN, QUANTISATION, SCAN, START, segments, zigzag

_MIDDLE = 50
"""Quality at which the tables are those of annex K."""
_MARKER = 0xFF
_TABLE_BEGINS = 5
"""Bytes from a marker to the entries of its table: marker, length, number of the table."""
_LARGEST = 255
"""Largest entry of a table in baseline JPEG."""


def fine_jpeg(samples: NDArray[np.uint8], quality: float) -> bytes:
    """Compress grey (y, x, 1), or RGB (y, x, 3) as YCbCr 4:2:0, with Huffman tables of its own.

    Parameters
    ----------
    samples
        uint8, bands last.
    quality
        1 to 100, with a fraction.

    Raises
    ------
    RuntimeError
        The codec refuses.
    """
    from PIL import Image  # only this library takes tables

    out = io.BytesIO()
    picture = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else np.ascontiguousarray(samples))
    tables = quantisation_tables(quality)
    try:
        if samples.shape[2] == 1:  # without subsampling: a grey tile with factors of 2 is none for libtiff
            picture.save(out, "JPEG", qtables=tables[:1], optimize=True)
        else:
            picture.save(out, "JPEG", qtables=tables, optimize=True, subsampling="4:2:0")
    except OSError as error:
        raise RuntimeError(f"JPEG of quality {quality:g}: {error}") from error
    return out.getvalue()


def scale(quality: float) -> float:
    """Return the factor on the tables of annex K; 1 at quality 50."""
    return _percent(quality) / 100


def _percent(quality: float) -> float:
    return 5000 / quality if quality < _MIDDLE else 200 - 2 * quality


@cache
def quantisation_tables(quality: float) -> tuple[list[int], list[int]]:
    """Return the tables of luma and chroma, 64 entries each, row by row."""
    luma, chroma = _annex_k()
    return _scaled(luma, _percent(quality)), _scaled(chroma, _percent(quality))


def _scaled(table: NDArray[np.int64], percent: float) -> list[int]:
    return [int(entry) for entry in np.clip((table * percent + _MIDDLE) // 100, 1, _LARGEST)]


def quality_of(head: bytes) -> float | None:
    """Tell the quality of a JPEG from its luma table; None where that is not of libjpeg's making.

    Parameters
    ----------
    head
        First bytes of the file, up to its scan or less.
    """
    at = len(START)
    while at + _TABLE_BEGINS < len(head) and head[at] == _MARKER and head[at + 1] != SCAN:
        begin, end = at + _TABLE_BEGINS, at + 2 + int.from_bytes(head[at + 2 : at + 4], "big")
        if head[at + 1] == QUANTISATION and head[begin - 1] == 0:  # of 8 bits, and luma's
            return _qualities().get(head[begin : begin + 64])
        at = end
    return None


@cache
def _qualities() -> dict[bytes, float]:
    """Luma tables of whole qualities, in the order of the stream."""
    luma, order = _annex_k()[0], zigzag()
    # Below 50, libjpeg cuts 5000 / quality off.
    return {
        bytes(np.array(_scaled(luma, int(_percent(quality))))[order].tolist()): float(quality)
        for quality in range(1, 101)
    }


@cache
def _annex_k() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the tables of annex K, which libjpeg has at quality 50."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", quality=_MIDDLE)
    with Image.open(out) as picture:
        found: dict[int, Any] = picture.quantization  # type: ignore[attr-defined]
    return np.array(found[0], np.int64), np.array(found[1], np.int64)


@cache
def steps(quality: float) -> NDArray[np.uint16]:
    """Return the tables of luma and chroma, (2, 64), row by row."""
    tables = np.array(quantisation_tables(quality), np.uint16)
    tables.flags.writeable = False
    return tables


@cache
def code_lengths() -> NDArray[np.uint8]:
    """Return the bits of AC symbols in the typical tables of annex K (K.5 and K.6), (2, 256); 0 for none."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", optimize=False)
    lengths = np.zeros((2, 256), np.uint8)
    for marker, segment in segments(out.getvalue()):
        body = segment[4:]
        if marker == HUFFMAN and body[0] >> 4:
            sizes = np.repeat(np.arange(1, 17), list(body[1:17]))
            lengths[body[0] & 1, list(body[17:])] = sizes
    lengths.flags.writeable = False
    return lengths
