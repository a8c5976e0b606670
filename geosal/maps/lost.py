"""A picture of what was lost: original, what matters, candidate and error, the whole and a part at real pixels."""

import math
import os
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geosal.comparison import Comparison, Pair
from geosal.comparison.pair import colours
from geosal.comparison.result import BACKGROUND, SALIENT, WHOLE
from geosal.comparison.window import Windows, telling_block
from geosal.core.grid import Block
from geosal.core.progress import ProgressCallback, ignore
from geosal.errors import redact
from geosal.maps.cells import Cells
from geosal.maps.layers import Layers, brightest, heat
from geosal.maps.palettes import magma, viridis
from geosal.maps.png import write_png
from geosal.maps.sheet import SIDE, Legend, Panel, draw_sheet
from geosal.scenes.base import layout_of_bands
from geosal.scenes.rgb import PAPER, as_rgb, limits_of, shown_bands
from geosal.sizes import as_bytes

_ZOOM = SIDE // 2
"""Rows and columns of the magnified part at most: each pixel is shown twice, or more often where there are fewer."""
_OPACITY = 0.7
"""Share of the colours of saliency over a grey picture."""


def write_lost(
    path: str,
    pair: Pair,
    outcome: Comparison,
    *,
    part: Block | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> None:
    """Draw what a candidate has lost, and write it as a PNG.

    Columns: the original, the saliency (where there is one), the candidate, and the error of each pixel. Above is the
    whole, each of its pixels the mean of a cell; below a part of at most 240 x 240 pixels as they are: where most was
    lost near what matters. Samples of more than 8 bits are stretched, the same for both scenes.

    Parameters
    ----------
    path
        ``.png``.
    pair, outcome
        What was compared, and what came of it: `geosal.comparison.pair_with` and `geosal.comparison.judge`.
    part
        The part that is drawn below, at most 240 rows and columns; by default where most was lost near what matters.
    overwrite
        Whether a file may be replaced.
    progress
        Called in this thread after each block.

    Raises
    ------
    SceneError
        A block cannot be decoded.
    OutputError
        The picture cannot be written.
    """
    write_png(path, draw_lost(pair, outcome, progress or ignore, part), overwrite=overwrite)


def write_rivals(
    path: str,
    rivals: Mapping[str, tuple[Pair, Comparison]],
    part: Block,
    *,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> None:
    """Draw several candidates of one scene beside it, and then what each of them has lost, in the same colours.

    Parameters
    ----------
    path
        ``.png``.
    rivals
        By their titles: what was compared, and what came of it.
    part
        As for `write_lost`.
    overwrite, progress
        As for `write_lost`.

    Raises
    ------
    SceneError, OutputError
        As `write_lost`.
    """
    report = progress or ignore
    (pair, outcome), *_ = rivals.values()
    bands = shown_bands(layout_of_bands(pair.original.layout, colours(pair.original.layout)))
    factor = _factor(pair)
    looks = {
        title: (Layers.of_cells(Cells.of(one, bands, factor, report)), Layers.of_pixels(one, part, bands))
        for title, (one, _) in rivals.items()
    }
    first, *_ = looks.values()
    limits = [limits_of(band, pair.original.layout.dtype) for band in first[0].original]
    top = brightest(*(look.error for both in looks.values() for look in both))
    panels = [Panel("original", _file(outcome.original, outcome.original_bytes), *_shown("original", first, limits))]
    panels += [
        Panel(title, _smaller(rivals[title][1]), *_shown("candidate", both, limits)) for title, both in looks.items()
    ]
    panels += [
        Panel(f"lost: {title}", _errors(rivals[title][1]), heat(both[0], top), heat(both[1], top), _error_legend(top))
        for title, both in looks.items()
    ]
    foot = _foot(part, factor, outcome, kept=first[0].kept is not None, chosen=True)
    write_png(path, draw_sheet(panels, _frame(part, pair), foot), overwrite=overwrite)


def draw_lost(
    pair: Pair, outcome: Comparison, report: ProgressCallback = ignore, block: Block | None = None
) -> NDArray[np.uint8]:
    """Draw what `write_lost` writes, (y, x, 3)."""
    layout = layout_of_bands(pair.original.layout, colours(pair.original.layout))
    bands = shown_bands(layout)
    factor, chosen = _factor(pair), block is not None
    cells = Cells.of(pair, bands, factor, report)
    block = block or worst_block(cells, pair.grid.shape)
    whole, part = Layers.of_cells(cells), Layers.of_pixels(pair, block, bands)
    limits = [limits_of(band, layout.dtype) for band in whole.original]
    top = brightest(whole.error, part.error)
    panels = [
        Panel("original", _file(outcome.original, outcome.original_bytes), *_shown("original", (whole, part), limits))
    ]
    if whole.saliency is not None and part.saliency is not None:
        panels.append(
            Panel(
                "what matters",
                _brief(outcome.saliency or ""),
                _overlaid(whole, limits),
                _overlaid(part, limits),
                Legend(viridis, "0: may lose most", "1 = kept"),
            )
        )
    panels += [
        Panel("candidate", _smaller(outcome), *_shown("candidate", (whole, part), limits)),
        Panel(
            "what was lost",
            _errors(outcome),
            heat(whole, top),
            heat(part, top),
            _error_legend(top),
        ),
    ]
    foot = _foot(block, factor, outcome, kept=whole.kept is not None, chosen=chosen)
    return draw_sheet(panels, _frame(block, pair), foot)


def _factor(pair: Pair) -> int:
    """Rows and columns of pixels that are one pixel of a panel."""
    return max(1, -(-max(pair.grid.shape) // SIDE))


def _frame(block: Block, pair: Pair) -> tuple[float, float, float, float]:
    """Where a part lies in the whole, in shares of its sides."""
    height, width = pair.grid.shape
    return block.row_off / height, block.col_off / width, block.height / height, block.width / width


def _error_legend(top: float) -> Legend:
    return Legend(magma, "error 0 (grey: the same to the bit)", f"{_figure(top)} or more")


def worst_block(cells: Cells, shape: tuple[int, int]) -> Block:
    """Find the part that shows best what was lost, see `geosal.comparison.window.telling_block`.

    Parameters
    ----------
    cells
        The pair, made small.
    shape
        Rows and columns of the scene.
    """
    windows = Windows(cells.error, cells.original, cells.factor, shape, _ZOOM)
    return telling_block(windows, (cells.kept, cells.saliency))


def _shown(
    which: str, looks: tuple[Layers, Layers], limits: list[tuple[float, float]]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    whole, part = (as_rgb(getattr(look, which), limits, PAPER) for look in looks)
    return whole, part


def _overlaid(look: Layers, limits: list[tuple[float, float]]) -> NDArray[np.uint8]:
    """Colours of saliency over a grey original."""
    grey = as_rgb(look.original, limits, PAPER).mean(axis=-1, keepdims=True)
    picture = (1 - _OPACITY) * grey + _OPACITY * viridis(np.nan_to_num(np.asarray(look.saliency)))
    picture[np.isnan(look.original).all(axis=0)] = PAPER
    return np.asarray(np.rint(picture).astype(np.uint8))


def _file(name: str, size: int | None) -> str:
    return os.path.basename(redact(name).rstrip("/")) + ("" if size is None else f", {as_bytes(size)}")


def _brief(label: str) -> str:
    """The label of a saliency without hashes and folders."""
    return re.sub(r"[^\s:=,;|]*/(?=[^/])", "", re.sub(r" \(sha256 [0-9a-f]+\)", "", label))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _smaller(outcome: Comparison) -> str:
    told = _file(outcome.candidate, outcome.candidate_bytes)
    if outcome.reduction is None:
        return told
    return f"{told}: {abs(outcome.reduction):.1f} % {'smaller' if outcome.reduction >= 0 else 'LARGER'}"


def _errors(outcome: Comparison) -> str:
    parts = [(WHOLE, "RMSE"), (SALIENT, "kept"), (BACKGROUND, "rest")]
    figures = [(name, outcome.scores(part).rmse) for part, name in parts if part in outcome.parts]
    return ", ".join(f"{name} {_figure(figure)}" for name, figure in figures if not math.isnan(figure))


def _foot(block: Block, factor: int, outcome: Comparison, *, kept: bool, chosen: bool) -> str:
    small = "" if factor == 1 else f"above: a pixel is the mean of {factor} x {factor}; "
    near = "" if chosen else f", where most was lost{' near what matters' if kept else ''}"
    place = f"{block.height} x {block.width} pixels from row {block.row_off}, column {block.col_off}"
    outlines = "; blue: around what is kept" if kept else ""
    return f"{outcome.width} x {outcome.height} px of {outcome.dtype}; {small}below: {place}{near}{outlines}"
