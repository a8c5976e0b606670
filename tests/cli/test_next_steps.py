import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result
from rasters import PLACE, save

from geosal.cli.next_steps import next_steps
from geosal.job.recipe import Recipe


@pytest.fixture
def scene(rgb_scene: Path, tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return Path(shutil.copy(rgb_scene, tmp_path / "in" / "my scene.tif"))


def test_the_commands_after_a_job_work_as_they_stand(call: Callable[..., Result], scene: Path, tmp_path: Path) -> None:
    """Also where the mask lies apart."""
    for name in ("masks", "out"):
        (tmp_path / name).mkdir()
    with rasterio.open(scene) as file:
        profile = file.profile | {"count": 1, "nodata": None}
    with rasterio.open(tmp_path / "masks" / "mask.tif", "w", **profile) as mask:
        mask.write(np.eye(profile["height"], profile["width"], dtype=np.uint8)[np.newaxis])
    done = call("compress", scene, tmp_path / "out" / "small.tif", "-s", tmp_path / "masks" / "mask.tif")
    assert done.exit_code == 0, done.stderr
    (verify, report) = (line.partition("geosal ")[2] for line in done.stdout.splitlines()[-2:])
    assert verify.startswith("verify ")
    checked = call(*shlex.split(verify))
    assert checked.exit_code == 0, checked.stderr
    assert "salient" in checked.stdout
    named = f"{shlex.quote(str(scene))} {tmp_path}/out/small.tif -o {tmp_path}/out/small.html"
    assert report == f"report {named} --saliency {tmp_path}/masks/mask.tif"


@pytest.mark.parametrize(("source", "named"), [("in/mask.tif", False), ("other/mask.tif", True), ("half", False)])
def test_a_mask_is_named_where_nobody_would_look(source: str, named: bool) -> None:
    recipe = Recipe.from_mapping({"input": "in/scene.tif", "output": "out/small.tif", "saliency": [source, "detail"]})
    rows = next_steps(recipe)
    assert [what for what, _ in rows] == ["check it", "look at it"]
    assert all(str(command).endswith(f"--saliency {source} --saliency detail") is named for _, command in rows)


@pytest.mark.parametrize("folder", ["in", "out put", "else where"])
def test_the_commands_after_a_job_on_several_files_work_as_they_stand(
    call: Callable[..., Result], tmp_path: Path, folder: str
) -> None:
    """Stacked files are named only where they lie neither beside the scene nor beside the output."""
    for name in ("in", "out put", "else where"):
        (tmp_path / name).mkdir()
    pixels = np.arange(3 * 70 * 80, dtype=np.uint8).reshape(3, 70, 80)
    for path, band in zip(("in/a.tif", f"{folder}/the B03.tif", f"{folder}/c.tif"), pixels, strict=True):
        save(tmp_path / path, band[np.newaxis], **PLACE)
    stack = [word for name in ("the B03.tif", "c.tif") for word in ("--stack", tmp_path / folder / name)]
    done = call("compress", tmp_path / "in/a.tif", tmp_path / "out put/small.tif", "-s", "half", *stack)
    assert done.exit_code == 0, done.stderr
    for command in (line.partition("geosal ")[2] for line in done.stdout.splitlines()[-2:]):
        assert ("--stack" in command) is (folder == "else where")
        result = call(*shlex.split(command))
        assert result.exit_code == 0, result.stderr
    compared = call("compare", tmp_path / "in/a.tif", tmp_path / "out put/small.tif")
    assert (compared.exit_code == 0) is (folder != "else where")
    if folder == "else where":
        assert "name them: --stack 'the B03.tif' --stack c.tif" in compared.stderr.splitlines()[-1]
        assert "gdal_translate" not in compared.stderr


def test_what_an_output_does_not_tell_is_named() -> None:
    wish = {"input": "in/scene.vrt", "output": "small.tif", "saliency": "half", "drivers": "VRT", "max_pixels": 7}
    verify, report = (str(command) for _, command in next_steps(Recipe.from_mapping(wish)))
    assert verify.endswith("--against in/scene.vrt --allow-driver VRT")
    assert report.endswith("--allow-driver VRT --max-pixels 7")


def test_a_source_of_another_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = {"input": "scene.tif", "output": "small.tif", "saliency": "roads:width=3"}
    told = []
    for brought in ((), ("roads",)):
        monkeypatch.setattr("geosal.sources.plugins.plugin_names", lambda brought=brought: brought)
        told.append(["--saliency roads:width=3" in str(step) for _, step in next_steps(Recipe.from_mapping(wish))])
    assert told == [[False, False], [True, True]]


def test_quiet_is_quiet_and_a_document_stays_alone(call: Callable[..., Result], scene: Path, tmp_path: Path) -> None:
    words = ("compress", scene, tmp_path / "small.tif", "-s", "half", "--overwrite")
    assert call(*words, "--quiet").stdout == ""
    assert call(*words, "--json", "-").stdout.startswith('{\n  "schema"')
