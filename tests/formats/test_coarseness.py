"""Errors that a codec may make, from what its file says: Pillow reads the tables of a JPEG."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from PIL import Image
from rasters import PLACE, save

from geosal.core.treatment import SMOOTH
from geosal.formats.coarseness import Coarseness, error_of_jpeg
from geosal.formats.table import format_read_by

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 64, 80), np.uint8)


def of_file(path: Path) -> Coarseness:
    with rasterio.open(path) as dataset:
        form = format_read_by(dataset.driver)
        assert form is not None
        return form.finished.coarseness(dataset, dataset)


def half_a_step(jpeg: BytesIO | Path) -> float:
    """Of the mean, in brightness and in the colour that blue hangs on (JFIF: B = Y + 1.772 (Cb - 128))."""
    with Image.open(jpeg) as picture:
        brightness, colour = (picture.quantization[number][0] / 8 for number in (0, 1))
    return brightness / 2 + 1.772 * colour / 2


def test_tables_that_are_cut_off_say_what_they_have() -> None:
    head = b"\xff\xd8\xff\xdb\xff\xff\x00" + bytes([16]) * 65
    assert error_of_jpeg(head[:40], SMOOTH) == error_of_jpeg(head, SMOOTH)


@pytest.mark.parametrize("quality", [1, 10, 50, 95])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_may_err_by_half_a_step(quality: int, progressive: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(np.moveaxis(PIXELS, 0, -1)).save(path, quality=quality, progressive=progressive)
    found = of_file(path)
    assert found.error == pytest.approx(max(half_a_step(path), 8))
    assert found.faint == found.error / 4


@pytest.mark.parametrize("quality", [10, 90])
def test_tables_of_tiles_are_those_of_the_tiff(quality: int, tmp_path: Path) -> None:
    options = {"compress": "jpeg", "photometric": "YCBCR", "tiled": True, "blockxsize": 16, "blockysize": 16}
    path = save(tmp_path / "a.tif", PIXELS, **PLACE, **options, jpeg_quality=quality)
    with tifffile.TiffFile(path) as tiff, path.open("rb") as file:
        page = tiff.pages[0]
        file.seek(page.dataoffsets[0])
        jpeg = BytesIO(page.jpegtables[:-2] + file.read(page.databytecounts[0])[2:])
    assert of_file(path).error == pytest.approx(max(half_a_step(jpeg), 8))


@pytest.mark.parametrize(
    ("dtype", "options", "error"),
    [
        ("uint8", {"compress": "deflate"}, 4),
        ("float32", {"compress": "deflate"}, 0),
        ("uint8", {"compress": "webp", "webp_level": 50}, 16),
        ("uint16", {"compress": "lerc", "max_z_error": 6}, 6),
        ("uint16", {"compress": "lerc"}, 4),
        ("float32", {"compress": "lerc", "max_z_error": 0.5}, 0.5),
    ],
)
def test_other_codecs(dtype: str, options: dict[str, object], error: float, tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", PIXELS.astype(dtype), tiled=True, blockxsize=16, blockysize=16, **PLACE, **options)
    assert of_file(path) == Coarseness(error, error / 4)


def test_tiles_of_a_psnr_may_err_so_much_in_one_band(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    save(path, PIXELS, **PLACE)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(GEOSAL_TREATMENT="quality:low=30,high=40")
    rasterio.shutil.copy(path, tmp_path / "a.jp2", driver="JP2OpenJPEG")
    error = 255 / 10 ** (30 / 20) * 3**0.5
    assert of_file(tmp_path / "a.jp2").error == pytest.approx(max(error, 16))
