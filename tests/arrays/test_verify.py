"""Files are checked against the arrays that they were made of, with the checks of files."""

from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401  registers `.rio`
import xarray as xr
from rasterio.transform import from_origin

import geosal
from geosal import SceneError, UsageError
from geosal.verification import Checks


def sound(checks: Checks) -> dict[str, bool]:
    """Whether each check that was made holds."""
    return {check.name: check.ok for check in checks if check.checked}


@pytest.mark.parametrize("options", [{}, {"bidx": [3, 1]}, {"to_byte": "range:10-200"}])
def test_the_checks_are_those_of_files(rgb_scene: Path, tmp_path: Path, options: dict[str, str]) -> None:
    out = tmp_path / "out.tif"
    geosal.compress(rgb_scene, out, saliency="grid", treatment="smooth", **options)  # type: ignore[arg-type]
    opened = geosal.open_scene(rgb_scene)
    wanted = geosal.verify(out, against=rgb_scene)
    assert wanted.ok
    assert sound(wanted)["smoothed"]
    for array in (opened, opened.load().copy(), opened.copy().chunk(y=130, x=99)):
        found = array.geosal.verify(out)
        assert sound(found) == sound(wanted)
        assert found.as_the_file_says == wanted.as_the_file_says
    other = opened.load().copy()
    other[:, :30] += 9
    checks = other.geosal.verify(out)
    assert not checks.ok
    assert not sound(other.geosal.verify(out, "grid", **options))["smoothed"]  # type: ignore[arg-type]


def test_a_file_made_of_an_array_needs_no_word(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 9000, (3, 90, 120)).astype("uint16")
    array = xr.DataArray(pixels, dims=("band", "y", "x"))
    array = array.rio.write_crs(32631).rio.write_transform(from_origin(4e5, 5e6, 10, 10))
    keep = np.zeros((90, 120), np.bool_)
    keep[:40] = True
    array.geosal.compress(tmp_path / "out.tif", keep, to_byte="range:0-9000", bidx=[3, 2], treatment="smooth")
    checks = array.geosal.verify(tmp_path / "out.tif", keep)
    assert checks.ok
    assert sound(checks)["smoothed"]
    assert checks.as_the_file_says == {"bidx": [3, 2], "to_byte": "range:0-9000"}
    assert array.geosal.compare(tmp_path / "out.tif", keep).scores("salient").max_error == 0


def test_what_cannot_be_is_refused(rgb_scene: Path) -> None:
    scene = geosal.open_scene(rgb_scene)
    with pytest.raises(SceneError, match="no such file"):
        scene.geosal.verify("nothing.tif")
    with pytest.raises(UsageError, match="bidz: no such option"):
        scene.geosal.verify(rgb_scene, bidz=3)
    with pytest.raises(UsageError, match=r"this is DataArray; .*array\.geosal\.verify"):
        geosal.verify(rgb_scene, against=scene)  # type: ignore[arg-type]
