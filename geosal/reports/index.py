"""A page that lists the reports of a folder."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from geosal.errors import UsageError, cause_of
from geosal.files.publish import WorkDirectory, cannot_write, check_output
from geosal.reports.render import SCHEMA, SUMMARY, fill, policy, read_page
from geosal.reports.spec import SUFFIXES
from geosal.reports.words import VERDICTS
from geosal.sizes import as_bytes, counted
from geosal.version import __version__

INDEX = "index.html"
_HEAD = 2**18
"""Bytes of a report in which its summary stands."""
_SUMMARY = re.compile(rf'<script type="application/json" id="{SUMMARY}">([^<]*)</script>')
_PICTURE = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LOOKS = {True: "good", False: "bad", None: "faint"}
_MOST_BYTES = 2**63


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A report as an index shows it.

    Attributes
    ----------
    file
        Its name.
    heading, scene
        What it is called, and of what it is.
    outputs
        Name, size in bytes or None, sentence, and whether all checks hold, of each output.
    thumbnail
        Base64 of a WebP; empty for none.
    """

    file: str
    heading: str
    scene: str
    outputs: tuple[tuple[str, int | None, str, bool | None], ...]
    thumbnail: str

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read what a page tells of itself, whoever wrote it; None where it is no report."""
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD).decode("utf-8", "replace")
            found = _SUMMARY.search(head)
            return None if found is None else cls._of(path.name, json.loads(found[1]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    @classmethod
    def _of(cls, file: str, told: Mapping[str, Any]) -> Self | None:
        if told["schema"] != SCHEMA:
            return None
        outputs = tuple(
            (
                str(each["name"]),
                each["size"] if type(each["size"]) is int and 0 <= each["size"] < _MOST_BYTES else None,
                str(each["told"]),
                each["proved"] if isinstance(each["proved"], bool) else None,
            )
            for each in told["outputs"]
        )
        picture = str(told["thumbnail"])
        thumbnail = picture if _PICTURE.fullmatch(picture) else ""
        return cls(
            file=file, heading=str(told["heading"]), scene=str(told["scene"]), outputs=outputs, thumbnail=thumbnail
        )


def write_index(folder: str, *, overwrite: bool = True) -> tuple[str, int]:
    """Write ``index.html`` in a folder: a page that lists its reports, each with a picture and what it says.

    Parameters
    ----------
    folder
        It holds reports; other files in it are left out.
    overwrite
        Whether an index that stands there is replaced. Another page of that name never is.

    Returns
    -------
    str, int
        Path of the index, and how many reports it lists.

    Raises
    ------
    UsageError
        There is no such folder, or no report in it.
    OutputError
        The index cannot be written.
    """
    if not os.path.isdir(folder):
        raise UsageError(f"--index {folder}: is no folder; name the one in which the reports lie")
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise UsageError(f"--index {folder}: cannot be listed ({cause_of(error)})") from error
    pages = [Path(folder, name) for name in names if Path(name).suffix.lower() in SUFFIXES and name != INDEX]
    entries = [entry for page in pages if (entry := Entry.read(page)) is not None]
    if not entries:
        raise UsageError(
            f"--index {folder}: holds no report; make some first: geosal report ORIGINAL OUTPUT -o PAGE.html"
        )
    path = os.path.join(folder, INDEX)
    check_output(path, overwrite=overwrite and _is_index(path), inputs=[])
    with WorkDirectory(path, overwrite=overwrite) as work:
        made = work.path(INDEX)
        try:
            made.write_text(_page(entries), encoding="utf-8", errors="replace")
        except OSError as error:
            raise cannot_write(Path(path).absolute(), error) from error
        work.publish(made)
    return path, len(entries)


_MARK = '<meta name="generator" content="geosal index">'


def _is_index(path: str) -> bool:
    try:
        return _MARK in Path(path).read_text(encoding="utf-8")[:4096]
    except (OSError, ValueError):
        return not os.path.exists(path)


def _page(entries: list[Entry]) -> str:
    values = {
        "mark": _MARK,
        "policy": policy([]),
        "style": read_page("page.css"),
        "title": escape(counted(len(entries), "report")),
        "entries": "".join(map(_entry, entries)),
        "made": escape(f"Made by geosal {__version__}"),
    }
    return fill(read_page("index.html"), values)


def _entry(entry: Entry) -> str:
    link = quote(os.fsencode(entry.file))
    picture, heading = "", f"<span><strong>{escape(entry.heading)}</strong></span>"
    if entry.thumbnail:
        picture = f'<img src="data:image/webp;base64,{entry.thumbnail}" alt="" width="192">'
    return f'<li class="block"><a href="{link}">{picture}{heading}</a><ul>{"".join(_lines(entry))}</ul></li>'


def _lines(entry: Entry) -> Iterator[str]:
    for name, size, told, proved in entry.outputs:
        size_told = "" if size is None else f" ({as_bytes(size)})"
        verdict = f'<span class="{_LOOKS[proved]}">{VERDICTS[proved]}</span>'
        yield f"<li>{escape(name)}{size_told}: {escape(told)} {verdict}</li>"
