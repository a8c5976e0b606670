"""The parts of a page that are written in Python: HTML in which every text from outside is escaped."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.result import ALL, BACKGROUND, SALIENT, WHOLE, Row
from geosal.reports import words
from geosal.reports.counts import KEPT, LEVELS, REST, SIZES, ends_of_bins
from geosal.reports.measured import Measured
from geosal.sizes import as_bytes

if TYPE_CHECKING:
    from geosal.reports.render import Shown

_LISTED = 0.00005
"""Share from which a bin of errors is listed; the last ones are, too."""


_BLUR = "Mean blur (K_e)"
_FEW_TILES = 4
"""Tiles of a file from which the shares of its bytes tell levels apart."""


def cards(one: Measured) -> str:
    """Write the figures that people look at first."""
    outcome = one.outcome
    size = words.UNKNOWN if outcome.candidate_bytes is None else as_bytes(outcome.candidate_bytes)
    before = "" if one.input_bytes is None else f"before: {as_bytes(one.input_bytes)}"
    bits = "" if outcome.bits_per_pixel is None else f"{outcome.bits_per_pixel:.3f} bits per pixel"
    found = [("Size", size, "; ".join(filter(None, (words.change(one), before))) or bits)]
    whole = outcome.scores(WHOLE)
    if SALIENT in outcome.parts:
        kept, rest = outcome.scores(SALIENT), outcome.scores(BACKGROUND)
        share = next(row.share for row in outcome.rows if row.part == SALIENT)
        found.append(("What matters most", words.decibels(kept), f"{words.percent(share)} of the samples"))
        found.append(("The rest", words.decibels(rest), f"SSIM {words.ssim(rest)}"))
    else:
        found.append(("Whole scene", words.decibels(whole), f"SSIM {words.ssim(whole)}"))
    if (kernel := one.opened.effective_kernel) is not None:
        told = words.blur(kernel)
        found.append((_BLUR, told, "K_e is 1 px" if told == "none" else "1 px would be none"))
    found.append(_proved(one))
    return "".join(
        f'<div class="card"><dt>{escape(name)}</dt><dd class="big">{escape(value)}</dd><dd>{escape(note)}</dd></div>'
        for name, value, note in found
    )


def _proved(one: Measured) -> tuple[str, str, str]:
    if one.checks is None:
        return "Proved", "nothing", "not written by geosal"
    made = [check for check in one.checks if check.checked]
    held = sum(check.ok for check in made)
    return "Proved", f"{held} of {len(made)}", "checks hold" if one.checks.ok else "CHECKS FAILED"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Write terms and what there is to say of them; a term that comes again is written once."""
    rows, last = [], ""
    for term, text in pairs:
        rows.append(f"<dt>{escape(term) if term != last else ''}</dt><dd>{escape(text)}</dd>")
        last = term
    return f'<dl class="facts">{"".join(rows)}</dl>'


def checks(one: Measured) -> str:
    """Write what was checked, and what was found."""
    if one.checks is None:
        return ""
    rows = []
    for check in one.checks:
        word, kind = (("holds", "good") if check.checked else ("not made", "faint")) if check.ok else ("FAILED", "bad")
        rows.append(
            f'<tr><td class="{kind}">{word}</td><th scope="row">{escape(check.name)}</th>'
            f"<td>{escape(_MEANINGS.get(check.name, ''))}</td><td>{escape(words.brief(check.detail))}</td></tr>"
        )
    return _table(("", "Check", "What it means", "Found"), rows, "checks")


_MEANINGS = {
    "opens": "GDAL, which most programs read with, opens it",
    "complete": "nothing of it is missing or cut off",
    "layout": "it is laid out as its format demands",
    "overviews": "small copies inside it show the same picture",
    "provenance": "it tells how it was made",
    "recipe": "the job that it tells is one that geosal can do",
    "georeferenced": "it lies where the scene lies",
    "bands": "bands, their names and types are those of the scene",
    "tags": "what the scene tells of itself came along",
    "invalid": "pixels without data are the same ones",
    "seal": "its digests are those that its root was made of",
    "sealed": "pixels of saliency 1 are as they were when it was sealed",
    "background": "so are all others",
    "salient": "pixels of saliency 1 were compared one by one",
    "bound": "every sample was compared with the largest error that its level allows",
    "picture": "it shows the same picture as the scene",
    "ladder": "levels are those of the job",
}


def levels(shown: "Shown") -> str:
    """Write figures by level of saliency: how much of the scene, how good, and how many of the bytes."""
    outcome = shown.measured.outcome
    rows = [row for row in outcome.rows if row.band == ALL and row.level is not None]
    if not rows:
        return ""
    spent, smooths = bytes_by_level(shown), "smooth" in shown.measured.opened.treatment.split()
    allowed = words.allowed(shown.measured)
    lines = [
        _level(row, None if spent is None else float(spent[row.level or 0]), allowed, smooths=smooths) for row in rows
    ]
    blur, last = ["Blur"] if smooths else [], [] if spent is None else ["Share of the bytes, by tile"]
    header = ("Level", *blur, "Share of the scene", "PSNR", "SSIM", "RMS error", "Largest error", *last)
    note = f"<p>{escape(_WINDOWS)}</p>" if any(_reaches(row) for row in rows) else ""
    return f"{_table(header, lines, 'levels')}{note}"


_MARK = " *"
_WINDOWS = (
    "* SSIM compares windows around each pixel. At the edge of a level they reach over into pixels that did change, so "
    "it is below 1 though every pixel of the level is exact."
)


def _reaches(row: Row) -> bool:
    """Return whether an SSIM below 1 stands beside pixels that are all exact."""
    return not row.scores.max_error and words.ssim(row.scores) not in {words.UNKNOWN, f"{1:.4f}"}


def _level(row: Row, spent: float | None, allowed: Sequence[float], *, smooths: bool) -> str:
    level, scores = row.level or 0, row.scores
    note = "0, matters most" if level == 0 else str(level)
    similar = f"{words.ssim(scores)}{_MARK if _reaches(row) else ''}"
    cells = [words.decibels(scores), similar, words.figure(scores.rmse), words.figure(scores.max_error)]
    if level < len(allowed):
        cells[-1] += f" of {words.figure(allowed[level])} allowed"
    blur = f"<td>{'none' if level == 0 else f'to {2 * level + 1} px'}</td>" if smooths else ""
    last = ""
    if spent is not None:
        last = f'<td class="bar">{bar(spent, "bytes")}</td>'
    return (
        f'<tr><th scope="row">{note}</th>{blur}<td class="bar">{bar(row.share, "pixels")}</td>'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}{last}</tr>"
    )


def bytes_by_level(shown: "Shown") -> NDArray[np.float64] | None:
    """Divide the bytes of each tile evenly over its pixels, and sum up by level: shares of all.

    None where that is not known, or where tiles are too few to tell levels apart.
    """
    spread, tiles = shown.measured.spread, shown.counted.get(LEVELS)
    if spread is None or tiles is None or spread.bytes.size < _FEW_TILES:
        return None
    pixels = tiles.sum(axis=2, keepdims=True)
    share = np.divide(tiles, pixels, out=np.zeros(tiles.shape), where=pixels > 0)
    spent = (share * spread.bytes[..., np.newaxis]).sum(axis=(0, 1))
    return np.asarray(spent / spent.sum() if spent.sum() else spent)


def histogram(shown: "Shown") -> str:
    """Write how many samples are off by how much."""
    sizes, unit = shown.counted[SIZES], shown.measured.counts.unit
    total = int(sizes.sum())
    if not total:
        return ""
    ends, last = ends_of_bins(unit), int(np.flatnonzero(sizes.sum(axis=0))[-1])
    is_divided = SALIENT in shown.measured.outcome.parts
    lines = []
    for place in range(last + 1):
        kept, rest = (int(sizes[row, place]) / total for row in (KEPT, REST))
        if kept + rest < _LISTED and place < last:
            continue
        name = _bin_name(ends, place, whole=unit == 1)
        bars = f"{bar(kept, 'kept', '')}{bar(rest, 'rest', '')}" if is_divided else bar(rest, "rest", "")
        lines.append(
            f'<tr><th scope="row">{name}</th><td class="bar stacked"><span class="track">{bars}</span></td>'
            f"<td>{words.percent(kept + rest)}</td></tr>"
        )
    swatches = ('<span class="swatch kept"></span> what matters most', '<span class="swatch rest"></span> the rest')
    key = f'<p class="key">{" ".join(swatches)}</p>'
    return f"{key if is_divided else ''}{_table(('Off by', 'Share of the samples', ''), lines, 'histogram')}"


def _bin_name(ends: Sequence[float], place: int, *, whole: bool) -> str:
    if place == 0:
        return "nothing"
    low, high = ends[place - 1], ends[place]
    if whole:
        return f"{high:,.0f}" if low + 1 >= high else f"{low + 1:,.0f} to {high:,.0f}"
    return f"{low:.3g} to {high:.3g}" if low else f"up to {high:.3g}"


def parts_of_file(one: Measured) -> str:
    """Write into what a file divides: tiles of the image, overviews, mask, headers."""
    spread = one.spread
    if spread is None:
        return "<p>Where the bytes of this file lie is not known: it has no tiles whose sizes can be read.</p>"
    image = float(spread.bytes.sum())
    found = [("the image itself", image), *spread.beside.items()]
    total = sum(size for _, size in found)
    lines = [
        f'<tr><th scope="row">{escape(name)}</th><td class="bar">{bar(size / total if total else 0, "bytes")}</td>'
        f"<td>{as_bytes(size)}</td></tr>"
        for name, size in found
    ]
    rows, cols = spread.bytes.shape
    tiles = f"{rows * cols:,} tiles of {spread.tile[1]} x {spread.tile[0]} pixels"
    return f"{_table(('Part of the file', 'Share', 'Bytes'), lines, 'bytes')}<p>{tiles}: {escape(spread.how)}.</p>"


def bar(share: float, kind: str, text: str | None = None) -> str:
    """Write a bar, and its share beside it."""
    told = words.percent(share) if text is None else text
    width = 0.0 if math.isnan(share) else 100 * min(max(share, 0), 1)
    drawn = f'<i class="{kind}" style="width:{width:.2f}%"></i>'
    return drawn if text is not None else f'<span class="track">{drawn}</span><span class="share">{told}</span>'


def side_by_side(shown: Sequence["Shown"]) -> str:
    """Write a table of several outputs."""
    lines = []
    for each in shown:
        one, outcome = each.measured, each.measured.outcome
        parts = [part if part in outcome.parts else WHOLE for part in (SALIENT, BACKGROUND, WHOLE)]
        told = [
            words.UNKNOWN if part == WHOLE and place < 2 else words.decibels(outcome.scores(part))
            for place, part in enumerate(parts)
        ]
        size = words.UNKNOWN if outcome.candidate_bytes is None else as_bytes(outcome.candidate_bytes)
        cells = [
            size, words.change(one) or words.UNKNOWN, *told, words.ssim(outcome.scores(WHOLE)),
            words.blur(one.opened.effective_kernel), " ".join(_proved(one)[1:]),
        ]  # fmt: skip
        name = escape(words.name_of(one.opened.path))
        named = zip(_OUTPUTS[1:], cells, strict=True)
        row = "".join(f'<td data-name="{escape(head)}">{escape(cell)}</td>' for head, cell in named)
        lines.append(f'<tr><th scope="row">{name}</th>{row}</tr>')
    return _table(_OUTPUTS, lines, "outputs")


_OUTPUTS = ("Output", "Size", "Beside the input", "What matters", "The rest", "Whole", "SSIM", _BLUR, "Proved")


def _table(header: Sequence[str], lines: Iterable[str], kind: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table class="{kind}">{body}</table></div>'
