"""The table of figures, and how they get onto the disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from geosal.core.option_values import read_texts, refuse_unknown
from geosal.core.tables import require_matplotlib
from geosal.errors import OutputError, UsageError, warn
from geosal.files.atomic import write_text
from geosal.lab.figures import data, detection, encoders, pictures, smoothing
from geosal.lab.figures.style import COLUMN, PAGE, SUFFIXES, save, styled
from geosal.lab.figures.table import LackError, Tables

TABLE = "table-1"
"""What stands for Table 1 among the figures."""


class Plot(NamedTuple):
    """A figure of the paper.

    Attributes
    ----------
    draw
        Draws it, of `Tables` or of a `View`.
    title
        What it shows.
    width, height
        In inches.
    of
        ``tables``, ``view`` or ``objects``: what it is drawn of.
    """

    draw: Callable[[Any, Any], None]
    title: str
    width: float = COLUMN
    height: float = 3.0
    of: str = "tables"


FIGURES: Mapping[str, Plot] = MappingProxyType({
    "1": Plot(data.rates, "rate of the original images, by data set", PAGE, 2.6),
    "2": Plot(pictures.kernels, "one part, smoothed by each kernel", COLUMN, 4.8, "view"),
    "3": Plot(pictures.masks, "the three masks", PAGE, 2.9, "view"),
    "4": Plot(pictures.composites, "one part, smoothed by each mask", PAGE, 2.9, "view"),
    "5a": Plot(smoothing.reduction_by_kernel, "reduction of the rate, by kernel"),
    "5b": Plot(smoothing.error_by_kernel, "squared error, by kernel"),
    "6": Plot(smoothing.error_by_level, "squared error, by saliency level and data set", PAGE, 2.7),
    "7": Plot(smoothing.reduction_by_level, "reduction of the rate, by saliency level"),
    "8": Plot(smoothing.rate_by_dataset, "rate, by data set", PAGE, 3.0),
    "9": Plot(smoothing.rate_by_mask, "rate, by mask", COLUMN, 3.0),
    "10": Plot(encoders.uniform_by_setting, "lossy encoders, uniform smoothing, by data set", PAGE, 4.8),
    "11": Plot(encoders.driven_by_setting, "lossy encoders, smoothing by masks, by data set", PAGE, 4.8),
    "12": Plot(encoders.uniform_by_kernel, "lossy encoders, uniform smoothing, by kernel", PAGE, 4.8),
    "13": Plot(smoothing.rate_by_kernel, "rate, by kernel"),
    "14": Plot(pictures.objects, "a saliency of objects, and what it does", PAGE, 2.9, "objects"),
    "15": Plot(detection.by_rate, "average precision, by rate", PAGE, 4.6),
    "16": Plot(detection.by_kernel, "average precision, by kernel", PAGE, 4.6),
    "17": Plot(detection.beside_baselines, "average precision beside the nearest baselines", PAGE, 3.2),
})  # fmt: skip
"""Number in the paper -> figure."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What came of drawing.

    Attributes
    ----------
    names
        Numbers of the figures that were drawn, and ``table-1``.
    files
        Paths that were written.
    left_out
        Number of a figure -> why it was not drawn.
    """

    names: tuple[str, ...]
    files: tuple[str, ...]
    left_out: Mapping[str, str]


def draw(
    folders: str | Sequence[str],
    output: str | None = None,
    names: str | Sequence[str] = (),
    *,
    scene: str | None = None,
    sources: Sequence[str] = (),
    overwrite: bool = False,
) -> Drawn:
    """Draw figures of a study from its tables, as SVG and PNG; the same tables give the same bytes.

    Parameters
    ----------
    folders
        Of a study: ``sweep.csv``, ``levels.csv`` and ``detection.csv``, as far as they are there; or of several, whose
        tables are put together.
    output
        Folder of the figures; by default ``figures`` in the first of `folders`.
    names
        Numbers of figures, and ``table-1``; by default all that can be drawn.
    scene
        Raster or product for figures 2 to 4 and 14.
    sources
        SOURCE texts for figure 14.
    overwrite
        Whether files may be replaced.

    Raises
    ------
    UsageError
        There is no such figure, one needs a scene or a SOURCE, or matplotlib is not installed.
    SceneError
        A named figure asks for more than the tables have, nothing can be drawn at all, or a table or the scene cannot
        be read.
    OutputError
        A file is there already, or cannot be written.

    Warns
    -----
    GeosalWarning
        A figure that was not named is left out, because the tables lack what it shows, or for want of a scene.
    """
    require_matplotlib("figures")
    names = read_texts("names", names)
    refuse_unknown(names, [*FIGURES, TABLE], "no such figure of the paper")
    lacking = {name: lack for name, plot in FIGURES.items() if (lack := _lack(plot, scene, sources))}
    wanted = list(dict.fromkeys(names)) or [name for name in (TABLE, *FIGURES) if name not in lacking]
    for name in wanted:
        if name in lacking:
            raise UsageError(f"figure {name}: shows {FIGURES[name].title}, and {lacking[name]}")
    studies = (folders,) if isinstance(folders, str) else tuple(folders)
    place = Path(output) if output is not None else Path(studies[0], "figures")
    _refuse_taken(place, wanted, overwrite=overwrite)
    tables = Tables(studies)
    files: list[str] = []
    left_out: dict[str, str] = {}
    views: dict[str, pictures.View] = {}
    for name in wanted:
        try:
            files += _draw(name, place, tables, views, (scene, sources))
        except LackError as error:
            if names:
                raise
            left_out[name] = str(error)
    if not files:
        raise LackError(next(iter(left_out.values())))
    left_out |= {} if names else lacking
    for reason in dict.fromkeys(left_out.values()):
        numbers = ", ".join(name for name, why in left_out.items() if why == reason)
        warn(f"figures left out: {numbers}: {reason}")
    made = tuple(name for name in wanted if name not in left_out)
    return Drawn(names=made, files=tuple(files), left_out=MappingProxyType(left_out))


def _lack(plot: Plot, scene: str | None, sources: Sequence[str]) -> str:
    """Return what a figure needs that was not given; empty where it needs no more than tables."""
    options = {"--scene FILE": plot.of != "tables" and scene is None}
    options["--saliency SOURCE"] = plot.of == "objects" and not sources
    missing = " ".join(option for option, is_missing in options.items() if is_missing)
    what = "a scene" if plot.of == "view" else "a scene, and to know where objects are"
    return f"needs {what}: {missing}" if missing else ""


def _refuse_taken(place: Path, names: Sequence[str], *, overwrite: bool) -> None:
    if place.exists() and not place.is_dir():
        raise OutputError(f"{place}: is a file; name a folder (-o DIR)")
    there = [path for name in names for path in _files(place, name) if path.exists()]
    if there and not overwrite:
        raise OutputError(f"{there[0]}: exists; name another folder (-o DIR), or use --overwrite")


def _files(place: Path, name: str) -> list[Path]:
    if name == TABLE:
        return [place / f"{TABLE}.md"]
    return [place / f"figure-{name}{suffix}" for suffix in SUFFIXES]


def _draw(
    name: str,
    place: Path,
    tables: Tables,
    views: dict[str, pictures.View],
    scene: tuple[str | None, Sequence[str]],
) -> list[str]:
    if name == TABLE:
        path = place / f"{TABLE}.md"
        head, *rows = data.summary(tables)
        lines = [head, tuple("---" for _ in head), *rows]
        _write(path, "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines))
        return [str(path)]
    plot = FIGURES[name]
    source: Any = tables
    if plot.of != "tables":
        path_of, sources = scene
        if plot.of not in views:
            views[plot.of] = pictures.View.of(str(path_of), sources if plot.of == "objects" else ())
        source = views[plot.of]
    with styled(plot.width, plot.height) as figure:
        plot.draw(figure, source)
        return save(figure, place / f"figure-{name}")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; name another folder") from error
