"""Figures 5 to 9 and 13: what smoothing alone does to files of the original's encoder."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geosal.lab.figures.style import GREY, as_label, colour, legend_above, marker
from geosal.lab.figures.table import UNIFORM, Table, Tables, images_of, shared_masks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KERNEL = "kernel width K, effective width Kₑ, pixels"
_MADE_UP = ("half", "grid", "perlin")
"""Masks that know nothing of the image; Figure 13 shows others, where a study has them."""
_BAR = 0.26


def reduction_by_kernel(figure: "Figure", tables: Tables) -> None:
    """Figure 5a: percent that the rate falls, by kernel and by effective kernel, means over all images."""
    axis = figure.subplots()
    by_kernel(axis, tables.uniform, tables.driven, "reduction_of_original")
    _fit(axis, np.log, "a + b ln K")
    axis.set(xlabel=KERNEL, ylabel="reduction of the rate, %")
    axis.legend()


def error_by_kernel(figure: "Figure", tables: Tables) -> None:
    """Figure 5b: the squared error, by kernel and by effective kernel, means over all images."""
    axis = figure.subplots()
    by_kernel(axis, tables.uniform, tables.driven, "mse")
    _fit(axis, np.positive, "a + b K")
    axis.set(xlabel=KERNEL, ylabel="mean squared error, DN²")
    axis.legend()


def by_kernel(axis: "Axes", uniform: Table, driven: Table, column: str) -> None:
    """Draw a line of the uniform kernels, and a point for each mask at its effective kernel."""
    line = uniform.some("of images smoothed by one kernel").means("kernel", column)
    axis.plot(*line.T, color=GREY, marker="o", label="uniform")
    axis.set_xticks(line[:, 0])
    for number, mask in enumerate(driven.kinds("mask")):
        part = driven.where(mask=mask)
        at = part.mean("effective_kernel"), part.mean(column)
        axis.plot(
            *([value] for value in at), marker(number + 1), color=colour(number), markersize=7, label=as_label(mask)
        )


def _fit(axis: "Axes", of: Callable[[NDArray[np.float64]], NDArray[np.float64]], formula: str) -> None:
    """Draw a line of least squares in a function of the kernel, with its R², through the axis' first line."""
    points = np.asarray(axis.lines[0].get_xydata(), np.float64)
    if len(points) < 3:
        return
    across, up = of(points[:, 0]), points[:, 1]
    slope, level = np.polyfit(across, up, 1)
    rest, whole = np.sum((up - level - slope * across) ** 2), np.sum((up - up.mean()) ** 2)
    if whole == 0:
        return
    fine = np.linspace(points[0, 0], points[-1, 0], 100)
    name = f"{formula}, R² = {1 - rest / whole:.3f}"
    axis.plot(fine, level + slope * of(fine), ":", color="black", linewidth=1, label=name)


def error_by_level(figure: "Figure", tables: Tables) -> None:
    """Figure 6: the squared error of the pixels of each saliency level, by mask, a panel for each data set."""
    table = shared_masks(tables.levels.where(encoder=tables.original))
    names = table.kinds("dataset")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        for number, mask in enumerate(table.kinds("mask")):
            part = table.where(dataset=name, mask=mask)
            points = _by_level(part, "mse")
            axis.plot(*points.T, color=colour(number), marker=marker(number + 1), label=as_label(mask))
        axis.set(title=name, xlabel="saliency of the level", ylim=(0, None))
    axes[0].set_ylabel("mean squared error, DN²")
    legend_above(figure, axes[0])


def reduction_by_level(figure: "Figure", tables: Tables) -> None:
    """Figure 7: percent that the rate of each saliency level falls, by mask, means over all images."""
    table = shared_masks(tables.levels.where(encoder=tables.original))
    axis = figure.subplots()
    for number, mask in enumerate(table.kinds("mask")):
        points = _by_level(table.where(mask=mask), "reduction")
        axis.plot(*points.T, color=colour(number), marker=marker(number + 1), label=as_label(mask))
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(xlabel="saliency of the level", ylabel="reduction of the level's rate, %")
    axis.legend()


def _by_level(table: Table, column: str) -> NDArray[np.float64]:
    """Return saliency and mean of a column, (levels, 2), the least salient first."""
    found = table.means("level", "saliency", column)[:, 1:]
    return found[np.argsort(found[:, 0], kind="stable")]


def rate_by_dataset(figure: "Figure", tables: Tables) -> None:
    """Figure 8: rates of originals, of uniform smoothing, and of smoothing by masks, for each data set.

    Uniform files are those of the same effective kernel, between the two nearest kernels on a straight line.
    """
    driven = tables.driven
    names = driven.kinds("dataset")
    rows = [_rates(tables.uniform.where(dataset=name), driven.where(dataset=name)) for name in names]
    _bars(figure, names, np.asarray(rows))


def rate_by_mask(figure: "Figure", tables: Tables) -> None:
    """Figure 9: rates of originals, of uniform smoothing at the effective kernel of a mask, and of each mask."""
    driven = tables.driven
    masks = driven.kinds("mask")
    rows = [_rates(tables.uniform, driven.where(mask=mask)) for mask in masks]
    _bars(figure, masks, np.asarray(rows))


def _rates(uniform: Table, driven: Table) -> tuple[float, float, float]:
    """Return mean bits per pixel of originals, of uniform files as each driven one would be, and of driven ones."""
    plain, like = [], []
    for dataset, image in images_of(driven):
        of_image = uniform.where(dataset=dataset, image=image)
        curve = of_image.means("kernel", "bpp")
        for width in driven.where(dataset=dataset, image=image)["effective_kernel"]:
            plain.append(of_image.where(kernel=1.0).mean("bpp"))
            inside = len(curve) > 1 and curve[0, 0] <= width <= curve[-1, 0]
            like.append(float(np.interp(width, *curve.T)) if inside else math.nan)
    known = [value for value in like if not math.isnan(value)]
    return float(np.mean(plain)), float(np.mean(known)) if known else math.nan, driven.mean("bpp")


def _bars(figure: "Figure", names: list[str], rows: NDArray[np.float64]) -> None:
    axis = figure.subplots()
    labels = ("original", "uniform, same Kₑ", "saliency-driven")
    for number, (label, shade) in enumerate(zip(labels, (GREY, colour(4), colour(0)), strict=True)):
        places = np.arange(len(names)) + (number - 1) * (_BAR + 0.02)
        bars = axis.bar(places, rows[:, number], _BAR, color=shade, label=label)
        texts = [f"{value:.2f}" if value < 9.995 else f"{value:.1f}" for value in rows[:, number]]
        axis.bar_label(bars, texts, padding=1, fontsize=6.5)
    axis.set(xticks=range(len(names)), xticklabels=names, ylabel="rate, bits per pixel")
    axis.margins(y=0.12)
    axis.grid(visible=False, axis="x")
    legend_above(figure, axis, 3)


def rate_by_kernel(figure: "Figure", tables: Tables) -> None:
    """Figure 13: the rate by kernel, and that of smoothing by masks at their effective kernels.

    Where a study has masks beyond the paper's made-up ones, such as boxes, these are shown, with the images that have
    them, as in the paper; else all.
    """
    driven = tables.stored.unlike(mask=UNIFORM).some("of images smoothed by a mask")
    told = driven.take(~np.isin(driven["mask"], _MADE_UP))
    driven = told if len(told) else tables.driven
    shown = images_of(driven)
    pairs = zip(tables.uniform["dataset"], tables.uniform["image"], strict=True)
    axis = figure.subplots()
    by_kernel(axis, tables.uniform.take(np.asarray([pair in shown for pair in pairs])), driven, "bpp")
    axis.set(xlabel=KERNEL, ylabel="rate, bits per pixel")
    axis.legend()
