"""Depth, size and settings around a scene: what codecs and formats made of them."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
import zarr
from cases.frame import case, geosal
from rasterio.shutil import copy
from rasterio.transform import from_origin

import geosal as api


def _scene(path: Path, pixels: np.ndarray, **more: object) -> Path:
    count, height, width = pixels.shape
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)}
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype.name}
    with rasterio.open(path, "w", **profile, **place, **more) as dataset:
        dataset.write(pixels)
    return path


def _smooth_field(side: int, dtype: str) -> np.ndarray:
    """A picture like a real one: waves, and a little noise."""
    y, x = np.mgrid[:side, :side]
    waves = 2000 + 900 * np.sin(x / 23) * np.cos(y / 31) + np.random.default_rng(4).normal(0, 8, (side, side))
    return waves.astype(dtype)[np.newaxis]


@case("nbits-less-than-values", "a remark of 12 bits over 14-bit samples costs a lossless JPEG 2000 no sample")
def nbits_less_than_values(folder: Path) -> None:
    pixels = (np.add.outer(np.arange(200), np.arange(200)) * 40).astype(np.uint16)[np.newaxis]
    scene = _scene(folder / "scene.tif", pixels)
    remark = '<Metadata domain="IMAGE_STRUCTURE"><MDI key="NBITS">12</MDI></Metadata>'
    (folder / "scene.tif.aux.xml").write_text(
        f'<PAMDataset><PAMRasterBand band="1">{remark}</PAMRasterBand></PAMDataset>'
    )
    api.compress(str(scene), str(folder / "o.jp2"), saliency="half")
    api.compress(str(scene), str(folder / "o.tif"), saliency="half")
    with rasterio.open(folder / "o.jp2") as ours, rasterio.open(folder / "o.tif") as right:
        assert np.array_equal(ours.read(), right.read()), "samples differ from the COG's"


@case("jp2-of-a-chip", "a lossless JPEG 2000 of a chip is no larger than GDAL's by more than a twentieth")
def jp2_of_a_chip(folder: Path) -> None:
    scene = _scene(folder / "scene.tif", _smooth_field(264, "uint16"))
    api.compress(str(scene), str(folder / "o.jp2"), saliency="half")
    with rasterio.open(folder / "o.jp2") as dataset:
        smoothed = _scene(folder / "smoothed.tif", dataset.read())
    copy(smoothed, folder / "gdal.jp2", driver="JP2OpenJPEG", REVERSIBLE="YES", QUALITY="100")
    ours, theirs = ((folder / name).stat().st_size for name in ("o.jp2", "gdal.jp2"))
    assert ours < 1.05 * theirs, f"{ours} bytes, GDAL's {theirs}"


@case("padding-is-free", "LERC of a chip, and LZW of floats, take no more than a tenth above what GDAL's COG takes")
def padding_is_free(folder: Path) -> None:
    for codec, dtype in (("LERC", "uint16"), ("LZW", "float32")):
        scene = _scene(folder / f"{codec}.tif", _smooth_field(264, dtype))
        api.compress(str(scene), str(folder / f"o{codec}.tif"), saliency="half", profile=codec.lower())
        with rasterio.open(folder / f"o{codec}.tif") as dataset:
            smoothed = _scene(folder / "smoothed.tif", dataset.read())
        more = {"MAX_Z_ERROR": "0"} if codec == "LERC" else {"PREDICTOR": "YES"}
        copy(smoothed, folder / f"gdal{codec}.tif", driver="COG", COMPRESS=codec, BLOCKSIZE="512", **more)
        ours, theirs = ((folder / f"{name}{codec}.tif").stat().st_size for name in ("o", "gdal"))
        assert ours < 1.1 * theirs + 2000, f"{codec}: {ours} bytes, GDAL's {theirs}"


@case("readdir-disabled", "settings of whoever reads buckets leave nodata of a JPEG 2000 where it is")
def readdir_disabled(folder: Path) -> None:
    scene = _scene(folder / "scene.tif", _smooth_field(64, "uint16"), nodata=0)
    settings = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_TIFF_ENDIANNESS": "BIG"}
    for name in ("o.jp2", "o.tif"):
        done = geosal("compress", scene, folder / name, "-s", "half", **settings)
        assert done.returncode == 0, f"{name}: {done.stderr[-300:]}"


@case("odd-orientation-tag", "a TIFF whose tag libtiff minds is a scene and a mask like any other")
def odd_orientation_tag(folder: Path) -> None:
    tifffile.imwrite(folder / "odd.tif", _smooth_field(64, "uint8")[0] % 2, extratags=[(274, 3, 1, 9, True)])
    api.compress(str(folder / "odd.tif"), str(folder / "o.tif"), saliency="half")
    api.compress(str(folder / "odd.tif"), str(folder / "m.tif"), saliency=f"{folder / 'odd.tif'}:range=0-1")


@case("bigtiff-refused-early", "BIGTIFF=NO that cannot hold raw tiles is refused before the work")
def bigtiff_refused_early(folder: Path) -> None:
    profile = {"driver": "GTiff", "count": 1, "height": 70_000, "width": 70_000, "dtype": "uint8", "tiled": True}
    with rasterio.open(folder / "scene.tif", "w", **profile, SPARSE_OK="YES", BIGTIFF="YES"):
        pass
    recipe = api.Recipe(
        input=str(folder / "scene.tif"), output=str(folder / "o.tif"), saliency=("half",), profile="raw",
        creation_options=(("BIGTIFF", "NO"),),
    )  # fmt: skip
    with pytest.raises(api.GeosalError, match="BIGTIFF=NO"):
        api.make_plan(recipe)


@case("bound-of-12-bits", "a bound on samples of 12 bits makes none of more bits, in any format")
def bound_of_12_bits(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(3900, 4096, (1, 200, 200)).astype(np.uint16)
    scene = _scene(folder / "scene.tif", pixels, NBITS=12)
    for name in ("o.tif", "o.zarr", "o.jp2"):
        output = folder / name
        api.compress(str(scene), str(output), saliency="uniform:saliency=0", treatment="bound:error=32")
        assert api.compare(str(scene), str(output)).scores("whole").max_error <= 32
        found = (
            zarr.open_array(output / "image", mode="r", zarr_format=3)[:]
            if name == "o.zarr"
            else rasterio.open(output).read()
        )
        assert found.max() <= 4095, f"{name}: {found.max()}"


@case("xmp-not-well-formed", "a .jpg and a .jp2 of a scene whose XMP is no XML are published and proven")
def xmp_not_well_formed(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 255, (3, 64, 64), np.uint8)
    scene = _scene(folder / "scene.tif", pixels, photometric="RGB")
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(ns="xml:XMP", **{"<x:xmpmeta xmlns:x": '"adobe:ns:meta/"><b>broken</x:xmpmeta>'})
    for name in ("o.jpg", "o.jp2"):
        api.compress(str(scene), str(folder / name), saliency="half")
        checks = api.verify(str(folder / name), against=str(scene), saliency="half")
        assert all(check.ok for check in checks), [str(check) for check in checks if not check.ok]


@case("jp2-of-100-bands", "100 bands go into a lossless JPEG 2000 and come back to the bit, with their names")
def jp2_of_100_bands(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (100, 96, 80)).astype(np.uint16)
    scene = _scene(folder / "scene.tif", pixels)
    with rasterio.open(scene, "r+") as dataset:
        dataset.descriptions = [f"band {number}" for number in range(100)]
    for profile in ("jp2-lossless", "htj2k"):
        output = folder / f"{profile}.jp2"
        api.compress(str(scene), str(output), saliency="uniform:saliency=1", profile=profile)
        with rasterio.open(output) as made:
            assert (made.read() == pixels).all()
            assert made.descriptions[99] == "band 99"
        assert all(check.ok for check in api.verify(str(output), against=str(scene)))
