"""Soft edges: saliency that falls from the edge of a feature to the background, linearly with distance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.errors import UsageError
from geosal.sources.vectors.burn import Outlines

MAX_REACH = 512
"""Longest reach in pixels; the surroundings that a tile needs grow with it."""
_PIXEL_BYTES = 75
"""Bytes per pixel while distances are computed."""
_TILE = 512
_MOST_VALUES = 32
"""Most values of saliency with ramps of their own: each takes a distance transform of every tile it is near."""
_FINE = 256
"""Ratios of pixel sides are rounded to 1/256, so that sums of squares are exact and ties are ties in every block."""


@dataclass(frozen=True, slots=True)
class Feather:
    """Width and shape of a soft edge.

    Attributes
    ----------
    width
        Distance at which the background is reached, in units of the shorter side of a pixel.
    sides
        Height and width of a pixel in that unit.
    """

    width: float
    sides: tuple[float, float]

    @classmethod
    def of(cls, text: str, width: float, sides: tuple[float, float]) -> "Feather":
        """Make a soft edge from a width and the sides of a pixel (height, width), all in one unit.

        Raises
        ------
        UsageError
            It reaches too far.
        """
        unit = min(sides)
        down, across = (round(side / unit * _FINE) / _FINE for side in sides)
        feather = cls(width / unit, (down, across))
        if feather.width > MAX_REACH:
            raise UsageError(f"{text}: feather is {feather.width:.0f} pixels wide; give one of at most {MAX_REACH}")
        return feather

    @property
    def halo(self) -> int:
        """Pixels around a block that can change it."""
        return math.ceil(self.width)

    @property
    def work_bytes(self) -> int:
        """Return the bytes that `feathered` takes besides any block."""
        return (_TILE + 2 * self.halo) ** 2 * _PIXEL_BYTES


def few_values(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str | None]:
    """Round saliencies of features with soft edges, if too many are different, and return a note about it.

    Parameters
    ----------
    values
        Saliency of each feature, in [0, 1].

    Returns
    -------
    tuple of array and str
        The values as they were, without a note, or rounded to 1/32, with one.
    """
    different = np.unique(values).size
    if different <= _MOST_VALUES:
        return values, None
    note = f"its features have {different} different saliencies; for soft edges they are rounded to 1/{_MOST_VALUES}"
    return np.round(values * _MOST_VALUES) / _MOST_VALUES, note


def feathered(outlines: Outlines, block: Block, background: float, feather: Feather) -> NDArray[np.float32]:
    """Return the saliency of a block, (y, x): that of features, ramps around them, and the background elsewhere.

    With d the distance between pixel centres, a feature of saliency v gives ``b + (v - b) * max(0, 1 - d / width)``.
    Ramps above the background are combined by max; where there is none, those below it by min.
    """
    out = np.empty(block.shape, np.float32)
    for top in range(0, block.height, _TILE):
        for left in range(0, block.width, _TILE):
            height, width = min(_TILE, block.height - top), min(_TILE, block.width - left)
            tile = Block(block.row_off + top, block.col_off + left, height, width)
            out[top : top + height, left : left + width] = _tile(outlines, tile, background, feather)
    return out


def _tile(outlines: Outlines, tile: Block, background: float, feather: Feather) -> NDArray[np.float32]:
    from scipy import ndimage

    halo = feather.halo
    around = Block(tile.row_off - halo, tile.col_off - halo, tile.height + 2 * halo, tile.width + 2 * halo)
    ranks = outlines.ranks(around)
    base = np.float32(background)
    above = np.full(around.shape, base)
    below = np.full(around.shape, base)
    # Ranks are renumbered: a list of all ranks in the file would be long for each tile.
    present = np.unique(ranks[ranks > 0])
    labels = np.searchsorted(present, ranks).astype(np.int32) + 1
    labels[ranks == 0] = 0
    for label, where in enumerate(ndimage.find_objects(labels), start=1):
        window = tuple(slice(max(0, side.start - halo), side.stop + halo) for side in where)
        value = float(outlines.values[present[label - 1] - 1])
        away = ndimage.distance_transform_edt(labels[window] != label, sampling=feather.sides)
        ramp = (background + (value - background) * np.clip(1 - away / feather.width, 0, 1)).astype(np.float32)
        side, unite = (above, np.maximum) if value >= background else (below, np.minimum)
        unite(side[window], ramp, out=side[window])
    inner = (slice(halo, halo + tile.height), slice(halo, halo + tile.width))
    said = np.concatenate([np.zeros(1, np.float32), outlines.values])[ranks[inner]]
    outside = np.where(above[inner] > base, above[inner], below[inner])
    over = np.maximum(said, np.where(above[inner] > base, above[inner], 0))
    return np.where(ranks[inner] > 0, over, outside).astype(np.float32)
