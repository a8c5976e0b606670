"""Several inputs in one call."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result

from geosal.cli.batch import _table
from geosal.job import recall
from geosal.names import CONFIGS

Call = Callable[..., Result]


@pytest.fixture
def scenes(small_scene: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for name in ("a.tif", "b.v2.tif"):
        shutil.copy(small_scene, folder / name)
    (folder / "broken.tif").write_bytes(b"II*\0 no more of it")
    return folder


def test_each_input_has_its_output(scenes: Path, tmp_path: Path, call: Call) -> None:
    result = call("compress", scenes / "a.tif", scenes / "b.v2.tif", "-s", "half", "--out-dir", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.tif", "b.v2.tif"}
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"1/2  {tmp_path / 'out' / 'a.tif'}: ")
    assert " of " in lines[0]
    assert lines[-1] == "2 files written"
    assert lines[-3].startswith("all ")
    with rasterio.open(tmp_path / "out" / "a.tif") as made, rasterio.open(scenes / "a.tif") as source:
        assert made.profile["width"] == source.width
        assert made.tags()["GEOSAL_SALIENCY"] == "half"
    again = call("compress", scenes / "*.tif", "-s", "half", "--out-dir", tmp_path / "out", "--resume")
    assert "\n2 files were finished already, 1 FAILED" in again.stdout
    alone = call("compress", scenes / "a.tif", tmp_path / "out" / "a.tif", "-s", "half", "--resume")
    assert "It was finished already." in alone.stdout
    assert "It took" not in alone.stdout


def test_one_that_fails_keeps_no_other_back(scenes: Path, tmp_path: Path, call: Call) -> None:
    out, document = tmp_path / "out", tmp_path / "all.json"
    words = ("compress", scenes / "*.tif", "-s", "half", "--out-dir", out, "--suffix", "_s.jp2", "--json", document)
    result = call(*words)
    assert result.exit_code == 3
    assert result.stderr.count("geosal: error: ") == 1
    assert "broken.tif" in result.stderr
    assert {path.name for path in out.glob("*.jp2")} == {"a_s.jp2", "b.v2_s.jp2"}
    assert "FAILED (code 3)" in result.stdout
    assert "FAILED broken_s.jp2: cannot be opened" in result.stdout
    assert result.stdout.endswith("2 files written, 1 FAILED\n")
    told = json.loads(document.read_text())
    assert told["failed"] == 1
    assert [one.get("error", {}).get("code") for one in told["jobs"]] == [None, None, 3]
    assert told["jobs"][0]["profile"] == "jp2-lossless"
    again = call(*words)  # what is there is not replaced, and that is told of all before the first begins
    assert again.exit_code == 5
    assert again.stderr.startswith("geosal: error: 2 things stand in the way, so nothing is done: ")
    assert [again.stderr.count(words) for words in ("exists already", "a_s.jp2", "b.v2_s.jp2")] == [1, 1, 1]


@pytest.mark.parametrize(("error", "code"), [(MemoryError(), 7), (KeyboardInterrupt(), 130), (ZeroDivisionError(), 1)])
def test_what_ends_them_all_leaves_the_table_and_the_document(
    error: BaseException, code: int, scenes: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = {"output": "a.tif", "input_bytes": 2_000_000, "bytes": 1_000_000, "seconds": 0.5}
    outcomes = iter([done, error])

    def run(*_: object, **__: object) -> dict[str, object]:
        outcome = next(outcomes)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("geosal.cli.compress._run", run)
    document = tmp_path / "all.json"
    words = ("-s", "half", "--out-dir", tmp_path / "out", "--json", document)
    result = call("compress", scenes / "a.tif", scenes / "b.v2.tif", scenes / "broken.tif", *words)
    assert result.exit_code == code
    assert result.stderr.count("geosal: error: ") == 1
    assert "50.0 % smaller" in result.stdout
    assert result.stdout.endswith("1 file written, 1 FAILED\n")
    told = json.loads(document.read_text())
    assert [one.get("error", {}).get("code") for one in told["jobs"]] == [None, code]


def test_masks_of_like_are_looked_for_once(
    small_scene: Path, scenes: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first.tif"
    with rasterio.open(small_scene) as scene:
        profile = scene.profile | {"count": 1, "dtype": "uint8", "nodata": None}
        mask = np.full(scene.shape, 255, np.uint8)
    with rasterio.open(scenes / "mask.tif", "w", **profile) as dataset:
        dataset.write(mask, 1)
    assert call("compress", small_scene, first, "-s", scenes / "mask.tif").exit_code == 0
    sought: list[str] = []
    find = recall.find
    monkeypatch.setattr(recall, "find", lambda name, *words: sought.append(name) or find(name, *words))
    words = ("--like", first, "--out-dir", tmp_path / "out")
    assert call("compress", scenes / "a.tif", scenes / "b.v2.tif", *words).exit_code == 0
    assert sought == ["mask.tif"]


def test_what_cannot_be_is_refused_before_any_work(scenes: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "out"
    for words, cause in (
        ((scenes / "a.tif", "-s", "half", "--out-dir", scenes), "is an input as well"),
        ((scenes / "*.xyz", "-s", "half", "--out-dir", out), "no file fits"),
        (("-s", "half", "--out-dir", out), "no input"),
        ((scenes / "a.tif", "--out-dir", out), "no saliency"),
        ((scenes / "a.tif", "-s", "half", "--out-dir", out, "--suffix", "xyz"), "xyz"),
        ((scenes / "a.tif", out / "b.tif", "-s", "half", "--suffix", ".tif"), "--out-dir"),
        ((scenes / "a.tif", scenes / "b.v2.tif", out, "-s", "half"), f"--stack {scenes / 'b.v2.tif'}"),
        ((scenes / "a.tif", scenes / "b.v2.tif", out, "-s", "half"), f"{out}/ (or --out-dir {out})"),
        ((scenes / "*.tif", out, "-s", "half"), f"write {out}/"),
        ((scenes / "a.tif", f"{out}/", "-s", "half", "--stack", scenes / "b.v2.tif"), "bands of one scene"),
    ):
        result = call("compress", *words)
        assert result.exit_code == 2, result.stderr
        assert cause in result.stderr
    assert not out.exists()


def test_a_last_path_that_is_a_directory_takes_the_outputs(scenes: Path, tmp_path: Path, call: Call) -> None:
    """As for cp: where one is there, or with a slash."""
    for out, name in (("new/", "a.jp2"), ("new", "b.v2.jp2")):
        words = (scenes / name.replace("jp2", "tif"), f"{tmp_path}/{out}", "-s", "half", "--profile", "htj2k")
        assert call("compress", *words).exit_code == 0
        assert (tmp_path / "new" / name).is_file()
    planned = call("plan", scenes / "a.tif", f"{tmp_path}/none/", "-s", "half")
    assert planned.stdout.endswith("1 file would be written\n")
    assert not (tmp_path / "none").exists()


def test_all_hindrances_are_told_at_once(scenes: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "out"
    (tmp_path / "other").mkdir()
    shutil.copy(scenes / "a.tif", tmp_path / "other" / "a.tif")
    words = (scenes / "a.tif", scenes / "none.tif", scenes / "*.xyz", tmp_path / "other" / "a.tif", f"{out}/")
    result = call("compress", *words, "-s", "nomask.tif")
    assert result.exit_code == 2
    assert result.stderr.startswith("geosal: error: 4 things stand in the way, so nothing is done: (1) ")
    for found in (
        "*.xyz: no file fits",
        "none.tif: no such file",
        "nomask.tif: no such file",
        "would be the output of",
    ):
        assert found in result.stderr
    assert not out.exists()


def test_the_table_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.cli.batch.width_of", lambda _: 80)
    monkeypatch.setattr("geosal.cli.output.width_of", lambda _: 80)
    name = f"{'L' * 60}_B4.TIF"
    done = {"output": name, "input_bytes": 2_000_000, "bytes": 1_000_000, "seconds": 1234.5}
    failed = {"output": name, "input": "x.tif", "seconds": 0.0}
    failed["error"] = {"code": 3, "message": f"x.tif: {'damaged ' * 20}"}
    lines = _table([done, failed], will=False).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0][-7:] for line in lines[2:4]] == ["_B4.TIF"] * 2
    assert (lines[2].endswith("50.0 % smaller"), lines[3].endswith("FAILED (code 3)")) == (True, True)
    assert lines[6].startswith(f"FAILED {name}:")


def test_a_file_of_several_jobs(scenes: Path, tmp_path: Path, call: Call) -> None:
    """Each has what stands beside them, and what it says itself goes first; the command line before both."""
    recipe = tmp_path / "jobs.yaml"
    text = """
        saliency: half
        steps: 4
        jobs:
          - {input: scenes/a.tif, output: one.tif}
          - {input: scenes/b.v2.tif, output: two.jp2, steps: 6, saliency: grid}
          - {input: scenes/broken.tif, output: three.tif}
        """
    recipe.write_text(text)
    planned = call("plan", "--config", recipe)
    assert (planned.exit_code, "2 files would be written, 1 FAILED" in planned.stdout) == (3, True)
    assert not list(tmp_path.glob("*.jp2"))
    result = call("compress", "--config", recipe, "--sigma", "0.25*K", "--json", "-")
    assert result.exit_code == 3
    told = json.loads(result.stdout)["jobs"]
    assert [one.get("error", {}).get("code") for one in told] == [None, None, 3]
    ladders = [(one["ladder"]["steps"], one["ladder"]["sigma"], one["saliency"]) for one in told[:2]]
    assert ladders == [(4, "0.25*K", "half"), (6, "0.25*K", "grid")]
    assert {path.name for path in tmp_path.iterdir()} == {
        "scenes",
        "jobs.yaml",
        "one.tif",
        "two.jp2",
        "two.jp2.aux.xml",
    }
    for words, cause in (
        (("compress", "--config", recipe, scenes / "a.tif", tmp_path / "x.tif"), "of their own"),
        (("compress", "--config", recipe, "--out-dir", tmp_path / "x"), "of their own"),
        (("compress", "--config", recipe, "--json", tmp_path / "one.tif"), "of the job itself"),
    ):
        refused = call(*words)
        assert (refused.exit_code, cause in refused.stderr) == (2, True), refused.stderr
    for other, cause in (
        (text.replace("two.jp2", "one.tif"), "would be the output of"),
        (text.replace("output: two.jp2,", ""), "output"),
        ("jobs: []", "list of mappings"),
        ("jobs: {input: a.tif}", "list of mappings"),
        ("jobs: [{jobs: []}]", "list of mappings"),
    ):
        recipe.write_text(other)
        refused = call("compress", "--config", recipe)
        assert (refused.exit_code, cause in refused.stderr) == (2, True), refused.stderr


@pytest.mark.parametrize("name", CONFIGS)
def test_recipes_that_come_along_are_known_by_name(name: str, scenes: Path, tmp_path: Path, call: Call) -> None:
    words = (
        scenes / "a.tif",
        tmp_path / "out.tif",
        "-s",
        "half",
        "-b",
        "1",
        "-b",
        "2",
        "-b",
        "3",
        "--to-byte",
        "percentile:2-98",
    )
    planned = json.loads(call("plan", *words, "--config", name, "--json", "-").stdout)
    assert planned["treatment"] == "quality:low=40,high=85"
    refused = call("plan", *words, "--config", "sentinel9")
    assert (refused.exit_code, "brings sentinel2, landsat" in refused.stderr) == (2, True)
