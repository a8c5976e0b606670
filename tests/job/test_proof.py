"""Outputs held against their scenes without a word of how they were made."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasters import PLACE, save

import geosal
from geosal.errors import UsageError
from geosal.job.proof import hold
from geosal.verification import Check


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small scene and its mask, and outputs of it in every format, in a folder of their own."""
    folder = tmp_path_factory.mktemp("proof")
    pixels = np.random.default_rng(4).integers(1, 9000, (3, 64, 80)).astype(np.uint16)
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[:, :30] = 255
    save(folder / "mask.tif", mask, **PLACE)
    save(folder / "scene.tif", pixels, **PLACE)
    (folder / "out").mkdir()
    for suffix in ("tif", "jp2", "zarr", "jpg", "png"):
        geosal.compress(
            folder / "scene.tif", folder / f"out/out.{suffix}", saliency=f"{folder}/mask.tif", outside="blur",
            bidx=[3, 2, 1], to_byte="range:0-9000",
        )  # fmt: skip
    return folder


def _alone(folder: Path, tmp_path: Path, suffix: str = "tif") -> tuple[Path, Path]:
    """Scene and output in a folder without the mask."""
    shutil.copy(folder / "scene.tif", tmp_path)
    shutil.copy(folder / f"out/out.{suffix}", tmp_path)
    return tmp_path / "scene.tif", tmp_path / f"out.{suffix}"


def _by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.mark.parametrize("suffix", ["tif", "jp2", "zarr", "jpg", "png"])
def test_no_option_is_needed(folder: Path, suffix: str) -> None:
    output, scene = folder / f"out/out.{suffix}", folder / "scene.tif"
    checks = _by_name(geosal.verify(output, against=scene))
    assert all(check.ok for check in checks.values()), checks
    if suffix != "jpg":
        assert checks["smoothed"].checked
    else:
        assert not checks["salient"].checked
    held = hold(str(output), str(scene))
    assert held.said == {
        "saliency": [f"{folder}/mask.tif"], "bidx": [3, 2, 1], "to_byte": "range:0-9000", "outside": "blur",
    }  # fmt: skip
    parts = {row.part for row in geosal.compare(scene, output).rows}
    assert {"salient", "background"} <= parts


def test_python_is_told_what_was_taken_from_the_file(folder: Path) -> None:
    scene, output = folder / "scene.tif", folder / "out/out.tif"
    said = {"saliency": [f"{folder}/mask.tif"], "bidx": [3, 2, 1], "to_byte": "range:0-9000", "outside": "blur"}
    checks, found = geosal.verify(output, against=scene), geosal.compare(scene, output)
    for outcome in (checks, pickle.loads(pickle.dumps(checks)), found):
        assert outcome.as_the_file_says == outcome.to_dict()["as_the_file_says"] == said
        assert "read as the file says: " in outcome._repr_html_()
    assert json.loads(found.to_dataset().attrs["as_the_file_says"]) == said
    assert checks.to_dict()["checks"][0]["name"] == checks[0].name
    assert geosal.verify(output).as_the_file_says == {}


def test_a_copy_is_read_as_its_original_was(folder: Path, tmp_path: Path) -> None:
    rasterio.shutil.copy(folder / "out/out.tif", tmp_path / "copy.tif", driver="GTiff")
    assert geosal.compare(folder / "scene.tif", tmp_path / "copy.tif").scores("salient").psnr == np.inf


def test_what_is_not_there_is_told_and_the_rest_is_checked(folder: Path, tmp_path: Path) -> None:
    scene, output = _alone(folder, tmp_path)
    checks = _by_name(geosal.verify(output, against=scene))
    assert all(check.ok for check in checks.values())
    assert checks["bands"].checked
    assert not checks["salient"].checked
    assert "mask.tif (sha256" in checks["salient"].detail
    shutil.copy(folder / "mask.tif", tmp_path / "renamed.tif")
    named = _by_name(geosal.verify(output, against=scene, saliency=f"{tmp_path}/renamed.tif"))
    assert (named["smoothed"].checked, named["smoothed"].ok) == (True, True)
    alone = _by_name(geosal.verify(output))
    assert (alone["scene"].ok, alone["scene"].checked) == (True, False)


def test_options_go_before_what_the_file_says(folder: Path) -> None:
    scene, output = folder / "scene.tif", folder / "out/out.tif"
    checks = _by_name(geosal.verify(output, against=scene, bidx=(1, 2, 3)))
    assert not checks["pixels" if "pixels" in checks else "salient"].ok
    held = hold(str(output), str(scene), "half")
    assert held.said == {"bidx": [3, 2, 1], "to_byte": "range:0-9000"}  # `half` is everywhere, nothing lies outside
    with pytest.raises(UsageError, match="bidz: no such option; did you mean bidx"):
        hold(str(output), str(scene), bidz=(1,))


def test_an_output_is_not_read_again_as_it_was_made(folder: Path) -> None:
    first, second = folder / "out/out.tif", folder / "out/out.jp2"
    assert geosal.compare(first, second).scores("whole").max_error == 0


@pytest.mark.filterwarnings("ignore:.*geosal made it")
def test_an_output_of_an_output_is_read_as_it_was_made(folder: Path, tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("first.tif", "second.tif", "other.tif"))
    wish: dict[str, Any] = {"bidx": [3, 2, 1], "treatment": "smooth", "profile": "zstd", "saliency": "uniform"}
    for source, output in ((folder / "scene.tif", first), (first, second), (folder / "scene.tif", other)):
        geosal.compress(source, output, **wish)
    assert hold(str(second), str(first)).said["bidx"] == [3, 2, 1]
    assert geosal.compare(first, second).scores("whole").psnr > 45
    assert all(check.ok for check in geosal.verify(second, against=first))
    assert "bidx" not in hold(str(other), str(first)).said
    assert geosal.compare(first, other).scores("whole").max_error == 0


@pytest.mark.filterwarnings("ignore:.*geosal made it")
def test_outputs_of_one_name_are_not_read_again_as_they_were_made(folder: Path, tmp_path: Path) -> None:
    wish: dict[str, Any] = {"bidx": [3, 2, 1], "profile": "zstd", "saliency": "uniform", "treatment": "smooth"}
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    one, other, next_one = (tmp_path / name / "scene.tif" for name in ("a", "b", "c"))
    for source, output in ((folder / "scene.tif", one), (folder / "scene.tif", other), (one, next_one)):
        geosal.compress(source, output, **wish)
    assert "bidx" not in hold(str(other), str(one)).said
    assert geosal.compare(one, other).scores("whole").max_error == 0
    assert hold(str(next_one), str(one)).said["bidx"] == [3, 2, 1]
    assert hold(str(other), str(folder / "scene.tif")).said["bidx"] == [3, 2, 1]


def _retold(output: Path, **changes: Any) -> Path:
    with rasterio.open(output, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        recipe = json.loads(dataset.tags()["GEOSAL_RECIPE"]) | changes
        dataset.update_tags(GEOSAL_RECIPE=json.dumps({key: text for key, text in recipe.items() if text is not None}))
    return output


@pytest.mark.parametrize(
    ("changes", "told", "sound"),
    [
        ({"schema": 9}, "schema 9 is newer than 1, the newest that is known; nothing is taken from it", True),
        ({"overwrite": True}, "'overwrite' is not as geosal writes it; nothing is taken from it", False),
        ({"to_byte": "rm -rf"}, "nothing is taken from it", False),
        ({"steps": -1}, r"out\.tif: its recipe says steps=-1.*nothing is taken from it", False),
        ({"bands": ["rgb"]}, "read as it is, not as the file says", True),
        ({"bidx": [9]}, "read as it is, not as the file says", True),
    ],
)
def test_a_recipe_that_was_changed_is_not_followed(
    folder: Path, tmp_path: Path, changes: dict[str, Any], told: str, sound: bool
) -> None:
    scene, output = _alone(folder, tmp_path)
    _retold(output, **changes)
    with pytest.warns(geosal.GeosalWarning, match=told):
        checks = _by_name(geosal.verify(output, against=scene))
    assert checks["recipe"].ok == sound
    assert checks["recipe"] == _by_name(geosal.verify(output))["recipe"]
    if "nothing" in told:
        assert checks["salient"].detail == "not compared: the recipe of the file cannot be followed"
    assert not checks["bands"].ok  # the scene has 16 bits


def test_a_saliency_that_cannot_be_had_is_told(folder: Path, tmp_path: Path) -> None:
    scene, output = _alone(folder, tmp_path)
    _retold(output, saliency=[{"source": "clouds"}], outside=None)
    checks = _by_name(geosal.verify(output, against=scene))
    assert "its saliency cannot be had: clouds" in checks["salient"].detail
    assert not checks["salient"].checked
