"""Comparisons of files: the same figures as on whole arrays, and what there is to say beside them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasters import PLACE, read, save
from skimage.metrics import structural_similarity

import geosal
from geosal.comparison import run as comparison_run
from geosal.errors import GeosalWarning, OutputError, SceneError, UsageError
from geosal.metrics import ErrorSums, StructureSums


def test_figures_are_those_of_the_whole_arrays(rgb_scene: Path, smoothed: Path) -> None:
    found = geosal.compare(str(rgb_scene), str(smoothed), "grid")
    first, second = read(rgb_scene), read(smoothed)
    valid = first != 0
    rows, cols = (np.arange(size) * 4 // size for size in first.shape[1:])
    assert found.parts == ("whole", "salient", "background", "level 0", "level 2", "level 5", "level 8")
    assert len(found.rows) == 7 * 4
    assert len(np.unique(np.add.outer(rows, cols))) > 1
    whole = found.scores()
    sums = ErrorSums.of(first, second, valid)
    assert (whole.samples, whole.mse, whole.max_error) == (sums.count, sums.mse, sums.largest)
    assert whole.psnr == sums.psnr(255)
    for band in range(3):
        structure = StructureSums.of(first[band], second[band], 255, valid=valid[band])
        assert found.scores(band=band + 1).ssim == pytest.approx(structure.ssim, abs=1e-12)
        assert found.scores(band=band + 1).ms_ssim == pytest.approx(structure.ms_ssim, abs=1e-12)
    assert whole.ssim == pytest.approx(np.mean([found.scores(band=band).ssim for band in (1, 2, 3)]))
    salient, background = found.scores("salient"), found.scores("background")
    assert (salient.mse, salient.psnr, salient.max_error) == (0, math.inf, 0)
    assert salient.ssim < 1  # windows at its edge hold pixels of the background
    assert salient.samples + background.samples == whole.samples
    assert background.mse * background.samples == pytest.approx(whole.mse * whole.samples)
    assert found.scores("level 8").mse > found.scores("level 2").mse > 0


def test_what_is_said_beside_the_figures(rgb_scene: Path, smoothed: Path) -> None:
    found = geosal.compare(str(rgb_scene), str(smoothed))
    size = smoothed.stat().st_size
    assert (found.width, found.height, found.count, found.dtype) == (780, 520, 3, "uint8")
    assert (found.data_range, found.data_range_from) == (255, "2**8 - 1")
    assert found.georeferenced
    assert found.parts[:3] == ("whole", "salient", "background")
    assert (found.saliency, found.steps) == (found.made_with, 8)
    assert found.made_with is not None
    assert found.made_with.startswith("grid")
    assert found.bits_per_pixel == 8 * size / (780 * 520)
    assert found.reduction == 100 * (1 - size / rgb_scene.stat().st_size)
    assert found.reduction_of_raw == 100 * (1 - size / (780 * 520 * 3))
    assert [row.name for row in found.rows if row.part == "whole"] == ["", "B04", "B03", "B02"]
    assert (found.lost, found.gained) == (0, 0)


@pytest.fixture(scope="module")
def in_blocks_of_1024(rgb_scene: Path, smoothed: Path) -> geosal.Comparison:
    assert comparison_run._BLOCK == 1024
    return geosal.compare(str(rgb_scene), str(smoothed), "perlin:seed=3")


@pytest.mark.parametrize("block", [160, 176, 512])
def test_blocks_do_not_show(
    rgb_scene: Path, smoothed: Path, in_blocks_of_1024: geosal.Comparison, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = in_blocks_of_1024
    monkeypatch.setattr(comparison_run, "_BLOCK", block)
    found = geosal.compare(str(rgb_scene), str(smoothed), "perlin:seed=3")
    for ours, theirs in zip(found.rows, expected.rows, strict=True):
        assert (ours.part, ours.band, ours.scores.samples) == (theirs.part, theirs.band, theirs.scores.samples)
        assert (ours.scores.mse, ours.scores.mae, ours.share) == (theirs.scores.mse, theirs.scores.mae, theirs.share)
        assert ours.scores.ssim == pytest.approx(theirs.scores.ssim, abs=1e-12)
        assert ours.scores.ms_ssim == pytest.approx(theirs.scores.ms_ssim, abs=1e-12)


def test_two_runs_give_the_same_bits(float32_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever thread is done first."""
    out = tmp_path / "out.tif"
    geosal.compress(str(float32_scene), str(out), saliency="perlin:seed=3")
    monkeypatch.setattr(comparison_run, "_BLOCK", 160)
    first, second = (geosal.compare(str(float32_scene), str(out), "perlin:seed=3") for _ in range(2))
    assert repr(first.rows) == repr(second.rows)  # NaN is not itself


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("out.png", {"driver": "PNG"}),
        ("out.jpg", {"driver": "JPEG", "quality": 90}),
        ("out.jp2", {"driver": "JP2OpenJPEG", **PLACE}),
        ("out.webp", {"driver": "WEBP"}),
    ],
)
def test_any_raster_is_a_candidate(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(90, 150, (3, 200, 190), dtype=np.uint8)
    original = save(tmp_path / "scene.tif", pixels, **PLACE)
    candidate = save(tmp_path / name, pixels, **options)
    found = geosal.compare(str(original), str(candidate))
    decoded = read(candidate)
    assert found.georeferenced == name.endswith("jp2")
    assert found.scores().mse == ErrorSums.of(pixels, decoded).mse
    expected = structural_similarity(
        pixels, decoded, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=0
    )
    assert found.scores().ssim == pytest.approx(expected, abs=1e-9)


def test_stores_are_compared_as_well(scene: Path, tmp_path: Path) -> None:
    store = tmp_path / "out.zarr"
    geosal.compress(str(scene), str(store), saliency="half")
    by_path = geosal.compare(str(scene), str(store), "half")
    assert by_path.scores("salient").mse == 0
    assert by_path.scores("background").mse > 0
    turned = geosal.compare(str(store), str(scene), "half")
    assert turned.scores("background").mse == by_path.scores("background").mse
    with pytest.raises(SceneError, match="2 bands beside alpha, not 1"):
        geosal.compare(str(store), str(scene), bidx=(1,))


def test_one_salient_pixel_off_by_one_is_found(scene: Path, tmp_path: Path) -> None:
    pixels = read(scene)
    pixels[1, 100, 17] += 1
    found = geosal.compare(str(scene), str(save(tmp_path / "off.tif", pixels, **PLACE)), "half")
    assert found.scores("salient").max_error == 1
    assert found.scores("salient").mse * found.scores("salient").samples == pytest.approx(1)
    assert found.scores("salient", band=1).max_error == 0
    assert found.scores("background").psnr == math.inf


def test_a_cut_file_is_found(scene: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tif"
    cut.write_bytes(scene.read_bytes()[:-4000])
    with pytest.raises(SceneError, match="cannot be read"):
        geosal.compare(str(scene), str(cut))


def test_the_original_is_read_as_the_candidate_was_made(scene: Path, tmp_path: Path) -> None:
    one = save(tmp_path / "one.tif", read(scene)[1:], **PLACE)
    found = geosal.compare(str(scene), str(one), bidx=(2,))
    assert found.scores().mse == 0
    assert found.reduction is None  # the original's file holds more than was compared
    byte = tmp_path / "byte.tif"
    geosal.compress(str(scene), str(byte), saliency="half", to_byte="range:0-4000")
    found = geosal.compare(str(scene), str(byte), "half", to_byte="range:0-4000")
    assert (found.dtype, found.data_range) == ("uint8", 255)
    assert found.scores("salient").mse == 0
    assert found.scores("background").mse > 0


def test_alpha_is_not_compared_and_tells_what_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    pixels = rng.integers(50, 200, (4, 190, 200), dtype=np.uint8)
    pixels[3] = 255
    pixels[3, :60] = 0
    original = save(tmp_path / "rgba.tif", pixels, photometric="RGB", **PLACE)
    with rasterio.open(original, "r+") as dataset:
        dataset.colorinterp = (*dataset.colorinterp[:3], ColorInterp.alpha)
    other = pixels[:3].copy()
    other[:, :60] = 0
    other[:, 70] += 3
    found = geosal.compare(str(original), str(save(tmp_path / "rgb.tif", other, **PLACE)))
    assert (found.count, found.scores().samples, found.lost) == (3, 3 * 130 * 200, 0)
    assert found.gained == 3 * 60 * 200
    assert found.scores().mse == pytest.approx(9 / 130)
    assert found.scores().max_error == 3


def test_samples_lost_are_told_and_left_out(rgb_scene: Path, tmp_path: Path) -> None:
    with rasterio.open(rgb_scene) as dataset:
        pixels, profile = dataset.read(), dataset.profile
    assert (pixels[:, 300:302, 400:410] != 0).all()
    pixels[:, 300:302, 400:410] = 0
    with rasterio.open(tmp_path / "lost.tif", "w", **profile) as dataset:
        dataset.write(pixels)
    with pytest.warns(GeosalWarning, match="60 samples that count in"):
        found = geosal.compare(str(rgb_scene), str(tmp_path / "lost.tif"))
    assert (found.lost, found.gained, found.scores().max_error) == (60, 0, 0)


def test_a_scene_without_valid_samples_has_nothing_to_judge(tmp_path: Path) -> None:
    path = save(tmp_path / "nan.tif", np.full((1, 8, 8), np.nan, np.float32))
    with pytest.raises(UsageError, match="has no valid sample"):
        geosal.compare(path, path)


def test_floats_are_judged_by_the_range_of_the_original(float32_scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    geosal.compress(str(float32_scene), str(out), saliency="half")
    found = geosal.compare(str(float32_scene), str(out))
    first, second = read(float32_scene).astype(float), read(out).astype(float)
    width = np.nanmax(first) - np.nanmin(first)
    assert found.data_range == width
    assert found.data_range_from.startswith("valid samples of the original, ")
    assert found.scores().psnr == pytest.approx(10 * np.log10(width**2 / np.nanmean((first - second) ** 2)))
    given = geosal.compare(str(float32_scene), str(out), data_range=1)
    assert (given.data_range, given.data_range_from) == (1, "given")
    assert given.scores().psnr - found.scores().psnr == pytest.approx(-20 * np.log10(width))


def test_significant_bits_make_the_range(scene: Path, tmp_path: Path) -> None:
    twelve = save(tmp_path / "twelve.tif", read(scene), nbits=12, **PLACE)
    found = geosal.compare(str(twelve), str(scene))
    assert (found.data_range, found.data_range_from) == (4095, "2**12 - 1")


def test_without_a_range_there_is_no_judgement(tmp_path: Path) -> None:
    flat = save(tmp_path / "flat.tif", np.full((1, 40, 40), 3, np.float32), **PLACE)
    with pytest.raises(UsageError, match="go from 3 to 3, which is no range.*--data-range"):
        geosal.compare(str(flat), str(flat))
    assert geosal.compare(str(flat), str(flat), data_range=10).scores().psnr == math.inf
    for width in (0, -1, math.nan):
        with pytest.raises(UsageError, match="above 0"):
            geosal.compare(str(flat), str(flat), data_range=width)


def test_nothing_to_compare_is_an_error(tmp_path: Path) -> None:
    empty = save(tmp_path / "empty.tif", np.zeros((1, 40, 40), np.uint8), nodata=0, **PLACE)
    with pytest.raises(SceneError, match="no sample counts in both"):
        geosal.compare(str(empty), str(empty))


def test_small_scenes_have_the_figures_that_fit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 255, (1, 9, 40), dtype=np.uint8)
    tiny = save(tmp_path / "tiny.tif", pixels, **PLACE)
    found = geosal.compare(str(tiny), str(tiny))
    assert found.scores().psnr == math.inf
    assert math.isnan(found.scores().ssim)
    assert found.to_dict()["rows"][0]["ssim"] is None


@pytest.mark.parametrize("name", ["uint16", "float32"])
def test_the_error_map(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = request.getfixturevalue(f"{name}_scene")
    out, errors = tmp_path / "out.tif", tmp_path / "errors.tif"
    geosal.compress(str(path), str(out), saliency="half")
    found = geosal.compare(str(path), str(out), "half", error_map=str(errors))
    first, second = read(path).astype(float), read(out).astype(float)
    sizes = np.abs(first - second)
    with rasterio.open(errors) as dataset:
        assert dataset.dtypes == (name,)
        assert dataset.profile["tiled"]
        assert dataset.crs.to_epsg() == 32631
        mapped, mask = dataset.read(1), dataset.read_masks(1) > 0
        assert dataset.tags()["GEOSAL_ERROR_OF"] == "out.tif"
    valid = np.isfinite(first) if name == "float32" else first != 0
    np.testing.assert_array_equal(mask, valid.any(axis=0))
    expected = np.where(valid, sizes, 0).max(axis=0)
    np.testing.assert_allclose(mapped, expected, rtol=1e-6)
    assert mapped.max() == pytest.approx(found.scores().max_error, rel=1e-6)
    assert repr(found.rows) == repr(geosal.compare(str(path), str(out), "half").rows)
    with pytest.raises(OutputError, match="exists"):
        geosal.compare(str(path), str(out), error_map=str(errors))
    with pytest.raises(OutputError, match="input"):
        geosal.compare(str(path), str(out), error_map=str(path))


def test_signed_differences_do_not_wrap(tmp_path: Path) -> None:
    low, high = np.full((1, 30, 30), -32768, np.int16), np.full((1, 30, 30), 32767, np.int16)
    first, second = save(tmp_path / "low.tif", low, **PLACE), save(tmp_path / "high.tif", high, **PLACE)
    found = geosal.compare(str(first), str(second), error_map=str(tmp_path / "errors.tif"))
    assert (found.scores().max_error, found.scores().psnr) == (65535, 0)
    errors = read(tmp_path / "errors.tif")
    assert errors.dtype == np.uint16
    assert (errors == 65535).all()


def test_progress_is_told(rgb_scene: Path, smoothed: Path) -> None:
    events: list[geosal.Progress] = []
    geosal.compare(str(rgb_scene), str(smoothed), progress=events.append)
    assert {event.stage for event in events} == {"compare"}
    assert events[-1].done == events[-1].total


@pytest.mark.parametrize("name", ["cog/cog.tif", "landsat7/L7_ETMs.tif"])
def test_real_scenes(name: str, shared_data: Path, tmp_path: Path) -> None:
    source, out = shared_data / name, tmp_path / "out.tif"
    geosal.compress(str(source), str(out), saliency="half", bidx=(1,))
    found = geosal.compare(str(source), str(out), "half", bidx=(1,))
    assert found.scores("salient").max_error == 0
    first, second = (read(path)[0].astype(float) for path in (source, out))
    expected = structural_similarity(
        first, second, data_range=found.data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert found.scores().ssim == pytest.approx(expected, abs=1e-9)
    assert found.scores().mse == pytest.approx(np.mean((first - second) ** 2))
