"""Which pixels are valid, whatever tells of it and whatever becomes of the file."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

import geosal
from geosal import UsageError
from geosal.scenes import Scene
from geosal.scenes.zarr_store import ZarrScene

SIDE = 96
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
ORIGINS = [
    *(dict(zip(("nodata", "mask", "alpha"), told, strict=True)) for told in product((False, True), repeat=3)),
    {"codes": True},
]
OUTPUTS = {"deflate": "o.tif", "lerc": "o.tif", "jpeg": "o.tif", "webp": "o.tif", "jpg": "o.jpg", "jp2": "o.jp2",
           "jp2-lossless": "o.jp2"}  # fmt: skip


def scene_of(path: Path, **told: bool) -> NDArray[np.bool_]:
    """Write a scene in which each origin says something of its own; returns what is valid, (y, x)."""
    pixels = np.random.default_rng(0).integers(60, 90, (3, SIDE, SIDE), np.uint8)
    valid, tags, profile = np.ones((SIDE, SIDE), np.bool_), {}, {"photometric": "RGB"}
    mask, colours = np.full((SIDE, SIDE), 255, np.uint8), RGB
    if told.get("nodata"):
        pixels[:, 5:30, 10:40], profile["nodata"], valid[5:30, 10:40] = 0, 0, False
    if told.get("codes"):  # of all bands together: one of them alone says nothing
        pixels[:, 40:60, 50:90], tags["NODATA_VALUES"], valid[40:60, 50:90] = 75, "75 75 75", False
    if told.get("mask"):
        mask[60:80, :30], valid[60:80, :30] = 0, False
    if told.get("alpha"):
        alpha = np.full((1, SIDE, SIDE), 255, np.uint8)
        alpha[:, 82:, 30:70], valid[82:, 30:70] = 0, False
        pixels, colours = np.concatenate([pixels, alpha]), (*RGB, ColorInterp.alpha)
    shape = {"count": len(pixels), "height": SIDE, "width": SIDE, "dtype": "uint8", "crs": "EPSG:32631"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", transform=from_origin(5e5, 45e5, 10, 10), **shape, **profile
        ) as dataset,
    ):
        dataset.colorinterp = colours
        dataset.update_tags(**tags)
        dataset.write(pixels)
        if told.get("mask"):
            dataset.write_mask(mask)
    return valid


def valid_of(path: Path) -> NDArray[np.bool_]:
    """What GDAL's flags, mask, alpha and nodata say together, (y, x)."""
    with rasterio.open(path) as dataset:
        colours = [number for number in dataset.indexes if dataset.colorinterp[number - 1] != ColorInterp.alpha]
        valid = np.any(dataset.read_masks(colours) > 0, axis=0)
        if dataset.nodata is not None:
            valid &= np.any(dataset.read(colours) != dataset.nodata, axis=0)
        if len(colours) < dataset.count:
            valid &= dataset.read(dataset.count) > 0
    return valid


@pytest.mark.filterwarnings("ignore:.*a JPEG shows the first as red:geosal.errors.GeosalWarning")
@pytest.mark.filterwarnings("ignore::rasterio.errors.NodataShadowWarning")
@pytest.mark.parametrize("road", ["compress", "bands", "bytes", "array"])
@pytest.mark.parametrize("profile", OUTPUTS)
@pytest.mark.parametrize("told", ORIGINS, ids=lambda told: "+".join(name for name, on in told.items() if on) or "none")
def test_the_same_pixels_stay_invalid(told: dict[str, bool], profile: str, road: str, tmp_path: Path) -> None:
    source, output = tmp_path / "scene.tif", tmp_path / OUTPUTS[profile]
    valid = scene_of(source, **told)
    if told.get("alpha") and profile == "jp2" and road != "bands":
        with pytest.raises(UsageError, match="would blur alpha"):
            geosal.compress(str(source), str(output), saliency="half", profile=profile)
        return
    if road == "array":
        scene = geosal.open_scene(str(source))
        geosal.write(geosal.smooth(scene, geosal.saliency("half", like=scene)), str(output), profile=profile)
    else:
        options = {"bands": {"bidx": (3, 1, 2)}, "bytes": {"to_byte": "range:0-255"}}.get(road, {})
        geosal.compress(str(source), str(output), saliency="half", profile=profile, **options)
    np.testing.assert_array_equal(valid_of(output), valid)
    with rasterio.open(output) as dataset:
        assert "NODATA_VALUES" not in dataset.tags()
    if road == "compress":
        assert [
            check for check in geosal.verify(str(output), against=str(source), saliency="half") if not check.ok
        ] == []


def test_codes_of_bands_have_no_part_in_overviews(tmp_path: Path) -> None:
    pixels = np.full((3, 600, 600), 200, np.uint8)
    pixels[:, :, ::2] = 0
    profile = {"driver": "GTiff", "count": 3, "height": 600, "width": 600, "dtype": "uint8", "photometric": "RGB"}
    with rasterio.open(tmp_path / "s.tif", "w", **profile) as dataset:
        dataset.update_tags(NODATA_VALUES="0 0 0")
        dataset.write(pixels)
    with pytest.warns(geosal.GeosalWarning):
        geosal.compress(str(tmp_path / "s.tif"), str(tmp_path / "o.tif"), saliency="uniform:saliency=1")
    with rasterio.open(tmp_path / "o.tif", overview_level=0) as dataset:
        assert set(np.unique(dataset.read())) == {200}


@pytest.mark.parametrize("compress_as", ["lerc", "webp100"])
def test_colours_under_alpha_0_survive_a_lossless_profile(compress_as: str, tmp_path: Path) -> None:
    scene_of(tmp_path / "s.tif", alpha=True)
    profile, options = ("webp", {"QUALITY": "100"}) if compress_as == "webp100" else (compress_as, {})
    scene, output = str(tmp_path / "s.tif"), str(tmp_path / "o.tif")
    geosal.compress(scene, output, saliency="half", profile=profile, creation_options=options)
    with rasterio.open(tmp_path / "s.tif") as a, rasterio.open(tmp_path / "o.tif") as b:
        kept = np.s_[:, :, : SIDE // 2]
        np.testing.assert_array_equal(b.read()[kept], a.read()[kept])
        np.testing.assert_array_equal(b.read(4), a.read(4))


@pytest.mark.parametrize("profile", ["jpeg", "webp", "jpg"])
@pytest.mark.parametrize("bidx", [(1, 2, 4), (4, 1, 2), (4, 1, 2, 3), (1, 2, 4, 3)])
def test_alpha_in_another_place_is_refused_in_the_plan(profile: str, bidx: tuple[int, ...], tmp_path: Path) -> None:
    scene_of(tmp_path / "s.tif", alpha=True)
    with pytest.raises(UsageError, match="alpha is band .* and it can only be the last of 4"):
        geosal.make_plan(geosal.Recipe(
            input=str(tmp_path / "s.tif"), output=str(tmp_path / OUTPUTS[profile]), saliency=("half",),
            profile=profile, bidx=bidx,
        ))  # fmt: skip


@pytest.mark.parametrize("profile", ["jpeg", "webp", "jpg"])
def test_a_fourth_band_that_is_no_alpha_is_refused(profile: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 90, (4, SIDE, SIDE), np.uint8)
    shape = {"driver": "GTiff", "count": 4, "height": SIDE, "width": SIDE, "dtype": "uint8"}
    with rasterio.open(tmp_path / "s.tif", "w", **shape, photometric="RGB", alpha="NO") as dataset:
        dataset.write(pixels)
    with pytest.raises(UsageError, match="a fourth band must be alpha, this one is not"):
        geosal.compress(str(tmp_path / "s.tif"), str(tmp_path / OUTPUTS[profile]), saliency="half", profile=profile)


@pytest.mark.filterwarnings("ignore:.*has no georeferencing")
@pytest.mark.parametrize(("count", "bidx"), [(3, ()), (5, (1, 2, 3))])
def test_codes_that_gdal_does_not_heed_stay_unheeded(count: int, bidx: tuple[int, ...], tmp_path: Path) -> None:
    scene, pixels = tmp_path / "s.tif", np.full((count, 64, 64), 75, np.uint8)
    profile = {
        "driver": "GTiff",
        "width": 64,
        "height": 64,
        "count": count,
        "dtype": "uint8",
        "ALPHA": "NO",
        "photometric": "MINISBLACK",
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(scene, "w", **profile) as dataset:
        dataset.write(pixels)
        if not bidx:  # a mask goes before codes
            dataset.write_mask(np.arange(64 * 64).reshape(64, 64) % 3 > 0)
        dataset.update_tags(NODATA_VALUES="75 75 75")  # of three bands, which are too few for five
    for output in ("o.tif", "o.jp2"):
        geosal.compress(str(scene), str(tmp_path / output), saliency="half", bidx=bidx)
        with rasterio.open(scene) as before, rasterio.open(tmp_path / output) as after:
            assert np.array_equal(before.read_masks(1), after.read_masks(1))


def test_lossy_lerc_would_blur_alpha(tmp_path: Path) -> None:
    scene_of(tmp_path / "s.tif", alpha=True)
    with pytest.raises(UsageError, match="would blur alpha"):
        geosal.compress(
            str(tmp_path / "s.tif"), str(tmp_path / "o.tif"), saliency="half", profile="lerc",
            creation_options={"MAX_Z_ERROR": "3"},
        )  # fmt: skip


@pytest.mark.parametrize("bidx", [(1, 2, 3, 4), (4, 3, 2, 1)])
@pytest.mark.parametrize(
    ("output", "profile", "options"),
    [
        ("o.tif", "deflate", {}),
        ("o.tif", "webp", {"QUALITY": "100"}),
        ("o.jp2", "jp2-lossless", {}),
        ("o.jp2", "htj2k", {}),
        ("o.zarr", "zarr", {}),
    ],
)
def test_of_two_alpha_bands_all_outputs_take_the_last_as_gdal_does(
    tmp_path: Path, output: str, profile: str, options: dict[str, str], bidx: tuple[int, ...]
) -> None:
    pixels = np.random.default_rng(5).integers(60, 90, (4, SIDE, SIDE), np.uint8)
    pixels[1, 5:30, 10:40], pixels[3, 60:80, :30] = 0, 0
    colours = (ColorInterp.red, ColorInterp.alpha, ColorInterp.green, ColorInterp.alpha)
    source = tmp_path / "in.tif"
    write_bands(source, pixels, colours)
    with rasterio.open(source) as dataset:
        np.testing.assert_array_equal(dataset.read_masks(1) > 0, pixels[3] > 0)
    wish = {"profile": profile, "creation_options": options, "bidx": bidx}
    geosal.compress(str(source), str(tmp_path / output), saliency="uniform:saliency=1", **wish)
    checks = geosal.verify(str(tmp_path / output), against=str(source), bidx=bidx)
    assert [check for check in checks if not check.ok] == []
    scene = ZarrScene.open_store(tmp_path / output) if profile == "zarr" else Scene.open(tmp_path / output)
    written = scene.read(scene.grid.whole())
    alpha = 3 if bidx[-1] == 4 else 1
    np.testing.assert_array_equal(written.pixels, pixels[np.array(bidx) - 1])
    np.testing.assert_array_equal(written.valid[0], pixels[alpha] > 0)


def write_bands(path: Path, pixels: NDArray[np.uint8], colours: tuple[ColorInterp, ...]) -> None:
    count, height, width = pixels.shape
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10), "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", count=count, height=height, width=width, **place) as dataset:
        dataset.colorinterp = colours
        dataset.write(pixels)


@pytest.mark.parametrize(("output", "profile"), [("o.tif", "jpeg"), ("o.tif", "webp"), ("o.jpg", None)])
def test_a_second_alpha_band_is_no_colour_of_a_lossy_codec(tmp_path: Path, output: str, profile: str | None) -> None:
    colours = (ColorInterp.red, ColorInterp.alpha, ColorInterp.green, ColorInterp.alpha)
    write_bands(tmp_path / "in.tif", np.full((4, SIDE, SIDE), 9, np.uint8), colours)
    with pytest.raises(UsageError, match="2 of 4 bands are alpha"):
        geosal.compress(str(tmp_path / "in.tif"), str(tmp_path / output), saliency="half", profile=profile)
