"""Figures 10 to 12: what smoothing does to files of lossy encoders, at each of their settings."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.lab.figures.style import GREY, as_label, colour, marker
from geosal.lab.figures.table import UNIFORM, LackError, Table, Tables, shared_masks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OF_ORIGINAL, _OF_UNSMOOTHED = "reduction_of_original", "reduction_of_unsmoothed"
_WORST_QP = 51
"""Quantisation parameter of HEVC that is quality 0."""


def on_scale(encoder: str, parameter: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring settings to one scale, on which 100 is the best, as the paper does ("inverted and rescaled").

    A rate R of JPEG 2000, 1 being lossless, becomes 100 / R. A quantisation parameter (``qp``, and BPG's quality of 0
    to 51, where 0 is the best) becomes 100 (1 - QP / 51), as ImageMagick maps its quality to it. A quality of 0 to 100
    stays.

    Parameters
    ----------
    encoder, parameter
        As the table names them.
    values
        Settings, (settings,).
    """
    if parameter == "rate":
        return np.asarray(100 / values)
    if parameter == "qp" or (encoder.lower().startswith("bpg") and parameter == "quality"):
        return np.asarray(100 * (1 - values / _WORST_QP))
    return values


def uniform_by_setting(figure: "Figure", tables: Tables) -> None:
    """Figure 10: reductions by setting, of images smoothed by one kernel (all above 1), for each data set."""
    files = tables.sweep.where(mask=UNIFORM)
    _by_setting(figure, tables, files.unlike(kernel=1.0).some("of images smoothed by one kernel"), "smoothed, uniform")


def driven_by_setting(figure: "Figure", tables: Tables) -> None:
    """Figure 11: reductions by setting, of images smoothed by masks, for each data set."""
    _by_setting(figure, tables, shared_masks(tables.sweep), "smoothed by masks")


def _by_setting(figure: "Figure", tables: Tables, smoothed: Table, label: str) -> None:
    """Draw a column for each encoder: above the reductions of the original's rate, below of the unsmoothed file's."""
    plain = tables.sweep.where(mask=UNIFORM, kernel=1.0)
    names, datasets = _lossy(tables), plain.kinds("dataset")
    axes = _panels(figure, names)
    for column, name in enumerate(names):
        for number, dataset in enumerate(datasets):
            look: dict[str, Any] = {"color": colour(number), "marker": marker(number)}
            with_, without = (table.where(encoder=name, dataset=dataset) for table in (smoothed, plain))
            above, below = axes[0, column], axes[1, column]
            above.plot(*_curve(without, _OF_ORIGINAL).T, "--", **look, alpha=0.55, label="_unsmoothed")
            above.plot(*_curve(with_, _OF_ORIGINAL).T, **look, label=as_label(dataset))
            below.plot(*_curve(with_, _OF_UNSMOOTHED).T, **look, label=as_label(dataset))
    axes[0, 0].plot([], [], "--", color=GREY, label="unsmoothed")
    axes[0, 0].plot([], [], "-", color=GREY, label=label)
    _finish(figure, axes)


def uniform_by_kernel(figure: "Figure", tables: Tables) -> None:
    """Figure 12: reductions by setting for each kernel, means over all images."""
    import matplotlib as mpl

    files = tables.sweep.where(mask=UNIFORM).some("of images smoothed by one kernel")
    names, widths = _lossy(tables), files.kinds("kernel")
    axes = _panels(figure, names)
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(widths)))
    for column, name in enumerate(names):
        for width, shade in zip(widths, shades, strict=True):
            part = files.where(encoder=name, kernel=width)
            label = f"K = {width:.0f}"
            axes[0, column].plot(*_curve(part, _OF_ORIGINAL).T, color=shade, marker=".", label=label)
            if width > 1:
                axes[1, column].plot(*_curve(part, _OF_UNSMOOTHED).T, color=shade, marker=".", label=label)
    _finish(figure, axes)


def _lossy(tables: Tables) -> list[str]:
    """Return encoders with several settings."""
    sweep = tables.sweep
    lacking = [name for name in ("parameter", "setting", _OF_UNSMOOTHED) if name not in sweep.columns]
    if lacking:
        raise LackError(f"{sweep.path}: has no column {', '.join(lacking)}")
    names = [name for name in sweep.kinds("encoder") if len(sweep.where(encoder=name).kinds("setting")) > 1]
    if not names:
        raise LackError(f"{sweep.path}: has no encoder with several settings, such as bpg or jp2")
    return names


def _curve(table: Table, column: str) -> NDArray[np.float64]:
    """Return settings on the common scale and means of a column, (settings, 2), the worst setting first."""
    if not len(table):
        return np.empty((0, 2))
    points = table.means("setting", column)
    points[:, 0] = on_scale(str(table["encoder"][0]), str(table["parameter"][0]), points[:, 0])
    return points[np.argsort(points[:, 0], kind="stable")]


def _panels(figure: "Figure", names: list[str]) -> NDArray[Any]:
    axes: NDArray[Any] = figure.subplots(2, len(names), sharex=True, sharey="row", squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name)
    return axes


def _finish(figure: "Figure", axes: NDArray[Any]) -> None:
    axis: Axes
    for axis in axes.flat:
        axis.axhline(0, color="black", linewidth=0.8)
    for axis in axes[1]:
        axis.set_xlabel("setting: 100 is the best")
    axes[0, 0].set_ylabel("below the original, %")
    axes[1, 0].set_ylabel("below the unsmoothed file, %")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside right center")
