"""Profiles side by side: their figures are those of the jobs, and what is promised holds."""

import math
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

import geosal
from geosal.cli.main import geosal as group
from geosal.errors import TargetError, UsageError
from geosal.formats.table import PROFILES
from geosal.job.choices import Choice, Choices, plan_profiles

OF_8_BITS = tuple(PROFILES)
OF_16_BITS = ("deflate", "zstd", "lzw", "lzma", "raw", "lerc", "jxl", "jp2-lossless", "jp2", "htj2k", "zarr", "png")
OF_FLOATS = ("deflate", "zstd", "lzw", "lzma", "raw", "zarr")


def _make(choice: Choice) -> None:
    """Do what the choice's command says."""
    result = CliRunner().invoke(group, shlex.split(choice.command)[1:], prog_name="geosal")
    assert result.exit_code == 0, result.output


def _of(choices: Choices, profile: str) -> Choice:
    return next(choice for choice in choices.profiles if choice.profile == profile)


@pytest.mark.parametrize(
    ("scene", "fitting"), [("rgb_corner", OF_8_BITS), ("small_scene", OF_16_BITS), ("float32_corner", OF_FLOATS)]
)
def test_all_that_fit_are_told_and_the_others_with_the_reason(
    scene: str, fitting: tuple[str, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(scene)
    choices = plan_profiles(path, tmp_path / "out.tif", saliency="grid")
    assert list(tmp_path.iterdir()) == []
    assert {choice.profile for choice in choices.profiles} == set(fitting)
    assert {left.profile for left in choices.left_out} == set(PROFILES) - set(fitting)
    assert all(left.because.startswith(("cannot hold", "loses NaN")) for left in choices.left_out)
    order = [(not choice.keeps_salient, choice.bytes) for choice in choices.profiles]
    assert order == sorted(order)
    assert [choice.profile for choice in choices.profiles if choice.is_default] == ["deflate"]
    assert choices.is_whole
    for choice in choices.profiles:
        assert choice.seconds > 0
        assert choice.opens_in == PROFILES[choice.profile].opens_in
        assert choice.of_input_percent == pytest.approx(100 * choice.bytes / path.stat().st_size, abs=0.01)


@pytest.mark.parametrize("profile", ["zstd", "png", "zarr", "jpeg", "webp", "jp2", "jpg", "lerc"])
def test_the_figures_are_those_of_the_job(rgb_corner: Path, tmp_path: Path, profile: str) -> None:
    choices = plan_profiles(rgb_corner, tmp_path / "out.tif", saliency="grid", profiles=profile)
    (choice,) = choices.profiles
    _make(choice)
    made = Path(choice.output)
    size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file()) or made.stat().st_size
    assert choice.bytes == pytest.approx(size, rel=0.03)
    found = geosal.compare(rgb_corner, made, "grid")
    other = 0.25 if profile == "jpg" else 0.1  # a sample is decoded by libjpeg-turbo, a file by what GDAL has
    assert choice.psnr_background == pytest.approx(found.scores("background").psnr, abs=other)
    assert choice.largest_error == found.scores().max_error
    assert math.isinf(found.scores("salient").psnr) == choice.keeps_salient
    if not choice.keeps_salient:
        assert choice.psnr_salient == pytest.approx(found.scores("salient").psnr, abs=other)


def test_a_promise_is_the_bound_and_holds(uint16_scene: Path, tmp_path: Path) -> None:
    choices = plan_profiles(
        uint16_scene, tmp_path / "out.tif", saliency="grid", treatment="bound:error=40", profiles="zstd,lerc,jp2"
    )
    assert [(choice.largest_error, choice.is_promised, choice.keeps_salient) for choice in choices.profiles] == [
        (40, True, True),
        (40, True, True),
    ]
    (left,) = choices.left_out
    assert left.profile == "jp2"
    assert "no bound would hold" in left.because
    _make(_of(choices, "zstd"))
    scores = geosal.compare(uint16_scene, tmp_path / "out.tif", "grid").scores()
    assert 0 < scores.max_error <= 40


def test_what_is_smoothed_has_no_promise(uint16_scene: Path, tmp_path: Path) -> None:
    choices = plan_profiles(
        uint16_scene, tmp_path / "out.tif", saliency="grid", treatment=["smooth", "bound:error=40"], profiles="zstd"
    )
    assert not choices.profiles[0].is_promised
    assert choices.profiles[0].largest_error > 40


def test_a_sample_of_a_large_scene_tells_how_large_its_output_is(
    tmp_path: Path, rgb_corner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.job.search.places._FEW", 2)
    monkeypatch.setattr("geosal.job.search.places.PIECE", 128)
    choices = plan_profiles(
        rgb_corner, tmp_path / "out.tif", saliency="grid", profiles=["zstd", "jpeg"], overwrite=True
    )
    assert not choices.is_whole
    assert choices.sample_pixels == (2 * 128) ** 2
    for choice in choices.profiles:
        _make(choice)
        assert choice.bytes == pytest.approx(Path(choice.output).stat().st_size, rel=0.25)


@pytest.mark.parametrize(
    ("output", "expected", "default"),
    [
        ("out.jp2", {"zstd": "out.tif", "jp2": "out.jp2", "png": "out.png"}, None),
        ("out.tiff", {"zstd": "out.tiff", "jp2": "out.jp2", "png": "out.png"}, None),
        ("v1.2", {"zstd": "v1.2.tif", "jp2": "v1.2.jp2", "png": "v1.2.png"}, None),
        ("", {"zstd": "small.tif", "jp2": "small.jp2", "png": "small.png"}, None),
        ("out.png", {"zstd": "out.tif", "jp2": "out.jp2", "png": "out.png"}, "png"),
    ],
)
def test_the_output_gets_the_suffix_of_each_format(
    small_scene: Path, tmp_path: Path, output: str, expected: dict[str, str], default: str | None
) -> None:
    choices = plan_profiles(small_scene, tmp_path / output, saliency="half", profiles=list(expected))
    assert {choice.profile: Path(choice.output).name for choice in choices.profiles} == expected
    assert all(Path(choice.output).parent == tmp_path for choice in choices.profiles)
    marked = [choice.profile for choice in choices.profiles if choice.is_default]
    assert marked == ([] if default is None else [default])


def test_the_profile_of_the_recipe_is_marked(rgb_corner: Path, tmp_path: Path) -> None:
    choices = plan_profiles(rgb_corner, tmp_path / "out.tif", saliency="half", profiles="zstd,lzw", profile="lzw")
    assert [choice.is_default for choice in choices.profiles if choice.profile == "lzw"] == [True]
    assert sum(choice.is_default for choice in choices.profiles) == 1


def test_with_a_target_each_profile_has_the_setting_that_meets_it(rgb_corner: Path, tmp_path: Path) -> None:
    choices = plan_profiles(
        rgb_corner, tmp_path / "out.tif", saliency="grid", target_size=30_000, profiles="jpeg,webp,zstd"
    )
    for choice in choices.profiles:
        assert choice.bytes == pytest.approx(30_000, rel=0.02)
        assert choice.treatment.startswith("quality:low=")
    assert [left.profile for left in choices.left_out] == ["zstd"]
    assert "cannot be reached" in choices.left_out[0].because
    with pytest.raises(TargetError, match="none does; zstd .+cannot be reached"):
        plan_profiles(rgb_corner, tmp_path / "out.tif", saliency="grid", target_size=3_000, profiles="zstd")


def test_a_codec_that_must_lose_to_meet_a_target_promises_nothing(rgb_corner: Path, tmp_path: Path) -> None:
    (lerc,) = plan_profiles(
        rgb_corner, tmp_path / "out.tif", saliency="grid", target_size=75_000, profiles="lerc"
    ).profiles
    assert lerc.setting is not None
    assert lerc.setting.startswith("--co MAX_Z_ERROR=")
    assert not lerc.lossless
    assert not lerc.keeps_salient
    assert np.isfinite(lerc.psnr_salient)


def test_what_is_larger_is_left_out_where_that_is_asked_for(rgb_corner: Path, tmp_path: Path) -> None:
    choices = plan_profiles(rgb_corner, tmp_path / "out.tif", saliency="grid", profiles="raw,zstd", not_larger=True)
    assert [choice.profile for choice in choices.profiles] == ["zstd"]
    assert choices.left_out[0].because.startswith("--not-larger: would take about")


@pytest.mark.parametrize(("profiles", "message"), [("defalte", "no profile defalte; say all"), (" , ", "names none")])
def test_names_that_are_none_are_refused_before_the_scene_is_opened(
    profiles: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        plan_profiles(tmp_path / "no.tif", tmp_path / "out.tif", saliency="half", profiles=profiles)


def test_where_none_fits_the_reason_is_told(float32_corner: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none fits; jpeg cannot hold float32"):
        plan_profiles(float32_corner, tmp_path / "out.tif", saliency="half", profiles="jpeg,webp")


def test_options_of_one_codec_leave_out_those_that_have_none(rgb_corner: Path, tmp_path: Path) -> None:
    choices = plan_profiles(
        rgb_corner, tmp_path / "out.tif", saliency="half", profiles="zstd,jpeg,jpg", creation_options={"QUALITY": 60}
    )
    assert {choice.profile for choice in choices.profiles} == {"jpeg", "jpg"}
    assert "QUALITY=60" in choices.left_out[0].because


def test_blocks_are_read_once_for_all_profiles(
    rgb_corner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    from geosal.scenes import Scene

    original: Callable[..., object] = Scene.read

    def watched(self: Scene, block: object) -> object:
        read.append(block)
        return original(self, block)

    monkeypatch.setattr(Scene, "read", watched)
    plan_profiles(rgb_corner, tmp_path / "out.tif", saliency="half", profiles="zstd", block=256)
    once = len(read)
    read.clear()
    plan_profiles(rgb_corner, tmp_path / "out.tif", saliency="half", profiles="zstd,lzw,raw", block=256)
    assert len(read) <= once + 2  # what tells the default treatments


def test_a_notebook_shows_a_table_and_a_program_gets_plain_data(small_scene: Path, tmp_path: Path) -> None:
    told: list[float | None] = []
    choices = plan_profiles(
        small_scene, tmp_path / "out.tif", saliency="uniform:saliency=0.5", profiles="zstd,jpeg",
        progress=lambda event: told.append(event.share),
    )  # fmt: skip
    assert told == [0.0, 1.0]
    assert ">zstd</td>" in choices._repr_html_()
    document = choices.to_dict()
    assert document["left_out"][0]["profile"] == "jpeg"
    (zstd,) = document["profiles"]
    assert zstd["psnr_salient"] is None  # no pixel is
    assert np.isfinite(zstd["psnr_background"])
    with rasterio.open(small_scene) as scene:
        assert (document["width"], document["height"]) == (scene.width, scene.height)
