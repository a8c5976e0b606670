"""The tables of a sweep, held to the files themselves; and runs that were killed, or met what cannot be read."""

import csv
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from dataset_folders import make_rareplanes
from PIL import Image
from skimage.metrics import structural_similarity

from geosal.errors import GeosalWarning, SaliencyError, SceneError, UsageError
from geosal.lab.experiments.engine import Course
from geosal.lab.experiments.images import find_pictures
from geosal.lab.experiments.study import read_study
from geosal.lab.experiments.sweep import LEVELS, SWEEP
from geosal.lab.experiments.sweep.looks import Look, Smoothing
from geosal.lab.experiments.sweep.report import write_sweep
from geosal.lab.experiments.sweep.run import run_sweep
from geosal.lab.experiments.sweep.study import STUDY
from geosal.lab.experiments.sweep.wish import Sweep

Ask = Callable[..., Sweep]
Rows = list[dict[str, str]]


@pytest.fixture
def ask(folder: Path, tmp_path: Path) -> Ask:
    """A small sweep of the pictures of `folder`; keywords are keys of its YAML."""

    def make(**changes: Any) -> Sweep:
        given = {"images": str(folder / "b.tif"), "output": str(tmp_path / "out"), "kernels": [1, 5], "masks": ["half"]}
        return Sweep.from_mapping(given | changes)

    return make


def swept(wish: Sweep, course: Course | None = None) -> tuple[Rows, Rows]:
    """Carry a sweep out, and read its tables."""
    write_sweep(run_sweep(wish, course or Course()))
    return read(wish, "sweep"), read(wish, "levels")


def read(wish: Sweep, name: str) -> Rows:
    with (Path(wish.output) / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def pixels(path: Path) -> Any:
    with rasterio.open(path) as file:
        return file.read()


def number(row: dict[str, str], column: str) -> float:
    return float(row[column])


def test_figures_are_those_of_the_files(ask: Ask, folder: Path, tmp_path: Path) -> None:
    wish = ask(keep=True, encoders={"png": None, "jpg": {"quality": [40, 80]}})
    files, levels = swept(wish)
    assert tuple(files[0]) == SWEEP
    assert tuple(levels[0]) == LEVELS
    assert [(row["mask"], row["kernel"], row["encoder"], row["setting"]) for row in files[:5]] == [
        ("none", "1", "png", ""), ("none", "1", "jpg", "40.0"), ("none", "1", "jpg", "80.0"), ("none", "5", "png", ""),
        ("none", "5", "jpg", "40.0"),
    ]  # fmt: skip
    assert len(files) == 3 * 3
    original = pixels(folder / "b.tif")
    settings = {"channel_axis": 0, "data_range": 255, "gaussian_weights": True, "use_sample_covariance": False}
    for row in files:
        look = row["mask"] if row["kernel"] == "" else f"K{row['kernel']}"
        name = row["encoder"] if not row["setting"] else f"jpg-quality={float(row['setting']):g}"
        path = tmp_path / "out" / "images" / f"b-{look}-{name}.{row['encoder']}"
        found = pixels(path)
        assert number(row, "bytes") == path.stat().st_size
        assert number(row, "bpp") == pytest.approx(8 * path.stat().st_size / (90 * 64))
        error = np.mean((found.astype(float) - original) ** 2)
        assert number(row, "mse") == pytest.approx(error)
        psnr = 10 * math.log10(255**2 / error) if error else math.inf
        assert number(row, "psnr") == pytest.approx(psnr)
        ssim = structural_similarity(original, found, **settings)
        assert number(row, "ssim") == pytest.approx(ssim, abs=1e-6)


def test_levels_add_up_to_the_file(ask: Ask) -> None:
    files, levels = swept(ask(masks=["grid"], encoders={"png": None, "webp": {"quality": [50]}}))
    for file in (row for row in files if row["mask"] == "grid"):
        parts = [row for row in levels if row["encoder"] == file["encoder"]]
        pixels = [number(row, "pixels") for row in parts]
        assert sum(pixels) == 90 * 64
        mean = sum(number(row, "mse") * n for row, n in zip(parts, pixels, strict=True)) / sum(pixels)
        assert mean == pytest.approx(number(file, "mse"))
        kernel = sum(number(row, "kernel") * n for row, n in zip(parts, pixels, strict=True)) / sum(pixels)
        assert kernel == pytest.approx(number(file, "effective_kernel"))
        assert [number(row, "kernel") for row in parts] == [1, 5, 11, 17]
        assert [number(row, "saliency") for row in parts] == [1, 0.66, 0.33, 0]
    png = [row for row in levels if row["encoder"] == "png"]
    assert (png[0]["mse"], png[0]["reduction"]) == ("0.0", "0.0")  # what matters is as it was
    assert all(number(row, "reduction") > 0 for row in png[1:])
    assert all(row["bpp"] == row["reduction"] == "" for row in levels if row["encoder"] == "webp")


def test_reductions_are_against_the_original_and_the_unsmoothed_file(ask: Ask) -> None:
    files, _ = swept(ask(encoders={"png": None, "jp2": {"rate": [1, 6]}}))
    plain = {(row["encoder"], row["setting"]): number(row, "bpp") for row in files if row["kernel"] == "1"}
    assert number(files[0], "reduction_of_original") == number(files[0], "reduction_of_unsmoothed") == 0
    for row in files:
        bpp = number(row, "bpp")
        assert number(row, "reduction_of_original") == pytest.approx(100 * (1 - bpp / plain["png", ""]))
        same = plain[row["encoder"], row["setting"]]
        assert number(row, "reduction_of_unsmoothed") == pytest.approx(100 * (1 - bpp / same))


def test_rates_of_jpeg2000_are_imagemagicks(ask: Ask, folder: Path) -> None:
    files, _ = swept(ask(images=str(folder / "a.png"), encoders={"png": None, "jp2": {"rate": [1, 4, 12]}}, masks=[]))
    lossless, quarter, twelfth = [row for row in files if row["encoder"] == "jp2" and row["kernel"] == "1"]
    assert (lossless["mse"], lossless["psnr"]) == ("0.0", "inf")
    raw = 240 * 200 * 3
    assert 0.9 * raw / 4 <= number(quarter, "bytes") <= raw / 4 + 300  # and the head of the file
    assert 0.9 * raw / 12 <= number(twelfth, "bytes") <= raw / 12 + 300
    assert number(quarter, "mse") < number(twelfth, "mse")


class KillError(Exception):
    """What stands in for a kill."""


@pytest.mark.parametrize("after", [0, 4])
def test_a_run_that_was_killed_and_gone_on_with_makes_the_same_tables(
    ask: Ask, folder: Path, tmp_path: Path, after: int
) -> None:
    changes = {"images": str(folder), "limit": 2, "kernels": [3], "encoders": {"png": None, "jpg": {"quality": [50]}}}
    whole, killed = ask(**changes), ask(**changes, output=str(tmp_path / "killed"))
    swept(whole, Course(workers=2))

    def report(progress: Any) -> None:
        if progress.done > after:
            raise KillError

    with pytest.raises(KillError):
        run_sweep(killed, Course(workers=1, report=report))
    outcome = run_sweep(killed, Course(workers=1, resume=True))
    assert outcome.resumed == after + 1
    write_sweep(outcome)
    for name in ("sweep.csv", "levels.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    again = run_sweep(killed, Course(resume=True))
    assert again.resumed == len(again.seen) == 6  # of the finished one too


def test_a_mask_that_has_changed_is_looked_at_again(ask: Ask, folder: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    height, width = pixels(folder / "b.tif").shape[1:]
    Image.fromarray(np.full((height, width), 255, np.uint8)).save(mask)
    wish = ask(kernels=[3], masks={"drawn": f"{mask}:range=0-255"})
    kept = swept(wish)[0]
    assert run_sweep(wish, Course(resume=True)).resumed == 3
    Image.fromarray(np.zeros((height, width), np.uint8)).save(mask)
    outcome = run_sweep(wish, Course(resume=True))
    assert outcome.resumed == 2
    write_sweep(outcome)
    assert [row["mask"] for row, old in zip(read(wish, "sweep"), kept, strict=True) if row != old] == ["drawn"]


def test_a_torn_line_of_the_journal_is_done_again(ask: Ask, tmp_path: Path) -> None:
    swept(ask())
    first = (tmp_path / "out" / "sweep.csv").read_bytes()
    journal = tmp_path / "out" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    outcome = run_sweep(ask(), Course(resume=True))
    assert outcome.resumed == 2
    write_sweep(outcome)
    assert (tmp_path / "out" / "sweep.csv").read_bytes() == first


def test_another_recipe_is_not_gone_on_with(ask: Ask) -> None:
    swept(ask())
    with pytest.raises(UsageError, match=r"--resume cannot go on .* since kernels, steps differ; .*--overwrite"):
        run_sweep(ask(kernels=[1, 3], steps=4), Course(resume=True))
    assert run_sweep(ask(kernels=[1, 3])).resumed == 0


def test_what_cannot_be_read_is_told_and_left_out(ask: Ask, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "pictures"
    place.mkdir()
    for name in ("a.png", "b.tif"):
        shutil.copy(folder / name, place)
    (place / "aa.png").write_text("no image")
    (place / "ab.png").write_bytes((folder / "a.png").read_bytes()[:9000])
    wish = ask(images=str(place))
    with pytest.warns(GeosalWarning) as told:
        outcome = run_sweep(wish)
    assert len([each for each in told if "left out" in str(each.message)]) == 2  # once each, not once for each look
    assert {Path(each.about).name for each in outcome.skipped} == {"aa.png", "ab.png"}
    assert [seen.image for seen in outcome.seen] == ["a"] * 3 + ["b"] * 3
    write_sweep(outcome)
    assert "aa.png" in (tmp_path / "out" / "report.md").read_text()
    fault = STUDY.fault(outcome)
    assert isinstance(fault, SceneError)
    assert "left out (2 in all)" in str(fault)
    shutil.copy(folder / "a.png", place / "ab.png")  # mended, and tried again
    (place / "aa.png").unlink()
    outcome = run_sweep(wish, Course(resume=True))
    assert (len(outcome.seen), outcome.resumed, outcome.skipped) == (9, 6, ())


def test_an_image_without_a_mask(ask: Ask, folder: Path, tmp_path: Path) -> None:
    Image.new("L", (240, 200), 255).save(tmp_path / "a.png")
    wish = ask(images=[str(folder / "a.png"), str(folder / "b.tif")], masks={"own": f"{tmp_path}/{{name}}.png"})
    with pytest.warns(GeosalWarning, match="b.tif: left out: .*b.png"):
        outcome = run_sweep(wish)
    assert [(seen.image, seen.look.name) for seen in outcome.seen] == [
        ("a", "K1"), ("a", "K5"), ("a", "own"), ("b", "K1"), ("b", "K5"),
    ]  # fmt: skip


def test_the_small_recipe_runs(folder: Path, tmp_path: Path, repository: Path) -> None:
    recipe = str(repository / "configs" / "paper" / "small.yaml")
    _, wish = read_study(recipe, images={"mine": [str(folder / "b.tif")]}, output=str(tmp_path / "out"))
    files, levels = swept(wish)
    assert len(files) == 3 * 4
    assert {row["encoder"] for row in files} == {"png", "jp2", "jpg"}
    assert len(levels) == 4 * 4


def test_annotations_of_a_data_set_are_masks(ask: Ask, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "pictures"
    place.mkdir()
    shutil.copy(folder / "b.tif", place)
    planes = make_rareplanes(tmp_path / "rareplanes", pixels(folder / "b.tif")[:, :64, :64])
    images = {"plain": {"folder": str(place), "layout": "plain"}}
    masks = {"objects": "{annotations}:saliency=0.8"}
    with pytest.raises(SaliencyError, match=r"masks: objects: no image has \{annotations\}.*by its layout"):
        run_sweep(ask(images=images, masks=masks))
    assert not (tmp_path / "out").exists()
    images["planes"] = {"folder": str(planes), "layout": "rareplanes", "parts": "synthetic"}
    wish = ask(images=images, masks=masks, levels=False)
    with pytest.warns(GeosalWarning, match="no annotations"):
        seen = run_sweep(wish).seen
    assert [(each.dataset, each.look.name) for each in seen if each.look.kernel is None] == [("planes", "objects")]
    with pytest.raises(UsageError, match="alone can stand in braces"):
        Smoothing.of(wish, Look("a", None, ("{nme}.tif",)), find_pictures(wish)[0])


def test_nothing_is_done_where_nothing_can_be_read(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no image")
    with pytest.raises(SceneError, match=r"x\.png.*no other image"):
        run_sweep(ask(images=str(tmp_path / "x.png")))
    assert not (tmp_path / "out").exists()


def test_an_encoder_that_cannot_be_is_refused_before_the_work(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="QUALITY"):
        run_sweep(ask(encoders={"png": None, "jpg": {"quality": [50, 500]}}))
    with pytest.raises(UsageError, match="perlin"):
        run_sweep(ask(masks=["perlin:seeds=4"]))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r"geosal\[bpg\]"):
        run_sweep(ask(encoders={"png": None, "bpg": {"quality": [28]}}))
    assert not (tmp_path / "out").exists()
