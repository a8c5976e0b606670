import json
from collections.abc import Callable
from pathlib import Path

import pytest
import rasterio
from click.testing import Result


def test_plan_writes_nothing_and_agrees_with_the_job(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    words = (rgb_scene, tmp_path / "out.tif", "-s", "grid", "--block", "256", "--json", "-")
    planned = json.loads(call("plan", *words).stdout)
    assert list(tmp_path.iterdir()) == []
    done = json.loads(call("compress", *words).stdout)
    for key in ("output", "driver", "profile", "width", "height", "count", "dtype", "ladder", "blocks"):
        assert planned[key] == done[key], key
    assert planned["effective_kernel"] == pytest.approx(8.5, abs=0.1)
    assert planned["kernel_shares"].keys() == done["kernel_shares"].keys()
    assert planned["memory_bytes"] > 0
    assert planned["disk_bytes"] > done["bytes"]


def test_plan_is_a_table_even_when_quiet(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    for words in ((), ("--quiet",)):
        result = call("plan", rgb_scene, tmp_path / "out.jp2", "-s", "half", "--workers", "2", *words)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "jp2-lossless (JP2OpenJPEG)" in result.stdout
        assert "1 block of 2048 px (halo 8 px), 2 at once" in result.stdout
        assert "effective 9.00 px" in result.stdout


def test_plan_refuses_what_compress_refuses(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    (tmp_path / "out.tif").touch()
    for command in ("plan", "compress"):
        result = call(command, rgb_scene, tmp_path / "out.tif", "-s", "half")
        assert result.exit_code == 5
        assert "--overwrite" in result.stderr


def test_plan_says_who_writes_the_file_and_why(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    words = ("plan", rgb_scene, tmp_path / "out.tif", "-s", "half")
    assert json.loads(call(*words, "--json", "-").stdout)["gdal_because"] is None
    by_gdal = (*words, "--co", "OVERVIEW_RESAMPLING=NEAREST")
    assert json.loads(call(*by_gdal, "--json", "-").stdout)["writer"] == "GDAL"
    assert "GDAL's own: OVERVIEW_RESAMPLING=NEAREST is GDAL's" in call(*by_gdal).stdout


def test_plan_estimates_time_and_the_setting_of_a_target(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    words = ("plan", rgb_scene, tmp_path / "out.tif", "-s", "half", "--profile", "jpeg", "--target-bpp", "3")
    quick = json.loads(call(*words, "--json", "-").stdout)
    assert (quick["estimated_bytes"], quick["estimate"]) == (152100, None)
    assert quick["targets"] == "--target-bpp 3"
    assert f"{quick['treatment']}, before the search for the target" in call(*words).stdout
    careful = json.loads(call(*words, "--estimate", "--json", "-").stdout)["estimate"]
    assert careful["bytes"] == pytest.approx(152100, rel=0.01)
    assert careful["seconds"] > 0
    table = call(*words, "--estimate").stdout
    assert "--treatment quality:low=" in table
    assert "as busy as it is now" in table
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def jpeg(rgb_scene: Path, tmp_path: Path) -> Path:
    """The scene as a JPEG, than which a lossless file is larger."""
    with (
        rasterio.open(rgb_scene) as scene,
        rasterio.open(tmp_path / "in.jpg", "w", "JPEG", *scene.shape[::-1], 3, dtype="uint8") as made,
    ):
        made.write(scene.read())
    return tmp_path / "in.jpg"


def test_an_output_that_may_not_be_larger_is_refused_in_the_document_as_well(
    jpeg: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    words = ("plan", jpeg, tmp_path / "out.tif", "-s", "half", "--json", "-")
    assert "error" not in json.loads(call(*words).stdout)
    result = call(*words, "--not-larger")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["error"]["code"], document["error"]["kind"]) == (6, 6, "TargetError")
    assert document["error"]["message"] in " ".join(result.stderr.split())
    assert document["estimated_bytes"] > document["input_bytes"]


def test_several_are_planned_into_a_directory_that_is_not_there_yet(
    rgb_scene: Path, jpeg: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    before = set(tmp_path.iterdir())
    out = tmp_path / "a" / "b"
    words = ("plan", rgb_scene, jpeg, "-s", "half", "--out-dir", out, "--suffix", "_s.jp2")
    result = call(*words, "--quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0].startswith(f"1/2  {out / rgb_scene.stem}_s.jp2: about ")
    assert result.stdout.endswith("2 files would be written\n")
    told = json.loads(call(*words, "--not-larger", "--json", "-").stdout)
    assert [one.get("error", {}).get("code") for one in told["jobs"]] == [None, 6]
    assert told["jobs"][0]["profile"] == "jp2-lossless"
    assert set(tmp_path.iterdir()) == before


def test_what_one_sample_cannot_tell_is_said_in_the_sentence(
    rgb_scene: Path, jpeg: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    """Of the pixels that the plan counts some have no data; the job itself knows which."""
    for scene, told in ((rgb_scene, True), (jpeg, False)):
        sentence = json.loads(call("plan", scene, tmp_path / "out.tif", "-s", "half", "--json", "-").stdout)["sentence"]
        assert ("% of all pixels, those without data too, will stay" in sentence) is told
