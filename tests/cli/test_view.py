import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result

from geosal.cli import view as module


def test_without_a_terminal_a_png_is_written_and_its_path_is_printed(
    call: Callable[..., Result], rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies in the working directory, and replaces nothing there."""
    monkeypatch.chdir(tmp_path)
    result = call("view", rgb_scene)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{rgb_scene.stem}-view.png\n"
    (path,) = tmp_path.iterdir()
    assert path.name == result.stdout.strip()
    again = call("view", rgb_scene)
    assert again.stdout == f"{rgb_scene.stem}-view-2.png\n"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_named_png_and_a_document(call: Callable[..., Result], rgb_scene: Path, tmp_path: Path) -> None:
    words = ("view", rgb_scene, "--size", 50, "-s", "half", "-o", tmp_path / "a.png")
    told = json.loads(call(*words, "--json", "-").stdout)
    with rasterio.open(tmp_path / "a.png") as file:
        assert (told["height"], told["width"]) == file.shape
        assert file.count == 3
    assert told["picture"] == str(tmp_path / "a.png")
    assert max(told["height"], told["width"]) <= 50
    again = call(*words)
    assert again.exit_code == 5
    assert "--overwrite" in again.stderr
    assert call(*words, "--overwrite").exit_code == 0


def test_a_terminal_shows_the_picture_itself(
    call: Callable[..., Result], rgb_scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "kind_of", lambda _: "blocks")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "20")
    shown: list[np.ndarray] = []
    monkeypatch.setattr(module, "on_screen", lambda image, _: shown.append(image) or "PICTURE")
    lines = call("view", rgb_scene).stdout.splitlines()
    assert lines[0] == "PICTURE"
    assert lines[1].startswith(f"{rgb_scene.name}: ")
    assert "as red, green and blue; a pixel shows" in lines[1]
    assert shown[0].shape[0] <= 34
    assert shown[0].shape[1] <= 40


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--outside", "blur"), 2, "--outside without --saliency"),
        (("-o", "picture.jpg"), 2, "ends in .png"),
        (("-s", "nope"), 2, "no such name"),
        (("--bands", "nope"), 2, "nope"),
    ],
)
def test_what_cannot_be_is_refused(
    call: Callable[..., Result], rgb_scene: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    result = call("view", rgb_scene, *words)
    assert result.exit_code == code
    assert told in result.stderr
