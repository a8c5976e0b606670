"""What HEVC says of a still picture before its samples (ITU-T H.265, 7.3): parameter sets and headers of slices.

Only what an intra picture by x265 has is known here; the rest is refused. Tiles of the picture, each in a slice of its
own, share nothing: no prediction, no entropy coder and no filter crosses their edges. So a tile has the same bits
as a picture of its own, but for the header of its slice.
"""

from dataclasses import dataclass, replace
from typing import Self

from geosal.core.bpg.bits import BitReader, BitWriter, stuffed, unstuffed
from geosal.core.bpg.nal import PICTURE, SEQUENCE, VIDEO, unit_of

_IDR_N_LP = 20
_INTRA = 2
"""Type of a slice."""
_LEAST_BLOCK = 3
"""Binary logarithm of the least coding block."""
_MOST_BLOCK = 6
_LEVEL = 255
"""Number of level 8.5: no limits."""
_PROFILE = 4
"""Number of the range extensions' profiles, which have all chroma formats."""
_HEAD_BYTES = 1024
"""Bytes of a slice in which its header is looked for."""


@dataclass(frozen=True, kw_only=True)
class Coding:
    """What a sequence parameter set says that a BPG repeats.

    Attributes
    ----------
    chroma
        Format of chroma: 0 for grey, 1 for 4:2:0, 3 for 4:4:4.
    block, more_block, transform, more_transform
        Binary logarithms: of the least coding block less 3, of the largest less the least; the same of transforms,
        the first less 2.
    depth
        Depth of the tree of transforms.
    sao, smooth
        Whether samples get offsets, and whether predictions of large blocks are smoothed strongly.
    """

    chroma: int
    block: int
    more_block: int
    transform: int
    more_transform: int
    depth: int
    sao: bool
    smooth: bool

    @property
    def side(self) -> int:
        """Rows and columns of a coding tree block."""
        return 1 << (_LEAST_BLOCK + self.block + self.more_block)

    def padded(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of the coded picture: whole coding blocks."""
        least = 1 << (_LEAST_BLOCK + self.block)
        rows, cols = (-(-length // least) * least for length in shape)
        return rows, cols

    @classmethod
    def of_header(cls, data: bytes, chroma: int) -> Self:
        """Read the header that a BPG has in the place of a sequence parameter set.

        Raises
        ------
        ValueError
            It is cut off or out of range, or has what x265 does not write.
        """
        bits = BitReader(data)
        block, more_block, transform, more_transform, depth = (bits.unsigned() for _ in range(5))
        sao, pcm = bits.flag(), bits.flag()
        if pcm:
            raise ValueError("it has blocks without compression (PCM), which are not read here")
        smooth, extended = bits.flag(), bits.flag()
        if extended and bits.read(8):
            raise ValueError("it uses extensions of HEVC that are not read here; make a PNG of it with bpgdec")
        found = cls(
            chroma=chroma,
            block=block,
            more_block=more_block,
            transform=transform,
            more_transform=more_transform,
            depth=depth,
            sao=sao,
            smooth=smooth,
        )
        if not _LEAST_BLOCK <= _LEAST_BLOCK + block + more_block <= _MOST_BLOCK or transform + more_transform > 3:
            raise ValueError("the sizes of blocks in its header are out of range")
        return found

    def header(self) -> bytes:
        """Return the header that a BPG has in the place of a sequence parameter set."""
        bits = BitWriter()
        self._write_sizes(bits)
        bits.write(self.sao)
        bits.write(0)
        bits.write(self.smooth)
        bits.write(0)
        return bits.done(stop="")

    def _write_sizes(self, bits: BitWriter) -> None:
        for number in (self.block, self.more_block, self.transform, self.more_transform, self.depth):
            bits.unsigned(number)

    @classmethod
    def of_unit(cls, unit: bytes) -> Self:
        """Read a sequence parameter set of x265.

        Raises
        ------
        ValueError
            It has what x265 does not write for a still picture.
        """
        bits = BitReader(unstuffed(unit[2:]))
        bits.read(4)
        layers = bits.read(3)
        bits.read(1 + 8 + 32 + 48 + 8)  # nesting; profile, its compatibilities and constraints; level
        bits.unsigned()
        chroma = bits.unsigned()
        planes = chroma == 3 and bits.flag()
        bits.unsigned()
        bits.unsigned()
        if bits.flag():
            for _ in range(4):
                bits.unsigned()
        depths = bits.unsigned(), bits.unsigned()
        bits.unsigned()
        bits.flag()
        for _ in range(3):
            bits.unsigned()
        block, more_block, transform, more_transform, _, depth = (bits.unsigned() for _ in range(6))
        scaling = bits.flag()
        bits.flag()  # asymmetric partitions, which intra blocks do not have
        sao, pcm = bits.flag(), bits.flag()
        if layers or planes or any(depths) or scaling or pcm or bits.unsigned():
            raise ValueError("x265 wrote a sequence parameter set that a BPG cannot have")
        long_term = bits.flag()
        bits.flag()
        smooth = bits.flag()
        if long_term:
            raise ValueError("x265 wrote a sequence parameter set that a BPG cannot have")
        return cls(
            chroma=chroma,
            block=block,
            more_block=more_block,
            transform=transform,
            more_transform=more_transform,
            depth=depth,
            sao=sao,
            smooth=smooth,
        )

    def units(self, shape: tuple[int, int]) -> list[bytes]:
        """Return a video and a sequence parameter set for a picture of some rows and columns, padded."""
        video = BitWriter()
        video.write(0, 4)
        video.write(3, 2)  # the base layer is here, and is whole
        video.write(0, 6 + 3)
        video.write(1)
        video.write(0xFFFF, 16)
        _write_profile(video)
        video.write(1)
        for number in (0, 0, 0):
            video.unsigned(number)
        video.write(0, 6)
        video.unsigned(0)
        video.write(0, 2)
        return [unit_of(VIDEO, stuffed(video.done())), unit_of(SEQUENCE, stuffed(self._sequence(*shape)))]

    def _sequence(self, rows: int, cols: int) -> bytes:
        bits = BitWriter()
        bits.write(0, 4 + 3)
        bits.write(1)
        _write_profile(bits)
        bits.unsigned(0)
        bits.unsigned(self.chroma)
        if self.chroma == 3:
            bits.write(0)
        bits.unsigned(cols)
        bits.unsigned(rows)
        bits.write(0)
        for number in (0, 0, 4):
            bits.unsigned(number)
        bits.write(1)
        for _ in range(3):
            bits.unsigned(0)
        self._write_sizes(bits)
        bits.unsigned(self.depth)
        bits.write(0)
        bits.write(1)
        bits.write(self.sao)
        bits.write(0)
        bits.unsigned(0)
        bits.write(0)
        bits.write(1)
        bits.write(self.smooth)
        bits.write(0, 2)
        return bits.done()


def _write_profile(bits: BitWriter) -> None:
    bits.write(0, 3)
    bits.write(_PROFILE, 5)
    bits.write(1 << (31 - _PROFILE), 32)
    bits.write(0b1001, 4)  # progressive, and only frames
    bits.write(0, 44)
    bits.write(_LEVEL, 8)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """A picture parameter set, as x265 writes it, and the tiles of the picture.

    Attributes
    ----------
    hides_signs, qp, transform_skip, qp_depth, cb, cr, lossless, inner
        See H.265, 7.4.3.3. `qp_depth` is None where all blocks have the QP of their slice.
    across
        Whether filters cross the edges of slices; never where there are tiles of ours.
    rows, cols
        Heights and widths of tiles, in coding tree blocks; empty where the picture is one.
    """

    hides_signs: bool
    qp: int
    inner: bool
    transform_skip: bool
    qp_depth: int | None
    cb: int
    cr: int
    lossless: bool
    across: bool
    rows: tuple[int, ...] = ()
    cols: tuple[int, ...] = ()

    @property
    def tiled(self) -> bool:
        """Whether there are tiles."""
        return bool(self.rows)

    @classmethod
    def of_unit(cls, unit: bytes) -> Self:
        """Read a set that x265 or `unit` wrote.

        Raises
        ------
        ValueError
            Another encoder wrote it.
        """
        bits = BitReader(unstuffed(unit[2:]))
        plain = [bits.unsigned(), bits.unsigned(), bits.read(5)]
        hides_signs = bits.flag()
        plain += [bits.read(), bits.unsigned(), bits.unsigned()]
        qp, inner, skip = bits.signed(), bits.flag(), bits.flag()
        depth = bits.unsigned() if bits.flag() else None
        cb, cr = bits.signed(), bits.signed()
        plain.append(bits.read(3))
        lossless, tiled = bits.flag(), bits.flag()
        plain.append(bits.read())
        rows: tuple[int, ...] = ()
        cols: tuple[int, ...] = ()
        if tiled:
            across, down = bits.unsigned(), bits.unsigned()
            if bits.flag() or across + down > 1 << 12:
                raise ValueError("it has other tiles than geosal writes")
            cols = tuple(1 + bits.unsigned() for _ in range(across))
            rows = tuple(1 + bits.unsigned() for _ in range(down))
            plain.append(bits.read())
        slices = bits.flag()
        plain += [bits.read(3), bits.unsigned(), bits.read(2)]
        if any(plain):
            raise ValueError("another encoder than x265 wrote it")
        return cls(
            hides_signs=hides_signs,
            qp=qp,
            inner=inner,
            transform_skip=skip,
            qp_depth=depth,
            cb=cb,
            cr=cr,
            lossless=lossless,
            across=slices,
            rows=(*rows, 0) if tiled else (),
            cols=(*cols, 0) if tiled else (),
        )

    def with_tiles(self, rows: int, cols: int, side: int) -> Self:
        """Return the parameters of a picture of some rows and columns of tiles of `side` coding tree blocks.

        What remains is the last one's, and is written nowhere.
        """
        tiled = rows * cols > 1
        return replace(
            self,
            across=False,
            rows=(*(side,) * (rows - 1), 0) if tiled else (),
            cols=(*(side,) * (cols - 1), 0) if tiled else (),
        )

    def unit(self) -> bytes:
        """Return the set as a unit."""
        bits = BitWriter()
        bits.unsigned(0)
        bits.unsigned(0)
        bits.write(0, 5)
        bits.write(self.hides_signs)
        bits.write(0)
        bits.unsigned(0)
        bits.unsigned(0)
        bits.signed(self.qp)
        bits.write(self.inner)
        bits.write(self.transform_skip)
        bits.write(self.qp_depth is not None)
        if self.qp_depth is not None:
            bits.unsigned(self.qp_depth)
        bits.signed(self.cb)
        bits.signed(self.cr)
        bits.write(0, 3)
        bits.write(self.lossless)
        bits.write(self.tiled)
        bits.write(0)
        if self.tiled:
            bits.unsigned(len(self.cols) - 1)
            bits.unsigned(len(self.rows) - 1)
            bits.write(0)
            for length in (*self.cols[:-1], *self.rows[:-1]):
                bits.unsigned(length - 1)
            bits.write(0)
        bits.write(self.across)
        bits.write(0, 3)
        bits.unsigned(0)
        bits.write(0, 2)
        return unit_of(PICTURE, stuffed(bits.done()))


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A slice of an intra picture.

    Attributes
    ----------
    address
        Its first coding tree block, row by row from 0.
    offsets
        Whether luma, and chroma, have offsets; as many as the coding allows.
    qp
        Difference of its QP from that of the parameters.
    body
        The coded blocks, with emulation prevention.
    """

    address: int
    offsets: tuple[bool, ...]
    qp: int
    body: bytes

    @classmethod
    def of_unit(cls, unit: bytes, coding: Coding, parameters: Parameters, blocks: int) -> Self:
        """Read a slice of a picture of so many coding tree blocks.

        Raises
        ------
        ValueError
            It is none of x265's still pictures, nor of ours.
        """
        head = unstuffed(unit[2 : 2 + _HEAD_BYTES])
        bits = BitReader(head)
        first, _, parameter_set = bits.flag(), bits.flag(), bits.unsigned()
        address = 0 if first else bits.read((blocks - 1).bit_length())
        if bits.unsigned() != _INTRA or parameter_set or address >= blocks:
            raise ValueError("a slice of it is damaged, or not intra")
        offsets = tuple(bits.flag() for _ in range(_offsets(coding)))
        qp = bits.signed()
        if parameters.across:
            bits.flag()
        if parameters.tiled and bits.unsigned():
            raise ValueError("a slice of it has several tiles")
        if not bits.flag() or bits.read(-bits.place % 8):
            raise ValueError("the header of a slice is damaged")
        # The header ends in a byte that is not 0: nothing is stuffed across its end.
        length = len(stuffed(head[: bits.place // 8]))
        return cls(address=address, offsets=offsets, qp=qp, body=unit[2 + length :])

    def unit(self, coding: Coding, parameters: Parameters, blocks: int) -> bytes:
        """Return the slice as a unit of a picture of so many coding tree blocks."""
        bits = BitWriter()
        bits.write(self.address == 0)
        bits.write(0)
        bits.unsigned(0)
        if self.address:
            bits.write(self.address, (blocks - 1).bit_length())
        bits.unsigned(_INTRA)
        for each in self.offsets[: _offsets(coding)]:
            bits.write(each)
        bits.signed(self.qp)
        if parameters.across:
            bits.write(0)
        if parameters.tiled:
            bits.unsigned(0)
        return unit_of(_IDR_N_LP, stuffed(bits.done()) + self.body)


def _offsets(coding: Coding) -> int:
    """Return how many flags for offsets a slice has."""
    return int(coding.sao) + int(coding.sao and coding.chroma > 0)


def blocks_of(coding: Coding, shape: tuple[int, int]) -> int:
    """Return the number of coding tree blocks of a picture."""
    rows, cols = (-(-length // coding.side) for length in coding.padded(shape))
    return rows * cols
