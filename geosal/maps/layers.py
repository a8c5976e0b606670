"""Two scenes as they are drawn: of cells or of pixels, and the colours of what was lost."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geosal.comparison import Pair
from geosal.core.grid import Block
from geosal.maps.cells import Cells
from geosal.maps.palettes import magma
from geosal.scenes.rgb import OUTLINE, PAPER, outline_of

_UNCHANGED = (176, 176, 176)
"""Grey of pixels that are the same to the bit: no colour of `magma`."""
_BRIGHTEST = 99.0
"""Percentile of the errors that has the brightest colour."""


class Layers(NamedTuple):
    """What is drawn, of cells or of pixels: bands (band, y, x), all others (y, x); NaN where nothing counts."""

    original: NDArray[np.floating[Any]]
    candidate: NDArray[np.floating[Any]]
    error: NDArray[np.floating[Any]]
    saliency: NDArray[np.floating[Any]] | None
    kept: NDArray[np.bool_] | None

    @classmethod
    def of_cells(cls, cells: Cells) -> "Layers":
        """Take cells; one is kept where half of its pixels are."""
        kept = None if cells.kept is None else cells.kept >= 0.5
        return cls(cells.original, cells.candidate, cells.error, cells.saliency, kept)

    @classmethod
    def of_pixels(cls, pair: Pair, block: Block, bands: list[int]) -> "Layers":
        """Read a block as it is."""
        samples = pair.read(block)
        squares, counts = np.zeros(block.shape), np.zeros(block.shape)
        for band in range(len(pair.bands)):
            error, both = samples.squared_error(band)
            squares += error
            counts += both
        error = np.sqrt(np.divide(squares, counts, out=np.full(block.shape, np.nan), where=counts > 0))
        original, candidate = (
            np.where(True if valid is None else valid[bands], pixels[bands].astype(np.float64), np.nan)
            for pixels, valid in (
                (samples.original, samples.original_valid),
                (samples.candidate, samples.candidate_valid),
            )
        )
        levels = pair.levels_of(block)
        if pair.saliency is None or levels is None:
            return cls(original, candidate, error, None, None)
        return cls(original, candidate, error, pair.saliency.read(block).astype(np.float64), levels == 0)


def heat(look: Layers, top: float) -> NDArray[np.uint8]:
    """Colours of errors up to `top`, with an outline around what is kept."""
    picture = magma(np.nan_to_num(look.error) / top)
    # Single pixels that a codec hit by chance would look like noise.
    picture[ndimage.binary_opening(look.error == 0, np.ones((3, 3), np.bool_))] = _UNCHANGED
    if look.kept is not None:
        picture[outline_of(look.kept)] = OUTLINE
    picture[np.isnan(look.error)] = PAPER
    return picture


def brightest(*errors: NDArray[np.floating[Any]]) -> float:
    """Return the error that has the brightest colour, above 0."""
    found = [values[np.isfinite(values)] for values in errors]
    return max((float(np.percentile(values, _BRIGHTEST)) for values in found if values.size), default=0.0) or 1.0
