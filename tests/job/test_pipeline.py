"""The main job, file to file."""

import shutil
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from affine import Affine
from jpylyzer import jpylyzer
from oracle import smooth_reference
from rio_cogeo.cogeo import cog_validate

import geosal
from geosal import Ladder, OutputError, SceneError
from geosal.job.plan import make_plan
from geosal.sources import open_saliency


def levels_of(path: Path, *sources: str) -> np.ndarray:
    scene = geosal.open_scene(str(path))
    return Ladder().levels(geosal.saliency(sources, like=scene).values)


@cache
def smoothed_by_reference(source: Path, saliency: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of a scene that stay as they are, all pixels by the float64 reference, and which samples are valid."""
    with rasterio.open(source) as dataset:
        before, valid = dataset.read(), dataset.read_masks() > 0
    if before.dtype.kind == "f":
        valid &= np.isfinite(before)
    levels = levels_of(source, saliency)
    bands = [smooth_reference(band, levels, counts) for band, counts in zip(before, valid, strict=True)]
    return ~valid | (levels == 0), np.stack(bands), valid


def assert_smoothed(source: Path, output: Path, saliency: str, tolerance: float) -> None:
    """Pixels within `tolerance` of the float64 reference; level 0 and invalid ones bit-identical."""
    keep, expected, valid = smoothed_by_reference(source, saliency)
    with rasterio.open(source) as a, rasterio.open(output) as b:
        before, after = a.read(), b.read()
    np.testing.assert_array_equal(after[keep], before[keep])
    np.testing.assert_allclose(after[valid], expected[valid], rtol=0, atol=tolerance)


def assert_kept(source: Path, output: Path, *, lossy: bool = False) -> None:
    with rasterio.open(source) as a, rasterio.open(output) as b:
        assert (b.crs, b.transform, b.shape, b.count, b.dtypes) == (a.crs, a.transform, a.shape, a.count, a.dtypes)
        if not lossy:  # a lossy codec blurs the code itself, so a mask takes its place
            np.testing.assert_equal(b.nodata, a.nodata)
        assert b.descriptions == a.descriptions
        tags = {key: value for key, value in a.tags().items() if (key, value) != ("AREA_OR_POINT", "Area")}  # implied
        assert tags.items() <= b.tags().items()
        assert b.tags(ns="PROVENANCE") == a.tags(ns="PROVENANCE")
        assert a.tags(1).items() <= b.tags(1).items()


@pytest.mark.parametrize(
    ("name", "tolerance", "profile"),
    [
        (name, tolerance, profile)
        for name, tolerance in (("rgb_scene", 1.5), ("uint16_scene", 0.51), ("float32_scene", 1e-6))
        for profile in ("deflate", "zstd", "lzw", "raw", "lerc")
        if (name, profile) != ("float32_scene", "lerc")  # refused: see test_profiles
    ],
)
def test_lossless_cog(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, tolerance: float, profile: str
) -> None:
    source, output = request.getfixturevalue(name), tmp_path / "out.tif"
    wish = {"saliency": "perlin:seed=1", "treatment": "smooth", "profile": profile, "block": 256}
    summary = geosal.compress(str(source), str(output), **wish)
    valid, errors, warnings = cog_validate(output, strict=True)
    assert valid, (errors, warnings)
    assert_kept(source, output)
    assert_smoothed(source, output, "perlin:seed=1", tolerance)
    assert summary.bytes == output.stat().st_size
    assert summary.blocks == 12
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.tif"]


def test_another_reader_sees_the_same_pixels(rgb_scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    geosal.compress(str(rgb_scene), str(output), saliency="half")
    with rasterio.open(output) as dataset:
        np.testing.assert_array_equal(tifffile.imread(output), np.moveaxis(dataset.read(), 0, -1))


@pytest.mark.parametrize(("name", "tolerance"), [("rgb_scene", 1.5), ("uint16_scene", 0.51)])
def test_lossless_jp2(request: pytest.FixtureRequest, tmp_path: Path, name: str, tolerance: float) -> None:
    source, output = request.getfixturevalue(name), tmp_path / "out.jp2"
    geosal.compress(str(source), str(output), saliency="grid", treatment="smooth", block=512)
    assert jpylyzer.checkOneFile(str(output)).findtext("isValid") == "True"
    assert_kept(source, output)
    assert_smoothed(source, output, "grid", tolerance)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.jp2", "out.jp2.aux.xml"]


@pytest.mark.parametrize(("suffix", "profile"), [("tif", "jpeg"), ("tif", "webp"), ("jp2", "jp2")])
def test_lossy_profiles_are_smaller_and_keep_nodata_apart(
    rgb_corner: Path, tmp_path: Path, suffix: str, profile: str
) -> None:
    plain, lossy = tmp_path / f"plain.{suffix}", tmp_path / f"lossy.{suffix}"
    geosal.compress(str(rgb_corner), str(plain), saliency="uniform:saliency=1")
    summary = geosal.compress(str(rgb_corner), str(lossy), saliency="half", profile=profile)
    assert summary.treatment.startswith("quality:")
    assert lossy.stat().st_size < plain.stat().st_size * 0.8
    assert_kept(rgb_corner, lossy, lossy=True)
    with rasterio.open(rgb_corner) as a, rasterio.open(lossy) as b:
        if suffix == "tif":
            np.testing.assert_array_equal(b.dataset_mask(), a.dataset_mask())
        assert np.abs(b.read().astype(float) - a.read()).mean() < 20


def test_the_blocks_never_show(small_scene: Path, tmp_path: Path) -> None:
    outputs = []
    for number, options in enumerate(({"block": 64}, {"block": 112}, {"block": 2048}, {"scheduler": "processes"})):
        path = tmp_path / f"{number}.tif"
        geosal.compress(str(small_scene), str(path), saliency="perlin", profile="raw", workers=2, **options)
        outputs.append(path.read_bytes())
    assert all(output == outputs[0] for output in outputs)


def test_a_mask_in_another_crs_at_a_tenth_of_the_resolution(rgb_corner: Path, tmp_path: Path) -> None:
    with rasterio.open(rgb_corner) as scene:
        west, south, east, north = rasterio.warp.transform_bounds(scene.crs, "EPSG:4326", *scene.bounds)
    values = np.random.default_rng(0).integers(0, 5, (80, 100)).astype(np.uint8) * 63
    mask = tmp_path / "mask.tif"
    transform = rasterio.transform.from_bounds(west - 1e-3, south - 1e-3, east + 1e-3, north + 1e-3, 100, 80)
    with rasterio.open(
        mask, "w", driver="GTiff", width=100, height=80, count=1, dtype="uint8", crs="EPSG:4326", transform=transform
    ) as dataset:
        dataset.write(values, 1)
    outputs = []
    for block in (64, 144, 2048):
        path = tmp_path / f"{block}.tif"
        summary = geosal.compress(str(rgb_corner), str(path), saliency=str(mask), block=block, profile="raw")
        outputs.append(path.read_bytes())
        assert summary.coverage == 1.0
    assert outputs[0] == outputs[1] == outputs[2]
    with rasterio.open(path) as dataset:
        assert "sha256" in dataset.tags()["GEOSAL_SALIENCY"]


def test_statistics_are_those_of_the_new_pixels(uint16_scene: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.tif", tmp_path / "out.tif"
    shutil.copy(uint16_scene, source)
    with rasterio.open(source, "r+") as dataset:
        for band in dataset.indexes:
            dataset.update_tags(band, STATISTICS_MINIMUM="1", STATISTICS_MEAN="1", STATISTICS_STDDEV="1")
    geosal.compress(str(source), str(output), saliency="half", block=256)
    with rasterio.open(output) as dataset:
        for band in dataset.indexes:
            samples = dataset.read(band, masked=True)
            tags = dataset.tags(band)
            assert float(tags["STATISTICS_MINIMUM"]) == samples.min()
            assert float(tags["STATISTICS_MAXIMUM"]) == samples.max()
            assert float(tags["STATISTICS_MEAN"]) == pytest.approx(samples.mean())
            assert float(tags["STATISTICS_STDDEV"]) == pytest.approx(samples.std())


def test_provenance_and_summary(rgb_scene: Path, tmp_path: Path) -> None:
    seen: list[geosal.Progress] = []
    output = tmp_path / "out.tif"
    summary = geosal.compress(str(rgb_scene), str(output), saliency="half", block=256, progress=seen.append)
    document = summary.to_dict()
    assert document["kernel_shares"].keys() == {"1", "17"}
    assert document["effective_kernel_all"] == 9.0
    assert document["bits_per_pixel"] == pytest.approx(8 * output.stat().st_size / (520 * 780))
    with rasterio.open(output) as dataset:
        tags = dataset.tags()
    assert tags["GEOSAL_LADDER"] == "steps=8 sigma=opencv"
    assert float(tags["GEOSAL_EFFECTIVE_KERNEL"]) == pytest.approx(document["effective_kernel"], abs=1e-3)
    assert "half" in tags["GEOSAL_SALIENCY"]
    assert [(p.stage, p.done, p.total) for p in seen] == [
        *(("smooth", n, 12) for n in range(13)), ("finish", 0, 1), ("verify", 0, 1), ("verify", 1, 1)
    ]  # fmt: skip
    shares = [p.share or 0.0 for p in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_trial_12_a_damaged_block_leaves_no_file_and_the_old_one_as_it_was(rgb_scene: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.tif", tmp_path / "out.tif"
    whole = rgb_scene.read_bytes()
    source.write_bytes(whole[: len(whole) * 6 // 10])
    output.write_bytes(b"old")
    for overwrite in (True, False):
        if not overwrite:
            output.unlink()
        with pytest.raises(SceneError, match="in.tif"):
            geosal.compress(str(source), str(output), saliency="half", overwrite=overwrite)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.tif"]


def test_trial_24_refusals_come_before_pixels_move(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a pixel was read")

    monkeypatch.setattr("geosal.scenes.raster.Scene.read", refuse)
    (tmp_path / "there.tif").touch()
    with pytest.raises(OutputError, match="--overwrite"):
        geosal.compress(str(rgb_scene), str(tmp_path / "there.tif"), saliency="half")
    with pytest.raises(OutputError, match="input"):
        geosal.compress(str(rgb_scene), str(rgb_scene), saliency="half", overwrite=True)
    floats = tmp_path / "f.tif"
    with rasterio.open(floats, "w", driver="GTiff", width=9, height=9, count=1, dtype="float32") as dataset:
        dataset.write(np.zeros((1, 9, 9), np.float32))
    with pytest.raises(geosal.UsageError, match="float32"):
        geosal.compress(str(floats), str(tmp_path / "f.jp2"), saliency="half")
    with pytest.raises(geosal.ResourceError, match="--max-memory"):
        geosal.compress(str(rgb_scene), str(tmp_path / "m.tif"), saliency="half", max_memory="100MB")


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (1, 40), (7, 7)])
def test_trial_24_scenes_smaller_than_the_kernel(tmp_path: Path, shape: tuple[int, int]) -> None:
    source, output = tmp_path / "in.tif", tmp_path / "out.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (1, *shape), dtype=np.uint8)
    profile = {"driver": "GTiff", "count": 1, "height": shape[0], "width": shape[1], "dtype": "uint8"}
    place = {"crs": "EPSG:32631", "transform": rasterio.transform.from_origin(4e5, 49e5, 10, 10)}
    with rasterio.open(source, "w", **profile, **place) as dataset:
        dataset.write(pixels)
    geosal.compress(str(source), str(output), saliency="uniform:saliency=0", block=64)
    assert_smoothed(source, output, "uniform:saliency=0", 1.5)


def test_the_lazy_road_gives_the_same_bits(uint16_scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    geosal.compress(str(uint16_scene), str(output), saliency=["perlin", "half"], combine="min", treatment="smooth")
    scene = geosal.open_scene(str(uint16_scene), chunks=200)
    smooth = geosal.smooth(scene, geosal.saliency(["perlin", "half"], like=scene, combine="min"))
    with rasterio.open(output) as dataset:
        np.testing.assert_array_equal(smooth.values, dataset.read())


def test_saliency_of_a_plan_is_the_scenes(rgb_scene: Path) -> None:
    plan = make_plan(geosal.Recipe(input=str(rgb_scene), output="/tmp/never.tif", saliency=("grid",)))
    assert open_saliency(["grid"], plan.scene.grid).label == plan.saliency.label
    facts = plan.describe()
    assert facts["effective_kernel"] == pytest.approx(8.5, abs=0.02)
    assert facts["kernel_shares"].keys() == {"1", "5", "11", "17"}


def test_a_lossy_codec_gets_mask_and_nodata_in_one_mask(rgb_scene: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.tif", tmp_path / "out.tif"
    shutil.copy(rgb_scene, source)
    mask = np.full((520, 780), 255, np.uint8)
    mask[:, 800:] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(source, "r+") as dataset:
        pixels = dataset.read()
        dataset.write_mask(mask)
    geosal.compress(source, output, saliency="half", profile="jpeg")
    with rasterio.open(output) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask() > 0, (mask > 0) & (pixels != 0).any(axis=0))
        assert dataset.nodata is None
    checks = geosal.verify(str(output), against=str(source), saliency="half")
    assert all(check.ok for check in checks), checks


def test_little_to_gain_is_told(rgb_scene: Path, tmp_path: Path) -> None:
    job = {"input": rgb_scene, "output": tmp_path / "out.tif", "saliency": ["uniform:saliency=1", "half"]}
    with pytest.warns(geosal.GeosalWarning, match=r"out\.tif: 100\.0% of the pixels stay as they are"):
        make_plan(geosal.Recipe.from_mapping(job)).describe()
    with pytest.warns(geosal.GeosalWarning, match=r"out\.tif: 100\.0% of the pixels stay as they are"):
        geosal.compress(**job)


@pytest.mark.parametrize(
    ("place", "lack"), [({}, "georeferencing"), ({"transform": Affine(10, 0, 5e5, 0, -10, 45e5)}, "CRS")]
)
def test_a_missing_place_is_told_as_it_is(tmp_path: Path, place: dict[str, Affine], lack: str) -> None:
    scene, out = tmp_path / "in.tif", tmp_path / "out.tif"
    with rasterio.open(scene, "w", driver="GTiff", count=1, height=40, width=40, dtype="uint8", **place) as dataset:
        dataset.write(np.random.default_rng(0).integers(0, 255, (1, 40, 40), np.uint8))
    with pytest.warns(geosal.GeosalWarning, match=f"has no {lack}, so the output has none"):
        geosal.compress(str(scene), str(out), saliency="half")
    with rasterio.open(out) as dataset:
        assert (dataset.transform, dataset.crs) == (place.get("transform", Affine.identity()), None)


def test_a_baseline_gets_no_advice(rgb_scene: Path, tmp_path: Path) -> None:
    """The same everywhere is meant so."""
    job = {"input": rgb_scene, "output": tmp_path / "out.tif", "saliency": "uniform:saliency=1"}
    with warnings.catch_warnings(action="error", category=geosal.GeosalWarning):
        make_plan(geosal.Recipe.from_mapping(job)).describe()
        geosal.compress(**job)
