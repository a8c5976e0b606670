"""What the head of a JPEG stream tells of its coding: quantisation tables, sampling, colours."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geosal.formats.jpeg.stream import FRAME, QUANTISATION, START, segments, zigzag
from geosal.native.jpeg import SAMPLES

_APP14 = 0xEE
_FRAMES = frozenset({FRAME, FRAME + 1, FRAME + 2})
"""Markers of frames of Huffman-coded DCT: baseline, extended, progressive (T.81, table B.1)."""
_LENGTH = 4
"""Bytes of a segment before its content: marker and length."""
_ADOBE, _TRANSFORM = b"Adobe", 11
"""Name of Adobe's segment, and offset of the byte that is 0 where there is no YCbCr."""
_IDS_OF_RGB = b"RGB"
_SAMPLINGS = {(0x11,): "444", (0x11, 0x11, 0x11): "444", (0x22, 0x11, 0x11): "420"}
"""Sampling factors of the components -> subsampling; one component is as it is whatever its factors."""


@dataclass(frozen=True, eq=False)
class Head:
    """The coding of a stream.

    Attributes
    ----------
    tables
        (2, 64): steps of luma and of chroma, row by row; grey has those of luma twice.
    bands
        Number of components, 1 or 3.
    subsampling
        ``"420"`` or ``"444"``, which grey has too; None where it is another.
    """

    tables: NDArray[np.uint16]
    bands: int
    subsampling: str | None

    @classmethod
    def read(cls, stream: bytes, shared: bytes = b"") -> Self | None:
        """Read the head of a stream.

        Parameters
        ----------
        stream
            Its first bytes, up to the scan at least.
        shared
            A stream with the tables that it lacks: the tag JPEGTables of a TIFF.

        Returns
        -------
        Head or None
            None where it is no JPEG, is cut off, or holds anything but grey or YCbCr of 8 bits with one table for both
            chroma components.
        """
        found: dict[int, NDArray[np.uint16]] = {}
        frame = b""
        for part in (shared, stream):
            if not part.startswith(START):
                continue
            try:
                for marker, segment in segments(part):
                    if marker == QUANTISATION:
                        found |= _tables(segment[_LENGTH:])
                    elif marker in _FRAMES:
                        frame = segment[_LENGTH:]
                    elif marker == _APP14 and _is_rgb(segment[_LENGTH:]):
                        return None
            except IndexError:  # cut off, or the end of tables that stand alone
                continue
        return cls._of(frame, found)

    @classmethod
    def _of(cls, frame: bytes, tables: dict[int, NDArray[np.uint16]]) -> Self | None:
        components = [frame[at : at + 3] for at in range(6, len(frame) - 2, 3)]
        bands = len(components)
        if not frame.startswith(b"\x08") or bands not in {1, 3} or bytes(part[0] for part in components) == _IDS_OF_RGB:
            return None
        numbers = [part[2] for part in components]
        if not tables.keys() >= set(numbers) or len(set(numbers[1:])) > 1:
            return None
        sampling = (0x11,) if bands == 1 else tuple(part[1] for part in components)
        both = np.stack([tables[numbers[0]], tables[numbers[-1]]])
        return cls(both, bands, _SAMPLINGS.get(sampling))


def _tables(body: bytes) -> dict[int, NDArray[np.uint16]]:
    """Read the content of a DQT segment: tables by number, row by row (T.81, B.2.4.1)."""
    found, at = {}, 0
    while at < len(body):
        kind = np.dtype(">u2") if body[at] >> 4 else np.dtype("u1")
        number, begin, at = body[at] & 15, at + 1, at + 1 + SAMPLES * kind.itemsize
        entries = np.frombuffer(body[begin:at].ljust(SAMPLES * kind.itemsize, b"\0"), kind)
        if not entries.all():
            raise IndexError("a table that is cut off, or has a step of 0")
        table = np.empty(SAMPLES, np.uint16)
        table[zigzag()] = entries
        found[number] = table
    return found


def _is_rgb(body: bytes) -> bool:
    return body.startswith(_ADOBE) and len(body) > _TRANSFORM and body[_TRANSFORM] == 0
