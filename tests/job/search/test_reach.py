"""From what is asked to a file that has it, by the main job."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import geosal
from geosal.errors import GeosalWarning, OutputError, TargetError, UsageError
from geosal.job.search import find
from geosal.job.search.rates import RateSearch
from geosal.job.search.sample import Sample
from geosal.produce import make_file


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
    rgb_corner: Path, compress: Callable[..., geosal.Summary], suffix: str, profile: str, bpp: float
) -> None:
    more = {"creation_options": {"BLOCKSIZE": "128"}} if profile == "lerc" else {}
    summary = compress(rgb_corner, suffix, profile=profile, target_bpp=bpp, **more)
    assert summary.bits_per_pixel == pytest.approx(bpp, rel=0.01)
    assert Path(summary.output).stat().st_size == summary.bytes
    assert summary.search is not None
    assert summary.search["encodes"] == 1  # the sample is the scene
    assert summary.search["trials"] <= (60 if profile == "jpeg" else 24)  # a JPEG looks for its gap as well
    json.dumps(summary.to_dict())


def test_a_limit_is_not_passed(uint16_scene: Path, compress: Callable[..., geosal.Summary]) -> None:
    plain = compress(uint16_scene, profile="zstd", treatment="smooth")
    limit = round(plain.bytes * 0.93)
    summary = compress(uint16_scene, profile="zstd", target_size=limit, overwrite=True)
    assert 0.99 * limit <= summary.bytes <= limit
    with rasterio.open(summary.output) as dataset:
        assert dataset.tags()["GEOSAL_LADDER"] == f"steps={summary.ladder['steps']} sigma={summary.ladder['sigma']}"


@pytest.mark.parametrize(
    ("suffix", "profile", "places", "option"),
    [
        ("tif", "jpeg", (30.0, 90.0), "QUALITY=30"), ("jp2", "jp2", (1.0, 4.0), "QUALITY=2"),
        ("jpg", "jpg", (30.0, 90.0), "QUALITY=30"),
    ],
)  # fmt: skip
def test_a_first_file_below_the_limit_is_given_back_where_the_second_passes_it(
    rgb_corner: Path,
    tmp_path: Path,
    compress: Callable[..., geosal.Summary],
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    profile: str,
    places: tuple[float, float],
    option: str,
) -> None:
    first, second = places
    key = option.partition("=")
    more = {"treatment": "smooth", "overwrite": True}
    plain = compress(rgb_corner, suffix, profile=profile, creation_options={key[0]: key[2]}, **more)
    there = {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr(RateSearch, "first", lambda search: search._knob.at(first))
    monkeypatch.setattr(RateSearch, "again", lambda search, _: search._knob.at(second))
    with pytest.warns(GeosalWarning, match=f"below the limit, with --co {option}"):
        summary = compress(rgb_corner, suffix, profile=profile, target_size=round(plain.bytes * 1.2), **more)
    assert summary.bytes == Path(summary.output).stat().st_size
    assert summary.bytes == pytest.approx(plain.bytes, abs=200)  # tags tell of another wish
    assert summary.search is not None
    assert (summary.search["encodes"], summary.search["reached_bytes"]) == (2, summary.bytes)
    assert summary.search["encoded"][1]["bytes"] > 1.2 * plain.bytes
    assert {path.name for path in tmp_path.iterdir()} == there
    assert all(check.ok for check in geosal.verify(summary.output, against=str(rgb_corner)))


def test_a_first_file_below_the_limit_is_taken_where_the_second_finds_no_room(
    rgb_corner: Path, tmp_path: Path, compress: Callable[..., geosal.Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"profile": "jp2", "treatment": "smooth", "overwrite": True}
    plain = compress(rgb_corner, "jp2", creation_options={"QUALITY": "2"}, **more)
    there = {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr(RateSearch, "first", lambda search: search._knob.at(1.0))
    monkeypatch.setattr(RateSearch, "again", lambda search, _: search._knob.at(1.1))
    made = []

    def full(*given: Any, **more: Any) -> None:
        made.append(given[0])
        if len(made) == 2:
            made[0].write_bytes(b"what was written before the disk was full")
            raise OutputError("no room")
        make_file(*given, **more)

    monkeypatch.setattr("geosal.job.carry_out.make_file", full)
    with pytest.warns(GeosalWarning, match="first file is taken, with --co QUALITY=2; .* not written: no room"):
        summary = compress(rgb_corner, "jp2", target_size=round(plain.bytes * 1.2), **more)
    assert summary.bytes == plain.bytes == Path(summary.output).stat().st_size
    assert summary.search is not None
    assert (summary.search["encodes"], summary.search["reached_bytes"]) == (1, plain.bytes)
    assert {path.name for path in tmp_path.iterdir()} == there
    assert all(check.ok for check in geosal.verify(summary.output, against=str(rgb_corner)))


def test_a_limit_that_nothing_fills_is_kept_with_a_word(
    rgb_corner: Path, compress: Callable[..., geosal.Summary]
) -> None:
    with pytest.warns(GeosalWarning, match="below the limit"):
        summary = compress(rgb_corner, profile="jpeg", target_size="80MB")
    assert summary.bytes < 80e6


@pytest.mark.parametrize(
    ("suffix", "wish", "best"),
    [
        ("tif", {"profile": "jpeg", "target_size": 3200, "treatment": "smooth"}, "QUALITY=1"),
        ("tif", {"profile": "jpeg", "target_size": 3200}, "quality:low=1,high=1"),
        ("tif", {"profile": "zstd", "target_ratio": 500.0}, r"--steps 32 .*; ask for more bytes, or write fewer"),
        ("tif", {"profile": "jpeg", "target_bpp": 100.0}, "ask for fewer bytes"),
        ("tif", {"profile": "jpeg", "min_psnr": "60"}, "psnr whole"),
    ],
)
def test_what_cannot_be_reached_ends_with_the_best_that_was_and_without_a_file(
    rgb_corner: Path, tmp_path: Path, compress: Callable[..., geosal.Summary], suffix: str, wish: Any, best: str
) -> None:
    with pytest.raises(TargetError, match=best) as caught:
        compress(rgb_corner, suffix, **wish)
    assert "the best is" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("suffix", "profile", "floor"),
    [("tif", "jpeg", "salient:25"), ("tif", "webp", "salient:26"), ("jp2", "jp2", "salient:36")],
)
def test_quality_is_kept_and_hardly_more(
    rgb_corner: Path, compress: Callable[..., geosal.Summary], suffix: str, profile: str, floor: str
) -> None:
    summary = compress(rgb_corner, suffix, profile=profile, min_psnr=floor)
    least = float(floor.partition(":")[2])
    with rasterio.open(rgb_corner) as scene, rasterio.open(summary.output) as output:
        original, found = scene.read(), output.read()
    valid = (original != 0) & (np.arange(original.shape[2]) < original.shape[2] // 2)  # the left half is salient
    psnr = peak_signal_noise_ratio(original[valid], found[valid], data_range=255)  # type: ignore[no-untyped-call]
    assert least <= psnr <= least + 0.3
    assert summary.search is not None
    assert summary.search["reached"]["psnr salient"] == pytest.approx(psnr, abs=0.01)


@pytest.mark.parametrize(
    ("suffix", "wish", "found"),
    [
        ("tif", {"profile": "webp"}, "--treatment quality:low=88,high=100"),
        ("tif", {"profile": "webp", "treatment": "smooth"}, "--co QUALITY=100"),
        ("jp2", {"profile": "jp2"}, "--treatment quality:low="),
    ],
)
def test_what_only_lossless_pixels_have_is_reached_by_them(
    rgb_corner: Path, compress: Callable[..., geosal.Summary], suffix: str, wish: Any, found: str
) -> None:
    summary = compress(rgb_corner, suffix, min_psnr="salient:99", **wish)
    with rasterio.open(rgb_corner) as scene, rasterio.open(summary.output) as output:
        original, made, valid = scene.read(), output.read(), output.dataset_mask() != 0
    valid[:, valid.shape[1] // 2 :] = False  # the left half is salient
    np.testing.assert_array_equal(made[:, valid], original[:, valid])
    assert summary.search is not None
    assert summary.search["found"].startswith(found)


def test_no_pixels_are_lossless_where_the_user_or_alpha_forbids_it(
    rgb_corner: Path, tmp_path: Path, compress: Callable[..., geosal.Summary]
) -> None:
    with_alpha = tmp_path / "alpha.tif"
    with rasterio.open(rgb_corner) as scene:
        layout = scene.profile | {"count": 4, "nodata": None}
        with rasterio.open(with_alpha, "w", **layout) as made:
            made.colorinterp = [*scene.colorinterp[:3], ColorInterp.alpha]
            made.write(np.concatenate([scene.read(), np.full((1, *scene.shape), 255, np.uint8)]))
    for path, treatment in ((rgb_corner, "quality:high=50"), (with_alpha, "quality")):
        with pytest.raises(TargetError, match="cannot be reached by treatment quality"):
            compress(path, profile="webp", min_psnr="salient:99", treatment=treatment)


@pytest.mark.parametrize(
    ("profile", "floors"),
    [("deflate", {"min_psnr": "30", "min_ssim": "0.8"}), ("jpeg", {"min_psnr": "salient:25", "min_ssim": "0.5"})],
)
def test_quality_is_that_of_the_comparison(
    rgb_corner: Path, compress: Callable[..., geosal.Summary], profile: str, floors: dict[str, str]
) -> None:
    summary = compress(rgb_corner, profile=profile, block=256, workers=1, saliency="grid", **floors)
    found = geosal.compare(str(rgb_corner), summary.output, "grid")
    assert summary.search is not None
    reached = summary.search["reached"]
    for asked, figure in reached.items():
        measure, part = asked.split()
        assert figure == getattr(found.scores(part), measure)
    for asked, figure in summary.search["predicted"].items():  # the sample is the scene, its seams included
        assert figure == pytest.approx(reached[asked], abs=1e-12 if profile == "deflate" else 1e-3)


def test_alpha_may_be_any_band(tmp_path: Path, compress: Callable[..., geosal.Summary]) -> None:
    scene = tmp_path / "alpha.tif"
    pixels = np.clip(np.random.default_rng(1).normal(120, 25, (4, 300, 300)), 0, 255).astype(np.uint8)
    pixels[0] = 255
    pixels[0, :20] = 0
    layout = {"height": 300, "width": 300, "count": 4, "dtype": "uint8", "crs": 32631, "transform": Affine.scale(10)}
    with rasterio.open(scene, "w", driver="GTiff", **layout) as dataset:
        dataset.colorinterp = [ColorInterp.alpha, ColorInterp.red, ColorInterp.green, ColorInterp.blue]
        dataset.write(pixels)
    summary = compress(scene, min_psnr="26")
    psnr = geosal.compare(str(scene), summary.output).scores().psnr
    assert 26 <= psnr < 29
    assert summary.search is not None
    assert summary.search["reached"] == {"psnr whole": psnr}
    assert summary.search["predicted"] == {"psnr whole": psnr}


def test_of_floats_the_whole_scene_has_the_range(
    tmp_path: Path, compress: Callable[..., geosal.Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "ACROSS", 2)
    scene = tmp_path / "floats.tif"
    pixels = np.random.default_rng(1).normal(0, 1, (1, 1200, 1200)).astype(np.float32)
    pixels[0, 600:602, 598:600] = -50, 50  # between the pieces
    layout = {"height": 1200, "width": 1200, "count": 1, "dtype": "float32", "crs": 32631}
    with rasterio.open(scene, "w", driver="GTiff", **layout, transform=Affine.scale(10)) as dataset:
        dataset.write(pixels)
    summary = compress(scene, profile="lerc", min_psnr="salient:60")
    assert summary.search is not None
    assert summary.search["sample_pixels"] == 1024**2
    found = geosal.compare(str(scene), summary.output, "half")
    assert found.data_range == 100
    assert summary.search["reached"] == {"psnr salient": found.scores("salient").psnr}
    assert summary.search["predicted"]["psnr salient"] == pytest.approx(found.scores("salient").psnr, abs=1)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_threads_have_freed_does_not_stay_with_them() -> None:
    code = """
import os
from threading import Thread
import numpy as np
from geosal.core.machine import trim_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def work():
    arrays = [np.ones(60_000, np.uint8) for _ in range(3000)]
    kept.append(arrays[-1])

kept = []
thread = Thread(target=work)
thread.start()
thread.join()
before = resident()
trim_memory()
print(before - resident())
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) > 100e6


def test_a_search_leaves_no_files_of_trials(
    tmp_path: Path, rgb_corner: Path, compress: Callable[..., geosal.Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    write = Sample.write

    def counting(self: Sample, treated: Any, target: Any, tiles: Any, folder: Path) -> Path:
        seen.append(len(list(folder.iterdir())))
        return write(self, treated, target, tiles, folder)

    monkeypatch.setattr(Sample, "write", counting)
    compress(rgb_corner, suffix="jp2", profile="jp2", min_psnr="salient:36")
    assert len(seen) > 2
    assert set(seen) == {0}


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
    rgb_corner: Path, compress: Callable[..., geosal.Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "ACROSS", 1)  # a sample of one piece
    summary = compress(rgb_corner, profile="jpeg", saliency="grid", target_ratio=6.0)
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
    rgb_corner: Path, tmp_path: Path, compress: Callable[..., geosal.Summary], wish: Any, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        compress(rgb_corner, **wish)
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_the_user_has_fixed_stays_and_the_ladder_is_turned(
    rgb_corner: Path, compress: Callable[..., geosal.Summary]
) -> None:
    fixed = {"profile": "jpeg", "treatment": "smooth", "creation_options": {"QUALITY": "80"}}
    plain = compress(rgb_corner, **fixed)
    summary = compress(rgb_corner, **fixed, target_size=round(plain.bytes * 1.15), overwrite=True)
    assert summary.search is not None
    assert summary.search["knob"] == "ladder"
    assert summary.bytes == pytest.approx(plain.bytes * 1.15, rel=0.01)


@pytest.mark.parametrize(
    ("profile", "treatment", "bpp"),
    [
        ("jpeg", ("quality",), 3.2),
        ("webp", ("smooth", "quality:high=100"), 9.5),
        ("zstd", ("smooth", "bound"), 12.5),
        ("zstd", ("bound",), 19.0),
        ("zstd", ("bound",), 16.3),
        ("zstd", ("bound",), 11.1),
        ("deflate", ("bound",), 20.5),
    ],
)
def test_treatments_are_turned_too(
    rgb_scene: Path, compress: Callable[..., geosal.Summary], profile: str, treatment: tuple[str, ...], bpp: float
) -> None:
    summary = compress(rgb_scene, profile=profile, treatment=treatment, target_bpp=bpp)
    assert summary.bits_per_pixel == pytest.approx(bpp, rel=0.01)
    assert summary.search is not None
    assert "--treatment" in summary.search["found"]
