"""Make tables in the layout of the paper, with further columns."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geosal.lab.experiments.jpegs.outcome import (
    JPEG,
    MEASURES,
    PARTS,
    TITLES,
    TOLERANCE,
    WHOLE,
    MapFacts,
    Outcome,
    Trial,
)
from geosal.lab.experiments.jpegs.statistics import Test, as_p, mean

_DIGITS = {"psnr": 3, "ssim": 4, "ms_ssim": 4}
NOTHING = "-"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as text, ready for Markdown and CSV.

    Attributes
    ----------
    name
        Name of its file.
    caption
        A sentence about its content.
    header
        Names of the columns.
    rows
        Cells; a row of one cell is a heading among them, such as the image that the next rows are about.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """Return the table with its caption, in Markdown."""
        lines = [f"**{self.caption}**", "", _line(self.header), _line(["---", *["---:"] * (len(self.header) - 1)])]
        for row in self.rows:
            empty = [""] * (len(self.header) - 1)
            lines.append(_line([f"*{row[0]}*", *empty] if len(row) == 1 else row))
        return "\n".join(lines)

    def to_csv(self) -> list[tuple[str, ...]]:
        """Return rows for a CSV file; the first column has the heading that a row belongs to."""
        rows, heading, headed = [], "", any(len(row) == 1 for row in self.rows)
        for row in self.rows:
            if len(row) == 1:
                heading = row[0]
            else:
                rows.append((heading, *row) if headed else row)
        return [("image", *self.header) if headed else self.header, *rows]


def tables(outcome: Outcome, tests: Sequence[Test]) -> tuple[Table, ...]:
    """Make Tables 1 and 2 (images), 3, 4 and so on (averages of each collection), the ANOVA, and the maps."""
    distinct = [facts for facts in outcome.maps if 0 < facts.salient <= outcome.wish.distinct]
    others = [facts for facts in outcome.maps if facts not in distinct]
    share = f"{100 * outcome.wish.distinct:g} %"
    return (
        _images(outcome, 1, distinct, f"for images with salient regions (up to {share} of the pixels)"),
        _images(outcome, 2, others, f"for images without distinct salient regions (none, or more than {share})"),
        *(_averages(outcome, number, name) for number, name in enumerate(outcome.wish.images, start=3)),
        _variances(tests),
        _maps(outcome),
    )


def _images(outcome: Outcome, number: int, facts: Sequence[MapFacts], of_what: str) -> Table:
    """Make Table 1 or 2: figures of single images at one quality."""
    quality = outcome.wish.shown_quality
    rows: list[tuple[str, ...]] = []
    for place, one in enumerate(facts[: outcome.wish.detail], start=1):
        rows.append((f"Image {place} ({one.image}, {100 * one.salient:.0f} % salient)",))
        for trial in _of(outcome, one.collection, quality, one.image):
            cells = [_figure(trial.figure(WHOLE, name), name) for name in MEASURES]
            rows.append((_label(outcome, trial.method), *cells, _bytes(trial), *_beside([trial])))
    shown = f"; {min(len(facts), outcome.wish.detail)} of {len(facts)}" if facts else "; there is none"
    return Table(
        name=f"table{number}",
        caption=f"Table {number}: MS-ROI compression against JPEG at Q = {quality}, {of_what}{shown}",
        header=("", *(TITLES[name] for name in MEASURES), "File size (B)", *_BESIDE),
        rows=tuple(rows),
    )


def _averages(outcome: Outcome, number: int, collection: str) -> Table:
    """Make Table 3, 4 …: averages over a collection at each quality."""
    rows, count = [], sum(facts.collection == collection for facts in outcome.maps)
    names = ("psnr", "ssim", "mse", "ms_ssim")
    for quality in outcome.wish.qualities:
        there = _complete(outcome, collection, quality)
        for method in (JPEG, *outcome.wish.modes):
            trials = [trial for trial in there if trial.method == method]
            label = f"JPEG ({quality})" if method == JPEG else _label(outcome, method)
            label += "" if len(trials) == count else f" [{len(trials)} of {count}]"
            cells = [_figure(mean([trial.figure(WHOLE, name) for trial in trials]), name) for name in names]
            size = mean([trial.bytes for trial in trials if trial.bytes is not None])
            rows.append((label, *cells, NOTHING if math.isnan(size) else f"{size:.0f}", *_beside(trials)))
    return Table(
        name=f"table{number}",
        caption=f"Table {number}: averages of {count} images of {collection}; [n of m] leaves out those of which "
        "a file could not be made",
        header=("", *(TITLES[name] for name in names), "File size (B)", *_BESIDE),
        rows=tuple(rows),
    )


def _complete(outcome: Outcome, collection: str, quality: int) -> list[Trial]:
    """Return the files of images with a file by every method; averages over other images cannot be compared."""
    trials = _of(outcome, collection, quality)
    missed = {trial.image for trial in trials if not trial.parts}
    return [trial for trial in trials if trial.image not in missed]


_BESIDE = ("Q final", "size off by %", *(f"{TITLES[name]}, {part}" for part in PARTS[1:] for name in MEASURES))


def _beside(trials: Sequence[Trial]) -> Iterator[str]:
    """Return the cells that the paper does not have: quality of the tables, errors of size, parts of the image."""
    finals = [trial.final_quality for trial in trials if trial.final_quality is not None]
    yield f"{mean(finals):.1f}" if finals else NOTHING
    yield _off(trials)
    for part in PARTS[1:]:
        for name in MEASURES:
            values = [trial.figure(part, name) for trial in trials]
            yield _figure(mean(values), name)


def _off(trials: Sequence[Trial]) -> str:
    """Return the largest difference of size, marked where it is more than the paper allows."""
    found = [trial.difference for trial in trials if trial.bytes is not None]
    if not found or all(trial.method == JPEG for trial in trials):
        return NOTHING
    worst = max(found, key=abs)
    return f"{worst:+.2f}" + (f" (over {TOLERANCE:g} %!)" if abs(worst) > TOLERANCE else "")


def _bytes(trial: Trial) -> str:
    return "not reached" if trial.bytes is None else str(trial.bytes)


def _of(outcome: Outcome, collection: str, quality: int, image: str | None = None) -> list[Trial]:
    return [
        trial
        for trial in outcome.trials
        if (trial.collection, trial.quality) == (collection, quality) and image in {None, trial.image}
    ]


def _label(outcome: Outcome, method: str) -> str:
    """Return what a method is called in the paper's tables; geosal's other mode by its own name."""
    kind = method.partition(":")[0]
    if method == JPEG or sum(mode.partition(":")[0] == kind for mode in outcome.wish.modes) > 1:
        return method
    return "MS-ROI" if kind == "twopass" else f"MS-ROI ({kind})"


def _variances(tests: Sequence[Test]) -> Table:
    names = ("collection", "mode", "Q", "part", "measure", "images", "JPEG", "MS-ROI", "F", "p", "p, paired")
    rows = tuple(
        (
            test.collection, test.mode, str(test.quality), test.part, TITLES[test.measure], str(test.images),
            _figure(test.jpeg, test.measure), _figure(test.shaped, test.measure),
            NOTHING if math.isnan(test.f) else f"{test.f:.3g}", as_p(test.p), as_p(test.p_paired),
        )
        for test in tests
    )  # fmt: skip
    caption = "One-way ANOVA of JPEG and MS-ROI; p below 0.05 is significant, and means tell which is better"
    return Table(name="anova", caption=caption, header=names, rows=rows)


def _maps(outcome: Outcome) -> Table:
    rows = tuple(
        (
            facts.collection, facts.image, f"{facts.width} x {facts.height}", str(facts.bands), f"{facts.mean:.3f}",
            f"{100 * facts.salient:.1f}", str(facts.passes), "yes" if not facts.differing else "NO",
            f"{facts.largest_difference:.3g}",
        )
        for facts in outcome.maps
    )  # fmt: skip
    names = (
        "collection", "image", "pixels", "bands", "mean saliency", "salient %", "passes", "all the same to the bit",
        "largest difference",
    )  # fmt: skip
    return Table(name="maps", caption="Saliency maps and their reproducibility", header=names, rows=rows)


def _figure(value: float, measure: str) -> str:
    """Format a figure as in the paper: five digits of the MSE, three decimals of the PSNR, four of the others."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "inf"
    return f"{value:#.5g}" if measure == "mse" else f"{value:.{_DIGITS[measure]}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
