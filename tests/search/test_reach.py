"""From what is asked to a file that has it, by the main job."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import geosal
from geosal.errors import GeosalWarning, TargetError, UsageError
from geosal.search import find


@pytest.fixture
def compress(tmp_path: Path) -> Callable[..., geosal.Summary]:
    def run(scene: Path, suffix: str = "tif", **options: Any) -> geosal.Summary:
        return geosal.compress(str(scene), str(tmp_path / f"out.{suffix}"), **{"saliency": "half", **options})

    return run


@pytest.mark.parametrize(
    ("suffix", "profile", "bpp"),
    [
        ("tif", "jpeg", 3.0), ("tif", "webp", 3.0), ("tif", "lerc", 9.0), ("tif", "deflate", 13.0), ("jp2", "jp2", 2.0),
        ("jp2", "jp2-lossless", 10.0),
    ],
)  # fmt: skip
def test_bytes_are_met_within_a_hundredth(
    rgb_scene: Path, compress: Callable[..., geosal.Summary], suffix: str, profile: str, bpp: float
) -> None:
    more = {"creation_options": {"BLOCKSIZE": "128"}} if profile == "lerc" else {}
    summary = compress(rgb_scene, suffix, profile=profile, target_bpp=bpp, **more)
    assert summary.bits_per_pixel == pytest.approx(bpp, rel=0.01)
    assert Path(summary.output).stat().st_size == summary.bytes
    assert summary.search is not None
    assert summary.search["encodes"] == 1  # the sample is the scene
    assert summary.search["trials"] <= 24
    json.dumps(summary.to_dict())


def test_a_limit_is_not_passed(uint16_scene: Path, compress: Callable[..., geosal.Summary]) -> None:
    plain = compress(uint16_scene, profile="zstd")
    limit = round(plain.bytes * 0.93)
    summary = compress(uint16_scene, profile="zstd", target_size=limit, overwrite=True)
    assert 0.99 * limit <= summary.bytes <= limit
    with rasterio.open(summary.output) as dataset:
        assert dataset.tags()["GEOSAL_LADDER"] == f"steps={summary.ladder['steps']} sigma={summary.ladder['sigma']}"


def test_a_limit_that_nothing_fills_is_kept_with_a_word(
    rgb_scene: Path, compress: Callable[..., geosal.Summary]
) -> None:
    with pytest.warns(GeosalWarning, match="below the limit"):
        summary = compress(rgb_scene, profile="jpeg", target_size="80MB")
    assert summary.bytes < 80e6


@pytest.mark.parametrize(
    ("suffix", "wish", "best"),
    [
        ("tif", {"profile": "jpeg", "target_size": 5000}, "QUALITY=1"),
        ("tif", {"profile": "zstd", "target_ratio": 500.0}, "--steps 32"),
        ("tif", {"profile": "jpeg", "target_bpp": 100.0}, "ask for fewer bytes"),
        ("tif", {"profile": "jpeg", "min_psnr": "60"}, "psnr whole"),
    ],
)
def test_what_cannot_be_reached_ends_with_the_best_that_was_and_without_a_file(
    rgb_scene: Path, tmp_path: Path, compress: Callable[..., geosal.Summary], suffix: str, wish: Any, best: str
) -> None:
    with pytest.raises(TargetError, match=best) as caught:
        compress(rgb_scene, suffix, **wish)
    assert "the best is" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("suffix", "profile", "floor"),
    [("tif", "jpeg", "salient:25"), ("tif", "webp", "salient:26"), ("jp2", "jp2", "salient:36")],
)
def test_quality_is_kept_and_hardly_more(
    rgb_scene: Path, compress: Callable[..., geosal.Summary], suffix: str, profile: str, floor: str
) -> None:
    summary = compress(rgb_scene, suffix, profile=profile, min_psnr=floor)
    least = float(floor.partition(":")[2])
    with rasterio.open(rgb_scene) as scene, rasterio.open(summary.output) as output:
        original, found = scene.read(), output.read()
    valid = (original != 0) & (np.arange(original.shape[2]) < original.shape[2] // 2)  # the left half is salient
    psnr = peak_signal_noise_ratio(original[valid], found[valid], data_range=255)  # type: ignore[no-untyped-call]
    assert least <= psnr <= least + 0.3
    assert summary.search is not None
    assert summary.search["reached"]["psnr salient"] == pytest.approx(psnr, abs=0.01)


def test_structure_is_kept_by_the_ladder(tmp_path: Path, compress: Callable[..., geosal.Summary]) -> None:
    scene = tmp_path / "grey.tif"
    rng = np.random.default_rng(9)
    pixels = np.clip(rng.normal(120, 12, (400, 400)).cumsum(axis=1) % 200 + 20, 0, 255).astype(np.uint8)
    with rasterio.open(scene, "w", driver="GTiff", height=400, width=400, count=1, dtype="uint8") as dataset:
        dataset.write(pixels, 1)
    with pytest.warns(GeosalWarning, match="georeferencing"):
        summary = compress(scene, profile="zstd", min_ssim="0.7")
    with rasterio.open(summary.output) as output:
        found = output.read(1)
    likeness = structural_similarity(  # type: ignore[no-untyped-call]
        pixels, found, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert likeness >= 0.7
    assert summary.ladder["steps"] < 32


def test_what_the_sample_has_not_told_one_more_encode_mends(
    rgb_scene: Path, compress: Callable[..., geosal.Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "_ACROSS", 1)  # a sample of one piece
    summary = compress(rgb_scene, profile="jpeg", saliency="grid", target_ratio=6.0)
    assert summary.search is not None
    assert summary.search["encodes"] <= 2
    raw = summary.width * summary.height * summary.count
    assert summary.bytes == pytest.approx(raw / 6, rel=0.01)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"profile": "raw", "target_bpp": 3.0}, "needs a codec"),
        ({"target_bpp": 3.0, "target_size": 10**6}, "leave one out"),
        ({"profile": "jpeg", "creation_options": {"QUALITY": "60.5", "OVERVIEW_RESAMPLING": "CUBIC"}}, "whole numbers"),
    ],
)
def test_what_contradicts_itself_is_refused_before_any_work(
    rgb_scene: Path, tmp_path: Path, compress: Callable[..., geosal.Summary], wish: Any, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        compress(rgb_scene, **wish)
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_the_user_has_fixed_stays_and_the_ladder_is_turned(
    rgb_scene: Path, compress: Callable[..., geosal.Summary]
) -> None:
    fixed = {"profile": "jpeg", "creation_options": {"QUALITY": "80"}}
    plain = compress(rgb_scene, **fixed)
    summary = compress(rgb_scene, **fixed, target_size=round(plain.bytes * 1.15), overwrite=True)
    assert summary.search is not None
    assert summary.search["knob"] == "ladder"
    assert summary.bytes == pytest.approx(plain.bytes * 1.15, rel=0.01)


@pytest.mark.parametrize(
    ("profile", "treatment", "bpp"),
    [("jpeg", ("quality",), 3.2), ("webp", ("smooth", "quality:high=100"), 9.5), ("zstd", ("smooth", "bound"), 12.5)],
)
def test_treatments_are_turned_too(
    rgb_scene: Path, compress: Callable[..., geosal.Summary], profile: str, treatment: tuple[str, ...], bpp: float
) -> None:
    summary = compress(rgb_scene, profile=profile, treatment=treatment, target_bpp=bpp)
    assert summary.bits_per_pixel == pytest.approx(bpp, rel=0.01)
    assert summary.search is not None
    assert "--treatment" in summary.search["found"]
