"""Decode a BPG: a picture whose tiles stand alone, as geosal writes them, tile by tile; any other as a whole."""

import mmap
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.bpg import colour, hevc, nal
from geosal.core.bpg.head import FULL, GREY, HALVED, RGB, Head
from geosal.core.bpg.hevc import Coding, Parameters, Slice
from geosal.core.bpg.library import pyav

Planes = list[NDArray[np.uint8]]
"""Planes of samples, (y, x): one, or luma and two of chroma."""
_USUAL_QP = 26
"""QP from which those of parameters and slices differ."""
_ROWS = 512
"""Rows of a picture decoded as a whole that are turned to colours at once."""
_PADDING = 64
"""Zero bytes that FFmpeg wants after what it decodes (AV_INPUT_BUFFER_PADDING_SIZE): it reads them where a stream ends
early. Else a damaged file would decode by what lies behind it in memory, so differently each time."""


class Strip(NamedTuple):
    """Some rows of a picture."""

    top: int
    pixels: NDArray[np.uint8]
    """(band, y, x): grey, or red, green and blue."""
    alpha: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class _Layer:
    """The coded picture of colours or of alpha."""

    coding: Coding
    units: list[bytes]
    shape: tuple[int, int]

    def tiles(self) -> "_Tiles | None":
        """Return its tiles; None where they do not stand alone."""
        sets = [unit for unit in self.units if nal.kind_of(unit) == nal.PICTURE]
        slices = [unit for unit in self.units if nal.kind_of(unit) in nal.IDR]
        if len(sets) != 1:
            return None
        try:
            parameters = Parameters.of_unit(sets[0])
            blocks = hevc.blocks_of(self.coding, self.shape)
            found = [Slice.of_unit(unit, self.coding, parameters, blocks) for unit in slices]
            grid = _Tiles(self.coding, parameters, found, self.shape)
            alone = parameters.tiled and not parameters.across
            return grid if alone and [each.address for each in found] == list(grid.addresses()) else None
        except ValueError:
            return None

    def whole(self) -> Planes:
        """Decode all of it, in the size that the head claims: sets of the stream's own could claim any other."""
        own = [unit for unit in self.units if nal.kind_of(unit) not in {nal.VIDEO, nal.SEQUENCE}]
        stream = [*self.coding.units(self.coding.padded(self.shape)), *own]
        return decoded(stream, self.coding.chroma, self.shape)


@dataclass(frozen=True, eq=False)
class _Tiles:
    """Tiles that stand alone."""

    coding: Coding
    parameters: Parameters
    slices: list[Slice]
    shape: tuple[int, int]

    @property
    def rows(self) -> list[int]:
        """Heights of rows of tiles, in pixels."""
        return _lengths(self.parameters.rows, self.coding.side, self.shape[0])

    @property
    def cols(self) -> list[int]:
        """Widths of columns of tiles, in pixels."""
        return _lengths(self.parameters.cols, self.coding.side, self.shape[1])

    def addresses(self) -> Iterator[int]:
        """List the first blocks of the tiles, in the order of the stream."""
        side = self.coding.side
        across = -(-self.coding.padded(self.shape)[1] // side)
        top = 0
        for height in self.rows:
            left = 0
            for width in self.cols:
                yield top // side * across + left // side
                left += width
            top += height

    def decode(self, row: int, col: int) -> Planes:
        """Decode a tile, as a picture of its own."""
        shape = self.rows[row], self.cols[col]
        found = self.slices[row * len(self.cols) + col]
        alone = self.parameters.with_tiles(1, 1, 0)
        blocks = hevc.blocks_of(self.coding, shape)
        own = Slice(address=0, offsets=found.offsets, qp=found.qp, body=found.body)
        stream = [*self.coding.units(self.coding.padded(shape)), alone.unit(), own.unit(self.coding, alone, blocks)]
        return decoded(stream, self.coding.chroma, shape)

    def strips(self, pool: ThreadPoolExecutor, first: int) -> Iterator[Planes]:
        """Decode row by row, from a row of tiles on."""
        for row in range(first, len(self.rows)):
            parts = list(pool.map(lambda col, row=row: self.decode(row, col), range(len(self.cols))))
            yield [np.concatenate(planes, axis=1) for planes in zip(*parts, strict=True)]


def _lengths(tiles: Sequence[int], side: int, whole: int) -> list[int]:
    """Return lengths of tiles in pixels; the last takes what remains."""
    first = [side * length for length in tiles[:-1]]
    last = whole - sum(first)
    if last <= 0:
        raise ValueError("its tiles are larger than its picture")
    return [*first, last]


class BpgPicture:
    """A BPG, opened to be decoded once; use it as a context manager.

    Parameters
    ----------
    path
        A local file.

    Raises
    ------
    ValueError
        It is no BPG, or of a kind that is not read.
    OSError
        It cannot be read.
    """

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self.head = Head.read(file)
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        end = self.head.data + self.head.length if self.head.length else len(self._data)
        if end > len(self._data):
            self._data.close()
            raise ValueError("it is cut off")
        self._units = nal.units(nal.START + self._data[self.head.data : end])

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self._data.close()

    @property
    def lossless(self) -> bool:
        """Whether every sample is as it was: all is coded without loss, and colours are not turned to YCbCr."""
        if self.head.pixel_format != GREY and (self.head.pixel_format, self.head.colour_space) != (FULL, RGB):
            return False
        sets = [unit for unit in self._of_layer(0) if nal.kind_of(unit) == nal.PICTURE]
        try:
            return not self.head.limited and all(Parameters.of_unit(unit).lossless for unit in sets) and bool(sets)
        except ValueError:
            return False

    @property
    def qp(self) -> int | None:
        """The largest QP of a slice of the colours; None where another encoder than x265 wrote them."""
        units = self._of_layer(0)
        try:
            (parameters,) = (Parameters.of_unit(unit) for unit in units if nal.kind_of(unit) == nal.PICTURE)
            blocks = hevc.blocks_of(self.head.coding, self.head.shape)
            slices = (unit for unit in units if nal.kind_of(unit) in nal.IDR)
            found = [Slice.of_unit(unit, self.head.coding, parameters, blocks).qp for unit in slices]
        except ValueError:
            return None
        return _USUAL_QP + parameters.qp + max(found) if found else None

    def strips(self, threads: int | None = None, *, whole: bool = True) -> Iterator[Strip]:
        """Decode the picture from top to bottom.

        Parameters
        ----------
        whole
            Whether all of it is wanted, or of many tiles only the last row.
        threads
            Number of threads, each with a tile; None for the default of `ThreadPoolExecutor`.

        Raises
        ------
        ValueError
            It is damaged.
        UsageError
            PyAV is not installed.
        """
        layers = [_Layer(self.head.coding, self._of_layer(0), self.head.shape)]
        if self.head.alpha_coding is not None:
            layers.append(_Layer(self.head.alpha_coding, self._of_layer(1), self.head.shape))
        tiles = [found for layer in layers if (found := layer.tiles()) is not None]
        if len(tiles) == len(layers) and all(each.rows == tiles[0].rows for each in tiles):
            yield from self._of_tiles(tiles, threads, 0 if whole else len(tiles[0].rows) - 1)
        else:
            yield from self._of_whole(layers)

    def _of_layer(self, layer: int) -> list[bytes]:
        found = [unit for unit in self._units if nal.layer_of(unit) == layer]
        return [nal.in_layer(unit, 0) for unit in found] if layer else found

    def _of_tiles(self, tiles: list[_Tiles], threads: int | None, first: int) -> Iterator[Strip]:
        """Decode row of tiles by row of tiles; one more lies in memory, whose chroma the next rows need."""
        with ThreadPoolExecutor(threads, thread_name_prefix="geosal-bpg") as pool:
            rows = zip(*(each.strips(pool, first) for each in tiles), strict=True)
            above: Planes | None = None
            here: tuple[Planes, ...] | None = next(rows)
            top = sum(tiles[0].rows[:first])
            for height in tiles[0].rows[first:]:
                if here is None:
                    raise ValueError("it has fewer rows of tiles than its header says")
                below = next(rows, None)
                yield self._strip(top, height, here[0], above, None if below is None else below[0], here[1:])
                above, here, top = here[0], below, top + height

    def _of_whole(self, layers: list[_Layer]) -> Iterator[Strip]:
        """Decode at once, and turn some rows after the others to colours."""
        planes = layers[0].whole()
        alpha = [layers[1].whole()[0]] if len(layers) > 1 else []
        step = 2 if self.head.pixel_format == HALVED else 1

        def rows(top: int, bottom: int) -> Planes:
            return [planes[0][top:bottom], *(plane[top // step : -(-bottom // step)] for plane in planes[1:])]

        height = self.head.shape[0]
        for top in range(0, height, _ROWS):
            bottom = min(top + _ROWS, height)
            above = rows(top - step, top) if top else None
            below = rows(bottom, bottom + step) if bottom < height else None
            of_alpha = [[each[top:bottom]] for each in alpha]
            yield self._strip(top, bottom - top, rows(top, bottom), above, below, of_alpha)

    def _strip(
        self, top: int, height: int, planes: Planes, above: Planes | None, below: Planes | None, alpha: Sequence[Planes]
    ) -> Strip:
        pixels = self._colours((height, self.head.shape[1]), planes, above, below)
        return Strip(top, pixels, alpha[0][0] if alpha else None)

    def _colours(
        self, shape: tuple[int, int], planes: Planes, above: Planes | None, below: Planes | None
    ) -> NDArray[np.uint8]:
        """Turn planes to grey, or to red, green and blue; the planes above and below serve chroma at the edges."""
        head = self.head
        if head.pixel_format == GREY:
            return (colour.unlimited(planes[0]) if head.limited else planes[0])[None]
        if head.pixel_format == HALVED:
            enlarged = []
            for number in (1, 2):
                parts = [planes[number]]
                if above is not None:
                    parts.insert(0, above[number][-1:])
                if below is not None:
                    parts.append(below[number][:1])
                enlarged.append(colour.doubled(np.concatenate(parts), shape, int(above is not None)))
            planes = [planes[0], *enlarged]
        if head.colour_space == RGB:
            green, blue, red = (colour.unlimited(plane) if head.limited else plane for plane in planes)
            return np.stack([red, green, blue])
        return colour.to_rgb(planes, head.colour_space, limited=head.limited)


def decoded(units: Sequence[bytes], chroma: int, shape: tuple[int, int]) -> Planes:
    """Decode one picture by FFmpeg.

    Parameters
    ----------
    units
        All of its units, the parameter sets first.
    chroma
        Format of chroma in its parameter sets.
    shape
        Rows and columns that are wanted.

    Raises
    ------
    ValueError
        It is damaged.
    UsageError
        PyAV is not installed.
    """
    av = pyav()
    decoder = av.CodecContext.create("hevc", "r")
    decoder.options = {"err_detect": "explode"}
    decoder.thread_count = 1
    try:
        stream = nal.join(units) + bytes(_PADDING)
        frames = [frame for packet in (av.Packet(stream), None) for frame in decoder.decode(packet)]
    except (av.FFmpegError, MemoryError) as error:
        raise ValueError(f"its coded picture is damaged ({error})") from error
    if len(frames) != 1 or frames[0].is_corrupt:
        raise ValueError("its coded picture is damaged")
    frame = frames[0]
    planes = []
    for number in range(3 if chroma else 1):
        step = 2 if number and chroma == 1 else 1
        rows, cols = (-(-length // step) for length in shape)
        plane = frame.planes[number]
        samples = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        if samples.shape[0] < rows or plane.width < cols:
            raise ValueError("its coded picture is smaller than its header says")
        planes.append(samples[:rows, :cols])
    return planes
