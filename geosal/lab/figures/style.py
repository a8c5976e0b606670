"""How the figures look: colours that every kind of colour vision tells apart, light, readable in a column of text."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from geosal.errors import OutputError, cause_of
from geosal.files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Those of Okabe and Ito, without yellow, which white swallows."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#8a8f98"
COLUMN, PAGE = 4.4, 7.6
"""Widths of a figure, in inches: a column of text, and a page."""
SUFFIXES = (".svg", ".png")
_DOTS = 200
_STYLE: Any = MappingProxyType({
    "axes.axisbelow": True, "axes.grid": True, "axes.labelsize": 9, "axes.spines.right": False,
    "axes.spines.top": False, "axes.titlesize": 9.5, "figure.dpi": 100, "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"], "font.size": 9, "grid.alpha": 0.3, "legend.fontsize": 8,
    "legend.frameon": False, "lines.linewidth": 1.5, "lines.markersize": 4.5, "savefig.facecolor": "white",
    "svg.fonttype": "none", "svg.hashsalt": "geosal", "text.parse_math": False, "xtick.labelsize": 8,
    "ytick.labelsize": 8,
})  # fmt: skip


@contextmanager
def styled(width: float, height: float) -> "Iterator[Figure]":
    """Give a figure to draw in, whatever the user's own settings of matplotlib, and without a window.

    Parameters
    ----------
    width, height
        In inches.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Drawing(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def save(figure: "Figure", path: Path) -> list[str]:
    """Write a figure as SVG and as PNG, which are the same bytes each time.

    Parameters
    ----------
    figure
        Of `styled`.
    path
        Without a suffix.

    Returns
    -------
    list of str
        Paths of the files.

    Raises
    ------
    OutputError
        One cannot be written.
    """
    made = [path.with_name(f"{path.name}{suffix}") for suffix in SUFFIXES]
    no_date = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file in made:
            with replacing(file) as part:
                figure.savefig(part, format=file.suffix[1:], dpi=_DOTS, metadata=no_date[file.suffix])
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be written: {cause_of(error)}; name another folder") from error
    return [str(file) for file in made]


def colour(number: int) -> str:
    """Return the colour of a series."""
    return COLOURS[number % len(COLOURS)]


def marker(number: int) -> str:
    """Return the marker of a series: colours alone tell too little in grey."""
    return MARKERS[number % len(MARKERS)]


def as_label(name: str) -> str:
    """Return a name as the label of a series; matplotlib would hide one that begins with an underscore."""
    return f" {name}" if name.startswith("_") else name


def legend_above(figure: "Figure", axis: "Axes", columns: int = 4) -> None:
    """Put the names of an axis' series above all axes, where nothing is drawn."""
    names = axis.get_legend_handles_labels()
    figure.legend(*names, loc="outside upper center", ncols=min(columns, len(names[1])))
