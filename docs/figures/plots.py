"""Draw the plots of docs/benchmarks and docs/explanation from the tables that lie in docs/benchmarks.

python docs/figures/plots.py            after a table has changed; the plots are kept in docs/images
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1]
OURS, GDAL, OTHER, SOFT = "#1f7a99", "#9aa1ab", "#d6a24a", "#c2573f"
Row = dict[str, str]


def tables_of(page: str, section: str) -> list[list[Row]]:
    """Return the tables between the comments of a section, as rows by the names of their columns.

    A name that stands in a table's head more than once, such as "mean", gets the number of its column.
    """
    text = (DOCS / "benchmarks" / f"{page}.md").read_text(encoding="utf-8")
    _, _, text = text.partition(f"<!-- {section}: begin -->")
    text, _, _ = text.partition(f"<!-- {section}: end -->")
    found: list[list[Row]] = []
    for part in text.split("\n\n"):
        lines = [line for line in part.strip().splitlines() if line.startswith("|")]
        if lines:
            head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
            names = [name if head.count(name) == 1 else f"{name} {n}" for n, name in enumerate(head)]
            found.append([dict(zip(names, row, strict=True)) for row in rows])
    return found


def jobs(figure: Figure) -> None:
    """Draw seconds and memory of whole jobs, beside GDAL and a script in memory."""
    rows = [row for row in tables_of("jobs", "jobs")[0] if row["mask"] == "blobs" and row["codec"] != "deflate7"]
    codecs = list(dict.fromkeys(row["codec"] for row in rows))
    who = [
        ("geosal", "geosal", OURS),
        ("GDAL", "GDAL copies the finished pixels", GDAL),
        ("script", "script in memory", OTHER),
    ]
    axes = figure.subplots(1, 2, sharey=True)
    for axis, column, title in zip(axes, ("wall s: least", "peak MiB"), ("seconds", "peak memory, MiB"), strict=True):
        for n, (begin, name, colour) in enumerate(who):
            values = [float(_row(rows, codec, begin)[column]) for codec in codecs]
            bars = axis.barh(np.arange(len(codecs)) + (n - 1) * 0.27, values, 0.25, label=name, color=colour)
            axis.bar_label(
                bars, [f"{value:.3g}" if value < 1000 else f"{value:.0f}" for value in values], padding=2, fontsize=8
            )
        axis.set(title=title, yticks=range(len(codecs)), yticklabels=codecs)
        axis.margins(x=0.14)
    axes[0].invert_yaxis()
    _legend_above(figure, axes[1])


def _legend_above(figure: Figure, axis: Axes) -> None:
    """Put the names where no bar is."""
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)


def _row(rows: Sequence[Row], codec: str, who: str) -> Row:
    return next(row for row in rows if row["codec"] == codec and row["who"].startswith(who))


def profiles(figure: Figure) -> None:
    """Draw bytes beside seconds of each profile, on one scene."""
    axis = figure.subplots()
    rows = [row for section in ("jobs", "jobs-codecs") for row in tables_of("jobs", section)[0]]
    ours = [row for row in rows if row["who"] == "geosal" and row["mask"] == "blobs" and row["codec"] != "deflate7"]
    lossy = {"jpeg", "webp", "jp2"}
    for row in ours:
        kind = SOFT if row["codec"] in lossy else OURS
        at = float(row["wall s: least"]), float(row["output MB"])
        axis.plot(*at, "o", color=kind, markersize=8)
        axis.annotate(row["codec"], at, xytext=(7, 4), textcoords="offset points")
    axis.plot([], [], "o", color=OURS, label="lossless: salient pixels to the bit")
    axis.plot([], [], "o", color=SOFT, label="lossy")
    axis.set(
        xlabel="seconds", ylabel="MB", xlim=(0, 19), ylim=(0, 560), title="10980 x 10980 x 3 uint8: 362 MB of pixels"
    )
    axis.legend(frameon=False)
    axis.grid(alpha=0.3)


def bounds(figure: Figure) -> None:
    """Draw what `bound` and `smooth` leave of a lossless file, for each crop of 16 bits."""
    axis = figure.subplots()
    (rows,) = tables_of("treatments", "quality-lossless")
    wanted = [("smooth, zstd", GDAL), ("bound:error=32, zstd", OURS), ("smooth + bound:error=32, zstd", OTHER)]
    crops = list(dict.fromkeys(row["crop"] for row in rows))
    for n, (job, colour) in enumerate(wanted):
        values = [
            float(next((row["bytes"] for row in rows if (row["crop"], row["job"]) == (crop, job)), "nan"))
            for crop in crops
        ]
        bars = axis.barh(np.arange(len(crops)) + (n - 1) * 0.27, values, 0.25, label=job, color=colour)
        axis.bar_label(bars, [f"{value:.2f}" if value == value else "" for value in values], padding=2, fontsize=8)  # noqa: PLR0124
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set(
        yticks=range(len(crops)),
        yticklabels=crops,
        xlabel="bytes over those of lossless ZSTD, 15 % salient",
        xlim=(0, 1.35),
    )
    axis.invert_yaxis()
    _legend_above(figure, axis)


def equal_bytes(figure: Figure) -> None:
    """Draw what treatments gain in the mask and cost elsewhere, at the bytes of the plain codec."""
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    rows = [row for part in ("quality-equal-5", "quality-equal-jp2-5") for row in tables_of("treatments", part)[0]]
    for axis, codec in zip(axes, ("jpeg", "webp", "jp2"), strict=True):
        for kind, colour in (("smooth", GDAL), ("quality", OURS)):
            points = [
                _gain(rows, row) for row in rows if row["codec"] == codec and row["treatment"].startswith(kind + ",")
            ]
            axis.scatter(*np.array(points).T[::-1], color=colour, s=34, label=kind, zorder=2)
        axis.axhline(0, color="black", linewidth=0.8)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(title=codec, xlabel="dB elsewhere")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("dB in the mask (5 % of the pixels)")
    _legend_above(figure, axes[0])


def _gain(rows: Sequence[Row], row: Row) -> tuple[float, float]:
    plain = next(
        other
        for other in rows
        if (other["crop"], other["codec"]) == (row["crop"], row["codec"]) and other["treatment"].startswith("plain")
    )
    salient, background = (float(row[name]) - float(plain[name]) for name in ("dB salient", "dB background"))
    return salient, background


def jpeg_coders(figure: Figure) -> None:
    """Draw the mean gain of JPEG coders at the bytes of a plain JPEG of quality 75."""
    axes = figure.subplots(1, 2, sharey=True)
    parts = (
        ("jpeg-rate-jpg-75-5", "5 % salient: in the mask", "mean 4"),
        ("jpeg-rate-jpg-75-0", "no mask: the whole", "mean 8"),
    )
    for axis, (section, title, column) in zip(axes, parts, strict=True):
        (rows,) = tables_of("jpeg-coders", section)
        rows = [row for row in rows if row["who"] != "plain"]
        values = [float(row[column]) for row in rows]
        colours = [OURS if row["who"] == "geosal" else GDAL for row in rows]
        bars = axis.barh([row["who"] for row in rows], values, color=colours)
        axis.bar_label(bars, [f"{value:+.2f}" for value in values], padding=3, fontsize=8)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(title=title, xlabel="dB over libjpeg-turbo, mean of 16 crops")
        axis.margins(x=0.16)
    axes[0].invert_yaxis()


def engine(figure: Figure) -> None:
    """Draw the time of the engine beside one blur of OpenCV and the paper's method."""
    axes = figure.subplots(1, 4, sharey=True)
    rows = tables_of("engine", "engine")[0]
    masks = ["uniform", "half", "blobs4", "blobs9", "gradient", "noise"]
    for axis, dtype in zip(axes, ("uint8", "uint16", "int16", "float32"), strict=True):
        ours = {row["mask"]: row for row in rows if row["dtype"] == dtype}
        known = [mask for mask in masks if mask in ours]
        parts = (
            ("engine ns/px", "geosal", OURS),
            ("one cv2 K=17", "one blur", OTHER),
            ("paper's method", "paper's method", GDAL),
        )
        for n, (column, name, colour) in enumerate(parts):
            axis.barh(
                np.arange(len(known)) + (n - 1) * 0.27,
                [float(ours[m][column]) for m in known],
                0.25,
                label=name,
                color=colour,
            )
        axis.set(title=dtype, xlabel="ns a pixel", yticks=range(len(known)), yticklabels=known)
    axes[0].invert_yaxis()
    _legend_above(figure, axes[0])


def new_user(figure: Figure) -> None:
    """Draw how much of its input each default job leaves, smallest first."""
    axis: Axes = figure.subplots()
    rows = tables_of("defaults", "defaults")[1]
    for command, colour in ((".tif", OURS), (".jp2", OTHER), (".jpg", SOFT)):
        shares = sorted(
            float(row["now / input"]) for row in rows if row["command"] == command and _is_number(row["now / input"])
        )
        axis.step(
            np.linspace(0, 100, len(shares)),
            shares,
            where="mid",
            color=colour,
            label=f"{command}: {len(shares)} scenes",
        )
    axis.axhline(1, color="black", linewidth=0.8)
    axis.set(
        xlabel="% of the scenes", ylabel="bytes of the output over those of the input", ylim=(0.02, 12), yscale="log"
    )
    axis.set(yticks=[0.03, 0.1, 0.3, 1, 3, 10], yticklabels=["0.03", "0.1", "0.3", "1", "3", "10"])
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


PLOTS: dict[Callable[[Figure], None], tuple[float, float]] = {
    jobs: (9, 4),
    profiles: (7.5, 4.6),
    bounds: (7.5, 6),
    equal_bytes: (9, 3.6),
    jpeg_coders: (9, 2.6),
    engine: (9, 3.4),
    new_user: (7.5, 3.8),
}
"""Each plot, with its width and height in inches."""


def main() -> None:
    """Draw all of them."""
    style = {"svg.fonttype": "none", "svg.hashsalt": "geosal", "font.family": "sans-serif", "font.size": 10}
    mpl.rcParams.update(style | {"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11})
    for draw, size in PLOTS.items():
        figure = plt.figure(figsize=size, layout="constrained")
        draw(figure)
        path = DOCS / "images" / f"plot-{draw.__name__.replace('_', '-')}.svg"
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
