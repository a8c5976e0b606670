"""Join codestreams of single tiles to one JPEG 2000 codestream (ISO/IEC 15444-1 annex A, 15444-15).

A tile that was encoded alone, at the origin, has the same data anywhere in an image, as long as tiles are a power of
two wide and high, at least 2**levels: wavelets, code-blocks and precincts then begin at the same places. So the data
stay as they are; only the headers around them are rewritten.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from geosal.core.jpeg2000 import (
    END,
    EOC,
    LOCATED,
    MOST_TILES,
    PPM,
    SIZ,
    SOC,
    SOD,
    SOT,
    SOT_LENGTH,
    TLM,
    CodestreamError,
    Segment,
    marker_at,
    segments,
)

CAP, COD, COC, QCD, QCC, RGN, POC = 0xFF50, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F
CRG, COM = 0xFF63, 0xFF64
_OVERRIDES = ((COD, COC), (QCD, QCC), (RGN,), (POC,))
"""Markers that a tile may have of its own. Those of a group replace the main header's together."""
_TLM_ENTRY = struct.Struct(">HI")
_TLM_KIND = 0x60
"""Stlm of a TLM marker segment: two bytes for the number of a tile, four for the length of a tile-part."""
_TLM_HEAD = 6
_TLM_MOST = (65535 - 4) // _TLM_ENTRY.size
PROFILE_1 = 2
_PROFILE_1_TILE = 1024


class TilePart(NamedTuple):
    """A part of a tile; most tiles have one."""

    tile: int
    """Number of the tile in its codestream."""
    number: int
    parts: int
    """Number of parts of the tile; 0 when this part does not tell."""
    header: tuple[Segment, ...]
    data: memoryview


class Codestream(NamedTuple):
    """A parsed codestream."""

    header: tuple[Segment, ...]
    parts: tuple[TilePart, ...]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The codestream of the whole image around its tiles.

    Attributes
    ----------
    header
        Segments of the main header except TLM.
    tile_parts
        Number of tile-parts for which TLM has room.
    """

    header: tuple[Segment, ...]
    tile_parts: int

    @classmethod
    def of(cls, sample: bytes, shape: tuple[int, int], tile: int) -> "Frame":
        """Make the frame of an image from any of its tiles.

        Parameters
        ----------
        sample
            Codestream whose last tile is a tile of the image.
        shape
            Rows and columns of the image.
        tile
            Rows and columns of its tiles.

        Raises
        ------
        CodestreamError
            The sample is no codestream, or an image cannot have so many tiles.
        """
        rows, cols = (-(-side // tile) for side in shape)
        if rows * cols > MOST_TILES:
            raise CodestreamError(f"{rows * cols} tiles, JPEG 2000 has {MOST_TILES} at most")
        found = parse(sample)
        header = tuple(
            Segment(SIZ, _whole_size(segment.body, shape, tile)) if segment.marker == SIZ else segment
            for segment in found.header
            if segment.marker not in LOCATED
        )
        return cls(header=header, tile_parts=rows * cols * len(last_tile(found)))

    @property
    def profile(self) -> int:
        """Return the limits that the codestream keeps: 0 none, `PROFILE_1`, or other numbers of the standard."""
        return int(struct.unpack_from(">H", _of(self.header, SIZ)[0].body)[0])

    def main_header(self) -> tuple[bytes, int]:
        """Write SOC and the main header with an empty TLM; returns them and the offset of TLM."""
        last = max(index for index, segment in enumerate(self.header) if segment.marker in {SIZ, CAP, COD, QCD, QCC})
        head = struct.pack(">H", SOC) + b"".join(segment.encode() for segment in self.header[: last + 1])
        tail = b"".join(segment.encode() for segment in self.header[last + 1 :])
        return head + self.index(()) + tail, len(head)

    def index(self, lengths: Sequence[tuple[int, int]]) -> bytes:
        """Write TLM.

        Parameters
        ----------
        lengths
            Tile and length of each tile-part, in the order of the file. If their number differs from the room, an empty
            comment of the same length replaces TLM, which may be left out but not be incomplete.
        """
        text = bytearray()
        for number, begin in enumerate(range(0, self.tile_parts, _TLM_MOST)):
            count = min(_TLM_MOST, self.tile_parts - begin)
            body = b"".join(_TLM_ENTRY.pack(*entry) for entry in lengths[begin : begin + count])
            if len(lengths) == self.tile_parts:
                text += Segment(TLM, bytes((number, _TLM_KIND)) + body).encode()
            else:
                text += Segment(COM, b"\0\1" + b" " * (count * _TLM_ENTRY.size)).encode()
        return bytes(text)

    def tile_parts_of(self, stream: bytes, number: int) -> Iterator[bytes]:
        """Turn a codestream into tile-parts of the image.

        Parameters
        ----------
        stream
            Its last tile counts.
        number
            Number of that tile in the image, row by row from 0.

        Yields
        ------
        bytes
            The tile-part, from SOT to the end of its data.

        Raises
        ------
        CodestreamError
            The tile was encoded in a way that no header of a tile can express.
        """
        found = parse(stream)
        own = tuple(self._overrides(found.header))
        for part in last_tile(found):
            header = (*own, *part.header) if part.number == 0 else part.header
            text = b"".join(segment.encode() for segment in header) + struct.pack(">H", SOD)
            length = SOT_LENGTH + len(text) + len(part.data)
            sot = struct.pack(">HHHIBB", SOT, SOT_LENGTH - 2, number, length, part.number, part.parts)
            yield b"".join((sot, text, part.data))

    def _overrides(self, header: tuple[Segment, ...]) -> Iterator[Segment]:
        """Yield the settings of a tile that differ from the image's, for the header of its first part."""
        for marker in (SIZ, CAP):
            ours, theirs = _of(self.header, marker), _of(header, marker)
            if [_comparable(segment) for segment in ours] != [_comparable(segment) for segment in theirs]:
                raise CodestreamError("a tile has other samples, or needs other decoders, than the rest of the image")
        for group in _OVERRIDES:
            ours, theirs = _of(self.header, *group), _of(header, *group)
            if ours != theirs:
                if not theirs:
                    raise CodestreamError(f"a tile lacks marker {group[0]:04X} of the rest of the image")
                yield from theirs


def parse(stream: bytes) -> Codestream:
    """Parse a codestream; its data are not copied.

    Raises
    ------
    CodestreamError
        The bytes are no codestream, or they are cut off.
    """
    view = memoryview(stream)
    try:
        if stream[:2] != struct.pack(">H", SOC):
            raise CodestreamError("no JPEG 2000 codestream")
        header, place = segments(view, 2, frozenset({SOT, EOC}))
        if any(segment.marker in {PPM, CRG} for segment in header) or not _of(header, SIZ):
            raise CodestreamError("packed packet headers or no size in the main header")
        parts: list[TilePart] = []
        while marker_at(view, place) == SOT:
            part, place = _tile_part(view, place)
            parts.append(part)
        if marker_at(view, place) != EOC or not parts:
            raise CodestreamError("the codestream is cut off")
    except struct.error as error:
        raise CodestreamError("the codestream is cut off") from error
    return Codestream(header, tuple(parts))


def last_tile(stream: Codestream) -> tuple[TilePart, ...]:
    """Return the parts of the tile with the highest number."""
    last = max(part.tile for part in stream.parts)
    return tuple(part for part in stream.parts if part.tile == last)


def _tile_part(view: memoryview, place: int) -> tuple[TilePart, int]:
    _, _, tile, length, number, parts = struct.unpack_from(">HHHIBB", view, place)
    end = place + length if length else len(view) - len(END)
    header, begin = segments(view, place + SOT_LENGTH, frozenset({SOD, EOC}))
    begin += 2
    if not begin <= end <= len(view) - len(END):
        raise CodestreamError("a tile-part is cut off")
    return TilePart(tile, number, parts, header, view[begin:end]), end


def _of(header: tuple[Segment, ...], *markers: int) -> list[Segment]:
    return [segment for segment in header if segment.marker in markers]


def _comparable(segment: Segment) -> bytes:
    """Return the part of a segment that all tiles must share: in SIZ only the components."""
    return segment.body[34:] if segment.marker == SIZ else segment.body


def _whole_size(body: bytes, shape: tuple[int, int], tile: int) -> bytes:
    """Rewrite SIZ for the image; a profile is dropped where the image's tiles are too large for it."""
    (rsiz,) = struct.unpack_from(">H", body)
    if rsiz == PROFILE_1 and tile > _PROFILE_1_TILE and max(shape) > tile:
        rsiz = 0
    return struct.pack(">H8I", rsiz, shape[1], shape[0], 0, 0, tile, tile, 0, 0) + body[34:]
