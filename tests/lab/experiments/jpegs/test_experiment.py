import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from geosal.core.progress import Progress
from geosal.errors import GeosalWarning, OutputError, SceneError
from geosal.lab.experiments.engine import Course
from geosal.lab.experiments.jpegs import Experiment, run_experiment, verdicts, write_outcome
from geosal.metrics import ErrorSums

Wish = Callable[..., Experiment]
TWOPASS = "twopass:low=30,high=70"


def test_three_pictures(wish: Wish, stand: Any, folder: Path, tmp_path: Path) -> None:
    events: list[Progress] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", GeosalWarning)  # not one for each picture without georeferencing
        outcome = run_experiment(wish(), Course(report=events.append), encoder=stand)
    assert [facts.image for facts in outcome.maps] == ["a", "b", "c"]
    assert len(outcome.trials) == 3 * 2 * 3
    assert stand.calls[:3] == [("a.png", 30, "JPEG"), ("a.png", 30, TWOPASS), ("a.png", 30, "quality")]
    assert all(trial.matched for trial in outcome.trials)
    assert (events[0].stage, events[-1].stage) == ("maps", "files")
    assert (events[-1].done, events[-1].total) == (6, 6)
    assert {verdict.shows for verdict in verdicts(outcome) if verdict.mode == TWOPASS} == {"no"}
    assert {verdict.shows for verdict in verdicts(outcome) if verdict.mode == "quality"} == {"yes"}
    write_outcome(outcome)
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["maps"]
    assert sorted(path.name for path in (out / "maps").glob("*.tif")) == ["a.tif", "b.tif", "c.tif"]


def test_figures_are_those_of_the_files(wish: Wish, stand: Any, folder: Path, tmp_path: Path) -> None:
    outcome = run_experiment(wish(keep=True, qualities=[30], modes=[TWOPASS]), encoder=stand)
    kept = tmp_path / "out" / "images"
    for trial in outcome.trials:
        method = "JPEG" if trial.method == "JPEG" else "twopass_low=30,high=70"
        path = kept / f"{trial.image}-q30-{method}.jpg"
        with rasterio.open(next(folder.glob(f"{trial.image}.*"))) as first, rasterio.open(path) as second:
            original, candidate = first.read(), second.read()
        middle = -(-original.shape[2] // 2)
        for part, columns in (
            ("whole", slice(None)),
            ("salient", slice(0, middle)),
            ("background", slice(middle, None)),
        ):
            sums = ErrorSums.of(
                np.ascontiguousarray(original[..., columns]),
                np.ascontiguousarray(candidate[..., columns]),
            )
            assert trial.figure(part, "mse") == pytest.approx(sums.mse)
            assert trial.figure(part, "psnr") == pytest.approx(sums.psnr(255))


def test_small_images_have_no_ms_ssim_and_are_judged_all_the_same(wish: Wish, stand: Any, folder: Path) -> None:
    outcome = run_experiment(wish(images=str(folder / "b.tif")), encoder=stand)
    assert np.isnan(outcome.trials[0].figure("whole", "ms_ssim"))
    assert outcome.trials[0].figure("whole", "psnr") > 20


def test_sizes_are_never_hidden(wish: Wish, stand: Any) -> None:
    stand.off, stand.missing = 1.7, (50,)
    outcome = run_experiment(wish(modes=[TWOPASS]), encoder=stand)
    assert len(outcome.unmatched) == 6
    assert [trial.missed is None for trial in outcome.unmatched] == [True, False] * 3
    assert outcome.unmatched[1].reference_bytes > 0
    assert "MORE THAN 1 %" in verdicts(outcome)[0].sentence
    assert verdicts(outcome)[1].shows == "unknown"


def test_a_damaged_file_is_named(wish: Wish, stand: Any, folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "cut.png"
    damaged.write_bytes((folder / "a.png").read_bytes()[:20000])
    with pytest.raises(SceneError, match=r"cut.png.*damaged or cut off"):
        run_experiment(wish(images=[str(folder / "a.png"), str(damaged)], saliency="detail"), encoder=stand)
    assert stand.calls == []
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(SceneError, match="text.png"):
        run_experiment(wish(images=str(tmp_path / "text.png")), encoder=stand)


def test_an_output_that_cannot_be(wish: Wish, stand: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        run_experiment(wish(output=str(tmp_path / "file" / "folder")), encoder=stand)


def test_collections_have_folders_of_their_own(wish: Wish, stand: Any, folder: Path, tmp_path: Path) -> None:
    asked = wish(images={"one": str(folder / "a.png"), "two": str(folder / "a.png")}, qualities=[50], modes=["quality"])
    outcome = run_experiment(asked, encoder=stand)
    assert [trial.collection for trial in outcome.trials] == ["one", "one", "two", "two"]
    assert (tmp_path / "out" / "maps" / "two" / "a.tif").is_file()
    assert len(list(outcome.pairs("two", 50, "quality"))) == 1


def test_names_that_file_systems_take_for_the_same_stay_apart(
    wish: Wish, stand: Any, folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "pictures"
    place.mkdir()
    for name in ("a b.png", "a_b.png", "A_B.png"):
        shutil.copy(folder / "a.png", place / name)
    collections = {"x/y": str(place), "x_y": str(folder / "a.png")}
    outcome = run_experiment(wish(images=collections, qualities=[50], modes=["quality"], keep=True), encoder=stand)
    out = tmp_path / "out"
    assert len(outcome.maps) == len(list((out / "maps").rglob("*.tif"))) == 4
    assert len(list((out / "images").rglob("*-q50-JPEG.jpg"))) == 4
    assert {path.name for path in (out / "maps").iterdir()} == {"x_y", "x_y~2"}


def test_what_a_killed_run_left_goes(wish: Wish, stand: Any, folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "out" / ".candidate.geosal-99999999-0123abcd"
    left.mkdir(parents=True)
    (left / "candidate.jpg").write_text("half of it")
    run_experiment(wish(images=str(folder / "b.tif"), qualities=[50], modes=["quality"]), encoder=stand)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["maps"]
