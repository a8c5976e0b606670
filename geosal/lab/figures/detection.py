"""Figures 15 to 17: what smoothing costs a detector."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from geosal.lab.figures.smoothing import KERNEL
from geosal.lab.figures.style import GREY, colour, marker
from geosal.lab.figures.table import UNIFORM, LackError, Table, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS: Mapping[str, str] = {
    "ap": "AP", "ap50": "AP50", "ap75": "AP75", "small": "AP small", "medium": "AP medium", "large": "AP large",
}  # fmt: skip
"""Column -> name of the average precision, 0 to 1."""


def by_rate(figure: "Figure", tables: Tables) -> None:
    """Figure 15: average precision by the mean rate of the images."""
    _panels(figure, tables, "bpp", "rate, bits per pixel")


def by_kernel(figure: "Figure", tables: Tables) -> None:
    """Figure 16: average precision by kernel and effective kernel."""
    _panels(figure, tables, "effective_kernel", KERNEL)


def _panels(figure: "Figure", tables: Tables, column: str, label: str) -> None:
    """Draw a panel for each metric that is known: a line of the uniform kernels, and a point for each mask."""
    table = tables.read("detection")
    names = _known(table)
    rows = -(-len(names) // 3)
    axes = figure.subplots(rows, min(3, len(names)), squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        uniform = table.where(mask=UNIFORM)
        order = np.argsort(uniform[column], kind="stable")
        axis.plot(uniform[column][order], uniform[name][order], color=GREY, marker="o", label="uniform")
        driven = table.unlike(mask=UNIFORM)
        for number, mask in enumerate(driven.kinds("mask")):
            part = driven.where(mask=mask)
            axis.plot(part[column], part[name], marker(number + 1), color=colour(number), markersize=7, label=mask)
        axis.set(title=METRICS[name])
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    figure.supxlabel(label, fontsize=9)
    figure.supylabel("average precision", fontsize=9)
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)


def beside_baselines(figure: "Figure", tables: Tables) -> None:
    """Figure 17: smoothing by a mask beside the uniform kernels nearest in width, nearest in rate, and best."""
    table = tables.read("detection")
    names = _known(table)
    uniform = table.where(mask=UNIFORM).some("of images smoothed by one kernel")
    driven = table.unlike(mask=UNIFORM).some("of images smoothed by a mask")
    mask = driven.take(np.arange(len(driven)) == 0)
    chosen = {
        f"{mask['mask'][0]}, $K_e$ = {mask['effective_kernel'][0]:.1f}": mask,
        **{
            f"{label}: K = {part['kernel'][0]:.0f}": part
            for label, part in (
                ("nearest kernel", _nearest(uniform, "effective_kernel", mask["effective_kernel"][0])),
                ("nearest rate", _nearest(uniform, "bpp", mask["bpp"][0])),
                ("best", _nearest(uniform, "ap", math.inf)),
            )
        },
    }
    axis = figure.subplots()
    for number, (label, part) in enumerate(chosen.items()):
        places = np.arange(len(names)) + (number - (len(chosen) - 1) / 2) * 0.2
        shade = colour(0) if number == 0 else ("#c8ccd2", "#9aa1ab", "#5f6771")[number - 1]
        axis.bar(places, [part[name][0] for name in names], 0.19, color=shade, label=label)
    axis.set(xticks=range(len(names)), xticklabels=[METRICS[name] for name in names], ylabel="average precision")
    axis.grid(visible=False, axis="x")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)


def _nearest(table: Table, column: str, value: float) -> Table:
    """Return the row whose column is nearest to a value; infinity stands for the greatest."""
    values = table[column]
    far = -values if math.isinf(value) else np.abs(values - value)
    return table.take(np.arange(len(table)) == int(np.nanargmin(far)))


def _known(table: Table) -> list[str]:
    """Return metrics of which the table knows values.

    Raises
    ------
    LackError
        It knows none, or lacks what rows are told apart by.
    """
    lacking = [name for name in ("mask", "kernel", "effective_kernel", "bpp", "ap") if name not in table.columns]
    if lacking:
        raise LackError(f"{table.path}: has no column {', '.join(lacking)}")
    names = [name for name in METRICS if name in table.columns and not np.isnan(table[name]).all()]
    if not names:
        raise LackError(f"{table.path}: knows no average precision")
    return names
