from pathlib import Path

import pytest

from geosal.errors import OutputError, SceneError
from geosal.lab.experiments.engine import Skipped
from geosal.lab.experiments.reported import REPORT, fault_of, left_out, table_row, write_whole

SKIPPED = [Skipped("https://me:CANARY@example.org/a.png", "not found"), Skipped("b.png", "no image")]


def test_a_bar_does_not_end_a_cell() -> None:
    assert table_row(["a|b", 3, 0.5]) == "| a/b | 3 | 0.5 |"


def test_what_was_left_out_is_told_without_a_login() -> None:
    lines = left_out(SKIPPED)
    assert lines[-1] == "- b.png: no image"
    assert "CANARY" not in "\n".join(lines)
    assert left_out([]) == []


def test_the_error_names_the_first_and_counts_all() -> None:
    fault = fault_of(SKIPPED[1:], "out")
    assert isinstance(fault, SceneError)
    assert str(fault) == f"b.png: left out (1 in all): no image; the rest is done, and out/{REPORT} lists what is not"
    assert fault_of([], "out") is None


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    assert Path(write_whole(tmp_path / "a.md", "text\n")).read_text() == "text\n"
    with pytest.raises(OutputError, match="a.md/b.md: cannot be written: .*; name another folder"):
        write_whole(tmp_path / "a.md" / "b.md", "text\n")
