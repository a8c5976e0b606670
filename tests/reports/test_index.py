import json
import os
import shutil
import sys
from pathlib import Path

import pytest

import geosal
from geosal.reports import write_index
from geosal.reports.index import Entry


def test_reports_of_a_folder_are_listed(page: Path, tmp_path: Path, hostile: str) -> None:
    shutil.copy(page, tmp_path / "one & two.html")
    shutil.copy(page, tmp_path / "another.html")
    (tmp_path / "other.html").write_text("<p>no report</p>")
    path, count = write_index(str(tmp_path))
    assert (path, count) == (str(tmp_path / "index.html"), 2)
    text = Path(path).read_text("utf-8")
    assert 'href="one%20%26%20two.html"' in text
    assert "other.html" not in text.replace("another.html", "")
    assert hostile not in text
    assert "<b>Both" not in text
    assert text.count("data:image/webp;base64,") == 2
    assert write_index(str(tmp_path))[1] == 2  # its own index is replaced, and not listed


def test_a_page_of_another_program_stays(page: Path, tmp_path: Path) -> None:
    shutil.copy(page, tmp_path / "one.html")
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(geosal.OutputError, match="exists already"):
        write_index(str(tmp_path))
    assert (tmp_path / "index.html").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are text")
def test_any_name_of_a_file_and_any_size_it_tells_can_be_listed(tmp_path: Path) -> None:
    output = {"name": "x", "told": "", "proved": None}
    for place, size in enumerate((10**400, -1, True, 2**63 - 1)):
        text = json.dumps({**_TOLD, "heading": "\ud800", "outputs": [{**output, "size": size}]})
        name = os.fsdecode(b"\xff%d.html" % place)
        (tmp_path / name).write_text(f'<script type="application/json" id="geosal-report">{text}</script>')
        assert Entry.read(tmp_path / name).outputs[0][1] == (size if place == 3 else None)
    path, count = write_index(str(tmp_path))
    assert count == 4
    assert 'href="%FF0.html"' in Path(path).read_text("utf-8")


@pytest.mark.parametrize("place", ["", "missing"])
def test_without_a_report_there_is_no_index(tmp_path: Path, place: str) -> None:
    with pytest.raises(geosal.UsageError, match="holds no report|is no folder"):
        write_index(str(tmp_path / place))
    assert list(tmp_path.iterdir()) == []


_TOLD = {"schema": 1, "heading": "h", "scene": "s", "outputs": [], "thumbnail": "AAAA"}


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({}, True),
        ({"schema": 2}, False),
        ({"outputs": 3}, False),
        ({"outputs": [{"name": "x"}]}, False),
        ({"thumbnail": 'AA" onload="alert(1)'}, True),
    ],
)
def test_what_a_page_tells_is_not_trusted(tmp_path: Path, change: dict, read: bool) -> None:
    text = json.dumps({**_TOLD, **change})
    (tmp_path / "x.html").write_text(f'<script type="application/json" id="geosal-report">{text}</script>')
    found = Entry.read(tmp_path / "x.html")
    assert (found is not None) == read
    assert found is None or found.thumbnail in {"AAAA", ""}
