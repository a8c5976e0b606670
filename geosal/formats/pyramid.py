"""Turn blocks into tiles: cut and encode the tiles of the image and of its overviews where the pixels are.

A task cuts its block into tiles, encodes them, halves the block and goes on with the overview, as long as the block
consists of whole tiles there. The rest, usually a piece smaller than a tile, goes to the only `Assembler` of the job,
which puts pieces together until a tile is complete. Every tile of a level is halved from whole tiles of the level
below, so the file does not depend on the blocks nor on the order in which they come.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, level_shapes
from geosal.core.raster import RasterLayout, is_mean_apart, is_nodata, mask_out, move_off_nodata, valid_samples
from geosal.errors import GeosalError, OutputError
from geosal.native import halve
from geosal.sizes import counted

Rounding = Callable[[NDArray[Any], NDArray[np.uint8], NDArray[np.bool_] | None, tuple[int, int]], NDArray[Any]]
"""A function that rounds pixels (band, y, x), given their levels, their validity and their offset in the image."""


class Tile(NamedTuple):
    """One encoded tile."""

    level: int
    """Level of the pyramid: 0 is the image, n its overview reduced by 2**n."""
    row: int
    """Row of the tile, counted in tiles."""
    col: int
    parts: tuple[bytes, ...]
    """The encoder's output for this tile."""


class Piece(NamedTuple):
    """Pixels of one level that are not encoded yet."""

    level: int
    block: Block
    """Position in pixels of the level."""
    pixels: NDArray[Any]
    """Pixels, (band, y, x)."""
    mask: NDArray[np.bool_] | None
    """Validity, (y, x), True = valid; None when the output has no mask."""
    levels: NDArray[np.uint8] | None = None
    """Levels of saliency, (y, x); None where tiles do not depend on them."""


class Parts(NamedTuple):
    """The result for one block: tiles, and pixels that fill no whole tile."""

    tiles: tuple[Tile, ...]
    pieces: tuple[Piece, ...]


class TileEncoder(Protocol):
    """Makes bytes of a tile's pixels. It pickles, and threads may share it."""

    @property
    def tile(self) -> int:
        """Rows and columns of a tile."""

    @property
    def overviews(self) -> bool:
        """Return whether overviews are tiles as well; a JPEG 2000 tile holds its own."""

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Encode (band, y, x) and its mask; tiles at the right and lower edge come cropped.

        `levels` are the (y, x) levels of saliency of its pixels, in an overview one mean level for the whole tile; None
        where they are unknown. Encoders that treat a tile as a whole use the least of them.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Cutter:
    """Turns blocks into tiles; pickled to workers.

    Attributes
    ----------
    encoder
        Encoder of the tiles.
    shapes
        Rows and columns of the image and of its overviews.
    nodata, alpha
        Which samples have no part in a mean, as in `RasterLayout`.
    rounding
        Rounds the means of an overview as the image's pixels were; None leaves them. Means of rounded samples have low
        bits again, which would take a quarter of the bytes.
    """

    encoder: TileEncoder
    shapes: tuple[tuple[int, int], ...]
    nodata: float | None = None
    alpha: int | None = None
    rounding: Rounding | None = None

    @classmethod
    def of(cls, encoder: TileEncoder, layout: RasterLayout, rounding: Rounding | None = None) -> "Cutter":
        """Make the cutter for an output."""
        shape = layout.grid.shape
        shapes = level_shapes(shape, encoder.tile) if encoder.overviews else (shape,)
        return cls(encoder=encoder, shapes=shapes, nodata=layout.nodata, alpha=layout.alpha, rounding=rounding)

    def cut(
        self,
        block: Block,
        pixels: NDArray[Any],
        mask: NDArray[np.bool_] | None,
        levels: NDArray[np.uint8] | None = None,
    ) -> Parts:
        """Encode all tiles of all levels within a block, as far as it consists of whole tiles.

        Parameters
        ----------
        block
            Position in pixels of the image.
        pixels
            (band, y, x).
        mask
            (y, x), True = valid; None when the output has no mask.
        levels
            (y, x), levels of saliency; None where tiles do not depend on them.
        """
        tiles: list[Tile] = []
        piece = Piece(0, block, pixels, mask, levels)
        while self._is_whole(piece):
            tiles += [self.encode(part) for part in self.split(piece)]
            if piece.level + 1 == len(self.shapes):
                return Parts(tuple(tiles), ())
            piece = self.halve(piece)
        return Parts(tuple(tiles), (piece,))

    def encode(self, piece: Piece) -> Tile:
        """Encode a piece that is a tile."""
        try:
            parts = self.encoder(piece.pixels, piece.mask, _levels_of(piece))
        except (RuntimeError, ValueError) as error:  # what imagecodecs raises
            if isinstance(error, GeosalError):
                raise
            count, height, width = piece.pixels.shape
            raise OutputError(
                f"a tile of {counted(count, 'band')} of {piece.pixels.dtype}, {height} x {width} pixels, cannot be "
                f"encoded ({' '.join(str(error).split())}); use another profile"
            ) from error
        return self.place(piece)._replace(parts=parts)

    def place(self, piece: Piece) -> Tile:
        """Return the tile that a piece is, without its bytes."""
        size = self.encoder.tile
        return Tile(piece.level, piece.block.row_off // size, piece.block.col_off // size, ())

    def split(self, piece: Piece) -> Iterator[Piece]:
        """Cut a piece at the edges of tiles."""
        size, block = self.encoder.tile, piece.block
        for row in range(block.row_off // size * size, block.row_stop, size):
            for col in range(block.col_off // size * size, block.col_stop, size):
                top, left = max(row, block.row_off), max(col, block.col_off)
                height = min(row + size, block.row_stop) - top
                part = Block(top, left, height, min(col + size, block.col_stop) - left)
                inside = part.slices_in(block)
                mask = None if piece.mask is None else piece.mask[inside]
                levels = None if piece.levels is None else piece.levels[inside]
                yield Piece(piece.level, part, piece.pixels[:, *inside], mask, levels)

    def halve(self, piece: Piece) -> Piece:
        """Halve a piece with an even corner: the mean of the valid samples of each 2 x 2, valid where one of them is.

        Its level is that of the most salient of them, and its rounding follows that level.
        """
        pixels, mask, block = piece.pixels, piece.mask, piece.block
        valid = self._which_count(pixels, mask)
        reduced = halve(pixels, valid)
        if self.nodata is not None and not is_mean_apart(self.nodata, pixels.dtype):
            _keep_off_nodata(reduced, valid, self.nodata)
        smaller = Block(block.row_off // 2, block.col_off // 2, reduced.shape[1], reduced.shape[2])
        levels = None if piece.levels is None else _least_of_squares(piece.levels)
        if self.rounding is not None and levels is not None:
            counts = None if valid is None else _any_of_squares(valid)
            reduced = self.rounding(reduced, levels, counts, (smaller.row_off, smaller.col_off))
        return Piece(piece.level + 1, smaller, reduced, None if mask is None else _any_of_squares(mask), levels)

    def _which_count(self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        """Find the samples that enter a mean, (band, y, x); None when all do."""
        if mask is not None and mask.all():
            mask = None
        if mask is None and self.nodata is None and self.alpha is None and pixels.dtype.kind != "f":
            return None
        alpha = None if self.alpha is None else pixels[self.alpha]
        valid = mask_out(valid_samples(pixels, self.nodata), mask, alpha, self.alpha)
        return None if valid.all() else valid

    def tile_block(self, level: int, row: int, col: int) -> Block:
        """Return where a tile lies, in pixels of its level."""
        size, (height, width) = self.encoder.tile, self.shapes[level]
        return Block(row * size, col * size, min(size, height - row * size), min(size, width - col * size))

    def _is_whole(self, piece: Piece) -> bool:
        size, block, (height, width) = self.encoder.tile, piece.block, self.shapes[piece.level]
        begins = block.row_off % size == 0 and block.col_off % size == 0
        return (
            begins
            and (block.row_stop % size == 0 or block.row_stop == height)
            and (block.col_stop % size == 0 or block.col_stop == width)
        )


def _keep_off_nodata(reduced: NDArray[Any], valid: NDArray[np.bool_] | None, nodata: float) -> None:
    """Move means of valid samples that equal the nodata code."""
    hit = is_nodata(reduced, nodata)
    if hit.any():
        if valid is not None:
            hit &= _any_of_squares(valid)
        move_off_nodata(reduced, hit, nodata)


def _any_of_squares(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether a pixel of each 2 x 2 is valid, over the last two axes; squares at odd edges are cut."""
    some = valid[..., ::2, ::2].copy()
    if not some.all():
        for rows, cols in ((0, 1), (1, 0), (1, 1)):
            part = valid[..., rows::2, cols::2]
            some[..., : part.shape[-2], : part.shape[-1]] |= part
    return some


def _levels_of(piece: Piece) -> NDArray[np.uint8] | None:
    """Return the levels at which a tile is encoded: its own; for an overview its mean level, rounded half up.

    Nearly every tile of an overview holds something salient: at their least level, overviews would take most of what
    the background saves.
    """
    levels = piece.levels
    if levels is None or piece.level == 0:
        return levels
    mean = (2 * int(levels.sum()) + levels.size) // (2 * levels.size)
    return np.broadcast_to(np.uint8(mean), levels.shape)


def _least_of_squares(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the least level of each 2 x 2, (y, x); squares at odd edges are cut."""
    least = levels[::2, ::2].copy()
    for rows, cols in ((0, 1), (1, 0), (1, 1)):
        part = levels[rows::2, cols::2]
        corner = least[: part.shape[0], : part.shape[1]]
        np.minimum(corner, part, out=corner)
    return least


@dataclass(frozen=True)
class Uncut:
    """Leaves blocks as they are, for a writer that takes pixels."""

    def cut(
        self,
        block: Block,
        pixels: NDArray[Any],
        mask: NDArray[np.bool_] | None,
        levels: NDArray[np.uint8] | None = None,
    ) -> Parts:
        """Return a block in one piece."""
        return Parts((), (Piece(0, block, pixels, mask, levels),))


@dataclass(slots=True)
class _Partial:
    pixels: NDArray[Any]
    mask: NDArray[np.bool_] | None
    levels: NDArray[np.uint8] | None
    missing: int
    """Number of pixels that have not come yet."""


@dataclass(slots=True)
class Assembler:
    """Puts pieces together to tiles. If blocks come row by row, it holds at most one row of tiles of each level."""

    cutter: Cutter
    _partials: dict[tuple[int, int, int], _Partial] = field(default_factory=dict)

    def add(self, piece: Piece, has: Callable[[Tile], bool] = lambda _: False) -> Iterator[Piece]:
        """Take a piece; yield the tiles that it completes, and those of the overviews above them, to be encoded.

        Tiles that somebody `has`, whatever their bytes, are left out.
        """
        size = self.cutter.encoder.tile
        for part in self.cutter.split(piece):
            key = (part.level, part.block.row_off // size, part.block.col_off // size)
            whole = self.cutter.tile_block(*key)
            if part.block == whole:
                yield from self._finish(part, has)
                continue
            partial = self._partials.get(key) or self._begin(key, whole, part)
            inside = part.block.slices_in(whole)
            partial.pixels[:, *inside] = part.pixels
            if partial.mask is not None and part.mask is not None:
                partial.mask[inside] = part.mask
            if partial.levels is not None and part.levels is not None:
                partial.levels[inside] = part.levels
            partial.missing -= part.block.height * part.block.width
            if partial.missing == 0:
                del self._partials[key]
                yield from self._finish(Piece(part.level, whole, partial.pixels, partial.mask, partial.levels), has)

    def _begin(self, key: tuple[int, int, int], whole: Block, part: Piece) -> _Partial:
        pixels = np.empty((len(part.pixels), *whole.shape), part.pixels.dtype)
        mask = None if part.mask is None else np.empty(whole.shape, np.bool_)
        levels = None if part.levels is None else np.empty(whole.shape, np.uint8)
        self._partials[key] = partial = _Partial(pixels, mask, levels, whole.height * whole.width)
        return partial

    def _finish(self, tile: Piece, has: Callable[[Tile], bool]) -> Iterator[Piece]:
        if not has(self.cutter.place(tile)):
            yield tile
        if tile.level + 1 < len(self.cutter.shapes):
            yield from self.add(self.cutter.halve(tile), has)
