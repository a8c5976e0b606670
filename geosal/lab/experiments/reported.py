"""What the reports of all studies share: how they are written, and how they tell what was left out."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from geosal.errors import GeosalError, OutputError, SceneError, redact
from geosal.files.atomic import write_text
from geosal.lab.experiments.engine import Skipped
from geosal.lab.experiments.wish import Wish
from geosal.sizes import counted

REPORT = "report.md"
"""Name of every study's report."""


def write_whole(path: Path, text: str) -> str:
    """Write a text under its name, whole or not at all, and return its path.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        write_text(path, text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; name another folder") from error
    return str(path)


def table_row(cells: Iterable[object]) -> str:
    """Return a row of a table in Markdown; a bar within a cell would end it, and becomes a slash."""
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def limited(wish: Wish) -> str:
    """Tell of a limit of the images, in a sentence behind a space; nothing where there is none."""
    if wish.limit is None:
        return ""
    return f" At most {counted(wish.limit, 'image')} of each collection, as the recipe says (limit: {wish.limit})."


def left_out(skipped: Sequence[Skipped]) -> list[str]:
    """Return the section of a report on what was left out, as lines; none where nothing was."""
    if not skipped:
        return []
    return ["", "## Left out", "", *(f"- {redact(each.about)}: {redact(each.error)}" for each in skipped)]


def fault_of(skipped: Sequence[Skipped], folder: str) -> GeosalError | None:
    """Return the error for what was left out of the report in a folder; None where nothing was."""
    if not skipped:
        return None
    first = skipped[0]
    return SceneError(
        f"{first.about}: left out ({len(skipped)} in all): {first.error}; the rest is done, and {folder}/{REPORT} "
        "lists what is not"
    )
