"""Figure 1 and Table 1: what the images of a study are."""

from typing import TYPE_CHECKING

import numpy as np

from geosal.lab.datasets.paper import TABLE_1
from geosal.lab.figures.style import GREY, colour
from geosal.lab.figures.table import Table, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = ("data set", "images", "mean width, px", "mean height, px", "mean rate, bpp")


def originals(tables: Tables) -> Table:
    """Return the files of the unsmoothed images."""
    return tables.uniform.where(kernel=1.0).some("of unsmoothed images (mask none, kernel 1)")


def rates(figure: "Figure", tables: Tables) -> None:
    """Figure 1: the rate of each original image, by data set, with quartiles and median."""
    table = originals(tables)
    axis = figure.subplots()
    names = table.kinds("dataset")
    for row, name in enumerate(names):
        values = np.sort(table.where(dataset=name)["bpp"])
        axis.plot(values, np.full(len(values), row), "o", color=colour(row), alpha=0.45, markeredgewidth=0)
        low, middle, high = np.percentile(values, (25, 50, 75))
        axis.plot([low, high], [row + 0.25] * 2, color=GREY, linewidth=3, solid_capstyle="butt")
        axis.plot([middle], [row + 0.25], "|", color="black", markersize=9, markeredgewidth=1.6)
    counted = [f"{name} ({len(table.where(dataset=name))})" for name in names]
    axis.set(yticks=range(len(names)), yticklabels=counted, ylim=(len(names) - 0.4, -0.5))
    axis.set(xlabel="rate of the original, bits per pixel", xlim=(0, None))
    axis.grid(visible=False, axis="y")


def summary(tables: Tables) -> list[tuple[str, ...]]:
    """Table 1: each data set, how many images it has, their mean size and rate; below, what the paper took of it."""
    table = originals(tables)
    table.some("at all")
    sized = {"width", "height"} <= set(table.columns)
    found: list[tuple[str, ...]] = [_NAMES]
    for name in table.kinds("dataset"):
        part = table.where(dataset=name)
        sides = [f"{part.mean(side):,.0f}" if sized else "" for side in ("width", "height")]
        found.append((name, str(len(part)), *sides, f"{part.mean('bpp'):.2f}"))
    found += [
        (f"{row.dataset} in the paper: {row.subset}", str(row.images), f"{row.width:,}", f"{row.height:,}", "")
        for row in TABLE_1.values()
    ]
    return found
