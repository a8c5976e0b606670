"""Output of commands: tables for people, one JSON document for programs."""

import errno
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import click

from geosal.cli.apart import refuse_job_file
from geosal.cli.failure import Failure
from geosal.cli.guard import BEGAN
from geosal.cli.paper import as_shown, painted, width_of, wrapped
from geosal.errors import OutputError, UsageError, redact
from geosal.files.atomic import may_write, write_text
from geosal.files.publish import why_no_folder
from geosal.sizes import as_bytes, as_change, counted
from geosal.version import made_by

SCHEMA = 1
"""Number of the JSON documents' form: it grows when a key goes or means something else, not when one comes."""
_BEGINNING = b'{\n  "schema": '
"""Bytes with which our documents begin, and hardly any others."""
_STDOUT = "-"
_CLEARED, _WRITTEN = "geosal.report.cleared", "geosal.report.written"
"""Keys of a context's meta: the report that may tell of an error as well, None where it may not, and whether a document
is written already."""


@dataclass(frozen=True)
class Report:
    """Printer of the outcome of a command.

    Attributes
    ----------
    target
        File of the JSON document, "-" for stdout, None for none.
    quiet
        Whether to print no table after a job, whose file is its outcome.
    """

    target: str | None = None
    quiet: bool = False

    @classmethod
    def to(cls, target: str | None, *, quiet: bool = False) -> Self:
        """Check, before the work, that the document can be written.

        Raises
        ------
        UsageError
            The name is empty.
        OutputError
            The file's directory is missing or may not be written to.
        """
        if target is not None and target != _STDOUT:
            path = Path(target)
            if not target:
                raise UsageError("--json '': names no file; name one, or - for stdout")
            if path.is_dir():
                raise OutputError(f"--json {target}: is a directory; name a file in it")
            if not path.absolute().parent.is_dir():
                raise OutputError(f"--json {target}: {why_no_folder(path.absolute().parent)}")
            if not may_write(path):
                raise OutputError(f"--json {target}: may not be written; choose another place")
        report = cls(target, quiet)
        if target == _STDOUT:
            _note(_CLEARED, report)
        return report

    def keep_apart(self, *paths: str | None) -> None:
        """Refuse to write the document over a file of the job or as a part of one, or over any that is no document.

        Raises
        ------
        UsageError
            See `geosal.cli.apart.refuse_job_file`; or the document's path holds something else.
        """
        if self.target is None or self.target == _STDOUT:
            return
        _note(_CLEARED, None)  # in case of a refusal
        refuse_job_file("--json", self.target, paths)
        if not _is_document(Path(self.target)):
            raise UsageError(f"--json {self.target}: exists and is no JSON document; give another name, or remove it")
        _note(_CLEARED, self)

    def show(self, text: str) -> None:
        """Print for people, unless stdout belongs to the JSON document."""
        if self.target != _STDOUT:
            _echo(as_shown(redact(text), sys.stdout))

    def summarise(self, text: str) -> None:
        """Print the summary of a job, which --quiet leaves out."""
        if not self.quiet:
            self.show(text)

    def write(self, document: Mapping[str, Any]) -> None:
        """Write the JSON document, if one is asked for: what is given; before it the form's number, who made it, when.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        if self.target is None:
            return
        _note(_WRITTEN, self)
        whole = {"schema": SCHEMA, "versions": made_by(), "host": os.uname().nodename, "began": _began(), **document}
        text = json.dumps(_without_secrets(whole), indent=2, allow_nan=False)
        if self.target == _STDOUT:
            _echo(text)
            return
        try:
            write_text(self.target, text + "\n")
        except OSError as error:
            raise OutputError(
                f"--json {self.target}: cannot be written: {error.strerror}; the job itself is done"
            ) from error


def report_failure(context: click.Context, failure: Failure, words: Sequence[str]) -> None:
    """Write the document of a command that has failed, where one is asked for and none is written yet.

    A file gets it only where it is known to be no file of the job. When the words themselves could not be read, that is
    one that no other word names, and that does not exist, or holds an older document.

    Parameters
    ----------
    context
        Of the command or its group.
    failure
        What has happened.
    words
        The command line, for what click has not come to.
    """
    if _WRITTEN in context.meta:
        return
    report = context.meta[_CLEARED] if _CLEARED in context.meta else _report_by(words)
    if report is not None:
        report.write({"error": asdict(failure)})


def _report_by(words: Sequence[str]) -> Report | None:
    """Return the report that a command line asks for that could not be read; None where that may be another file."""
    given = [word.removeprefix("--json=") for word in words if word.startswith("--json=")]
    given += [word for before, word in pairwise(words) if before == "--json"]
    if not given or given[-1] == _STDOUT:
        return Report(_STDOUT) if given else None
    from geosal.scenes import input_root  # which no command needs that succeeds

    target, path = given[-1], Path(given[-1])
    others = [word for word in words if word not in {target, f"--json={target}"}]
    named = [*others, *(part for word in others for part in re.split("[=:,]", word) if part)]
    report = Report.to(target)
    refuse_job_file("--json", target, [*named, *map(input_root, named)])
    return report if not path.exists() or _is_own_document(path) else None


def _began() -> str:
    """Return when the command began, in UTC; without one, now."""
    context = click.get_current_context(silent=True)
    seconds = time.time() if context is None else context.meta.get(BEGAN, time.time())
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _note(key: str, value: object) -> None:
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[key] = value


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _is_document(path: Path) -> bool:
    """Return whether a document may replace a file: an older one, nothing yet, or no file (/dev/stdout, a pipe)."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(1) in {b"", b"{"}


def _is_own_document(path: Path) -> bool:
    """Return whether a file begins as `Report.write` makes one."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING


def _echo(text: str) -> None:
    """Print on stdout; a reader that has left is no error, a full disk is one."""
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)  # there is a bar only where somebody has imported it
    try:
        with nullcontext() if bars is None else bars.external_write_mode(file=sys.stdout):
            click.echo(text)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise OutputError(f"stdout cannot be written: {error.strerror}; the job itself is done") from error


def _without_secrets(value: Any) -> Any:
    """Redact URLs in a document; a number that JSON does not have becomes text."""
    match value:
        case str():
            return redact(value)
        case float() if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  NaN is not itself
            return str(value)
        case Mapping():
            return {str(key): _without_secrets(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_secrets(item) for item in value]
        case _:
            return value


def pairs(rows: Sequence[tuple[str, object]]) -> str:
    """Lay out names and values in two columns, as wide as the terminal is."""
    width, limit = max(len(name) for name, _ in rows), width_of(sys.stdout)
    lines = []
    for name, value in rows:
        text = wrapped(str(value), limit, indent=width + 2, shell=isinstance(value, Command))
        lines.append(f"{name:<{width}}  {text}".rstrip())
    return "\n".join(lines)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table: the first and the last column to the left, figures between them to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    last, limit = len(header) - 1, width_of(sys.stdout)
    if limit is not None and sum(widths) + 2 * last > limit:  # the last column gives way: it is of words
        widths[last] = max(len(header[last]), 8, limit - sum(widths[:last]) - 2 * last)
        rows = [(*row[:last], _cut(row[last], widths[last])) for row in rows]
    lines = [
        "  ".join(
            f"{cell:<{width}}" if column in {0, last} else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


def as_gain(document: Mapping[str, Any], size: int) -> list[tuple[str, object]]:
    """Write the size of the input beside that of the output, in rows; why and what else where that is no gain.

    Parameters
    ----------
    document
        ``input_bytes``, ``cause`` and ``instead``, as `geosal.job.outlook.Outlook.to_dict` has them.
    size
        Bytes of the output.
    """
    before, other = document["input_bytes"], document["instead"]
    if before is None:
        return [("input", "of unknown size")]
    verdict = painted(as_change(size, before), "good" if size <= before else "bad", sys.stdout)
    rows: list[tuple[str, object]] = [("input", f"{as_bytes(before)}: the output is {verdict}")]
    if document["cause"]:
        rows.append(("because", document["cause"]))
        told = "nothing that was tried is smaller: keep the input as it is"
        if other is not None:
            gain = 100 * (1 - other["bytes"] / before)
            told = f"about {as_bytes(other['bytes'])}, {gain:.0f} % smaller than the input, as a sample tells:"
        rows.append(("smaller", told))
        rows += [] if other is None else [("", Command(other["command"])), ("", other["pixels"])]
    return rows


@dataclass(frozen=True)
class Command:
    """A command line in a table: where it is broken, a shell takes it as it stands."""

    text: str

    def __str__(self) -> str:
        return self.text


def as_shares(shares: Mapping[str, float] | Mapping[int, float]) -> str:
    """Write kernel widths, or levels, and their shares: ``1: 25.0 %, 17: 75.0 %``."""
    ordered = sorted((int(width), share) for width, share in shares.items())
    return ", ".join(f"{width}: {100 * share:.1f} %" for width, share in ordered)


def as_kernels(document: Mapping[str, Any], effective: str) -> tuple[str, object]:
    """Make the table row about what the pixels get: kernels, or levels where a treatment does not smooth."""
    if "smooth" in document["treatment"].split():
        return "kernels", f"{as_shares(document['kernel_shares'])}; effective {effective}"
    return "levels", f"{as_shares(document['level_shares'])}; 0 is saliency 1; nothing is smoothed"


def as_noise(noise: Sequence[Mapping[str, float]]) -> list[tuple[str, object]]:
    """Make the table row on the noise of each band and what rounding adds to it; none where it was not asked for."""
    if not noise:
        return []
    sigmas = ", ".join(f"{band['sigma']:.3g}" for band in noise)
    most = max(band["added"] for band in noise)
    return [("noise", f"sigma {sigmas} at the median; rounding by so much adds up to {100 * most:.1f} % to it")]


def as_ladder(ladder: Mapping[str, Any]) -> str:
    """Write a ladder: ``8 steps, widths 1 to 17, sigma opencv``."""
    return f"{ladder['steps']} steps, widths 1 to {2 * ladder['steps'] + 1} px, sigma {ladder['sigma']}"


def as_search(facts: Mapping[str, Any] | None) -> list[tuple[str, object]]:
    """Make rows on how a target was reached; none without a target."""
    if facts is None:
        return []
    figures = facts.get("reached") or {"bytes": facts.get("reached_bytes")}
    reached = ", ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )
    cost = f"{counted(facts['trials'], 'trial')} on a sample in {facts['seconds']:.1f} s"
    cost = f"{cost}, {counted(facts['encodes'], 'full encode')}"
    rows: list[tuple[str, object]] = [("asked", facts["asked"]), ("reached", f"{reached} with {facts['found']}")]
    if beside := facts.get("beside_plain"):
        rows.append(("beside plain", _as_gains(beside)))
    return [*rows, ("search", cost)]


def _as_gains(beside: Mapping[str, float | None]) -> str:
    """Write what a JPEG has gained: ``salient +3.5 dB, background +0.1 dB, SSIM +0.0021 over a plain JPEG ...``."""
    parts = [
        f"{name} {beside[key]:+.{digits}f}{unit}"
        for name, key, digits, unit in (
            ("salient", "salient_db", 1, " dB"), ("background", "background_db", 1, " dB"), ("SSIM", "ssim", 4, "")
        )
        if beside[key] is not None
    ]  # fmt: skip
    return f"{', '.join(parts)} over a plain JPEG of these bytes, on a sample"
