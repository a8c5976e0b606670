import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from geosal.lab.experiments.engine import Log

Call = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """One grey picture, one file of each kind."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    row, col = np.mgrid[:256, :256]
    pixels = 128 + 60 * np.sin(row / 7) * np.cos(col / 5) + np.random.default_rng(3).normal(0, 14, row.shape)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(pictures / "waves.png")
    path = tmp_path / "wish.yaml"
    path.write_text(
        f"images: {pictures}\noutput: {tmp_path / 'out'}\nsaliency: half\npasses: 2\nqualities: [50]\n"
        "modes: ['twopass:low=30,high=70', quality]\n"
    )
    return path


def test_report_and_document(config: Path, tmp_path: Path, call: Call) -> None:
    done = call("experiment", config, "--json", tmp_path / "facts.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "All 2 passes of each of 1 images give the same map, to the bit." in done.stdout
    assert "pictures, twopass:low=30,high=70, Q 50: the paper's global gain" in done.stdout
    document = json.loads((tmp_path / "facts.json").read_text())
    assert document["sizes_matched"] is True
    assert [trial["method"] for trial in document["trials"]] == ["JPEG", "twopass:low=30,high=70", "quality"]
    assert all(abs(trial["difference_percent"]) <= 1 for trial in document["trials"])
    assert all(trial["final_quality"] for trial in document["trials"])
    assert (tmp_path / "out" / "report.md").is_file()
    again = call("experiment", config)
    assert again.exit_code == 5
    assert "is not empty" in again.stderr


def test_sizes_that_are_off_end_with_6_and_the_report(
    config: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "geosal.lab.experiments.jpegs.outcome.TOLERANCE", -1.0
    )  # not even a file's own size is near enough
    done = call("experiment", config)
    assert done.exit_code == 6
    assert "pictures, waves, Q 50, JPEG: not within 1 %" in done.stderr
    assert "bytes (3 of 3 files are not)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "NOT within" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("text", "words", "code", "told"),
    [
        ("images: {folder}\npases: 3", (), 2, "pases: no such option of an experiment; did you mean passes?"),
        ("images: {folder}/none", (), 3, "none: no such file"),
        ("study: sweep", (), 2, "in RECIPE (images: my-pictures) or on the command line (--images my-pictures)"),
        ("images: {folder}/empty", (), 3, "empty: the folder holds no image"),
        ("images: {folder}/bad.png", (), 3, "bad.png: cannot be opened"),
        ("images: {folder}/empty", ("--images", "=x"), 2, "write FOLDER, or NAME=FOLDER"),
        ("- a\n- b", (), 2, "a recipe is a mapping"),
        ("images: x\noutput: {folder}/bad.png", (), 5, "bad.png: is a file"),
        ("images: x\noutput: {folder}/none/..", (), 5, "is not empty"),
        ("images: x\nsteps: 33", (), 2, "it must be from 1 to 32"),
    ],
)
def test_one_line_and_the_right_code(
    text: str, words: tuple[str, ...], code: int, told: str, tmp_path: Path, call: Call
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    config = tmp_path / "wish.yaml"
    config.write_text(text.format(folder=tmp_path))
    words = ("--output", tmp_path / "out", *words) if "output" not in text else words
    done = call("experiment", config, *words)
    assert done.exit_code == code, done.output
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_recipe_that_geosal_brings_is_found_in_any_folder(
    config: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    del config  # of which the pictures are used
    monkeypatch.chdir(tmp_path)
    done = call("experiment", "configs/paper/fig-13.yaml", "--images", "pictures")
    assert done.exit_code == 4  # read: these pictures have no boxes
    assert "masks: aircraft" in done.stderr
    assert call("plan", "pictures/waves.png", "out.tif", "--config", "configs/paper/grid.yaml").exit_code == 0
    (tmp_path / "configs" / "paper").mkdir(parents=True)
    (tmp_path / "configs" / "paper" / "fig-13.yaml").write_text("study: none")
    assert "study: none: no such study" in call("experiment", "configs/paper/fig-13.yaml").stderr
    done = call("experiment", "configs/paper/smal.yaml")
    assert done.exit_code == 2
    assert "smal.yaml: no such file; did you mean configs/paper/small.yaml?" in " ".join(done.stderr.split())


def test_images_of_the_command_line(config: Path, tmp_path: Path, call: Call) -> None:
    done = call("experiment", config, "--images", f"sea={tmp_path / 'none'}", "--images", tmp_path / "pictures")
    assert done.exit_code == 3
    assert "none: no such file" in done.stderr


def test_a_folder_has_the_same_name_in_a_recipe_and_on_the_command_line(
    config: Path, tmp_path: Path, call: Call
) -> None:
    config.write_text(
        f"study: sweep\nimages: {tmp_path / 'pictures'}\nkernels: [1]\nmasks: []\nlevels: false\nlimit: 1\n"
    )
    limit = "At most 1 image of each collection, as the recipe says (limit: 1)."
    for out, words in (("a", ()), ("b", ("--images", tmp_path / "pictures"))):
        done = call("experiment", config, "--output", tmp_path / out, *words)
        assert done.exit_code == 0, done.stderr
        assert limit in done.stdout
        assert limit in (tmp_path / out / "report.md").read_text()
    assert (tmp_path / "a" / "sweep.csv").read_text() == (tmp_path / "b" / "sweep.csv").read_text()
    assert "\npictures,waves," in (tmp_path / "a" / "sweep.csv").read_text()


@pytest.mark.parametrize("name", ["report.md", "results.json", "figures.csv"])
def test_the_document_goes_over_no_file_of_the_report(name: str, config: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "out").mkdir()
    done = call("experiment", config, "--json", tmp_path / "out" / name)
    assert done.exit_code == 2
    assert "a file of the job itself" in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_a_sweep_with_a_damaged_image_goes_on_and_ends_with_3(config: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "pictures" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    config.write_text(f"study: sweep\nimages: {tmp_path / 'pictures'}\nkernels: [3]\nmasks: []\nlevels: false\n")
    done = call("experiment", config, "--output", tmp_path / "out", "--json", tmp_path / "facts.json")
    assert done.exit_code == 3
    assert "bad.png" in done.stderr
    assert "1 image, 2 looks, 2 files. 1 image or mask left out." in done.stdout
    document = json.loads((tmp_path / "facts.json").read_text())
    assert (document["files"], len(document["left_out"])) == (2, 1)
    assert len((tmp_path / "out" / "sweep.csv").read_text().splitlines()) == 3
    again = call("experiment", config, "--output", tmp_path / "out")
    assert again.exit_code == 5
    assert "is not empty; go on with it: --resume" in again.stderr
    (tmp_path / "pictures" / "bad.png").unlink()
    assert call("experiment", config, "--output", tmp_path / "out", "--resume").exit_code == 0


def test_an_interrupted_study_says_how_to_go_on(
    config: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(f"study: sweep\nimages: {tmp_path / 'pictures'}\nkernels: [3, 5]\nmasks: []\nlevels: false\n")
    take = Log.take

    def interrupted(*given: Any) -> None:
        take(*given)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Log, "take", interrupted)
    done = call("experiment", config, "--output", tmp_path / "out", "--workers", "1")
    monkeypatch.undo()
    assert done.exit_code == 130
    told = f"{tmp_path / 'out'} holds 1 finished part of the study; to go on, run the same again with --resume"
    assert told in " ".join(done.stderr.split())
    assert done.stderr.count("geosal:") == 1
    again = call("experiment", config, "--output", tmp_path / "out", "--resume", "--json", tmp_path / "facts.json")
    assert again.exit_code == 0, again.stderr
    assert json.loads((tmp_path / "facts.json").read_text())["resumed_looks"] == 1
