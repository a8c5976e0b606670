"""Which pixels are valid, and what becomes of the others."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from cases.frame import case
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

import geosal

RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


def _picture(bands: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (bands, 256, 256)).astype(float)
    return np.clip(gaussian_filter(noise, (0, 2, 2)) * 3 - 250, 1, 255).astype(np.uint8)


def _put(path: Path, pixels: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None, **more: object) -> str:
    colours, tags = more.pop("colours", None), more.pop("tags", {})
    profile = {"driver": "GTiff", "count": len(pixels), "height": 256, "width": 256, "dtype": "uint8"}
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile, **place, **more) as dataset:
        if colours:
            dataset.colorinterp = colours
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)
        dataset.update_tags(**tags)
    return str(path)


def _invalid(path: Path | str) -> int:
    with rasterio.open(path) as dataset:
        return int((dataset.dataset_mask() == 0).sum())


@case("webp-fourth-band", "WebP does not blur red, green and blue where near infrared is 0: it refuses four such bands")
def webp_fourth_band(folder: Path) -> None:
    pixels = _picture(4)
    pixels[3, :128] = 0
    scene, output = _put(folder / "s.tif", pixels, photometric="RGB", ALPHA="NO"), folder / "o.tif"
    options = {"saliency": "uniform:saliency=1", "profile": "webp", "creation_options": {"QUALITY": "95"}}
    try:
        geosal.compress(scene, str(output), **options)
    except geosal.UsageError:
        return
    with rasterio.open(output) as dataset:
        off = np.abs(dataset.read().astype(int) - pixels)[:3, :128].mean()
    assert off < 6, f"colours under NIR=0 are off by {off:.1f} on average"


@case("webp-alpha-elsewhere", "alpha that is not the last of four bands is refused by WebP before the work")
def webp_alpha_elsewhere(folder: Path) -> None:
    pixels = _picture(4)
    pixels[3] = 255
    pixels[3, :99] = 0
    scene = _put(folder / "s.tif", pixels, colours=RGBA, photometric="RGB")
    for bidx in ((1, 2, 4), (4, 1, 2, 3)):
        try:
            geosal.compress(scene, str(folder / "o.tif"), saliency="half", profile="webp", bidx=bidx, overwrite=True)
        except geosal.UsageError:
            continue
        raise AssertionError(f"taken: {bidx}")


def _with_codes(folder: Path) -> str:
    pixels = _picture(3)
    pixels[:, 50:130, 50:130] = 0
    return _put(folder / "s.tif", pixels, tags={"NODATA_VALUES": "0 0 0"})


@case("nodata-values-lossy", "NODATA_VALUES become a mask where a codec blurs the codes")
def nodata_values_lossy(folder: Path) -> None:
    geosal.compress(_with_codes(folder), str(folder / "o.tif"), saliency="half", profile="jpeg")
    assert _invalid(folder / "o.tif") == 6400, _invalid(folder / "o.tif")


@case("nodata-values-bidx", "NODATA_VALUES hold for a choice of bands, in any order")
def nodata_values_bidx(folder: Path) -> None:
    for bidx in ((3, 2, 1), (2,)):
        output = folder / f"o{len(bidx)}.tif"
        geosal.compress(_with_codes(folder), str(output), saliency="half", bidx=bidx)
        assert _invalid(output) == 6400, (bidx, _invalid(output))


@case("nodata-values-to-byte", "NODATA_VALUES hold for samples that are brought to bytes")
def nodata_values_to_byte(folder: Path) -> None:
    pixels = (_picture(3).astype(np.uint16) * 100).astype(np.uint16)
    pixels[:, 50:150, 50:150] = 65535
    profile = {"driver": "GTiff", "count": 3, "height": 256, "width": 256, "dtype": "uint16", "crs": "EPSG:32631"}
    scene = str(folder / "s.tif")
    with rasterio.open(scene, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10)) as dataset:
        dataset.write(pixels)
        dataset.update_tags(NODATA_VALUES="65535 65535 65535")
    geosal.compress(scene, str(folder / "o.tif"), saliency="half", to_byte="range:0-25500")
    assert _invalid(folder / "o.tif") == 10000, _invalid(folder / "o.tif")


@case("nodata-values-write", "an array of a scene with NODATA_VALUES is written")
def nodata_values_write(folder: Path) -> None:
    geosal.write(geosal.open_scene(_with_codes(folder)), str(folder / "o.tif"))
    assert _invalid(folder / "o.tif") == 6400, _invalid(folder / "o.tif")


@case("alpha-and-mask", "a mask beside alpha is not lost in JPEG, nor by geosal.write")
def alpha_and_mask(folder: Path) -> None:
    pixels, mask = _picture(4), np.full((256, 256), 255, np.uint8)
    pixels[3] = 255
    mask[:99] = 0
    scene = _put(folder / "s.tif", pixels, mask, colours=RGBA, photometric="RGB")
    geosal.compress(scene, str(folder / "o.tif"), saliency="half", profile="jpeg")
    geosal.write(geosal.open_scene(scene), str(folder / "w.tif"))
    assert (_invalid(folder / "o.tif"), _invalid(folder / "w.tif")) == (25344, 25344)


@case("mask-and-nodata-write", "geosal.write keeps nodata beside a mask where a lossy codec blurs the code")
def mask_and_nodata_write(folder: Path) -> None:
    pixels, mask = _picture(3), np.full((256, 256), 255, np.uint8)
    pixels[:, 150:, 100:] = 0
    mask[:99] = 0
    scene = _put(folder / "s.tif", pixels, mask, nodata=0)
    geosal.write(geosal.open_scene(scene), str(folder / "o.tif"), profile="jpeg")
    assert _invalid(folder / "o.tif") == 99 * 256 + 106 * 156, _invalid(folder / "o.tif")


@case("lerc-alpha", "LERC without an error keeps colours under alpha 0")
def lerc_alpha(folder: Path) -> None:
    pixels = _picture(4)
    pixels[3] = 255
    pixels[3, :50, :50] = 0
    scene = _put(folder / "s.tif", pixels, colours=RGBA, photometric="RGB")
    geosal.compress(scene, str(folder / "o.tif"), saliency="uniform:saliency=1", profile="lerc")
    with rasterio.open(folder / "o.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)


@case("jpeg-of-alpha-and-two", "JPEG refuses three bands with alpha among them in the plan, with the reason")
def jpeg_of_alpha_and_two(folder: Path) -> None:
    pixels = _picture(4)
    scene = _put(folder / "s.tif", pixels, colours=RGBA, photometric="RGB")
    for output, profile in (("o.tif", "jpeg"), ("o.jpg", "jpg")):
        recipe = geosal.Recipe(
            input=scene, output=str(folder / output), saliency=("half",), profile=profile, bidx=(1, 2, 4)
        )
        with pytest.raises(geosal.UsageError, match="alpha"):
            geosal.make_plan(recipe)


@case("alpha-alone", "a band of alpha alone is refused by JPEG with a mend that can be followed")
def alpha_alone(folder: Path) -> None:
    scene = _put(folder / "s.tif", _picture(4), colours=RGBA, photometric="RGB")
    with pytest.raises(geosal.UsageError, match="choose others"):
        geosal.compress(scene, str(folder / "o.tif"), saliency="half", profile="jpeg", bidx=(4,))


@case("alpha-and-nodata", "alpha beside nodata leaves the same pixels invalid in lossy files")
def alpha_and_nodata(folder: Path) -> None:
    pixels = _picture(4)
    pixels[3] = 255
    pixels[3, :50] = 0
    pixels[:3, 100:160, 100:160] = 0
    scene = _put(folder / "s.tif", pixels, colours=RGBA, photometric="RGB", nodata=0)
    wanted = (pixels[3] > 0) & (pixels[:3] > 0).any(axis=0)
    for output, profile in (("o.tif", "jpeg"), ("w.tif", "webp"), ("o.jpg", "jpg")):
        geosal.compress(scene, str(folder / output), saliency="half", profile=profile)
        with rasterio.open(folder / output) as dataset:
            valid = (dataset.dataset_mask() > 0) & (dataset.read_masks(1) > 0)
        changed = int((valid != wanted).sum())
        assert not changed, f"{profile}: {changed} pixels change sides"


@case("nodata-values-smoothed", "smoothing makes no valid pixel take NODATA_VALUES, and overviews do not average them")
def nodata_values_smoothed(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 3, (3, 256, 256), np.uint8)
    pixels[0][pixels.sum(axis=0) == 0] = 1
    pixels[:, 50:100, 50:100] = 0
    scene = _put(folder / "s.tif", pixels, tags={"NODATA_VALUES": "0 0 0"})
    geosal.compress(scene, str(folder / "o.tif"), saliency="uniform:saliency=0")
    assert _invalid(folder / "o.tif") == 2500, _invalid(folder / "o.tif")
    pixels = np.full((3, 256, 256), 200, np.uint8)
    pixels[:, :, :101] = 0
    scene, options = _put(folder / "h.tif", pixels, tags={"NODATA_VALUES": "0 0 0"}), {"BLOCKSIZE": "128"}
    geosal.compress(scene, str(folder / "p.tif"), saliency="uniform:saliency=1", creation_options=options)
    with rasterio.open(folder / "p.tif", OVERVIEW_LEVEL=0) as dataset:
        assert set(np.unique(dataset.read())) == {0, 200}, np.unique(dataset.read())
