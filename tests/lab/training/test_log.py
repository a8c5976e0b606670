"""The log of a run that was stopped goes on where its checkpoint is."""

import csv
from pathlib import Path

import pytest

from geosal.errors import OutputError
from geosal.lab.training.log import Epoch, append


def epoch(number: int, loss: float) -> Epoch:
    return Epoch(number, loss, 0.5, 2 / 3, 0.25, 1e-3, 12.0)


def test_each_epoch_is_there_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for number, loss in ((1, 3.0), (2, 2.0), (3, 1.0), (2, 1.5)):  # stopped after 3, resumed at 2
        append(path, epoch(number, loss))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], float(row["loss"])) for row in rows] == [("1", 3.0), ("2", 1.5)]
    assert float(rows[0]["validation_loss"]) == pytest.approx(2 / 3, rel=1e-5)
    append(path, epoch(1, 9.0))  # begun anew
    assert path.read_text().count("\n") == 2
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]


def test_a_log_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"log\.csv: cannot be written: .*--resume"):
        append(tmp_path / "none" / "log.csv", epoch(1, 1.0))
