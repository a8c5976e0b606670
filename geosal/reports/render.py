"""The page: texts, numbers and pictures laid into the files of the folder `page`.

Nothing from outside is trusted: texts are escaped, data are JSON in which no tag can end, and the page's own policy
(a Content-Security-Policy) runs the two scripts that it names by their digests and no other, and loads nothing.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.reports import sections, words
from geosal.reports.counts import SIZES
from geosal.reports.measured import Measured
from geosal.reports.pictures import Drawing, View
from geosal.version import __version__

SCHEMA = 1
"""Number of the form of what a report tells an index."""
SUMMARY = "geosal-report"
"""Id of the element that tells it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """An output as a page shows it.

    Attributes
    ----------
    measured
        Its numbers.
    view
        How its pictures were drawn.
    counted
        What was counted meanwhile: see `geosal.reports.counts`.
    original
        Pictures of the scene; the first output alone has them.
    candidate, saliency, errors
        Pictures of the output, and of the maps over it.
    bytes
        Picture of where its bytes lie, and how many a pixel has the brightest colour; None where that is not known.
    thumbnail
        A small picture, of the first output.
    """

    measured: Measured
    view: View
    counted: Mapping[str, NDArray[np.int64]]
    original: Drawing | None
    candidate: Drawing
    saliency: Drawing | None
    errors: Drawing
    bytes: tuple[Drawing, float] | None
    thumbnail: str

    @property
    def sentences(self) -> str:
        """How large it is, and what was kept and what was lost."""
        one = self.measured
        loss = words.loss_sentence(one.outcome, self.counted[SIZES], one.counts.unit)
        return f"{words.size_sentence(one)} {loss}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """All that a page shows.

    Attributes
    ----------
    title
        Heading; None for the names of the files.
    shown
        The outputs, at least one.
    """

    title: str | None
    shown: tuple[Shown, ...]

    @property
    def heading(self) -> str:
        """The heading."""
        if self.title:
            return self.title
        first = self.shown[0].measured
        scene = words.scene_of(first, short=True)
        if len(self.shown) > 1:
            return f"{scene}: {len(self.shown)} outputs"
        return f"{scene}: {words.change(first) or 'before and after'}"


def page_of(sheet: Sheet) -> str:
    """Write the page."""
    first = sheet.shown[0]
    scripts = [read_page("openseadragon.min.js"), read_page("page.js")]
    filled = {
        "title": escape(sheet.heading),
        "policy": policy(scripts),
        "summary": as_json(_summary(sheet)),
        "style": read_page("page.css"),
        "lead": "".join(f"<p>{escape(text)}</p>" for text in _lead(sheet)),
        "cards": sections.cards(first.measured) if len(sheet.shown) == 1 else "",
        "outputs": sections.side_by_side(sheet.shown) if len(sheet.shown) > 1 else "",
        "shows": escape(_shows(first.view)),
        "sections": "".join(_section(each, alone=len(sheet.shown) == 1) for each in sheet.shown),
        "made": escape(f"Made by geosal {__version__} on {datetime.now(UTC):%Y-%m-%d}"),
        "data": as_json(_data(sheet)),
        "licence": read_page("openseadragon.LICENSE.txt"),
        "viewer": scripts[0],
        "script": scripts[1],
    }
    return fill(read_page("page.html"), filled)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each ``{{name}}`` of a template once; what comes in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def policy(scripts: list[str]) -> str:
    """Write what a page may do: run these scripts, show pictures that it holds, and nothing else."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def as_json(data: Any) -> str:
    """Write data so that they can stand in a ``<script>``: no character in them begins a tag or ends a line."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _lead(sheet: Sheet) -> list[str]:
    first = sheet.shown[0]
    if len(sheet.shown) > 1:
        names = [words.name_of(each.measured.opened.path) for each in sheet.shown]
        scene = words.scene_of(first.measured)
        return [f"{', '.join(names[:-1])} and {names[-1]} were made of {scene}. Choose below which two to look at."]
    return [f"{first.sentences} {words.proof_sentence(first.measured)}"]


def _shows(view: View) -> str:
    """Say what is there of the pixels."""
    stretch = " Samples are stretched to what a screen can show, the same for all pictures." if view.stretched else ""
    if view.exact:
        return f"Every pixel of the scene is on this page, as it is.{stretch}"
    places = f"{len(view.parts)} places" if len(view.parts) > 1 else "one place"
    size = "" if view.factor == 1 else f" each of its pixels the mean of {view.factor} x {view.factor};"
    return (
        f"The whole scene is on this page for an overview,{size or ' coded again with a little loss;'} the pixels of "
        f"{places}, framed and listed below, are there as they are.{stretch}"
    )


def _section(shown: Shown, *, alone: bool) -> str:
    one = shown.measured
    name = escape(words.name_of(one.opened.path))
    inner = [
        "" if alone else f"<p>{escape(shown.sentences)}</p><dl class='cards'>{sections.cards(one)}</dl>",
        _block("What was asked and what was done", sections.facts(words.asked(one))),
        _block("How good it is, by how much a pixel matters", sections.levels(shown), _LEVELS),
        _block("How far samples are off", sections.histogram(shown)),
        _block(
            "Where the bytes went",
            sections.parts_of_file(one),
            _BYTES if sections.bytes_by_level(shown) is not None else "",
        ),
        _block("What is proved", f"<p>{escape(words.proof_sentence(one))}</p>{sections.checks(one)}"),
        _block("Do it again", _again(one)),
    ]
    title = "" if alone else f"<h2>{name}</h2>"
    return f'<section class="output">{title}{"".join(inner)}</section>'


_LEVELS = (
    "Saliency says how much a pixel matters, from 0 to 1, and is divided into levels. Level 0 is to stay as it is; the "
    "higher the level, the more may be lost."
)
_BYTES = (
    "By level: the table above. Bytes are known by tile, and those of a tile are shared alike among its pixels, "
    "whatever their levels. As a map: choose it as the overlay."
)


def _block(title: str, inner: str, note: str = "") -> str:
    if not inner:
        return ""
    head = f"<h3>{escape(title)}</h3>"
    return f'<div class="block">{head}{f"<p>{escape(note)}</p>" if note else ""}{inner}</div>'


def _again(one: Measured) -> str:
    text = words.command(one)
    if not text:
        return "<p>The file does not tell how it was made.</p>"
    digests = "".join(f"<li>{escape(each)}</li>" for each in words.digests(one))
    masks = f"<p>Files that it needs:</p><ul>{digests}</ul>" if digests else ""
    return f'<pre class="command"><code>{escape(text)}</code></pre>{masks}'


def _summary(sheet: Sheet) -> dict[str, Any]:
    """Tell an index of reports what is on this page."""
    outcome = sheet.shown[0].measured.outcome
    outputs = [
        {
            "name": words.name_of(each.measured.opened.path),
            "size": each.measured.outcome.candidate_bytes,
            "told": each.sentences,
            "proved": None if each.measured.checks is None else each.measured.checks.ok,
        }
        for each in sheet.shown
    ]
    return {
        "schema": SCHEMA,
        "heading": sheet.heading,
        "scene": words.scene_of(sheet.shown[0].measured),
        "pixels": [outcome.width, outcome.height],
        "outputs": outputs,
        "thumbnail": sheet.shown[0].thumbnail,
    }


def _data(sheet: Sheet) -> dict[str, Any]:
    """Return what the script of the page needs."""
    first, view = sheet.shown[0], sheet.shown[0].view
    height, width = view.shape
    names = [words.name_of(each.measured.opened.path) for each in sheet.shown]
    return {
        "width": width,
        "height": height,
        "factor": view.factor,
        "exact": view.exact,
        "parts": [
            {"title": title, "x": block.col_off, "y": block.row_off, "width": block.width, "height": block.height}
            for title, block in view.parts
        ],
        "original": {"name": f"Original: {words.scene_of(first.measured, short=True)}", **(first.original or {})},
        "outputs": [_output(each, name) for each, name in zip(sheet.shown, names, strict=True)],
    }


def _output(shown: Shown, name: str) -> dict[str, Any]:
    maps: dict[str, Any] = {}
    if shown.saliency is not None:
        legend = {"palette": "viridis", "least": "0: matters least", "most": "1: stays as it is"}
        maps["saliency"] = {"name": "what matters (saliency)", "legend": legend, **shown.saliency}
    most = f"{words.figure(shown.view.top)} or more"
    legend = {"palette": "magma", "least": "0 (clear: the same to the bit)", "most": most}
    maps["errors"] = {"name": "what was lost (error)", "legend": legend, **shown.errors}
    spread = shown.measured.spread
    if shown.bytes is not None and spread is not None:
        drawing, top = shown.bytes
        legend = {"palette": "viridis", "least": "0 bits", "most": f"{8 * top:.3g} bits per pixel or more"}
        rows, cols = spread.bytes.shape
        span = [cols * spread.tile[1], rows * spread.tile[0]]
        maps["bytes"] = {"name": "where the bytes went", "legend": legend, "span": span, **drawing}
    return {"name": name, **shown.candidate, "maps": maps}


@cache
def read_page(name: str) -> str:
    """Read a file of the folder `page`."""
    return files("geosal.reports").joinpath("page", name).read_text(encoding="utf-8")
