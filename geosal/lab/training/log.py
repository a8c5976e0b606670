"""The log of a training run: a line of CSV for each epoch."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from geosal.errors import OutputError
from geosal.files.atomic import write_text

LOG, CHECKPOINT = "log.csv", "checkpoint.pt"
"""Files of a run."""


@dataclass(frozen=True)
class Epoch:
    """The state of learning after an epoch, one line of the log."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


def append(path: Path, line: Epoch) -> None:
    """Add a line; those from its epoch on, of a run that was stopped before their checkpoint, go.

    Raises
    ------
    OutputError
        The log cannot be written.
    """
    text = io.StringIO()
    try:
        kept = _lines_before(path, line.epoch)
        csv.writer(text).writerows([[one.name for one in fields(line)], *kept, [_as_text(v) for v in astuple(line)]])
        write_text(path, text.getvalue())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; make room, and --resume") from error


def _lines_before(path: Path, epoch: int) -> list[Sequence[str]]:
    if epoch == 1 or not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.reader(file) if row and row[0].isdigit() and int(row[0]) < epoch]


def _as_text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"
