"""Output of commands: tables for people, one JSON document for programs."""

import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click

from geosal.cli.apart import refuse_job_file
from geosal.errors import OutputError, UsageError, redact
from geosal.files.atomic import may_write, write_text
from geosal.files.publish import why_no_folder

_STDOUT = "-"


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
        return cls(target, quiet)

    def keep_apart(self, *paths: str | None) -> None:
        """Refuse to write the document over a file of the job or as a part of one, or over any that is no document.

        Raises
        ------
        UsageError
            See `geosal.cli.apart.refuse_job_file`; or the document's path holds something else.
        """
        if self.target is None or self.target == _STDOUT:
            return
        refuse_job_file("--json", self.target, paths)
        if not _is_document(Path(self.target)):
            raise UsageError(f"--json {self.target}: exists and is no JSON document; give another name, or remove it")

    def show(self, text: str) -> None:
        """Print for people, unless stdout belongs to the JSON document."""
        if self.target != _STDOUT:
            _echo(redact(text))

    def summarise(self, text: str) -> None:
        """Print the summary of a job, which --quiet leaves out."""
        if not self.quiet:
            self.show(text)

    def write(self, document: Mapping[str, Any]) -> None:
        """Write the JSON document, if one is asked for.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        if self.target is None:
            return
        text = json.dumps(_without_secrets(document), indent=2, allow_nan=False)
        if self.target == _STDOUT:
            _echo(text)
            return
        try:
            write_text(self.target, text + "\n")
        except OSError as error:
            raise OutputError(
                f"--json {self.target}: cannot be written: {error.strerror}; the job itself is done"
            ) from error


def counted(number: int, thing: str) -> str:
    """Return a count with its noun, in English."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _is_document(path: Path) -> bool:
    """Return whether a document may replace a file: an older one, nothing yet, or no file (/dev/stdout, a pipe)."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(1) in {b"", b"{"}


def _echo(text: str) -> None:
    """Print on stdout; a reader that has left is no error, a full disk is one."""
    try:
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
    """Lay out names and values in two columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table: the first and the last column to the left, figures between them to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    last = len(header) - 1
    lines = [
        "  ".join(
            f"{cell:<{width}}" if column in {0, last} else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


def as_bytes(count: float) -> str:
    """Write a number of bytes for people: 12.3 MB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} bytes"


def as_shares(shares: Mapping[str, float] | Mapping[int, float]) -> str:
    """Write kernel widths, or levels, and their shares: ``1: 25.0 %, 17: 75.0 %``."""
    ordered = sorted((int(width), share) for width, share in shares.items())
    return ", ".join(f"{width}: {100 * share:.1f} %" for width, share in ordered)


def as_kernels(document: Mapping[str, Any], effective: str) -> tuple[str, object]:
    """Make the table row about what the pixels get: kernels, or levels where a treatment does not smooth."""
    if "smooth" in document["treatment"].split():
        return "kernels", f"{as_shares(document['kernel_shares'])}; effective {effective}"
    return "levels", f"{as_shares(document['level_shares'])}; 0 is saliency 1; nothing is smoothed"


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
    return [("asked", facts["asked"]), ("reached", f"{reached} with {facts['found']}"), ("search", cost)]
