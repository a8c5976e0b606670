"""Treatments by the main job, file to file: what was promised holds, other readers agree, `verify` sees a breach."""

from pathlib import Path
from typing import Any

import imagecodecs
import jpylyzer.jpylyzer
import numpy as np
import pytest
import rasterio
import tifffile
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rio_cogeo.cogeo import cog_validate

import geosal
from geosal import Ladder
from geosal.errors import GeosalWarning, UsageError
from geosal.job.proof import verify

SOURCE = "perlin:seed=3"
ERRORS = np.array([0, 4, 8, 12, 16, 20, 24, 28, 32])


def read(path: Path) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.read_masks() > 0


def levels_of(path: Path, source: str = SOURCE) -> NDArray[np.uint8]:
    scene = geosal.open_scene(str(path))
    return Ladder().levels(geosal.saliency([source], like=scene).values)


def verdicts(output: Path, source: Path, saliency: str = SOURCE) -> dict[str, bool]:
    return {check.name: check.ok for check in verify(str(output), against=str(source), saliency=saliency)}


@pytest.mark.parametrize("name", ["a.tif", "a.jp2", "a.zarr"])
def test_bound_holds_and_is_told(tmp_path: Path, uint16_scene: Path, name: str) -> None:
    output = tmp_path / name
    summary = geosal.compress(str(uint16_scene), str(output), saliency=SOURCE, treatment="bound:error=32")
    found, _ = read(output / "image" if name == "a.zarr" else output)
    pixels, valid = read(uint16_scene)
    off = np.abs(found.astype(int) - pixels)
    assert (off <= ERRORS[levels_of(uint16_scene)]).all()
    assert off.max() == 24  # of level 6, whose step is 32: where a multiple of 64 lies so far away
    np.testing.assert_array_equal(found[~valid], pixels[~valid])
    assert summary.treatment == "bound:error=32"
    assert (summary.effective_kernel, summary.kernel_shares) == (1, {"1": 1.0})
    assert sum(summary.level_shares.values()) == pytest.approx(1)
    assert set(summary.level_shares) == {"0", "2", "4", "6"}
    outcome = verdicts(output, uint16_scene)
    assert all(outcome.values())
    assert {"salient", "bound", "invalid"} <= set(outcome)


@pytest.mark.parametrize("profile", ["zstd", "deflate"])
def test_means_in_overviews_are_rounded_too_but_not_where_something_is_salient(
    tmp_path: Path, uint16_scene: Path, profile: str
) -> None:
    outputs = [tmp_path / "whole.tif", tmp_path / "blocks.tif"]
    for output, block in zip(outputs, (1024, 304), strict=True):
        wish = {"saliency": "half", "treatment": "bound:error=32,finer=0.3", "profile": profile, "block": block}
        geosal.compress(str(uint16_scene), str(output), **wish)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    with rasterio.open(outputs[0]) as dataset, rasterio.open(outputs[0], overview_level=0) as overview:
        image, found, counts = dataset.read().astype(int), overview.read().astype(int), overview.read_masks() > 0
        valid = dataset.read_masks() > 0
    height, width = (length // 2 * 2 for length in image.shape[1:])
    squares = image[:, :height, :width].reshape(len(image), height // 2, 2, width // 2, 2)
    whole = valid[:, :height, :width].reshape(squares.shape).all(axis=(2, 4))
    means = (squares.sum(axis=(2, 4)) + 2) // 4
    found, counts = found[:, : height // 2, : width // 2], counts[:, : height // 2, : width // 2]
    salient = np.arange(width // 2) < image.shape[2] // 4
    np.testing.assert_array_equal(found[..., salient][whole[..., salient]], means[..., salient][whole[..., salient]])
    background = whole & ~salient & (np.arange(width // 2) > image.shape[2] // 4)
    assert np.abs(found - means)[background].max() <= 32
    assert np.mean(found[background] % 32 == 0) == 1
    assert np.mean(means[background] % 32 == 0) < 0.7


@pytest.mark.parametrize("options", [{}, {"BLOCKSIZE": "128", "LEVEL": "3"}], ids=["usual", "small"])
@pytest.mark.parametrize("kind", ["code", "mask", "alpha"])
def test_bound_in_jpeg_xl_holds_for_tifffile_and_takes_fewer_bytes(
    tmp_path: Path, kind: str, options: dict[str, str]
) -> None:
    """GDAL of rasterio's wheels has no JPEG XL; ours reads it by a copy, and checks all of it."""
    source = scene_of_16_bits(tmp_path / "scene.tif", kind)
    wish: dict[str, Any] = {"saliency": "half", "treatment": "bound:error=32", "creation_options": options}
    output, other = tmp_path / "a.tif", tmp_path / "b.tif"
    with pytest.warns(
        GeosalWarning, match="opens in GDAL 3.4 where built with libjxl, unlike rasterio's wheels; tifffile"
    ):
        geosal.compress(source, output, profile="jxl", **wish)
    geosal.compress(source, other, profile="lzma", **wish | {"creation_options": {"BLOCKSIZE": "512"} | options})
    with tifffile.TiffFile(output) as file:
        assert {page.compression for page in file.pages if not page.is_mask} == {50002}
        overviews = [page.asarray() for page in file.pages if not page.is_mask]
    with tifffile.TiffFile(other) as file:  # JPEG XL changes no sample, of overviews neither
        for one, same in zip(overviews, [page.asarray() for page in file.pages if not page.is_mask], strict=True):
            np.testing.assert_array_equal(one, same)
    pixels, valid = read(source)
    found = np.atleast_3d(overviews[0]).transpose(2, 0, 1)
    off = np.abs(found.astype(int) - pixels)
    assert off[..., : off.shape[2] // 2].max() == 0
    assert off[valid].max() == 32
    assert output.stat().st_size < 0.97 * other.stat().st_size
    checks = verify(str(output), against=str(source), saliency="half")
    assert [check for check in checks if not check.ok] == []
    assert {"complete", "layout", "overviews", "salient", "bound"} <= {check.name for check in checks if check.checked}
    assert geosal.compare(source, output, saliency="half").scores("salient").mse == 0


def scene_of_16_bits(path: Path, kind: str) -> Path:
    """A scene of waves and noise with invalid pixels, told in one of three ways."""
    rng, (row, col) = np.random.default_rng(5), np.mgrid[:540, :500]
    waves = 2000 + 300 * np.sin(row / 40) + 400 * np.cos(col / 55) + rng.normal(0, 30, row.shape)
    pixels, hole = np.repeat(waves[np.newaxis].astype(np.uint16), 2 if kind == "alpha" else 1, axis=0), row + col < 300
    pixels[:, hole] = 0
    place = rasterio.Affine(10, 0, 6e5, 0, -10, 46e5)
    profile: dict[str, Any] = {"height": 540, "width": 500, "dtype": "uint16", "crs": "EPSG:32631", "transform": place}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", count=len(pixels), nodata=0 if kind == "code" else None, **profile) as dataset,
    ):
        if kind == "alpha":
            pixels[1] = np.where(hole, 0, 65535)
            dataset.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        dataset.write(pixels)
        if kind == "mask":
            dataset.write_mask(~hole)
    return path


@pytest.mark.parametrize(("of_one", "of_light"), [(900.0, 0.0), (100.0, 0.4)])
def test_an_error_in_sigmas_follows_the_noise_and_is_told(tmp_path: Path, of_one: float, of_light: float) -> None:
    """The variance of the noise is known: `of_one` + `of_light` x DN."""
    rng, (row, col) = np.random.default_rng(2), np.mgrid[:1200, :1200]
    clean = 2500 + 900 * np.sin(row / 200) * np.cos(col / 250) + 200 * (np.sin(row / 2) * np.sin(col / 3) * (row > 700))
    noisy = clean + rng.normal(size=clean.shape) * np.sqrt(of_one + of_light * clean)
    source, output = tmp_path / "scene.tif", tmp_path / "a.tif"
    place = {"crs": "EPSG:32631", "transform": rasterio.Affine(10, 0, 6e5, 0, -10, 46e5)}
    with rasterio.open(source, "w", width=1200, height=1200, count=1, dtype="uint16", **place) as dataset:
        dataset.write(noisy.round().astype(np.uint16), 1)
    job = geosal.compress(source, output, saliency="half", treatment="bound:error=0.5sigma", profile="zstd")
    (noise,) = job.noise
    sigma = np.sqrt(of_one + of_light * np.median(noisy))
    assert noise["sigma"] == pytest.approx(sigma, rel=0.1)
    assert job.treatment == f"bound:error={int(0.5 * noise['sigma'])}"
    off = (read(output)[0][0].astype(int) - read(source)[0][0])[:, 600:]
    found = np.sqrt(1 + np.square(off).mean() / sigma**2) - 1
    assert 0.5 * noise["added"] < found < 1.1 * noise["added"]
    assert 0.02 < noise["added"] < 0.045
    assert all(verdicts(output, source, "half").values())


def test_noise_that_is_too_small_to_be_a_bound_is_refused(tmp_path: Path, rgb_scene: Path) -> None:
    with pytest.raises(UsageError, match="bound:error=0.001sigma: sigma is .* no sample could change; say more sigmas"):
        geosal.compress(rgb_scene, tmp_path / "a.tif", saliency="half", treatment="bound:error=0.001sigma")


def test_jpeg_xl_cannot_be_gdals_work(tmp_path: Path, uint16_scene: Path) -> None:
    wish = {"saliency": "half", "profile": "jxl", "creation_options": {"OVERVIEW_RESAMPLING": "CUBIC"}}
    refused = pytest.raises(
        UsageError, match="OVERVIEW_RESAMPLING=CUBIC is GDAL's, which may have no JPEG XL; leave the"
    )
    with pytest.warns(GeosalWarning, match="lzma makes one that opens"), refused:
        geosal.compress(uint16_scene, tmp_path / "a.tif", **wish)


def test_bound_makes_the_file_smaller_and_smoothing_first_smaller_still(tmp_path: Path, uint16_scene: Path) -> None:
    sizes = []
    for number, treatment in enumerate([["bound:error=1"], ["bound:error=64"], ["smooth", "bound:error=64"]]):
        output = tmp_path / f"{number}.tif"
        job = geosal.compress(str(uint16_scene), str(output), saliency=SOURCE, treatment=treatment, profile="zstd")
        sizes.append(job.bytes)
        assert all(verdicts(output, uint16_scene).values())
    assert sizes[1] < 0.85 * sizes[0]
    assert sizes[2] < sizes[1]


def test_bound_on_floats(tmp_path: Path, float32_scene: Path) -> None:
    output = tmp_path / "a.tif"
    geosal.compress(str(float32_scene), str(output), saliency="half", treatment="bound:error=0.01")
    (found, _), (pixels, _) = read(output), read(float32_scene)
    off = np.abs(found.astype(np.float64) - pixels)
    assert 0.003 < np.nanmax(off) <= 0.01
    np.testing.assert_array_equal(np.isnan(found), np.isnan(pixels))
    assert all(verdicts(output, float32_scene, "half").values())


@pytest.mark.parametrize(
    ("scene", "profile", "treatment"),
    [
        ("uint16_scene", "zstd", "bound:error=32"),
        ("uint16_scene", "lerc", "bound:error=32"),
        ("rgb_corner", "jpeg", "quality:low=30,high=90"),
        ("rgb_corner", "webp", "quality:low=30,high=100"),
    ],
)
def test_blocks_never_show(
    request: pytest.FixtureRequest, tmp_path: Path, scene: str, profile: str, treatment: str
) -> None:
    """Blocks of 192 cut tiles of 128 apart, so levels travel with pieces."""
    source, files = request.getfixturevalue(scene), []
    for block, workers in ((192, 2), (2048, 1)):
        output = tmp_path / f"{block}.tif"
        geosal.compress(
            str(source), str(output), saliency=SOURCE, treatment=treatment, profile=profile, block=block,
            workers=workers, creation_options={"BLOCKSIZE": "128"},
        )  # fmt: skip
        files.append(output.read_bytes())
    assert files[0] == files[1]


def test_lerc_tiles_keep_the_bound_of_their_least_level(tmp_path: Path, uint16_scene: Path) -> None:
    output = tmp_path / "a.tif"
    geosal.compress(str(uint16_scene), str(output), saliency="half", treatment="bound:error=32", profile="lerc")
    (found, valid), (pixels, valid_before) = read(output), read(uint16_scene)
    np.testing.assert_array_equal(valid, valid_before)
    off = np.where(valid, np.abs(found.astype(int) - pixels), 0)
    assert (off[:, levels_of(uint16_scene, "half") == 0] == 0).all()
    assert 16 < off.max() <= 32
    np.testing.assert_array_equal(tifffile.imread(output), np.moveaxis(found, 0, -1))
    outcome = verdicts(output, uint16_scene, "half")
    assert all(outcome.values())
    assert {"salient", "bound"} <= set(outcome)


def test_webp_mixes_lossless_and_lossy_tiles(tmp_path: Path, rgb_scene: Path) -> None:
    output = tmp_path / "a.tif"
    geosal.compress(str(rgb_scene), str(output), saliency="half", treatment="quality:low=30,high=100", profile="webp")
    (found, valid), (pixels, valid_before) = read(output), read(rgb_scene)
    np.testing.assert_array_equal(valid, valid_before)
    salient = levels_of(rgb_scene, "half") == 0
    np.testing.assert_array_equal(found[:, salient & valid[0]], pixels[:, salient & valid[0]])
    assert np.abs(found.astype(int) - pixels)[:, ~salient].max() > 8
    np.testing.assert_array_equal(tifffile.imread(output), np.moveaxis(found, 0, -1))
    outcome = verdicts(output, rgb_scene, "half")
    assert all(outcome.values())
    assert "salient" in outcome


def psnr(found: NDArray[Any], pixels: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((found.astype(float) - pixels) ** 2)))


def test_one_jpeg_2000_holds_lossless_tiles_and_lossy_ones(tmp_path: Path) -> None:
    """At edges of any width: every reader must find one codestream, and all resolutions of it."""
    rng, side = np.random.default_rng(4), (517, 645)
    row, col = np.mgrid[: side[0], : side[1]]
    wave = 120 + 60 * np.sin(row / 9) * np.cos(col / 14)
    pixels = np.clip(wave + rng.normal(0, 6, (3, *side)), 1, 255).astype(np.uint8)
    scene, output = tmp_path / "scene.tif", tmp_path / "a.jp2"
    place = {"crs": "EPSG:32631", "transform": rasterio.Affine(10, 0, 4e5, 0, -10, 5e6)}
    with rasterio.open(scene, "w", driver="GTiff", count=3, height=517, width=645, dtype="uint8", **place) as dataset:
        dataset.write(pixels)
    geosal.compress(str(scene), str(output), saliency="half", treatment="quality:low=32,high=100", profile="jp2")
    found, _ = read(output)
    np.testing.assert_array_equal(found[:, :, :256], pixels[:, :, :256])  # tiles that are salient in part
    for rows, cols in ((slice(0, 512), slice(384, 640)), (slice(512, 517), slice(384, 645))):
        assert psnr(found[:, rows, cols], pixels[:, rows, cols]) == pytest.approx(32.5, abs=1.5)
    np.testing.assert_array_equal(np.moveaxis(imagecodecs.jpeg2k_decode(output.read_bytes()), -1, 0), found)
    assert jpylyzer.jpylyzer.checkOneFile(str(output)).findtext("isValid") == "True"
    with rasterio.open(output) as dataset:
        assert dataset.block_shapes[0] == (128, 128)
        small = dataset.read(out_shape=(3, 33, 41))
    assert abs(small.mean() - pixels.mean()) < 2
    assert all(verdicts(output, scene, "half").values())


@pytest.mark.parametrize(
    ("name", "profile", "treatment", "gain"),
    [
        ("a.tif", "jpeg", "quality:low=15,high=95", 2),
        ("a.tif", "webp", "quality:low=20,high=95", 2),
        ("a.jp2", "jp2", "quality:low=28,high=40", 8),
    ],
)
def test_salient_tiles_are_better(
    tmp_path: Path, rgb_scene: Path, name: str, profile: str, treatment: str, gain: float
) -> None:
    output = tmp_path / name
    job = geosal.compress(str(rgb_scene), str(output), saliency="half", treatment=[treatment], profile=profile)
    assert job.treatment == treatment
    (found, valid), (pixels, _) = read(output), read(rgb_scene)
    salient = levels_of(rgb_scene, "half") == 0
    best, rest = salient & valid[0], ~salient & valid[0]
    best[:, 300:512] = rest[:, 300:512] = False  # tiles that hold both
    assert psnr(found[:, best], pixels[:, best]) > psnr(found[:, rest], pixels[:, rest]) + gain
    if name == "a.tif":  # another libjpeg brings chroma back to full size in another way
        theirs = tifffile.imread(output).astype(int)
        assert np.abs(theirs - np.moveaxis(found, 0, -1)).mean() < (2 if profile == "jpeg" else 1e-9)
    assert all(verdicts(output, rgb_scene, "half").values())


@pytest.mark.parametrize(
    ("profile", "treatment"),
    [("jpeg", "quality:low=30,high=90"), ("webp", "quality:low=30,high=100"), ("zstd", "bound")],
)
def test_tiles_of_64_are_read_by_others(tmp_path: Path, rgb_corner: Path, profile: str, treatment: str) -> None:
    """GDAL writes none below 128."""
    outputs = [tmp_path / f"{side}.tif" for side in (64, 128)]
    for output in outputs:
        geosal.compress(
            str(rgb_corner), str(output), saliency=SOURCE, treatment=treatment, profile=profile,
            creation_options={"BLOCKSIZE": output.stem},
        )  # fmt: skip
    with rasterio.open(outputs[0]) as dataset:
        assert dataset.block_shapes[0] == (64, 64)
        assert len(dataset.overviews(1)) == 3
    assert cog_validate(outputs[0], quiet=True)[0]
    found, theirs = read(outputs[0])[0], np.moveaxis(tifffile.imread(outputs[0]), -1, 0)
    assert np.abs(theirs.astype(int) - found).mean() < (2 if profile == "jpeg" else 1e-9)
    if profile == "zstd":
        np.testing.assert_array_equal(found, read(outputs[1])[0])
    assert all(verdicts(outputs[0], rgb_corner).values())


@pytest.mark.parametrize("plant", ["salient", "bound"])
def test_a_breach_of_the_bound_is_found(tmp_path: Path, uint16_scene: Path, plant: str) -> None:
    output = tmp_path / "a.tif"
    geosal.compress(str(uint16_scene), str(output), saliency=SOURCE, treatment="bound:error=32", profile="raw")
    levels = levels_of(uint16_scene)
    (pixels, valid), wanted = read(uint16_scene), levels == (0 if plant == "salient" else levels.max())
    row, col = np.argwhere(wanted & valid[0])[7]
    step = 1 if plant == "salient" else int(ERRORS[levels[row, col]]) + 1
    with rasterio.open(output, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        value = np.full((1, 1), pixels[0, row, col] + step, np.uint16)
        dataset.write(value, 1, window=((row, row + 1), (col, col + 1)))
    checks = {check.name: check for check in verify(str(output), against=str(uint16_scene), saliency=SOURCE)}
    assert not checks[plant].ok
    assert f"band 1, row {row}, column {col}" in checks[plant].detail


def test_a_tag_that_cannot_be_read_is_found(tmp_path: Path, rgb_scene: Path) -> None:
    output = tmp_path / "a.tif"
    geosal.compress(str(rgb_scene), str(output), saliency="half", treatment="bound:error=2")
    with rasterio.open(output, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.update_tags(GEOSAL_TREATMENT="blur")
    provenance = next(check for check in verify(str(output)) if check.name == "provenance")
    assert not provenance.ok
    assert "GEOSAL_TREATMENT=blur cannot be read" in provenance.detail


def test_a_plan_tells_the_treatment(tmp_path: Path, rgb_scene: Path) -> None:
    recipe = geosal.Recipe.from_mapping(
        {"input": str(rgb_scene), "output": str(tmp_path / "a.tif"), "saliency": "half", "treatment": "bound"}
    )
    described = geosal.make_plan(recipe).describe()
    assert described["treatment"] == "bound:error=4"
    assert described["level_shares"] == {"0": 0.5, "8": 0.5}
    assert described["effective_kernel"] == 1


def test_a_recipe_refuses_a_treatment_that_is_none(rgb_scene: Path) -> None:
    with pytest.raises(UsageError, match="treatment 'blur': unknown"):
        geosal.Recipe.from_mapping({"input": "a.tif", "output": "b.tif", "saliency": "half", "treatment": "blur"})
