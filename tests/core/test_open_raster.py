import os
import shlex
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from tifffile import TiffFile, imwrite

from geosal import SceneError
from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block
from geosal.core.open_raster import open_raster
from geosal.core.shared_raster import shared_raster
from geosal.scenes import Scene

VRT = (
    '<VRTDataset rasterXSize="780" rasterYSize="520"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    '<SourceFilename relativeToVRT="0">{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
)


@pytest.mark.parametrize("suffix", [".msk", ".ovr", ".MSK", ".ovr.msk"])
def test_what_lies_beside_a_raster_is_a_tiff_or_refused(rgb_scene: Path, tmp_path: Path, suffix: str) -> None:
    """GDAL opens a mask or an overview with any driver, and a VRT reads any file."""
    scene = tmp_path / "scene.tif"
    shutil.copy(rgb_scene, scene)
    beside = tmp_path / f"scene.tif{suffix}"
    beside.write_text(VRT.format(rgb_scene))
    with gdal_env(), pytest.raises(SceneError, match="no TIFF"):
        open_raster(str(scene))
    with pytest.raises(SceneError, match="no TIFF"), shared_raster(str(scene)):
        pass
    with shared_raster(str(scene), alone=True) as dataset:
        assert dataset.files == [str(scene)]
    shutil.copy(rgb_scene, beside)
    with gdal_env(), open_raster(str(scene)) as dataset:
        assert dataset.count == 3


def test_masks_that_gdal_makes_beside_a_raster_are_taken(rgb_scene: Path, tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    with rasterio.open(rgb_scene) as source:
        profile, pixels = source.profile | {"nodata": None}, source.read()
    mask = np.zeros(pixels.shape[1:], np.uint8)
    mask[:300] = 255
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(scene, "w", **profile) as dataset:
        dataset.write(pixels)
        dataset.write_mask(mask)
    assert scene.with_name("scene.tif.msk").is_file()
    with shared_raster(str(scene)) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), mask)
    with shared_raster(str(scene), alone=True) as dataset:  # another handle
        assert dataset.dataset_mask().all()
    with shared_raster(str(scene)) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), mask)


def _masked(path: Path, *, inside: bool, **tags: int) -> np.ndarray:
    """Write a scene whose upper half a mask takes out; returns the mask."""
    mask = np.full((80, 80), 255, np.uint8)
    mask[:40] = 0
    profile = {"driver": "GTiff", "width": 80, "height": 80, "count": 1, "dtype": "uint8", "crs": "EPSG:32631"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
        rasterio.open(path, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10), compress="deflate") as dataset,
    ):
        dataset.write(np.full((1, 80, 80), 7, np.uint8))
        dataset.write_mask(mask)
    return mask


def _set_tag(path: Path, page: int, tag: int, value: int, *, kind: int = 3, rename: int = 0) -> None:
    """Overwrite a short of a classic little-endian TIFF, its type and its tag."""
    with TiffFile(path) as file:
        entry = file.pages[page].tags[tag].offset
    content = bytearray(path.read_bytes())
    content[entry : entry + 12] = struct.pack("<HHII", rename or tag, kind, 1, value)
    path.write_bytes(content)


def _lead_astray(path: Path) -> None:
    """Let the directory after the first lie behind the end of the file."""
    with TiffFile(path) as file:
        after = file.pages[0].offset + 2 + 12 * len(file.pages[0].tags)
    content = bytearray(path.read_bytes())
    content[after : after + 4] = (len(content) + 5000).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("length", [8, 100, None])
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_a_damaged_mask_beside_a_raster_is_refused(tmp_path: Path, suffix: str, length: int | None) -> None:
    """GDAL takes every pixel for valid then, and says so once only."""
    scene, made = tmp_path / f"scene{suffix}", tmp_path / "made.tif"
    mask = _masked(made, inside=False)
    if suffix == ".png":
        Image.fromarray(np.full((80, 80), 7, np.uint8)).save(scene)
    else:
        shutil.copy(made, scene)
    beside = tmp_path / f"scene{suffix}.msk"
    content = (tmp_path / "made.tif.msk").read_bytes()
    beside.write_bytes(content)
    with gdal_env(), open_raster(str(scene)) as dataset:
        np.testing.assert_array_equal(dataset.read_masks(1), mask)
    beside.write_bytes(content[:4] + b"\xff\xff\xff\x0f" + content[8:] if length is None else content[:length])
    with pytest.raises(SceneError, match=r"\.msk: the mask cannot be read"):
        Scene.open(scene)
    with gdal_env(), open_raster(str(scene), alone=True) as dataset:
        assert dataset.read_masks(1).all()
    beside.rename(tmp_path / f"scene{suffix}.ovr.msk")  # that of an overview
    assert not Scene.open(scene).mask


_DAMAGE = {
    "the directory is not there": _lead_astray,
    "the codec is unknown": lambda path: _set_tag(path, 1, 259, 34999),
    "the width has no type": lambda path: _set_tag(path, 1, 256, 80, kind=77),
    "there are no bits": lambda path: _set_tag(path, 1, 258, 0),
}


@pytest.mark.parametrize("odd", [None, 9, 1])
@pytest.mark.parametrize("fault", _DAMAGE)
def test_a_damaged_mask_in_a_tiff_is_refused(tmp_path: Path, fault: str, odd: int | None) -> None:
    """GDAL tells of the last fault only, or of none: of a tag's value in the first image, or of the order of tags."""
    scene = tmp_path / "scene.tif"
    mask = _masked(scene, inside=True)
    if odd is not None:  # an Orientation in the stead of the photometric interpretation
        _set_tag(scene, 0, 262, odd, rename=274)
    np.testing.assert_array_equal(Scene.open(scene).read(Block(0, 0, 80, 80)).valid[0], mask > 0)
    _DAMAGE[fault](scene)
    with pytest.raises(SceneError, match="scene.tif: the mask cannot be read"):
        Scene.open(scene)


def test_a_mask_that_gdal_leaves_alone_costs_no_scene(tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    _masked(scene, inside=True)
    _set_tag(scene, 1, 256, 79)
    assert not Scene.open(scene).mask


def test_a_damaged_mask_in_an_archive_is_refused(tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    _masked(scene, inside=True)
    for name in ("sound.zip", "damaged.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(scene, "scene.tif")
        _lead_astray(scene)
    assert Scene.open(f"/vsizip/{tmp_path}/sound.zip/scene.tif").mask
    with pytest.raises(SceneError, match="the mask cannot be read"):
        Scene.open(f"/vsizip/{tmp_path}/damaged.zip/scene.tif")


@pytest.mark.parametrize("archive", [False, True], ids=["", "archive"])
@pytest.mark.parametrize(
    "tag", [(274, 3, 1, 9, True), (274, 3, 1, 0, True), (65000, 3, 1, 9, True), (65330, 4, 1, 9, True)]
)
def test_tags_that_libtiff_minds_cost_no_scene(tmp_path: Path, tag: tuple[object, ...], archive: bool) -> None:
    path = tmp_path / "odd.tif"
    pixels = np.arange(6400, dtype=np.uint8).reshape(80, 80)
    imwrite(path, pixels, extratags=[tag])
    if tag[0] == 65000:
        _set_tag(path, 0, 65000, 9, kind=77)
    if tag[0] == 65330:  # a directory below the first that is nowhere
        _set_tag(path, 0, 65330, 60000, kind=4, rename=330)
    name = str(path)
    if archive:
        with zipfile.ZipFile(tmp_path / "odd.zip", "w") as made:
            made.write(path, "odd.tif")
        name = f"/vsizip/{tmp_path}/odd.zip/odd.tif"
    scene = Scene.open(name)
    samples = scene.read(scene.grid.whole())
    np.testing.assert_array_equal(samples.pixels[0], pixels)
    assert samples.valid.all()


def test_overviews_that_a_raster_names_elsewhere_are_refused(rgb_scene: Path, tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    shutil.copy(rgb_scene, scene)
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(rgb_scene))
    with gdal_env(), pytest.raises(SceneError, match="overviews are in"):
        open_raster(str(scene))


def test_a_png_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """GDAL's fast way to read a whole PNG hands out zeros for what is missing, and says nothing."""
    path = tmp_path / "cut.png"
    noise = np.random.default_rng(5).integers(0, 256, (200, 240, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:40000])
    scene = Scene.open(path)
    with pytest.raises(SceneError, match=r"cut.png.*damaged or cut off"):
        scene.read(scene.grid.whole())


@pytest.mark.parametrize("suffix", ["", ".msk", ".OVR", ".aux.xml"])
def test_a_pipe_is_not_waited_for(suffix: str, rgb_scene: Path, tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    if suffix:
        shutil.copy(rgb_scene, path)
    os.mkfifo(f"{path}{suffix}")
    with gdal_env(), pytest.raises(SceneError, match="is a pipe or a device"):
        open_raster(str(path))
    if suffix:
        with gdal_env():
            open_raster(str(path), alone=True).close()


def test_of_a_folder_the_bands_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "my bands"
    folder.mkdir()
    with gdal_env(), pytest.raises(SceneError, match="give one raster in it"):
        open_raster(str(folder))
    for name in ("B3.tif", "B2.TIF", "notes.txt"):
        (folder / name).touch()
    with gdal_env(), pytest.raises(SceneError) as caught:
        open_raster(str(folder))
    words = shlex.split(str(caught.value).partition("give its rasters: ")[2])
    assert words == [str(folder / "B2.TIF"), "OUTPUT", "--stack", str(folder / "B3.tif")]


def test_a_device_is_no_raster() -> None:
    with gdal_env(), pytest.raises(SceneError, match="is a pipe or a device"):
        open_raster("/dev/zero")
