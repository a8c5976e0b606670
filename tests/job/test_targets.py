import gzip
from pathlib import Path

import pytest

from geosal.errors import TargetError, UsageError, VerificationError
from geosal.job.pipeline import run
from geosal.job.plan import make_plan
from geosal.job.recipe import Recipe
from geosal.job.targets import Floor, Targets, parse_ratio


@pytest.mark.parametrize(
    ("measure", "text", "floor"),
    [
        ("psnr", "40", Floor("psnr", "whole", 40)),
        ("psnr", "salient:45.5", Floor("psnr", "salient", 45.5)),
        ("ssim", " Background:.9", Floor("ssim", "background", 0.9)),
    ],
)
def test_floors_are_read(measure: str, text: str, floor: Floor) -> None:
    assert Floor.parse(measure, text) == floor


@pytest.mark.parametrize(
    ("measure", "text", "says"),
    [
        ("psnr", "roi:40", "no such part of the scene; say whole, salient, background"),
        ("psnr", "", "above 0, at most 200 dB"),
        ("psnr", "inf", "above 0, at most 200 dB"),
        ("psnr", "-3", "above 0, at most 200 dB"),
        ("ssim", "1.01", "above 0, at most 1"),
        ("ssim", "salient:nan", "above 0, at most 1"),
    ],
)
def test_floors_that_cannot_be_are_refused(measure: str, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Floor.parse(measure, text)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"bpp": 1.0, "size": 10}, "one of them says how large"),
        ({"ratio": 10.0, "min_psnr": ["40"]}, "ask for bytes or for quality"),
        ({"min_ssim": ["0.9", "whole:0.95"]}, "asked for twice"),
        ({"bpp": 0.0}, "--target-bpp 0.0: it must be a number above 0"),
        ({"bpp": float("nan")}, "above 0"),
        ({"ratio": float("inf")}, "above 0"),
        ({"size": True}, "above 0"),
        ({"jpeg": 0.0}, "--target-jpeg 0.0: a quality of JPEG is a number from 1 to 100"),
        ({"jpeg": -5.0}, "from 1 to 100"),
        ({"jpeg": float("nan")}, "from 1 to 100"),
    ],
)
def test_targets_that_contradict_each_other_are_refused(wish: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Targets.of(**wish)  # type: ignore[arg-type]


def test_each_rate_comes_to_bytes() -> None:
    pixels, raw = 1000, 6000
    assert Targets(bpp=2.0).bytes_for(pixels, raw) == 250
    assert Targets(size=123).bytes_for(pixels, raw) == 123
    assert Targets(ratio=20.0).bytes_for(pixels, raw) == 300
    for less in (Targets(bpp=1e-7), Targets(ratio=1e8)):
        with pytest.raises(UsageError, match="less than a byte"):
            less.bytes_for(pixels, raw)
    assert not Targets()
    with pytest.raises(UsageError, match="no --target"):
        Targets().bytes_for(pixels, raw)


@pytest.mark.parametrize(("text", "ratio"), [("20", 20.0), ("12.5:1", 12.5), (8, 8.0)])
def test_ratios_are_read(text: str | float, ratio: float) -> None:
    assert parse_ratio(text) == ratio


@pytest.mark.parametrize("text", ["", "1:20", "20x", "-3"])
def test_ratios_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="20:1"):
        parse_ratio(text)


def test_a_recipe_takes_targets_as_they_are_written_in_yaml() -> None:
    wish = {"input": "a.tif", "output": "b.tif", "saliency": "half"}
    assert Recipe.from_mapping({**wish, "target_size": "1.5MB"}).targets == Targets(size=1_500_000)
    assert Recipe.from_mapping({**wish, "target_ratio": "20:1"}).targets == Targets(ratio=20.0)
    both = Recipe.from_mapping({**wish, "min_psnr": 40, "min_ssim": ["0.9", "salient:0.99"]}).targets
    assert [str(floor) for floor in both.floors] == [
        "--min-psnr whole:40", "--min-ssim whole:0.9", "--min-ssim salient:0.99"
    ]  # fmt: skip
    for wrong in ({"target_bpp": "many"}, {"min_psnr": [True]}, {"min_psnr": {"salient": 40}}, {"target_size": "0%"}):
        with pytest.raises(UsageError):
            Recipe.from_mapping({**wish, **wrong})


def test_a_missed_target_is_a_failed_verification() -> None:
    assert issubclass(TargetError, VerificationError)
    assert TargetError.exit_code == 6


def test_a_share_is_a_size_that_nobody_knows_yet() -> None:
    targets = Targets.of(size="50%")
    assert targets.is_rate
    assert targets.is_limit
    assert str(targets) == "--target-size 50%"
    with pytest.raises(UsageError, match="50%"):
        targets.bytes_for(100, 100)
    for wrong in ("0%", "101 %", "half"):
        with pytest.raises(UsageError):
            Targets.of(size=wrong)


def test_a_plan_knows_the_bytes_of_a_share(rgb_scene: Path, tmp_path: Path) -> None:
    wish = {"input": str(rgb_scene), "output": str(tmp_path / "out.tif"), "saliency": "half", "profile": "jpeg"}
    plan = make_plan(Recipe.from_mapping({**wish, "target_size": "25 %"}))
    assert plan.recipe.targets.size == rgb_scene.stat().st_size // 4
    summary = run(plan)
    assert 0.98 * plan.recipe.targets.size <= summary.bytes <= plan.recipe.targets.size
    assert summary.recipe["target_size"] == "25 %"  # of the next scene too


def test_a_share_of_what_is_not_here_is_refused(rgb_scene: Path, tmp_path: Path) -> None:
    archive = tmp_path / "rgb.tif.gz"
    archive.write_bytes(gzip.compress(rgb_scene.read_bytes()))
    source = f"/vsigzip/{archive}"
    wish = {"input": source, "output": str(tmp_path / "out.tif"), "saliency": "half", "target_size": "25%"}
    with pytest.raises(UsageError, match="not known here"):
        make_plan(Recipe.from_mapping(wish))
