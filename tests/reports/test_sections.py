import re
from pathlib import Path

import numpy as np
import pytest
from rasters import PLACE, save

import geosal
from geosal.reports import sections


def _rows(text: str, kind: str) -> list[list[str]]:
    """Cells of a table as texts."""
    (table,) = re.findall(rf'<table class="{kind}">.*?<tbody>(.*?)</tbody>', text)
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_the_page_has_the_figures(tmp_path: Path) -> None:
    first = np.full((1, 64, 64), 100, np.uint8)
    second = first.copy()
    second[0, :, :32] += 3
    second[0, 0, 0] += 1
    second[0, :16, 32:] += 1
    for name, pixels in (("a", first), ("b", second)):
        save(tmp_path / f"{name}.tif", pixels, tiled=True, blockxsize=32, blockysize=32, **PLACE)
    geosal.report(tmp_path / "a.tif", tmp_path / "b.tif", tmp_path / "x.html", saliency="half")
    text = (tmp_path / "x.html").read_text("utf-8")
    assert _rows(text, "histogram") == [
        ["nothing", "", "37.5 %"], ["1", "", "12.5 %"], ["3 to 4", "", "50.0 %"],
    ]  # fmt: skip
    levels = _rows(text, "levels")
    assert [row[0] for row in levels] == ["0, matters most", "8"]
    assert [row[1] for row in levels] == ["50.0 %", "50.0 %"]  # no blur is promised, so none is told
    shares = [float(row[-1].rstrip(" %")) for row in levels]
    assert sum(shares) == pytest.approx(100, abs=0.1)


def test_what_was_promised_stands_beside_what_was_measured(folder: Path, tmp_path: Path) -> None:
    geosal.compress(
        folder / "scene.tif", tmp_path / "out.tif", saliency="half", treatment="bound:error=9", steps=3, profile="zstd"
    )
    geosal.report(folder / "scene.tif", tmp_path / "out.tif", tmp_path / "x.html")
    told = [row[-1] for row in _rows((tmp_path / "x.html").read_text("utf-8"), "levels")]
    assert told[0] == "0 of 0 allowed"
    assert 0 < float(told[1].split()[0]) <= 9
    assert told[1].endswith("of 9 allowed")


def _page(folder: Path, place: Path, *outputs: Path) -> str:
    geosal.report(folder / "scene.tif", outputs, place / "x.html", overwrite=True)
    return (place / "x.html").read_text("utf-8")


def test_an_exact_level_beside_lost_ones_has_a_footnote_at_its_ssim(folder: Path, tmp_path: Path) -> None:
    job = {"saliency": "half", "treatment": "smooth", "profile": "zstd"}
    geosal.compress(folder / "scene.tif", tmp_path / "out.tif", **job)
    text = _page(folder, tmp_path, tmp_path / "out.tif")
    first, last = _rows(text, "levels")
    assert re.fullmatch(r"0\.\d{4} \*", first[4])
    assert re.fullmatch(r"0\.\d{4}", last[4])
    assert "<p>* SSIM compares windows" in text
    geosal.compress(folder / "scene.tif", tmp_path / "same.tif", saliency="uniform:saliency=1", profile="zstd")
    text = _page(folder, tmp_path, tmp_path / "same.tif")
    assert _rows(text, "levels")[0][4:] != []
    assert "* SSIM" not in text


def test_bytes_of_few_tiles_are_not_divided_by_level(folder: Path, tmp_path: Path) -> None:
    geosal.compress(folder / "scene.tif", tmp_path / "out.tif", saliency="half", profile="zstd")  # one tile
    text = _page(folder, tmp_path, tmp_path / "out.tif")
    assert "Share of the bytes" not in text
    assert "those of a tile are shared" not in text


def test_every_column_has_a_name_also_where_a_telephone_shows_none(page: Path) -> None:
    text = page.read_text("utf-8")
    (head,) = re.findall(r'<table class="outputs"><thead><tr>(.*?)</tr>', text)
    names = re.findall(r"<th[^>]*>(.*?)</th>", head)
    assert all(names)
    (body,) = re.findall(r'<table class="outputs">.*?<tbody>(.*?)</tbody>', text)
    for row in re.findall(r"<tr>.*?</tr>", body):
        assert re.findall(r'<td data-name="(.*?)">', row) == names[1:]
    assert "1 px would be none" in text


def test_a_share_beyond_all_fills_the_bar_and_no_more() -> None:
    assert "width:100.00%" in sections.bar(1.5, "kept")
    assert "width:0.00%" in sections.bar(float("nan"), "kept", "")


def test_terms_are_written_once_and_escaped() -> None:
    text = sections.facts([("A", "<1>"), ("A", "2")])
    assert text == '<dl class="facts"><dt>A</dt><dd>&lt;1&gt;</dd><dt></dt><dd>2</dd></dl>'
