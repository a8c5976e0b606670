"""A comparison drawn with matplotlib: where to look, what it lost there, and the figures of each part."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.look import Look, look_at
from geosal.core.tables import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from geosal.comparison.result import Comparison

_SIDE = 512
"""Rows and columns of the small picture at most."""
_PART = 160
"""Rows and columns of the part at real pixels at most."""
_FIGURES = {"psnr": "PSNR (dB)", "max_error": "largest error"}
_BAR, _EXACT, _FRAME = "#4477aa", "#228833", "#009e73"
_BRIGHTEST = 99.0
"""Percentile of the errors that has the brightest colour."""


def plot(found: "Comparison", figure: Any = None) -> "dict[str, Axes]":
    """Draw a comparison; see `geosal.Comparison.plot`."""
    require_matplotlib("plot")
    look = None if found.pair is None else look_at(found.pair, side=_SIDE, part=_PART)
    panels = [list(_FIGURES)] if look is None else [["scene", *_FIGURES], ["original", "candidate", "error"]]
    if figure is None:
        import matplotlib.pyplot as plt  # noqa: PLC0415  an extra

        figure = plt.figure(figsize=(4 * len(panels[0]), 3.6 * len(panels)), layout="constrained")
    axes: dict[str, Axes] = figure.subplot_mosaic(panels)
    for name, label in _FIGURES.items():
        _draw_figures(axes[name], found, name, label)
    if look is not None:
        _draw_look(axes, look)
    return axes


def _draw_figures(axes: "Axes", found: "Comparison", name: str, label: str) -> None:
    """Draw bars of one figure, a part of the scene in each; what is the same to the bit has a word instead."""
    rows = [row for row in found.rows if row.band == 0 and row.scores.samples]
    values = [float(getattr(row.scores, name)) for row in rows]
    places = range(len(rows))
    axes.barh(places, [value if math.isfinite(value) else 0 for value in values], color=_BAR)
    for place, value in enumerate(values):
        if value in {0, math.inf}:
            axes.text(0, place, " exact", va="center", color=_EXACT)
    axes.set_yticks(places, [f"{row.part} ({row.share:.0%})" for row in rows])
    axes.invert_yaxis()
    axes.set_title(label)


def _draw_look(axes: "dict[str, Axes]", look: Look) -> None:
    block = look.block
    extent = (block.col_off - 0.5, block.col_stop - 0.5, block.row_stop - 0.5, block.row_off - 0.5)
    if look.whole is None:
        axes["scene"].text(0.5, 0.5, "no overviews", ha="center", va="center", transform=axes["scene"].transAxes)
        axes["scene"].set_axis_off()
    else:
        height, width = look.shape
        axes["scene"].imshow(look.whole, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        axes["scene"].add_patch(_frame(block.col_off, block.row_off, block.width, block.height))
    axes["scene"].set_title("scene")
    for name in ("original", "candidate"):
        axes[name].imshow(getattr(look, name), extent=extent, interpolation="nearest")
        axes[name].set_title(f"{name}, {block.width} x {block.height} px")
    shown = axes["error"].imshow(
        look.error, extent=extent, interpolation="nearest", cmap="magma", vmin=0, vmax=_brightest(look.error)
    )
    axes["error"].set_title("error")
    axes["error"].figure.colorbar(shown, ax=axes["error"])


def _frame(left: float, top: float, width: float, height: float) -> Any:
    from matplotlib.patches import Rectangle  # noqa: PLC0415  an extra

    return Rectangle((left, top), width, height, fill=False, edgecolor=_FRAME, linewidth=2)


def _brightest(error: NDArray[np.float64]) -> float:
    known = error[np.isfinite(error)]
    return (float(np.percentile(known, _BRIGHTEST)) if known.size else 0.0) or 1.0
