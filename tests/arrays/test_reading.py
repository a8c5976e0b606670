"""What is made of an array tells how the array was read, and that is not done to the array again."""

from pathlib import Path
from typing import Any

import pytest

import geosal


@pytest.mark.parametrize("reading", [{"to_byte": "range:10-200"}, {"bands": [3, 1]}, {"bands": ["B02"]}])
def test_a_file_tells_by_what_reading_its_array_came(rgb_scene: Path, tmp_path: Path, reading: dict[str, Any]) -> None:
    out, again = tmp_path / "out.tif", tmp_path / "again.tif"
    scene = geosal.open_scene(rgb_scene, **reading)
    scene.geosal.compress(out, "half", treatment="smooth")
    checks = geosal.verify(out, against=rgb_scene)
    assert checks.ok, checks
    assert "smoothed" in {check.name for check in checks if check.checked}
    assert scene.geosal.verify(out).ok
    assert scene.geosal.compare(out).scores("salient").max_error == 0
    scene.geosal.compress(again, "half", like=out)
    assert again.read_bytes() == out.read_bytes()


def test_bands_of_bands_are_told_by_name(rgb_scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    scene = geosal.open_scene(rgb_scene, bands=[3, 1], to_byte="range:10-200")
    done = scene.geosal.compress(out, "half", bidx=[2], treatment="smooth")
    assert done.recipe["bands"] == ["B04"]
    assert geosal.verify(out, against=rgb_scene).ok


def test_an_array_that_was_changed_tells_no_file(rgb_scene: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(rgb_scene, to_byte="range:10-200")
    done = scene[:, 20:].geosal.compress(tmp_path / "out.tif", "half")
    assert done.recipe["input"] == "the array"
    assert not done.recipe.keys() & {"to_byte", "input_bytes"}
