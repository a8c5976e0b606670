"""Parts of a scene that are worth a look at their pixels, each for another reason."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.window import Windows, telling_block
from geosal.core.grid import Block
from geosal.maps.cells import Cells


class Part(NamedTuple):
    """A part of a scene, and what is to be seen there."""

    title: str
    block: Block


def telling_parts(
    cells: Cells, shape: tuple[int, int], side: int, most: int, density: NDArray[np.floating[Any]] | None = None
) -> list[Part]:
    """Find parts that show, each in its own way, what became of a scene; no two of them share many pixels.

    Parameters
    ----------
    cells
        The pair, made small.
    shape
        Rows and columns of the scene.
    side
        Rows and columns of a part at most.
    most
        How many parts at most. A scene that has room for fewer has fewer.
    density
        Bytes of the file for each pixel of a cell, (y, x); None where that is not known.
    """
    windows = Windows(cells.error, cells.original, cells.factor, shape, side)
    first = telling_block(windows, (cells.kept, cells.saliency))
    windows.take(first)
    parts = [Part("Most lost" if cells.saliency is None else "Most lost near what matters", first)]
    for title, score in _scores(windows, cells, density):
        free = np.where(windows.free, score, 0)
        if len(parts) < most and free.any():
            parts.append(Part(title, windows.block(free)))
            windows.take(parts[-1].block)
    return parts[:most]


def _scores(
    windows: Windows, cells: Cells, density: NDArray[np.floating[Any]] | None
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield titles, and what each window is worth for them; only windows that are valid for the most part are."""
    there = windows.means(~np.asarray(np.isnan(cells.original).all(axis=0))) > 0.9
    lively, lost = windows.contrast * there, windows.lost
    yield "Greatest error", lost * there
    if cells.saliency is not None:
        saliency = np.clip(windows.means(cells.saliency), 0, 1)
        yield "Matters most", saliency**4 * lively
        yield "Matters least", (1 - saliency) ** 4 * lively
    if density is not None:
        spent = windows.means(density)
        yield "Most bytes", spent * there
        yield "Fewest bytes", there / (spent + 1e-9)
    typical = float(np.median(lost[there])) if there.any() else 0.0
    yield "Typical error", there / (1 + np.abs(lost - typical))
    yield "Most detail", lively
