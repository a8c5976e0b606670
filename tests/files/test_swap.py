"""A note of a swap that somebody else has laid beside an output: no other file is touched, and nothing is followed."""

import json
from pathlib import Path
from typing import Any

import pytest

from geosal.files.leftovers import settle


@pytest.mark.parametrize(
    "change",
    [
        {"output": "victim.tif"},
        {"output": "..", "new": [""]},
        {"new": ["f.txt"]},
        {"old": ["/../../x"]},
        {"new": ["\0"]},
        {"main": "\0"},
        {"main": "\ud800"},
        {"new": [["a"]]},
        {"new": None},
    ],
)
def test_a_note_is_believed_only_about_its_own_output(tmp_path: Path, change: dict[str, Any]) -> None:
    names = ("out.tif", "out.tif.txt", "out.tiff.txt", "victim.tif", "victim.tif.aux.xml")
    for name in names:
        (tmp_path / name).write_text(name)
    work = tmp_path / ".out.tif.geosal-1-x"
    (work / "kept").mkdir(parents=True)
    victim = (tmp_path / "victim.tif").stat()
    told = {
        "main": "gone.tif", "output": "out.tif", "new": [".aux.xml"], "old": [], "after": None, "kept": "kept",
        "before": [victim.st_ino, victim.st_mtime_ns],
    }  # fmt: skip
    (work / "swap.json").write_text(json.dumps(told | change))
    settle(str(tmp_path / "out.tif"))
    assert {path.name: path.read_text() for path in tmp_path.glob("*") if path.is_file()} == {n: n for n in names}


def test_a_note_that_is_nested_without_end_is_no_note(tmp_path: Path) -> None:
    work = tmp_path / ".out.tif.geosal-1-x"
    work.mkdir()
    (work / "swap.json").write_text("[" * 100_000)
    settle(str(tmp_path / "out.tif"))
    assert (work / "swap.json").exists()
