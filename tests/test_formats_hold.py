"""What a format is asked to hold, and holds: bits, places, small images, edges, whatever the user's environment."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from affine import Affine
from numpy.typing import NDArray
from rasterio.transform import from_origin

import geosal
from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.formats.profiles import resolve_profile

POLE = "+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39.25 +lon_0=18 +to_meter=0.0174532925199433 +ellps=WGS84"
UTM = from_origin(5e5, 45e5, 10, 10)


def put(path: Path, pixels: NDArray[np.generic], transform: Affine = UTM, crs: str | None = "EPSG:32631") -> str:
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform) as dataset:
        dataset.write(pixels)
    return str(path)


def noise(count: int, height: int, width: int, most: int = 4096, dtype: str = "uint16") -> NDArray[np.generic]:
    return np.random.default_rng(0).integers(1, most, (count, height, width)).astype(dtype)


def read(path: Path) -> NDArray[np.generic]:
    with rasterio.open(path) as dataset:
        return dataset.read()


# Bits


@pytest.mark.parametrize("profile", ["jp2-lossless", "htj2k"])
def test_bits_that_only_a_sidecar_claims_are_not_believed(profile: str, tmp_path: Path) -> None:
    pixels = noise(1, 64, 64, most=40000)
    scene = put(tmp_path / "s.tif", pixels)
    (tmp_path / "s.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Metadata domain="IMAGE_STRUCTURE"><MDI key="NBITS">12</MDI></Metadata>'
        "</PAMRasterBand></PAMDataset>"
    )
    geosal.compress(scene, str(tmp_path / "o.jp2"), saliency="half", profile=profile)
    np.testing.assert_array_equal(read(tmp_path / "o.jp2")[:, :, :32], pixels[:, :, :32])


@pytest.mark.parametrize("aside", [None, "SNBITS and NBITS are in the header"])
def test_bits_that_the_files_coding_holds_are_kept(aside: str | None, tmp_path: Path) -> None:
    pixels = noise(1, 64, 64)
    profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint16", "nbits": 12}
    with rasterio.open(tmp_path / "s.tif", "w", **profile, transform=UTM, crs="EPSG:32631") as dataset:
        dataset.write(pixels)
    if aside is not None:
        (tmp_path / "s.tif.aux.xml").write_text(
            f'<PAMDataset><Metadata><MDI key="REMARK">{aside}</MDI></Metadata></PAMDataset>'
        )
    geosal.compress(str(tmp_path / "s.tif"), str(tmp_path / "o.jp2"), saliency="half")
    with rasterio.open(tmp_path / "o.jp2") as dataset:
        assert dataset.tags(1, ns="IMAGE_STRUCTURE")["NBITS"] == "12"


@pytest.mark.parametrize("output", ["o.tif", "o.jp2"])
def test_rounding_stays_within_the_bits(output: str, tmp_path: Path) -> None:
    pixels = np.full((1, 64, 64), 4095, np.uint16)
    profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint16", "nbits": 12}
    with rasterio.open(tmp_path / "s.tif", "w", **profile, transform=UTM, crs="EPSG:32631") as dataset:
        dataset.write(pixels)
    geosal.compress(str(tmp_path / "s.tif"), str(tmp_path / output), saliency="half", treatment=("bound:error=32",))
    assert read(tmp_path / output).max() == 4095


# Places


@pytest.mark.parametrize("profile", ["jp2-lossless", "htj2k"])
@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32631", Affine(10, 0, 5e5, 0, 10, 45e5)),
        ("EPSG:32631", Affine(10, 1, 5e5, 1, -10, 45e5)),
        ("EPSG:4979", Affine(0.1, 0, 5, 0, -0.1, 45)),
        (POLE, Affine(0.1, 0, 5, 0, -0.1, 45)),
        (None, Affine(1, 0, -0.5, 0, 1, -0.5)),
    ],
    ids=["south-up", "rotated", "3-D", "pole", "pixels"],
)
@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_a_jpeg_2000_lies_where_its_boxes_cannot_say(
    crs: str | None, transform: Affine, profile: str, tmp_path: Path
) -> None:
    scene = put(tmp_path / "s.tif", noise(1, 60, 70, dtype="uint8", most=256), transform, crs)
    geosal.compress(scene, str(tmp_path / "o.jp2"), saliency="half", profile=profile)
    with rasterio.open(scene) as a, rasterio.open(tmp_path / "o.jp2") as b:
        assert b.transform.almost_equals(a.transform, 1e-9)
        assert crs is None or b.crs == a.crs
    checks = geosal.verify(str(tmp_path / "o.jp2"), against=scene, saliency="half")
    assert [check for check in checks if not check.ok] == []


# Texts and pages


@pytest.mark.filterwarnings("ignore:.*georeferencing:geosal.errors.GeosalWarning")
def test_names_in_another_encoding_are_left_out(tmp_path: Path) -> None:
    pixels = noise(2, 64, 64, dtype="uint8", most=256)
    with rasterio.open(tmp_path / "e.img", "w", driver="ENVI", count=2, height=64, width=64, dtype="uint8") as dataset:
        dataset.write(pixels)
        dataset.descriptions = ("XX", "YY")
    for aside in tmp_path.glob("*.aux.xml"):
        aside.unlink()
    header = tmp_path / "e.hdr"
    header.write_bytes(header.read_bytes().replace(b"XX", "Température °C".encode("latin-1")))
    with pytest.warns(geosal.GeosalWarning, match="are not UTF-8 and are left out"):
        geosal.compress(str(tmp_path / "e.img"), str(tmp_path / "o.tif"), saliency="half")
    np.testing.assert_array_equal(read(tmp_path / "o.tif")[..., :32], pixels[..., :32])
    with pytest.warns(geosal.GeosalWarning, match="are not UTF-8 and are left out"):
        assert geosal.open_scene(str(tmp_path / "e.img")).shape == pixels.shape


def test_pages_that_are_not_read_are_told(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", noise(2, 64, 64, dtype="uint8", most=256), photometric="minisblack")
    with pytest.warns(geosal.GeosalWarning, match=r"holds 2 pages, and the first is taken; .* GTIFF_DIR:2:"):
        geosal.open_scene(str(tmp_path / "p.tif"))


# Small images and edges


@pytest.mark.parametrize(
    ("side", "halvings"), [(8, 0), (64, 3), (128, 4), (264, 5), (512, 5), (2000, 5), (10980, 5), (40000, 7)]
)
def test_small_images_have_wavelets(side: int, halvings: int) -> None:
    layout = RasterLayout(
        grid=Grid(None, UTM, side, side),
        dtype="uint16",
        nodata=None,
        has_mask=False,
        metadata=RasterMetadata(bands=(BandMetadata(),)),
    )
    options = dict(resolve_profile("a.jp2", None, {}, layout).creation_options)
    assert int(options["RESOLUTIONS"]) == 1 + halvings


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
@pytest.mark.parametrize(("profile", "dtype"), [("lerc", "uint16"), ("lzw", "float32"), ("deflate", "float64")])
def test_nobody_pays_for_what_lies_beside_the_image(profile: str, dtype: str, tmp_path: Path) -> None:
    scene = put(tmp_path / "s.tif", noise(4, 70, 64, dtype=dtype) if dtype != "uint16" else noise(4, 70, 64))
    geosal.compress(scene, str(tmp_path / "o.tif"), saliency="uniform:saliency=1", profile=profile)
    predictor = {} if profile == "lerc" else {"PREDICTOR": "YES"}
    rasterio.shutil.copy(scene, tmp_path / "gdal.tif", driver="COG", COMPRESS=profile.upper(), **predictor)
    np.testing.assert_array_equal(read(tmp_path / "o.tif")[..., :32], read(Path(scene))[..., :32])
    assert (tmp_path / "o.tif").stat().st_size < 1.1 * (tmp_path / "gdal.tif").stat().st_size


# The user's environment


@pytest.mark.parametrize(
    "setting", [("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR"), ("GDAL_TIFF_ENDIANNESS", "BIG")], ids=lambda s: s[0]
)
@pytest.mark.parametrize(("output", "profile"), [("o.tif", "zstd"), ("o.jp2", "jp2"), ("o.jpg", "jpg")])
def test_settings_for_buckets_do_no_harm(setting: tuple[str, str], output: str, profile: str, tmp_path: Path) -> None:
    pixels = noise(1, 64, 64, dtype="uint8", most=256)
    pixels[:, :9] = 0
    scene = put(tmp_path / "s.tif", pixels)
    with rasterio.open(scene, "r+") as dataset:
        dataset.nodata = 0
    words = ("compress", scene, str(tmp_path / output), "-s", "half", "--profile", profile)
    command = [sys.executable, "-P", "-m", "geosal", *words]  # GDAL keeps what it has once read of an environment
    done = subprocess.run(command, env=os.environ | dict([setting]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with rasterio.open(tmp_path / output) as dataset:
        np.testing.assert_array_equal(dataset.read_masks(1) > 0, pixels[0] > 0)
        assert dataset.transform == UTM
