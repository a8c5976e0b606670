"""`DataArray.geosal`: what the functions of the same names say."""

from pathlib import Path

import pytest
import xarray as xr

import geosal
from geosal.errors import UsageError


@pytest.fixture
def scene(small_scene: Path) -> xr.DataArray:
    return geosal.open_scene(str(small_scene))


def test_methods_are_the_functions(scene: xr.DataArray, tmp_path: Path) -> None:
    sources, ladder = ["half", "grid"], geosal.Ladder(steps=4)
    saliency = geosal.saliency(sources, like=scene, combine="mean")
    xr.testing.assert_identical(scene.geosal.saliency(sources, combine="mean"), saliency)
    smooth = geosal.smooth(scene, saliency, ladder)
    xr.testing.assert_identical(scene.geosal.smooth(saliency, ladder), smooth)
    ours, theirs = str(tmp_path / "a.tif"), str(tmp_path / "b.tif")
    assert smooth.geosal.write(ours, profile="zstd") == ours
    geosal.write(smooth, theirs, profile="zstd")
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()


def test_it_compares_the_file_of_a_scene(scene: xr.DataArray, small_scene: Path, tmp_path: Path) -> None:
    out, byte = str(tmp_path / "out.tif"), str(tmp_path / "byte.tif")
    geosal.compress(str(small_scene), out, saliency="grid")
    assert repr(scene.geosal.compare(out, "grid").rows) == repr(geosal.compare(str(small_scene), out, "grid").rows)
    geosal.compress(str(small_scene), byte, saliency="half", to_byte="range:0-12000", bidx=(2,))
    read = geosal.open_scene(str(small_scene), to_byte="range:0-12000")  # as the candidate was made
    assert read.geosal.compare(byte, "half", bidx=(2,)).scores("salient").mse == 0
    with pytest.raises(UsageError, match="comes from no file"):
        scene.copy(deep=True).drop_encoding().geosal.compare(out)
