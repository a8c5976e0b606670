"""The first of two passes: encode and decode each pixel as a JPEG at the quality of its level.

A level is coded where it is, in boxes of whole MCUs. What a decoder makes of an MCU depends on those beside it at most,
by the smooth enlargement of chroma; so with these around it a box holds the pixels of the whole image's JPEG, to the
bit.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.formats.jpeg.huffman import HuffmanTables
from geosal.formats.jpeg.stream import Tables
from geosal.formats.jpeg.tables import code_lengths, steps
from geosal.formats.jpeg.whole import whole_jpeg
from geosal.formats.quality import ANNEX_K
from geosal.native.jpeg import BLOCK, mcu_side, quantised

_SMALL = 64
"""Fixed cost of a box, expressed in MCUs."""
_FULL = 0.8
"""Share of a box's MCUs from which cutting it gains nothing."""


def once_coded(
    pixels: NDArray[np.uint8], levels: NDArray[np.uint8] | None, qualities: tuple[float, ...], subsampling: str
) -> NDArray[np.uint8]:
    """Encode and decode each pixel at the quality of its level.

    Parameters
    ----------
    pixels
        (band, y, x), 1 or 3 bands.
    levels
        (y, x); None for the last level.
    qualities
        Qualities of levels 0, 1 …
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    """
    out = np.empty_like(pixels)
    whole, side = Block(0, 0, *pixels.shape[1:]), mcu_side(len(pixels), subsampling)
    reach = 1 if side > BLOCK else 0
    for level in [len(qualities) - 1] if levels is None else np.flatnonzero(np.bincount(levels.ravel())):
        here = np.ones(whole.shape, np.bool_) if levels is None else levels == level
        tables = steps(qualities[level], ANNEX_K)
        for box in _boxes(_any_of_units(here, side)):
            inner = _in_pixels(box, side, whole)
            outer = inner.expand(reach * side, whole.shape)
            coded = _coded(pixels[:, *outer.slices_in(whole)], tables, subsampling)
            place = inner.slices_in(whole)
            np.copyto(out[:, *place], coded[:, *inner.slices_in(outer)], where=here[place])
    return out


def _coded(pixels: NDArray[np.uint8], tables: NDArray[np.uint16], subsampling: str) -> NDArray[np.uint8]:
    """Encode (band, y, x) as a plain JPEG and decode it."""
    from imagecodecs import jpeg8_decode  # loads its library

    found = quantised(pixels, tables, subsampling)
    decoded = jpeg8_decode(whole_jpeg(found, pixels.shape[1:], Tables(tables), subsampling, huffman=_any_huffman()))
    return decoded[None] if decoded.ndim == 2 else np.moveaxis(decoded, -1, 0)


@cache
def _any_huffman() -> HuffmanTables:
    """Codes for all symbols, short for those that are frequent in most images: these bits are read at once."""
    lengths = np.zeros((4, 256), np.int64)
    lengths[:2, :12] = np.arange(2, 14)
    lengths[2:] = code_lengths()
    return HuffmanTables.optimal(np.where(lengths, 2 ** (16 - lengths), 0), complete=True)


def _any_of_units(here: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Return whether an MCU has a pixel, (MCU row, MCU)."""
    rows, cols = (-(-length // side) for length in here.shape)
    whole = np.zeros((rows * side, cols * side), np.bool_)
    whole[: here.shape[0], : here.shape[1]] = here
    eights = np.bitwise_or.reduce(whole.view(np.uint64).reshape(rows, side, -1), axis=1)
    found: NDArray[np.bool_] = eights.reshape(rows, cols, -1).any(axis=2)
    return found


def _in_pixels(box: Block, side: int, whole: Block) -> Block:
    top, left = box.row_off * side, box.col_off * side
    return Block(top, left, min(box.row_stop * side, whole.height) - top, min(box.col_stop * side, whole.width) - left)


def _boxes(wanted: NDArray[np.bool_], row: int = 0, col: int = 0) -> list[Block]:
    """Yield boxes without overlap that hold all wanted MCUs; `row` and `col` are the position of the first."""
    rows, cols = (np.flatnonzero(wanted.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return []
    top, left, bottom, right = int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1
    box, part = Block(row + top, col + left, bottom - top, right - left), wanted[top:bottom, left:right]
    if part.size <= _SMALL or part.mean() > _FULL:
        return [box]
    cut = box.height // 2 if box.height >= box.width else 0, 0 if box.height >= box.width else box.width // 2
    first = part[: cut[0] or None, : cut[1] or None]
    parts = _boxes(first, box.row_off, box.col_off)
    parts += _boxes(part[cut[0] :, cut[1] :], box.row_off + cut[0], box.col_off + cut[1])
    return parts if sum(map(_cost, parts)) < _cost(box) else [box]


def _cost(box: Block) -> int:
    """Return the time of a box, in units of that of an MCU."""
    return (box.height + 2) * (box.width + 2) + _SMALL
