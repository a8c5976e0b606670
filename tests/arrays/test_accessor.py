"""`DataArray.geosal`: what the functions of the same names say."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import xarray as xr

import geosal
from geosal.errors import SceneError


@pytest.fixture
def scene(small_scene: Path) -> xr.DataArray:
    return geosal.open_scene(str(small_scene))


def test_methods_are_the_functions(scene: xr.DataArray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources, ladder = ["half", "grid"], geosal.Ladder(steps=4)
    saliency = geosal.saliency(sources, like=scene, combine="mean")
    xr.testing.assert_identical(scene.geosal.saliency(sources, combine="mean"), saliency)
    smooth = geosal.smooth(scene, saliency, ladder)
    xr.testing.assert_identical(scene.geosal.smooth(saliency, ladder), smooth)
    ours, theirs = str(tmp_path / "a.tif"), str(tmp_path / "b.tif")
    assert smooth.geosal.write(ours, profile="zstd", progress=True) == ours
    assert "writing" in capsys.readouterr().err
    geosal.write(smooth, theirs, profile="zstd")
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()


def test_it_compares_the_file_of_a_scene(scene: xr.DataArray, small_scene: Path, tmp_path: Path) -> None:
    out, byte = tmp_path / "out.tif", tmp_path / "byte.tif"
    geosal.compress(small_scene, out, saliency="grid")
    assert repr(scene.geosal.compare(out, "grid").rows) == repr(geosal.compare(small_scene, out, "grid").rows)
    geosal.compress(small_scene, byte, saliency="half", to_byte="range:0-12000", bidx=(2,))
    read = geosal.open_scene(small_scene, to_byte="range:0-12000")  # as the candidate was made
    assert read.geosal.compare(byte, "half", bidx=(2,)).scores("salient").mse == 0


def test_it_compares_the_bands_that_the_array_has(small_scene: Path, tmp_path: Path) -> None:
    one, all_bands = tmp_path / "one.tif", tmp_path / "all.tif"
    geosal.compress(small_scene, one, saliency="half", bidx=(2,))
    geosal.compress(small_scene, all_bands, saliency="half")
    chosen, scene = geosal.open_scene(small_scene, bands=[2]), geosal.open_scene(small_scene)
    wanted = repr(geosal.compare(small_scene, one, "half", bidx=(2,)).rows)
    for array in (chosen, scene.sel(band=[2]), scene[1:2], scene[1]):
        assert repr(array.geosal.compare(one, "half").rows) == wanted
        with pytest.raises(SceneError, match="bands"):
            array.geosal.compare(all_bands)
    byte = tmp_path / "byte.tif"
    geosal.compress(small_scene, byte, saliency="half", bidx=(3, 1), to_byte="range:0-12000")
    read = geosal.open_scene(small_scene, bands=[3, 2, 1], to_byte="range:0-12000")
    assert read[::2].geosal.compare(byte, "half").scores("salient").mse == 0


def test_a_part_is_not_compared_as_the_whole(small_scene: Path, tmp_path: Path) -> None:
    geosal.compress(small_scene, tmp_path / "out.tif", saliency="half")
    part = geosal.open_scene(small_scene)[:, 10:90, 20:100]
    with pytest.raises(SceneError, match="240 x 160 px, not 100 x 80 px|240 x 160 px, not 80 x 80 px"):
        part.geosal.compare(tmp_path / "out.tif")


def test_saliency_looks_at_the_bands_that_the_array_has(small_scene: Path, tmp_path: Path) -> None:
    pixels = geosal.open_scene(small_scene)
    geosal.write(pixels.sel(band=[2]), tmp_path / "one.tif")
    wanted = geosal.open_scene(tmp_path / "one.tif").geosal.saliency("detail").values
    for array in (geosal.open_scene(small_scene, bands=[2]), pixels.sel(band=[2]), pixels[1]):
        np.testing.assert_array_equal(array.geosal.saliency("detail").values, wanted)
    assert (pixels.geosal.saliency("detail").values != wanted).any()


def test_an_array_that_does_not_tell_its_bands_is_not_taken_for_all(small_scene: Path, tmp_path: Path) -> None:
    geosal.compress(small_scene, tmp_path / "out.tif", saliency="half")
    scene = geosal.open_scene(small_scene)
    unnamed = scene.isel(band=0, drop=True)
    with pytest.raises(SceneError, match="bands"):
        unnamed.geosal.compare(tmp_path / "out.tif")
    np.testing.assert_array_equal(unnamed.geosal.saliency("detail"), scene[:1].geosal.saliency("detail"))


def test_it_names_what_it_can_do_and_what_it_is_about(small_scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = geosal.open_scene(small_scene)
    assert dir(scene.geosal) == ["compare", "compress", "plot", "rgb", "saliency", "smooth", "verify", "write"]
    assert repr(scene.geosal).startswith("<geosal on 240 x 160 px, 3 bands of uint16; .compare(), ")
    page = ET.fromstring(scene.geosal._repr_html_())
    told = {row[0].text: row[1].text for row in page.iter("tr")}
    assert told["place"] == "EPSG:32631, pixels of 10 x 10"
    assert told["bands"] == "B04, B03, B02"
    assert told["file"] == str(small_scene)
    assert page.find(".//img") is not None
    monkeypatch.setattr("dask.base.compute", lambda *_, **__: pytest.fail("a look computes nothing"))
    assert "<img" not in geosal.smooth(scene, "half").geosal._repr_html_()


def test_it_tells_what_an_array_lacks() -> None:
    lacking = xr.DataArray(np.zeros((2, 3)), dims=("a", "<b>"))
    assert "&lt;b&gt;" in lacking.geosal._repr_html_()
    assert "<b>" not in lacking.geosal._repr_html_()
