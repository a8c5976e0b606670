"""The head of a BPG file (BPG specification 0.9.5, section 3): size, colours, and where the coded picture lies."""

from dataclasses import dataclass
from typing import BinaryIO, Self

from geosal.core.bpg.bits import read_ue7, ue7
from geosal.core.bpg.hevc import Coding

MAGIC = b"BPG\xfb"
ALPHA, MASK = "GEOSAL_ALPHA", "MASK"
"""Tag beside a BPG, and its value where the alpha plane is a mask and no band."""
GREY, HALVED, FULL = 0, 1, 3
"""Pixel formats that are read: grey; chroma halved in both directions, its samples in the middle of four; full."""
YCBCR_601, RGB, YCBCR_709, YCBCR_2020 = 0, 1, 3, 4
"""Colour spaces that are read."""
MOST_PIXELS = 2**31 // 8
"""Pixels of an image with 128 more rows and columns, at most: FFmpeg's limit, and so that of most programs."""
_MARGIN = 128
_HEAD_BYTES = 1 << 16
"""Bytes in which the head is looked for; metadata in it are skipped, however long."""
_FORMATS, _SPACES, _LEAST_DEPTH = 6, 5, 8


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands before the coded picture.

    Attributes
    ----------
    shape
        Rows and columns.
    pixel_format
        `GREY`, `HALVED` or `FULL`; or another number of the specification.
    colour_space
        `YCBCR_601`, `RGB` …
    limited
        Whether samples have the range of video, 16 to 235.
    alpha
        Whether there is an alpha plane that is not multiplied into the colours.
    coding, alpha_coding
        What the coded pictures of colours and of alpha say before their slices.
    data, length
        Offset of the coded picture, and its bytes; a length of 0 means all up to the end of the file.
    """

    shape: tuple[int, int]
    pixel_format: int
    colour_space: int
    coding: Coding
    limited: bool = False
    alpha: bool = False
    alpha_coding: Coding | None = None
    data: int = 0
    length: int = 0

    @property
    def bands(self) -> int:
        """Number of bands, without alpha."""
        return 1 if self.pixel_format == GREY else 3

    def written(self, data_bytes: int) -> bytes:
        """Return all that precedes the coded picture of so many bytes."""
        codings = [self.alpha_coding, self.coding] if self.alpha_coding is not None else [self.coding]
        headers = b"".join(ue7(len(found)) + found for found in (coding.header() for coding in codings))
        flags = bytes([self.pixel_format << 5 | self.alpha << 4, self.colour_space << 4 | self.limited << 1])
        rows, cols = self.shape
        return MAGIC + flags + ue7(cols) + ue7(rows) + ue7(len(headers) + data_bytes) + headers

    @classmethod
    def read(cls, file: BinaryIO) -> Self:
        """Read the head of a file, and refuse what cannot be decoded here.

        Raises
        ------
        ValueError
            It is no BPG, is damaged, or is of a kind that is not read; the message says which.
        """
        start = file.read(_HEAD_BYTES)
        if start[:4] != MAGIC or len(start) < 6:
            raise ValueError("it is no BPG")
        pixel_format, alpha1, depth = start[4] >> 5, start[4] >> 4 & 1, _LEAST_DEPTH + (start[4] & 15)
        space, extended, alpha2 = start[5] >> 4, start[5] >> 3 & 1, start[5] >> 2 & 1
        limited, animated = start[5] >> 1 & 1, start[5] & 1
        if pixel_format >= _FORMATS or space > _SPACES:
            raise ValueError("its header names a pixel format or a colour space that BPG does not have")
        cols, place = read_ue7(start, 6)
        rows, place = read_ue7(start, place)
        length, place = read_ue7(start, place)
        skipped = 0
        if extended:
            skipped, place = read_ue7(start, place)
        _refuse_size(rows, cols)
        _refuse_kind(pixel_format, space, depth, alpha2=alpha2, animated=animated)
        file.seek(place + skipped)
        start, base, place = file.read(_HEAD_BYTES), place + skipped, 0
        codings = []
        for grey in [True, False] if alpha1 else [False]:
            size, place = read_ue7(start, place)
            if place + size > len(start):
                raise ValueError("its header is cut off")
            codings.append(Coding.of_header(start[place : place + size], chroma=0 if grey else pixel_format))
            place += size
        if length and length < place:
            raise ValueError("its header is longer than all of its picture")
        return cls(
            shape=(rows, cols),
            pixel_format=pixel_format,
            colour_space=space,
            limited=bool(limited),
            alpha=bool(alpha1),
            coding=codings[-1],
            alpha_coding=codings[0] if alpha1 else None,
            data=base + place,
            length=length - place if length else 0,
        )


def too_large(rows: int, cols: int) -> bool:
    """Return whether programs refuse an image of that size."""
    return (rows + _MARGIN) * (cols + _MARGIN) >= MOST_PIXELS


def _refuse_size(rows: int, cols: int) -> None:
    if not rows or not cols:
        raise ValueError("its header has no rows or no columns")
    if too_large(rows, cols):
        raise ValueError(f"its header claims {cols} x {rows} px, and {MOST_PIXELS // 10**6} Mpx are the most")


def _refuse_kind(pixel_format: int, space: int, depth: int, *, alpha2: int, animated: int) -> None:
    """Refuse kinds of BPG that no program for scenes writes."""
    kind = (
        "an animation"
        if animated
        else f"{depth} bits a sample"
        if depth > _LEAST_DEPTH
        else "alpha multiplied into its colours, or CMYK"
        if alpha2
        else "chroma that is placed as in video, or halved in one direction"
        if pixel_format not in {GREY, HALVED, FULL}
        else "colours in YCgCo"
        if pixel_format != GREY and space not in {YCBCR_601, RGB, YCBCR_709, YCBCR_2020}
        else ""
    )
    if kind:
        raise ValueError(f"it has {kind}, which is not read here; make a PNG of it with bpgdec")
