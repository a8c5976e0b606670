"""The JPEG that a scene is or was, told by files of GDAL's."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image

import geosal
from geosal.formats.jpeg.source import OldJpeg, old_jpeg
from geosal.formats.jpeg.stream import Tables
from geosal.formats.jpeg.traces import tables_of
from geosal.formats.jpeg.whole import whole_jpeg
from geosal.native.jpeg import quantised
from geosal.scenes import Reading, open_input

pytestmark = pytest.mark.filterwarnings("ignore:.*has no georeferencing")
Write = Callable[..., Path]


def _picture(count: int = 3) -> NDArray[np.uint8]:
    rng = np.random.default_rng(5)
    at = np.arange(160) // 5
    found = rng.normal(128, 20, (count, 32, 32))[:, at][:, :, at] + rng.normal(0, 9, (1, 160, 160))
    return np.clip(found, 1, 254).astype(np.uint8)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(pixels: NDArray[np.uint8], driver: str = "GTiff", **options: Any) -> Path:
        path = tmp_path / f"{driver}{len(list(tmp_path.iterdir()))}.tif"
        count, height, width = pixels.shape
        profile = {"driver": driver, "count": count, "height": height, "width": width, "dtype": pixels.dtype}
        with rasterio.open(path, "w", **profile, **options) as dataset:
            dataset.write(pixels)
        return path

    return make


def _told(path: Path, **reading: Any) -> OldJpeg | None:
    return old_jpeg(open_input(str(path), Reading(**reading)))


_TIFF = {"compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel", "jpeg_quality": 85}
_TILED = {**_TIFF, "tiled": True, "blockxsize": 64, "blockysize": 64}


@pytest.mark.parametrize(("driver", "options"), [
    ("JPEG", {"quality": 85}), ("GTiff", _TIFF), ("GTiff", _TILED), ("GTiff", {**_TILED, "jpegtablesmode": 0}),
    ("GTiff", {**_TILED, "bigtiff": "yes", "endianness": "big"}),
])  # fmt: skip
def test_headers_tell_tables(driver: str, options: dict[str, Any], write: Write) -> None:
    old = _told(write(_picture(), driver, **options))
    assert old is not None
    assert (old.offset, old.subsampling, old.quality, str(old)) == ((0, 0), "420", 85, "a JPEG of quality 85")
    assert (old.offset, old.subsampling) == ((0, 0), "420")
    assert old.own_tables is not None
    np.testing.assert_array_equal(old.own_tables, tables_of(85))


def test_grey_has_no_subsampling(write: Write) -> None:
    old = _told(write(_picture(1), "JPEG", quality=70))
    assert old is not None
    assert (old.subsampling, old.quality) == ("444", 70)


def test_traces_tell_it_of_a_copy_without_loss(write: Write) -> None:
    with rasterio.open(write(_picture(), "JPEG", quality=80)) as dataset:
        pixels = dataset.read()
    for cut, suits, repeats in ((0, True, True), (4, False, False), (8, True, False)):
        old = _told(write(pixels[:, :, cut:], compress="deflate"))
        assert old is not None
        assert (old.offset, old.subsampling, old.quality) == ((0, -cut % 16), "420", 80)
        assert ((old.own_tables is not None), (old.offset, old.subsampling) == ((0, 0), "420")) == (suits, repeats)


def test_tiles_of_different_tables_have_none_in_common(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    pixels = np.tile(_picture(), (1, 4, 4))
    geosal.compress(write(pixels), out, saliency="half", profile="jpeg", treatment="quality:low=30,high=90")
    old = _told(out)
    assert old is not None
    assert (old.offset, old.tables, old.quality, str(old)) == ((0, 0), None, None, "a JPEG")


def test_tables_of_another_making_have_no_quality(tmp_path: Path) -> None:
    path = tmp_path / "own.jpg"
    table = np.arange(3, 67)
    Image.fromarray(np.moveaxis(_picture(), 0, -1)).save(path, qtables=[table.tolist()] * 2, subsampling=0)
    old = _told(path)
    assert old is not None
    assert (old.quality, old.subsampling, str(old)) == (None, "444", "a JPEG")
    assert old.own_tables is not None
    np.testing.assert_array_equal(old.own_tables, [table, table])


def test_of_other_scenes_nothing_is_told(write: Write, tmp_path: Path) -> None:
    jpeg = write(_picture(), "JPEG", quality=85)
    swapped = _told(jpeg, bidx=(3, 2, 1))  # another Y, in which the grid may still show
    assert swapped is None or swapped.tables is None
    assert _told(jpeg, bidx=(1, 2)) is None
    assert _told(write(_picture())) is None
    assert _told(write(_picture().astype(np.uint16), compress="deflate")) is None
    rgb = write(_picture(), compress="jpeg", photometric="rgb", interleave="pixel")
    assert _told(rgb) is None
    damaged = tmp_path / "damaged.tif"
    damaged.write_bytes(rgb.read_bytes()[:2000])
    assert _told(damaged) is None  # the job will say so


def test_the_answer_is_kept(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = open_input(str(write(_picture(), "JPEG")))
    first = old_jpeg(scene)
    monkeypatch.setattr("geosal.formats.jpeg.source._told", None)
    assert old_jpeg(scene) is first is not None


def test_a_jpeg_with_its_tables_repeats_it(write: Write) -> None:
    path = write(_picture(1), "JPEG", quality=75)
    with rasterio.open(path) as dataset:
        pixels = dataset.read()
    old = _told(path)
    assert old is not None
    assert old.tables is not None
    errors = []
    for tables in (old.tables, tables_of(80), tables_of(70)):
        stream = whole_jpeg(quantised(pixels, tables, "444"), pixels.shape[1:], Tables(tables), "444")
        again = np.asarray(Image.open(io.BytesIO(stream)))
        errors.append(float(((again.astype(float) - pixels[0]) ** 2).mean()))
    assert errors[0] < 0.1
    assert min(errors[1:]) > 2
