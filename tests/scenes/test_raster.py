import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from packaging import version
from rasterio.control import GroundControlPoint
from rasterio.transform import from_origin
from rasterio.windows import Window

from geosal import GeosalWarning, SceneError, UsageError
from geosal.core.grid import Block
from geosal.scenes import Scene

PLACE = {"crs": "EPSG:32631", "transform": from_origin(400000, 4900000, 10, 10)}


def write(path: Path, pixels: np.ndarray, **profile: object) -> str:
    count, height, width = pixels.shape
    layout = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype, **PLACE}
    with rasterio.open(path, "w", **{**layout, **profile}) as dataset:
        dataset.write(pixels)
    return str(path)


def test_pixels_and_validity_are_rasterios(rgb_scene: Path) -> None:
    scene = Scene.open(str(rgb_scene), (3, 1))
    pixels, valid, _ = scene.read(Block(10, 20, 300, 200))
    with rasterio.open(rgb_scene) as dataset:
        window = Window(20, 10, 200, 300)
        np.testing.assert_array_equal(pixels, dataset.read([3, 1], window=window))
        np.testing.assert_array_equal(valid, dataset.read_masks([3, 1], window=window) > 0)
    assert [band.description for band in scene.layout.metadata.bands] == ["B02", "B04"]


def test_opening_reads_no_pixel(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.tif", np.ones((1, 600, 600), np.uint8), compress="deflate", tiled=True))
    whole = path.read_bytes()
    with rasterio.open(path) as dataset:
        first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    path.write_bytes(whole[:first] + b"\xff" * 8 + whole[first + 8 :])
    scene = Scene.open(str(path))
    with pytest.raises(SceneError, match="rows 0-9, columns 0-9 cannot be read"):
        scene.read(Block(0, 0, 10, 10))


def test_nan_and_infinity_are_invalid(tmp_path: Path) -> None:
    pixels = np.ones((1, 4, 4), np.float32)
    pixels[0, 0, :3] = [np.nan, np.inf, -np.inf]
    _, valid, _ = Scene.open(write(tmp_path / "f.tif", pixels)).read(Block(0, 0, 4, 4))
    assert (~valid).sum() == 3


def test_an_internal_mask_counts_for_all_bands(tmp_path: Path) -> None:
    path, mask = tmp_path / "m.tif", np.full((8, 8), 255, np.uint8)
    mask[:3] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver="GTiff", count=2, height=8, width=8, dtype="uint8", **PLACE) as dataset,
    ):
        dataset.write(np.zeros((2, 8, 8), np.uint8))
        dataset.write_mask(mask)
    scene = Scene.open(str(path))
    assert scene.layout.has_mask
    _, valid, _ = scene.read(Block(0, 0, 8, 8))
    np.testing.assert_array_equal(valid, np.stack([mask > 0] * 2))


@pytest.mark.parametrize("bidx", [(), (1, 2, 3)])
def test_alpha_says_what_is_valid_whether_taken_along_or_not(tmp_path: Path, bidx: tuple[int, ...]) -> None:
    pixels = np.full((4, 8, 8), 9, np.uint8)
    pixels[3, :, :4] = 0
    path = write(tmp_path / "rgba.tif", pixels, photometric="RGB", alpha="YES")
    scene = Scene.open(path, bidx)
    _, valid, _ = scene.read(Block(0, 0, 8, 8))
    assert not valid[:3, :, :4].any()
    assert valid[:3, :, 4:].all()
    assert scene.layout.has_mask == bool(bidx)
    if not bidx:
        assert scene.layout.alpha == 3
        assert valid[3].all()


def test_a_scene_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.zeros((1, 8, 8), np.uint8))
    assert Scene.open(path).read(Block(0, 0, 8, 8))[0].max() == 0
    write(tmp_path / "b.tif", np.full((1, 8, 8), 7, np.uint8))
    (tmp_path / "b.tif").replace(path)
    assert Scene.open(path).read(Block(0, 0, 8, 8))[0].min() == 7


def test_trial_24_what_cannot_be_smoothed_is_refused_with_the_mend(tmp_path: Path) -> None:
    complex_ = write(tmp_path / "c.tif", np.zeros((1, 8, 8), np.complex64))
    with pytest.raises(SceneError, match="amplitude"):
        Scene.open(complex_)
    with rasterio.open(
        tmp_path / "p.tif", "w", driver="GTiff", count=1, height=8, width=8, dtype="uint8", **PLACE
    ) as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    with pytest.raises(SceneError, match="-expand rgb"):
        Scene.open(str(tmp_path / "p.tif"))


@pytest.mark.parametrize(
    ("dtype", "command"),
    [
        ("int8", "gdal_translate -ot Int16 IN OUT"),
        ("int64", "gdal_translate -ot Float64 IN OUT"),
        ("uint64", "gdal_translate -ot Float64 IN OUT"),
        ("complex128", "gdal_calc.py -A IN --allBands=A --calc='abs(A)' --type=Float64 --outfile=OUT"),
    ],
)
def test_trial_24_the_mend_of_a_type_is_a_whole_command(tmp_path: Path, dtype: str, command: str) -> None:
    with pytest.raises(SceneError, match=f"{re.escape(command)}$"):
        Scene.open(write(tmp_path / "a.tif", np.zeros((1, 8, 8), dtype)))


@pytest.mark.parametrize("bidx", [(4,), (0,), (1, 1)])
def test_bands_that_are_not_there_are_a_usage_error(rgb_scene: Path, bidx: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="has 1 to 3"):
        Scene.open(str(rgb_scene), bidx)


def test_files_that_are_no_raster(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").touch()
    (tmp_path / "text.tif").write_text("hello")
    for name, message in (
        ("none.tif", "no such file"),
        ("empty.tif", "empty"),
        ("text.tif", "gdalinfo"),
        (".", "direct"),
    ):
        with pytest.raises(SceneError, match=message):
            Scene.open(str(tmp_path / name))


def test_trial_21_a_vrt_is_opened_only_when_trusted_whatever_its_name(tmp_path: Path, rgb_scene: Path) -> None:
    for name in ("a.vrt", "innocent.tif"):
        path = tmp_path / name
        rasterio.shutil.copy(rgb_scene, path, driver="VRT")
        with pytest.raises(SceneError, match="--allow-driver VRT"):
            Scene.open(str(path))
        assert Scene.open(str(path), drivers=("VRT",)).layout.count == 3


def test_nodata_that_no_pixel_can_have_is_left_out_with_a_warning(tmp_path: Path) -> None:
    vrt = tmp_path / "a.vrt"
    rasterio.shutil.copy(write(tmp_path / "a.tif", np.ones((1, 8, 8), np.uint8)), vrt, driver="VRT")
    text = vrt.read_text()
    band = text[text.index("<VRTRasterBand") :].split(">")[0] + ">"
    vrt.write_text(text.replace(band, band + "<NoDataValue>0.5</NoDataValue>"))
    with pytest.warns(GeosalWarning, match="no uint8 value"):
        assert Scene.open(str(vrt), drivers=("VRT",)).layout.nodata is None


def test_statistics_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tif", np.arange(64, dtype=np.uint8).reshape(1, 8, 8))
    assert not Scene.open(path).has_statistics
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(1, STATISTICS_MEAN="31.5")
    assert Scene.open(path).has_statistics


@pytest.mark.parametrize(("count", "way"), [(1, "-expand gray"), (3, "-scale 0 1 0 255")])
def test_one_bit_is_no_palette(tmp_path: Path, count: int, way: str) -> None:
    """GDAL gives one band of one bit a palette, which -expand needs, and several none."""
    path = write(tmp_path / "s.tif", np.stack([np.eye(64, dtype=np.uint8)] * count), NBITS=1)
    with pytest.raises(SceneError, match=f"1 bit cannot be averaged; .*: gdal_translate {way} IN"):
        Scene.open(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("threads", [None, "ALL_CPUS"])
def test_trial_11_a_cut_off_jpeg2000_is_an_error_never_zeros(
    tmp_path: Path, share: float, threads: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if threads:
        monkeypatch.setenv("GDAL_NUM_THREADS", threads)
    pixels = np.random.default_rng(0).integers(0, 255, (1, 600, 600), dtype=np.uint8)
    options = {"driver": "JP2OpenJPEG", "reversible": "YES", "quality": "100", "blockxsize": 128, "blockysize": 128}
    path = Path(write(tmp_path / "a.jp2", pixels, **options))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SceneError, match=r"a\.jp2"):
        Scene.open(str(path)).read(Block(0, 0, 600, 600))


@pytest.mark.parametrize("bidx", [(), (1, 2, 3)])
def test_alpha_counts_beside_a_nodata_code(tmp_path: Path, bidx: tuple[int, ...]) -> None:
    """GDAL's mask flags speak of nodata alone then; gdalwarp -dstalpha -dstnodata makes such files."""
    pixels = np.full((4, 8, 8), 9, np.uint8)
    pixels[3, :, :4] = 0
    pixels[:3, 0] = 0
    scene = Scene.open(write(tmp_path / "a.tif", pixels, photometric="RGB", alpha="YES", nodata=0), bidx)
    _, valid, mask = scene.read(Block(0, 0, 8, 8))
    expected = np.zeros((8, 8), np.bool_)
    expected[1:, 4:] = True
    np.testing.assert_array_equal(valid[:3], np.stack([expected] * 3))
    np.testing.assert_array_equal(mask, pixels[3] > 0)
    assert scene.layout.has_mask == bool(bidx)


def test_a_mask_is_handed_on_as_it_is_beside_a_nodata_code(tmp_path: Path) -> None:
    path, mask = tmp_path / "m.tif", np.full((8, 8), 255, np.uint8)
    mask[:3] = 0
    pixels = np.full((1, 8, 8), 5, np.uint8)
    pixels[0, :, 6:] = 0
    layout = {"driver": "GTiff", "count": 1, "height": 8, "width": 8, "dtype": "uint8", "nodata": 0, **PLACE}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **layout) as dataset:
        dataset.write(pixels)
        dataset.write_mask(mask)
    samples = Scene.open(str(path)).read(Block(0, 0, 8, 8))
    np.testing.assert_array_equal(samples.mask, mask > 0)
    np.testing.assert_array_equal(samples.valid[0], (mask > 0) & (pixels[0] != 0))


@pytest.mark.parametrize("tag", ["-3.4028230607370965e+38", "-3.4028234663852886e+38", "-9999.0001"])
def test_float_nodata_is_compared_as_gdal_does(tmp_path: Path, tag: str) -> None:
    value = np.float32(-3.4028235e38) if "e+38" in tag else np.float32(-9999)
    pixels = np.random.default_rng(0).normal(size=(1, 8, 8)).astype(np.float32)
    pixels[0, :3] = value
    path = write(tmp_path / "a.tif", pixels, nodata=float(np.float32(-9999)))
    vrt = tmp_path / "a.vrt"
    rasterio.shutil.copy(path, vrt, driver="VRT")
    vrt.write_text(re.sub(r"<NoDataValue>[^<]*", f"<NoDataValue>{tag}", vrt.read_text()))
    _, valid, _ = Scene.open(str(vrt), drivers=("VRT",)).read(Block(0, 0, 8, 8))
    with rasterio.open(vrt) as dataset:
        np.testing.assert_array_equal(valid, dataset.read_masks() > 0)


def test_a_file_that_names_another_one_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"TOPSECRET-" * 100)
    (tmp_path / "mail").mkdir()
    path = tmp_path / "mail" / "isis.cub"
    path.write_text(
        "Object = IsisCube\n Object = Core\n StartByte = 1\n ^Core = ../secret.bin\n Format = BandSequential\n"
        "Group = Dimensions\n Samples = 10\n Lines = 10\n Bands = 1\n End_Group\n Group = Pixels\n"
        "Type = UnsignedByte\n ByteOrder = Lsb\n Base = 0.0\n Multiplier = 1.0\n End_Group\n End_Object\n"
        "End_Object\nEnd\n"
    )
    if version.parse(rasterio.__gdal_version__) < version.parse("3.12"):  # from then on GDAL looks at the path itself
        with rasterio.open(path) as dataset:  # it is deceived, so the test shows something
            assert dataset.read(1).tobytes().startswith(b"TOPSECRET")
    with pytest.raises(SceneError, match="--allow-driver"):
        Scene.open(str(path))


def test_bands_are_found_by_role_description_or_number(tmp_path):
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 4, "dtype": "uint8", "photometric": "RGB"}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.set_band_description(4, "B08")
    scene = Scene.open(str(path)).having("b08", "red", "2")
    assert scene.indexes == (4, 1, 2)
    with pytest.raises(UsageError, match="no band swir16; it has 1 .red., 2 .green., 3 .blue., 4 .b08."):
        scene.having("swir16")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_place_that_is_no_number_is_refused_with_the_mend(tmp_path: Path, number: float) -> None:
    path = write(tmp_path / "a.tif", np.ones((1, 8, 8), np.uint8), transform=Affine(10, 0, number, 0, -10, 0))
    with pytest.raises(SceneError, match=f"there is {number} among the numbers of its geotransform.*-a_ullr"):
        Scene.open(path)
    points = [GroundControlPoint(0, 0, number, 5), GroundControlPoint(8, 0, 4, 5), GroundControlPoint(0, 8, 4, 5)]
    path = write(tmp_path / "b.tif", np.ones((1, 8, 8), np.uint8), transform=None, gcps=points)
    with pytest.raises(SceneError, match=f"there is {number} among the numbers of its control points"):
        Scene.open(path)
