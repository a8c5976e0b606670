"""One comparison in all its forms."""

from pathlib import Path

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
    assert "<td>salient</td><td>1.3%</td><td>inf</td>" in shown
    checks = geosal.verify(tmp_path / "a.tif", against=small_scene, saliency="half")
    assert checks.ok
    assert "all checks hold" in checks._repr_html_()
