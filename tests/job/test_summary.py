"""What a job tells when it is done."""

import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rasters import PLACE, save

import geosal
from geosal.core.open_raster import is_stood_in
from geosal.sizes import as_bytes


@pytest.mark.parametrize("suffix", [".tif", ".jp2", ".jpg", ".zarr"])
def test_every_file_is_listed(suffix: str, rgb_scene: Path, tmp_path: Path) -> None:
    output = tmp_path / f"out{suffix}"
    summary = geosal.compress(rgb_scene, output, saliency="half", profile="jp2" if suffix == ".jp2" else None)
    assert {each["path"] for each in summary.files} == set(map(str, tmp_path.iterdir()))
    assert summary.files[0] == {"path": str(output), "bytes": summary.bytes}
    for each in summary.files[1:]:
        assert each["bytes"] == Path(each["path"]).stat().st_size


def test_sentence_and_recipe(rgb_scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(rgb_scene, tmp_path / "out.tif", saliency="half")
    assert summary.smaller_percent == pytest.approx(100 * (1 - summary.bytes / rgb_scene.stat().st_size), abs=0.01)
    kept = 100 * summary.kernel_shares["1"]
    sizes = f"{as_bytes(summary.bytes)} of {as_bytes(rgb_scene.stat().st_size)}"
    assert summary.sentence == (
        f"out.tif is {summary.smaller_percent:.1f} % smaller than the input ({sizes}). {kept:.1f} % of the valid "
        "pixels stayed exactly as they were; the others are blurred by up to 17 px."
    )
    assert (summary.cause, summary.instead) == (None, None)


def test_a_lossy_file_keeps_no_pixel(rgb_scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(rgb_scene, tmp_path / "out.jpg", saliency="half", bidx=[1])
    said = "No pixel has to stay exactly as it was: jpg may lose a little everywhere; pixels are coded"
    assert said in summary.sentence
    assert ", of which not all bands are taken)." in summary.sentence


def test_a_notebook_shows_a_table(rgb_scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(rgb_scene, tmp_path / "out.jpg", saliency="half", bidx=[1], target_bpp=1.0)
    found = ET.fromstring(summary._repr_html_())
    assert (found.findtext(".//caption"), found.findtext(".//figcaption")) == (summary.sentence, "out.jpg")
    rows = [[cell.text or "" for cell in row.iter("td")] for row in found.iter("tr")]
    assert ["output", f"{tmp_path}/out.jpg, {as_bytes(summary.bytes)}"] in rows
    assert [name for name, _ in rows].count("beside") == len(summary.files) - 1
    assert ["saliency", "half"] in rows
    assert ["asked", "--target-bpp 1"] in rows
    assert str(summary).splitlines()[0] == summary.sentence
    assert max(map(len, str(summary).splitlines())) < 300


def test_lossless_tiles_of_a_lossy_codec_keep_what_is_salient(rgb_scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jp2"
    done = geosal.compress(rgb_scene, out, saliency="half", profile="jp2", treatment="quality:low=30,high=100")
    assert f"{done.level_shares['0']:.1%}".replace("%", " %") in done.sentence
    assert geosal.compare(rgb_scene, out, "half").scores("salient").max_error == 0


def test_a_large_file_that_gdal_opens_by_a_copy_has_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(3).integers(1, 255, (1, 64, 64), dtype=np.uint8)
    scene, output = save(tmp_path / "scene.tif", pixels, **PLACE), tmp_path / "out.tif"
    with warnings.catch_warnings(action="ignore"):  # few programs open it
        summary = geosal.compress(scene, output, saliency="half", profile="jxl")
    comparison = geosal.compare(scene, output)
    if not is_stood_in(str(output)):
        pytest.skip("this GDAL has the codec")
    assert not is_stood_in(str(scene))
    assert "<img" in summary._repr_html_()
    assert "<img" in comparison._repr_html_()
    monkeypatch.setattr("geosal.scenes.glance._LITTLE", 64 * 64 - 1)
    monkeypatch.setattr("geosal.core.open_raster.open_stand_in", pytest.fail)  # no copy is made
    for shown in (summary, comparison):
        assert "<img" not in shown._repr_html_()
        assert "<table" in shown._repr_html_()
