"""Figures 15 to 17: what smoothing costs a detector."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.lab.figures.smoothing import KERNEL
from geosal.lab.figures.style import GREY, PAGE, as_label, colour, legend_above, marker
from geosal.lab.figures.table import DETECTION, UNIFORM, LackError, Table, Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS: Mapping[str, str] = {
    "ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_small": "AP small", "ap_medium": "AP medium",
    "ap_large": "AP large",
}  # fmt: skip
"""Column -> name of the average precision, 0 to 1."""
_NEEDED = ("dataset", "mask", "kernel", "effective_kernel", "encoder", "bpp", "ap")
_ACROSS = 3
_ROW = 1.9
"""Height of a row of panels, in inches."""


def by_rate(figure: "Figure", tables: Tables) -> None:
    """Figure 15: average precision by the mean rate of the images."""
    _panels(figure, _files(tables), "bpp", "rate, bits per pixel")


def by_kernel(figure: "Figure", tables: Tables) -> None:
    """Figure 16: average precision by kernel and effective kernel."""
    _panels(figure, _files(tables), "effective_kernel", KERNEL)


def _files(tables: Tables) -> Table:
    """Return the rows of the first encoder, at its first setting.

    Raises
    ------
    LackError
        The table lacks what rows are told apart by, or knows no average precision.
    """
    table = tables.read(DETECTION)
    lacking = [name for name in _NEEDED if name not in table.columns]
    if lacking:
        raise LackError(f"{table.path}: has no column {', '.join(lacking)}")
    table = table.where(encoder=table["encoder"][0])
    if "setting" in table.columns:
        table = table.where(setting=float(table["setting"][0]))
    if not _known(table):
        raise LackError(f"{table.path}: knows no average precision")
    return table


def _known(table: Table) -> list[str]:
    """Return metrics of which a table knows values."""
    return [name for name in METRICS if name in table.columns and not np.isnan(table[name]).all()]


def _panels(figure: "Figure", table: Table, column: str, label: str) -> None:
    """Draw a panel for each data set and metric: a line of the uniform kernels, and a point for each mask.

    What 95 % of the draws lie between is shaded, or a bar, where the table tells it.
    """
    names = table.kinds("dataset")
    lines = [
        (name, metrics[first : first + _ACROSS])
        for name in names
        for metrics in [_known(table.where(dataset=name))]
        for first in range(0, len(metrics), _ACROSS)
    ]
    across = max(len(metrics) for _, metrics in lines)
    figure.set_size_inches(PAGE, _ROW * len(lines) + 0.7)
    axes = figure.subplots(len(lines), across, squeeze=False)
    for row, (name, metrics) in zip(axes, lines, strict=True):
        for axis, metric in zip(row, metrics, strict=False):
            _draw(axis, table.where(dataset=name), column, metric)
            axis.set(title=f"{name}: {METRICS[metric]}" if len(names) > 1 else METRICS[metric])
        for axis in row[len(metrics) :]:
            axis.set_visible(False)
    figure.supxlabel(label, fontsize=9)
    figure.supylabel("average precision", fontsize=9)
    legend_above(figure, axes.flat[0], columns=6)


def _draw(axis: "Axes", table: Table, column: str, metric: str) -> None:
    uniform = table.where(mask=UNIFORM)
    uniform = uniform.order(column)
    axis.plot(uniform[column], uniform[metric], color=GREY, marker="o", label="uniform")
    bounds = _bounds(uniform, metric)
    if bounds is not None:
        axis.fill_between(uniform[column], *bounds, color=GREY, alpha=0.2, linewidth=0)
    axis.margins(y=0.12)
    driven = table.unlike(mask=UNIFORM)
    masks = driven.kinds("mask")
    for number, mask in enumerate(masks):
        part = driven.where(mask=mask)
        look: dict[str, Any] = {"color": colour(number), "label": as_label(mask), "markersize": 6}
        # Masks of about the same rate lie on one another: hollow marks and ever thinner bars hide none.
        look |= {"markerfacecolor": "none", "markeredgewidth": 1.4, "linestyle": "none"}
        axis.plot(part[column], part[metric], marker=marker(number + 1), **look)
        bounds = _bounds(part, metric)
        if bounds is not None:
            width = 0.8 + 0.9 * (len(masks) - 1 - number)
            axis.vlines(part[column], *bounds, color=colour(number), linewidth=width, alpha=0.5, zorder=1.5)


def _bounds(table: Table, metric: str) -> tuple[NDArray[Any], NDArray[Any]] | None:
    low, high = (table.columns.get(f"{metric}_{end}") for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


def beside_baselines(figure: "Figure", tables: Tables) -> None:
    """Figure 17: smoothing by the first mask beside the uniform kernels nearest in width, nearest in rate, and best."""
    table = _files(tables)
    names = table.kinds("dataset")
    figure.set_size_inches(PAGE, 2.6 * len(names) + 0.3)
    for axis, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        _beside(axis, table.where(dataset=name))
        if len(names) > 1:
            axis.set_title(name)


def _beside(axis: "Axes", table: Table) -> None:
    uniform = table.where(mask=UNIFORM).some("of images smoothed by one kernel")
    driven = table.unlike(mask=UNIFORM).some("of images smoothed by a mask")
    mask, metrics = driven.row(0), _known(table)
    baselines = {
        "nearest kernel": _nearest(uniform, "effective_kernel", mask["effective_kernel"][0]),
        "nearest rate": _nearest(uniform, "bpp", mask["bpp"][0]),
        "best": _nearest(uniform, "ap", math.inf),
    }
    shown = [(f"{mask['mask'][0]}, Kₑ = {mask['effective_kernel'][0]:.1f}", mask, colour(0))]
    for (label, part), shade in zip(baselines.items(), ("#c8ccd2", "#9aa1ab", "#5f6771"), strict=True):
        shown.append((f"{label}: K = {part['kernel'][0]:.0f}", part, shade))
    for number, (label, part, shade) in enumerate(shown):
        places = np.arange(len(metrics)) + (number - (len(shown) - 1) / 2) * 0.2
        axis.bar(places, [part[name][0] for name in metrics], 0.19, color=shade, label=label)
    _finish(axis, metrics)


def _finish(axis: "Axes", metrics: Sequence[str]) -> None:
    axis.set(xticks=range(len(metrics)), xticklabels=[METRICS[name] for name in metrics], ylabel="average precision")
    axis.grid(visible=False, axis="x")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _nearest(table: Table, column: str, value: float) -> Table:
    """Return the row whose column is nearest to a value; infinity stands for the greatest."""
    values = table[column]
    far = -values if math.isinf(value) else np.abs(values - value)
    if np.isnan(far).all():
        raise LackError(f"{table.path}: knows no {column}")
    return table.row(int(np.nanargmin(far)))
