"""Traces of an earlier JPEG in pixels that are stored without loss: where its blocks lie, and its quantisation tables.

A JPEG rounds the DCT coefficients of each block of 8 x 8 pixels to multiples of a step. Its pixels are rounded too, so
coefficients that are computed from them scatter around those multiples by about 0.3, as long as the blocks are the
same: on the 63 other grids nothing of it is left. So for each grid, coefficient and step ``q`` the mean of
``cos(2 pi c / q)`` is taken over the coefficients ``c`` beyond ``q / 2``, those that were not rounded to 0. It is
``exp(-2 (0.3 pi / q)**2)`` where a JPEG had that step, and about 0 or less where it had not. That histograms of
coefficients tell of a JPEG is known from Fan and de Queiroz, "Identification of bitmap compression history", IEEE
Transactions on Image Processing 12 (2003).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from geosal.formats.jpeg.tables import quantisation_tables
from geosal.native.jpeg import BLOCK

GRID = 16
"""Multiple at which pieces have to begin: an MCU with halved chroma."""
_GRIDS = BLOCK * BLOCK
_PER_UNIT, _MOST = 8, 128
"""Bins of a histogram of coefficients for each unit, and the largest coefficient."""
_MIDDLE = _MOST * _PER_UNIT
_BINS = 2 * _MIDDLE + 1
_FINEST, _COARSEST = 2, 100
"""Steps that are looked for; what a step of 1 rounds is lost in the rounding of pixels."""
_FEW = 12
"""Coefficients beyond half a step without which nothing is said."""
_CLEAR, _BEYOND = 4.0, 1.5
"""Mean score from which a grid is one, and times the score of the next best grid: pixels of other origin come to
1.2."""
_UNKNOWN = 2.0
"""Times as clear a grid must be whose steps are no table of libjpeg's."""
_AGREES = 0.85
"""Share of its greatest possible score that a table must have."""
_ALIASED = BLOCK // 2
"""Coefficients whose row and column are multiples of it are sums and differences of pixels: few values make a comb."""
_DIAGONALS = 6
_PLACES = tuple(
    (row, col)
    for row in range(BLOCK)
    for col in range(BLOCK)
    if 0 < row + col < _DIAGONALS and (row % _ALIASED or col % _ALIASED)
)
"""Rows and columns of the coefficients that are looked at: those that are seldom rounded to 0."""
_WHITE = 255
_SCATTER = 0.3
"""Standard deviation of coefficients around their multiples."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What pixels tell of an earlier JPEG.

    Attributes
    ----------
    offset
        Row and column of the first whole MCU, or block where `subsampling` is unknown, below 16.
    quality
        libjpeg's quality of its tables; None where they are others.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``, which also stands for grey; None where chroma does not tell.
    """

    offset: tuple[int, int]
    quality: float | None
    subsampling: str | None


def traces_of(pieces: Sequence[NDArray[np.uint8]]) -> Traces | None:
    """Look for an earlier JPEG in pieces of a picture; None where there is none, or one too fine to be seen.

    Parameters
    ----------
    pieces
        (band, y, x), grey or RGB, from rows and columns of the picture that are multiples of `GRID`. About a thousand
        blocks tell qualities up to 96 for sure, and finer ones in part.
    """
    planes = [_luma_and_chroma(piece) for piece in pieces]
    sums, counts = _combs(_histograms([luma for luma, _ in planes]))
    scores = _scores(sums, counts)
    of_grids = scores.max(axis=2).mean(axis=1)
    grid = int(of_grids.argmax())
    others = np.delete(of_grids, grid)
    if of_grids[grid] < max(_CLEAR, _BEYOND * others.max()):
        return None
    place = grid // BLOCK, grid % BLOCK
    quality = _quality_of(scores[grid], counts[grid])
    if quality is None and of_grids[grid] < _UNKNOWN * max(_CLEAR, others.max()):
        return None
    if not planes[0][1]:
        return Traces(offset=place, quality=quality, subsampling="444")
    offset, subsampling = _chroma_grid(planes, place, quality)
    return Traces(offset=offset, quality=quality, subsampling=subsampling)


def tables_of(quality: float) -> NDArray[np.uint16]:
    """Return libjpeg's tables of a whole quality, luma and chroma, (2, 64), row by row."""
    return np.array(quantisation_tables(quality), np.uint16)


def _luma_and_chroma(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
    """Return Y, and Cb and Cr of RGB, of JFIF 1.02: whole numbers, as a decoder of JPEG had them.

    Samples that may have been cut off at 0 or 255 are NaN, and so are all coefficients of their blocks.
    """
    samples = np.where((pixels > 0) & (pixels < _WHITE), pixels, np.float32(np.nan))
    if len(pixels) == 1:
        return samples[0], ()
    red, green, blue = samples
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.rint(luma), (np.rint((blue - luma) / 1.772), np.rint((red - luma) / 1.402))


def _histograms(planes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Count the coefficients of `_PLACES` on all grids: (grid, place, bin)."""
    found = np.zeros((_GRIDS, len(_PLACES), _BINS), np.float32)
    basis = _basis()
    for plane in planes:
        rows, cols = ((length - BLOCK + 1) // BLOCK * BLOCK for length in plane.shape)
        if not (rows > 0 and cols > 0):
            continue
        along = sliding_window_view(plane[: rows + BLOCK - 1, : cols + BLOCK - 1], BLOCK, axis=1) @ basis.T
        number = np.tile(np.arange(_GRIDS).reshape(BLOCK, BLOCK), (rows // BLOCK, cols // BLOCK)) * _BINS
        for place, (row, col) in enumerate(_PLACES):
            exact = sliding_window_view(along[:, :, col], BLOCK, axis=0) @ basis[row]
            bins = number + _bins(exact)
            found[:, place] += np.bincount(bins.ravel(), minlength=_GRIDS * _BINS).reshape(_GRIDS, _BINS)
    return found


def _bins(exact: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the bins of coefficients; what is too large, or NaN, counts in the last one, which no step looks at."""
    scaled = np.nan_to_num(exact * _PER_UNIT, nan=_MIDDLE)
    return np.clip(np.rint(scaled), -_MIDDLE, _MIDDLE).astype(np.intp) + _MIDDLE


def _combs(histograms: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sum the cosines of each step over the coefficients beyond half of it, and count these: (grid, place, step)."""
    cosines, beyond = _waves()
    rows = histograms.reshape(-1, _BINS)  # each of 64 products would wait for its threads, seconds on a busy machine
    shape = (*histograms.shape[:-1], -1)
    return (rows @ cosines).reshape(shape), (rows @ beyond).reshape(shape)


def _scores(sums: NDArray[np.float32], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums in their standard deviations if coefficients were spread evenly; 0 where they are too few."""
    return np.where(counts >= _FEW, sums / np.sqrt(np.maximum(counts, 1) / 2), 0).clip(min=0)


def _quality_of(scores: NDArray[np.float32], counts: NDArray[np.float32]) -> float | None:
    """Find the quality of libjpeg whose luma table explains the combs of a grid, (place, step); None without one."""
    of_all = [_explained(quality, scores, kind=0) for quality in range(1, 101)]
    best = int(np.argmax(of_all))
    steps = np.array([quantisation_tables(best + 1)[0][row * BLOCK + col] for row, col in _PLACES])
    seen = (steps >= _FINEST) & (steps <= _COARSEST)
    at = np.flatnonzero(seen), steps[seen] - _FINEST
    possible = (np.exp(-2 * (np.pi * _SCATTER / steps[seen]) ** 2) * np.sqrt(2 * counts[at]))[counts[at] >= _FEW].sum()
    return float(best + 1) if 0 < _AGREES * possible <= of_all[best] else None


def _explained(quality: float, scores: NDArray[np.float32], kind: int) -> float:
    """Sum the scores of the steps of a table: `kind` is 0 for that of luma and 1 for that of chroma."""
    table = quantisation_tables(quality)[kind]
    steps = [table[row * BLOCK + col] for row, col in _PLACES]
    return float(sum(scores[n, step - _FINEST] for n, step in enumerate(steps) if _FINEST <= step <= _COARSEST))


def _chroma_grid(
    planes: Sequence[tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]],
    place: tuple[int, int],
    quality: float | None,
) -> tuple[tuple[int, int], str | None]:
    """Find the grid of chroma among those that go with a grid of luma, and its subsampling."""
    whole = [chroma for _, both in planes for chroma in both]
    found = {(place, "444"): _score_at(whole, place, quality)}
    halved = [_halved(chroma, place[0] % 2, place[1] % 2) for chroma in whole]
    for row in (place[0], place[0] + BLOCK):
        for col in (place[1], place[1] + BLOCK):
            found[(row, col), "420"] = _score_at(halved, (row // 2, col // 2), quality)
    (offset, subsampling), score = max(found.items(), key=lambda item: item[1])
    next_best = sorted(found.values())[-2]
    return (offset, subsampling) if score >= max(_CLEAR, _BEYOND * next_best) else (place, None)


def _halved(plane: NDArray[np.float32], row: int, col: int) -> NDArray[np.float32]:
    """Return means of 2 x 2 samples from a row and a column on."""
    rows, cols = (plane.shape[0] - row) // 2, (plane.shape[1] - col) // 2
    cut = plane[row : row + 2 * rows, col : col + 2 * cols]
    means: NDArray[np.float32] = cut.reshape(rows, 2, cols, 2).mean(axis=(1, 3), dtype=np.float32)
    return means


def _score_at(planes: Sequence[NDArray[np.float32]], place: tuple[int, int], quality: float | None) -> float:
    """Return how clear the combs of chroma are on one grid, over all coefficients that are looked at."""
    found = np.zeros((1, len(_PLACES), _BINS), np.float32)
    row, col = place[0] % BLOCK, place[1] % BLOCK
    for plane in planes:
        rows, cols = max(0, plane.shape[0] - row) // BLOCK, max(0, plane.shape[1] - col) // BLOCK
        blocks = plane[row : row + rows * BLOCK, col : col + cols * BLOCK].reshape(rows, BLOCK, cols, BLOCK)
        exact = np.einsum("ij,rjck,lk->ilrc", _basis(), blocks, _basis(), optimize=True)
        for n, (u, v) in enumerate(_PLACES):
            found[0, n] += np.bincount(_bins(exact[u, v]).ravel(), minlength=_BINS)
    scores = _scores(*_combs(found))[0]
    return float(scores.max(axis=1).sum()) if quality is None else _explained(quality, scores, kind=1)


@cache
def _basis() -> NDArray[np.float32]:
    """Return the orthonormal DCT of type II of 8 samples, (frequency, sample); T.81, A.3.3."""
    sample, frequency = np.arange(BLOCK), np.arange(BLOCK)[:, np.newaxis]
    waves = np.cos((2 * sample + 1) * frequency * np.pi / (2 * BLOCK)) / 2
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


@cache
def _waves() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return for each bin and step the cosine, and 1; both 0 up to half a step, and in the outermost bins."""
    coefficients = np.arange(-_MIDDLE, _MIDDLE + 1)[:, np.newaxis] / _PER_UNIT
    steps = np.arange(_FINEST, _COARSEST + 1)
    beyond = (np.abs(coefficients) > steps / 2) & (np.abs(coefficients) < _MOST)
    cosines = np.cos(2 * np.pi * coefficients / steps) * beyond
    return cosines.astype(np.float32), beyond.astype(np.float32)
