import math
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import geosal
from geosal.metrics import Scores
from geosal.reports import ReportSpec, words
from geosal.reports.counts import BINS
from geosal.reports.measured import Measured, open_all


def _measured(scene: Path, output: Path) -> Measured:
    (opened,) = open_all(ReportSpec(original=str(scene), outputs=(str(output),), path="x.html"))
    return Measured.of(opened, lambda _: None)


def _scores(**changed: float) -> Scores:
    usual = {
        "samples": 10,
        "mse": 4.0,
        "rmse": 2.0,
        "mae": 1.0,
        "psnr": 42.1,
        "max_error": 5,
        "ssim": 0.9,
        "ms_ssim": 0.9,
    }
    return Scores(**{**usual, **changed})


def _sizes(kept: dict[int, int], rest: dict[int, int]) -> np.ndarray:
    """Samples by bin of their errors."""
    found = np.zeros((2, BINS), np.int64)
    for row, told in enumerate((kept, rest)):
        found[row, list(told)] = list(told.values())
    return found


def test_what_most_samples_are_off_by_is_told_beside_the_root_mean_square(folder: Path) -> None:
    outcome = _measured(folder / "scene.tif", folder / "out.jpg").outcome
    kept, rest = outcome.scores("salient"), outcome.scores("background")
    told = words.loss_sentence(outcome, _sizes({0: 60, 2: 40}, {1: 30, 3: 30, 9: 40}), 1.0)
    assert f"That part: 60.0 % of its samples are exact, and none is off by more than {kept.max_error:g};" in told
    assert (
        f"The rest: 60.0 % of its samples are off by 4 or less, and none is off by more than {rest.max_error:g};"
        in told
    )
    assert f"the root mean square error is {rest.rmse:.3g}, {100 * rest.rmse / 255:.3g} % of the range" in told
    told = words.loss_sentence(outcome, _sizes({12: 1}, {12: 1}), 1.0)
    assert f"That part is off by {kept.max_error:g} at most;" in told


@pytest.mark.parametrize("worse", [True, False])
def test_a_lower_figure_of_what_matters_is_explained(folder: Path, worse: bool) -> None:
    outcome = _measured(folder / "scene.tif", folder / "out.jpg").outcome
    rows = tuple(
        replace(row, scores=_scores(psnr=31.0 if (row.part == "salient") == worse else 33.0)) for row in outcome.rows
    )
    told = words.loss_sentence(replace(outcome, rows=rows), _sizes({1: 1}, {1: 1}), 1.0)
    assert ("does not say that it was treated worse" in told) == worse


def test_files_that_were_stacked_are_named_and_counted(folder: Path, tmp_path: Path) -> None:
    for name in ("b", "c"):
        shutil.copy(folder / "scene.tif", tmp_path / f"{name}.tif")
    stack = [str(tmp_path / "b.tif"), str(tmp_path / "c.tif")]
    job = geosal.compress(folder / "scene.tif", tmp_path / "out.tif", saliency="half", stack=stack, profile="zstd")
    spec = ReportSpec(
        original=str(folder / "scene.tif"), outputs=(job.output,), path="x.html", options={"stack": stack}
    )
    (opened,) = open_all(spec)
    one = Measured.of(opened, lambda _: None)
    assert words.scene_of(one) == "scene.tif, b.tif and c.tif"
    assert words.scene_of(one, short=True) == "scene.tif and 2 more"
    assert dict(words.asked(one))["Its files"] == "scene.tif, b.tif and c.tif"
    assert (one.input_bytes, round(one.smaller or 0, 2)) == (job.input_bytes, job.smaller_percent)
    told = words.size_sentence(one)
    assert told.startswith(f"out.tif is {words.change(one)} than the input (")
    assert told.endswith("than its samples without a codec.")
    assert "--stack b.tif --stack c.tif" in words.command(one)


def test_a_scene_of_which_some_bands_are_taken_is_said_to_be(folder: Path, tmp_path: Path) -> None:
    geosal.compress(folder / "scene.tif", tmp_path / "out.tif", saliency="half", bidx=[1])
    told = words.size_sentence(_measured(folder / "scene.tif", tmp_path / "out.tif"))
    assert "of which not all bands are taken)" in told


@pytest.mark.parametrize(
    ("kernel", "told"), [(None, words.UNKNOWN), (1.0, "none"), (1.004, "none"), (16.88, "16.88 px")]
)
def test_blur(kernel: float | None, told: str) -> None:
    assert words.blur(kernel) == told


def test_the_command_of_a_report_makes_the_same_file(folder: Path, tmp_path: Path) -> None:
    """What the page tells is run as it stands."""
    from click.testing import CliRunner

    from geosal.cli.main import geosal as group

    output = tmp_path / "out.tif"
    geosal.compress(
        folder / "scene.tif", output, saliency="half", treatment=["smooth", "bound:error=3"], profile="zstd", steps=4
    )
    first, told = output.read_bytes(), words.command(_measured(folder / "scene.tif", output))
    output.unlink()
    program, *rest = shlex.split(told)
    assert program == "geosal"
    place = {"scene.tif": str(folder / "scene.tif"), "out.tif": str(output)}
    result = CliRunner().invoke(group, [place.get(word, word) for word in rest])
    assert result.exit_code == 0, result.output
    assert output.read_bytes() == first


def test_what_was_asked_is_told(folder: Path) -> None:
    told = dict(words.asked(_measured(folder / "scene.tif", folder / "out.jpg")))
    assert told["Where to look"] == "mask.tif"
    assert told["What was done"].startswith("Coded at qualities from")
    assert told["Codec"] == "jpg (JPEG)"
    assert told["Scene"] == "120 x 96 pixels, 3 bands of uint8"


def test_a_file_of_another_program_promises_nothing(folder: Path, tmp_path: Path) -> None:
    import rasterio.shutil

    rasterio.shutil.copy(folder / "scene.tif", tmp_path / "foreign.tif", driver="GTiff")
    one = _measured(folder / "scene.tif", tmp_path / "foreign.tif")
    assert one.checks is None
    assert "promises nothing" in words.proof_sentence(one)
    assert words.command(one) == ""
    assert words.loss_sentence(one.outcome, _sizes({}, {0: 30}), 1.0) == "The scene is exactly as it was."


def test_a_broken_promise_is_told(folder: Path, tmp_path: Path) -> None:
    from rasters import read

    geosal.compress(folder / "scene.tif", tmp_path / "out.tif", saliency="uniform:saliency=1")
    import rasterio

    pixels = read(tmp_path / "out.tif")
    pixels[0, 50, 60] ^= 1
    with rasterio.open(tmp_path / "out.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.write(pixels)
    one = _measured(folder / "scene.tif", tmp_path / "out.tif")
    assert "does NOT hold what was promised" in words.proof_sentence(one)
    assert "salient" in words.proof_sentence(one)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0 %"),
        (1, "100.0 %"),
        (0.123456, "12.3 %"),
        (0.01234, "1.23 %"),
        (1e-6, "less than 0.01 %"),
        (1 - 1e-6, "more than 99.99 %"),
    ],
)
def test_percents(share: float, told: str) -> None:
    assert words.percent(share) == told


def test_figures_that_are_not_known_or_without_an_end() -> None:
    assert words.decibels(_scores()) == "42.10 dB"
    assert words.decibels(_scores(psnr=math.inf)) == "exact"
    assert words.decibels(_scores(psnr=math.nan, samples=0)) == words.UNKNOWN
    assert words.ssim(_scores(ssim=math.nan)) == words.UNKNOWN
    assert (words.figure(math.nan), words.figure(1234.5), words.figure(0.01234)) == (words.UNKNOWN, "1,234", "0.0123")


def test_names_are_for_people() -> None:
    assert words.name_of("/vsicurl/https://me:secret@host/a/b.tif?token=1") == "b.tif?***"
    assert words.name_of("a/b.SAFE/") == "b.SAFE"
    assert words.brief("m/mask.tif:range=0-9 (sha256 00ff)") == "mask.tif:range=0-9"
