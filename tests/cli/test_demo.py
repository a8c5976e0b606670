import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from rio_cogeo import cog_validate

SIZE = 256


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("geosal.lab.demo.demonstration.make_demo_scene", _make_small_scene)
    monkeypatch.setattr("geosal.lab.demo.demonstration.SIZE", SIZE)


def _make_small_scene(directory: Path, size: int) -> tuple[Path, Path]:
    from geosal.lab.demo.scene import make_demo_scene

    del size
    return make_demo_scene(directory, SIZE)


def test_demo_makes_files_table_and_picture(tmp_path: Path, call: Callable[..., Result]) -> None:
    result = call("demo", tmp_path / "show")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith(f"{tmp_path / 'show'}: makes a scene of ")
    assert result.stderr.count("\n") == 1
    names = {path.name for path in (tmp_path / "show").iterdir()}
    outputs = {"smoothed-deflate.tif", "smoothed-jpeg.tif", "smoothed-jp2-lossless.jp2"}
    assert names >= outputs | {name.replace("smoothed", "plain") for name in outputs}
    assert names >= {"scene.tif", "mask.tif", "before-after.png"}
    for name in outputs:
        assert name in result.stdout
    assert str(tmp_path / "show" / "before-after.png") in result.stdout
    assert "geosal compress YOUR_SCENE.tif" in result.stdout
    with Image.open(tmp_path / "show" / "before-after.png") as picture:
        assert picture.size[0] > 1500  # original, saliency, result and error
    with Image.open(tmp_path / "show" / "jpegs.png") as picture:
        assert picture.size[0] > 2400  # original, two JPEGs, and what each has lost
    assert "dB where it matters" in " ".join(result.stdout.split())
    for name in ("smoothed-deflate.tif", "smoothed-jpeg.tif"):
        assert cog_validate(str(tmp_path / "show" / name), strict=True, quiet=True)[0]


def test_demo_as_json_and_its_gain(tmp_path: Path, call: Callable[..., Result]) -> None:
    result = call("demo", "show", "--json", "-")
    files = json.loads(result.stdout)["files"]
    plain, shaped = json.loads(result.stdout)["jpegs"]
    assert shaped["bytes"] == pytest.approx(plain["bytes"], rel=0.02)
    assert shaped["kept_psnr"] > plain["kept_psnr"] + 0.3
    assert [row["reduction_percent"] is None for row in files] == [True, False] * 3
    for plain, smoothed in zip(files[::2], files[1::2], strict=True):
        assert plain["profile"] == smoothed["profile"]
        assert smoothed["bytes"] == (tmp_path / "show" / smoothed["file"]).stat().st_size
        assert smoothed["reduction_percent"] == pytest.approx(100 * (1 - smoothed["bytes"] / plain["bytes"]))
        assert smoothed["reduction_percent"] > 10
        assert smoothed["effective_kernel"] > 8


def test_demo_again(tmp_path: Path, call: Callable[..., Result]) -> None:
    assert call("demo", "--quiet").exit_code == 0
    assert call("demo", "--quiet").exit_code == 0  # the default directory is ours to fill again
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scene.tif").write_bytes(b"precious")
    result = call("demo", "mine")
    assert result.exit_code == 5
    assert "--overwrite" in result.stderr
    assert (tmp_path / "mine" / "scene.tif").read_bytes() == b"precious"
    assert call("demo", tmp_path / "mine" / "scene.tif").exit_code == 5
