import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from geosal.errors import OutputError
from geosal.lab.experiments.jpegs import Outcome, report_text, verdicts, write_outcome
from geosal.lab.experiments.jpegs.report import finite, reproducibility, sizes


def test_everything_is_written(outcome: Outcome, tmp_path: Path) -> None:
    names = {Path(path).name for path in write_outcome(outcome)}
    assert names == {
        "report.md", "results.json", "figures.csv", "table1.csv", "table2.csv", "table3.csv", "anova.csv", "maps.csv",
    }  # fmt: skip
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["sizes_matched"] is True
    assert document["maps_reproducible"] is True
    assert document["trials"][1]["difference_percent"] == pytest.approx(0.5)
    with (tmp_path / "figures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 3
    assert float(rows[0]["psnr"]) == 30


def test_report_ends_with_the_verdict(outcome: Outcome) -> None:
    text = report_text(outcome)
    assert text.endswith(f"- {verdicts(outcome)[0].sentence}")
    assert "Table 3" in text
    assert "same map, to the bit" in text


def test_what_is_said_of_maps(outcome: Outcome) -> None:
    assert reproducibility(outcome).startswith("All 5 passes of each of 2 images give the same map, to the bit.")
    maps = (replace(outcome.maps[0], differing=2, largest_difference=0.25), outcome.maps[1])
    assert "The passes of 1 of 2 images DIFFER, by up to 0.25" in reproducibility(replace(outcome, maps=maps))
    once = replace(outcome, wish=replace(outcome.wish, passes=1))
    assert reproducibility(once).startswith("Each map was made once")


def test_what_is_said_of_sizes(outcome: Outcome) -> None:
    assert sizes(outcome) == "All 2 files are within 1 % of the plain JPEG; the farthest is 0.50 % off."
    trials = list(outcome.trials)
    trials[1] = replace(trials[1], bytes=1900)
    trials[3] = replace(trials[3], bytes=None, parts={}, missed="--target-jpeg 50: nearest 3 % off")
    told = sizes(replace(outcome, trials=tuple(trials)))
    assert told.startswith("2 of 2 files are NOT within 1 %")
    assert "Towns, bird, Q 50, twopass:low=30,high=70: -5.00 %" in told
    assert "not reached: --target-jpeg 50: nearest 3 % off" in told


def test_json_knows_no_infinity() -> None:
    assert finite({"a": [float("inf"), float("nan"), 1.5], 2: (-float("inf"),)}) == {
        "a": ["inf", None, 1.5],
        "2": ["-inf"],
    }


def test_an_output_that_cannot_be_written(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OutputError, match="report.md: cannot be written"):
        write_outcome(outcome)
