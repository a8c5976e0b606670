"""One comparison in all its forms."""

import pickle
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import geosal


def test_all_forms_say_the_same(rgb_scene: Path, smoothed: Path) -> None:
    found = geosal.compare(str(rgb_scene), str(smoothed), "grid")
    dataset = found.to_dataset()
    assert dict(dataset.sizes) == {"part": 7, "band": 4}
    assert float(dataset.psnr.sel(part="background", band=2)) == found.scores("background", 2).psnr
    assert dataset.attrs["candidate"] == str(smoothed)
    assert dataset.name.values.tolist() == ["", "B04", "B03", "B02"]
    columns, rows = found.table()
    assert len(rows) == 28
    assert {"candidate", "part", "band", "psnr", "ssim", "ms_ssim", "bits_per_pixel"} <= set(columns)
    document = found.to_dict()
    assert document["rows"][0]["psnr"] == found.scores().psnr
    assert [row["part"] for row in document["rows"] if row["band"] == 0] == list(found.parts)
    with pytest.raises(KeyError, match="no part 'nope'"):
        found.scores("nope")


def test_a_notebook_shows_parts_over_all_bands(small_scene: Path, tmp_path: Path) -> None:
    geosal.compress(small_scene, tmp_path / "a.tif", saliency="half")
    shown = geosal.compare(small_scene, tmp_path / "a.tif", "half")._repr_html_()
    assert shown.count("<tr>") == 1 + 5  # the header; whole, salient, background and two levels
    row = next(line for line in ET.fromstring(shown).iter("tr") if line.findtext("td") == "salient")
    assert [cell.text for cell in row][:3] == ["salient", "1.3%", "inf"]
    assert [figure.findtext("figcaption") for figure in ET.fromstring(shown).iter("figure")] == [
        "original",
        "candidate",
    ]
    checks = geosal.verify(tmp_path / "a.tif", against=small_scene, saliency="half")
    assert checks.ok
    assert "all checks hold" in checks._repr_html_()


def test_a_frame_has_a_row_for_each_part_and_band(rgb_scene: Path, smoothed: Path) -> None:
    found = geosal.compare(rgb_scene, smoothed, "half")
    frame = found.to_frame()
    assert len(frame) == len(found.rows)
    assert frame.loc[("background", 2), "psnr"] == found.scores("background", 2).psnr


def test_a_comparison_travels_and_is_shown_in_a_line(rgb_scene: Path, smoothed: Path) -> None:
    found = geosal.compare(rgb_scene, smoothed, "half")
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert "pair" not in {*found.to_dict(), *found.to_dataset().attrs}
    assert repr(again).startswith(f"<Comparison: {smoothed} against {rgb_scene}, ")
    assert "\n" not in repr(again)
