"""Directories and tiles of a COG: what is broken in them, tifffile being the one who finds the place to break it."""

import re
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from outputs import failed, write, write_source

from geosal.errors import VerificationError
from geosal.formats.cog.tiff_faults import checksum_faults, read_directories, tile_faults
from geosal.job.proof import verify
from geosal.scenes import Scene
from geosal.verification import verify_structure

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def once_good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COG of three levels and a mask, all of whose images have several tiles but the last; `in.tif` beside it."""
    folder = tmp_path_factory.mktemp("good")
    pixels = np.random.default_rng(0).integers(1, 250, (1, 1500, 1100)).astype("uint8")
    source = write_source(folder / "in.tif", pixels, height=1500, width=1100)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(source, "r+") as dataset:
        dataset.write_mask(pixels[0] > 30)
    output = write(Scene.open(str(source)), folder / "good.tif")
    assert faults(output) == ""
    return output


@pytest.fixture
def good(once_good: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    for file in once_good.parent.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path / "good.tif"


def faults(output: Path) -> str:
    try:
        verify_structure(output, Scene.open(str(output.with_name("in.tif"))).layout, "out")
    except VerificationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("page", range(6))
@pytest.mark.parametrize("tag", ["TileOffsets", "TileByteCounts"])
def test_a_missing_tile_of_any_image(good: Path, page: int, tag: str) -> None:
    name = ["", "mask, ", "overview 1, ", "overview 2, ", "overview 1 mask, ", "overview 2 mask, "][page]
    patch(good, page, tag, -1, 0)
    assert re.search(rf"(\(|; ){name}tile \d, \d of band 1 is missing", faults(good))
    assert "is missing" in failed(good, None)["complete"]


@pytest.mark.parametrize("page", range(6))
def test_tiles_that_lie_in_each_other_or_beyond_the_end(good: Path, page: int) -> None:
    kept = good.read_bytes()
    patch(good, page, "TileByteCounts", 0, 10**7)
    assert "tile 0, 0 of band 1 is cut off" in faults(good)
    good.write_bytes(kept)
    patch(good, page, "TileOffsets", -1, len(kept) - 3)
    assert "is cut off" in faults(good)


@pytest.mark.parametrize(("shift", "message"), [(-4, "not led by its size"), (0, "not followed by its last bytes")])
def test_a_tile_without_its_frame(good: Path, shift: int, message: str) -> None:
    with tifffile.TiffFile(good) as tiff:
        page = tiff.pages[2]
        begin = page.dataoffsets[0] + (shift or page.databytecounts[0])
    overwrite(good, begin, b"\xaa\x55\xaa\x55")
    assert f"overview 1, tile 0, 0 of band 1 is {message}" in faults(good)


@pytest.mark.parametrize("page", [3, 5], ids=["image", "mask"])
def test_a_damaged_thumbnail(good: Path, page: int) -> None:
    with tifffile.TiffFile(good) as tiff:
        begin = tiff.pages[page].dataoffsets[0]
    overwrite(good, begin, b"\xff" * 100)
    assert "overview 2, " in faults(good)


def test_a_cog_that_was_changed_later(good: Path) -> None:
    with rasterio.open(good, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.write(dataset.read(1)[::-1], 1)
    assert "GDAL does not read its layout as COG" in faults(good)


def test_overviews_that_end_too_early(good: Path) -> None:
    rasterio.shutil.copy(good, good.with_name("short.tif"), driver="COG", OVERVIEW_COUNT="1")
    assert "overviews reach 1:2 only, 750 px, a tile has 512" in faults(good.with_name("short.tif"))


def test_overviews_beside_the_file_do_not_count(good: Path) -> None:
    bare = good.with_name("bare.tif")
    rasterio.shutil.copy(good, bare, driver="COG", OVERVIEWS="NONE")
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(bare, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.build_overviews([2, 4])
    assert bare.with_name("bare.tif.ovr").is_file()
    assert "overviews reach 1:1 only" in faults(bare)


def test_overviews_added_to_a_tiff(good: Path) -> None:
    """Tiled, with all overviews, and yet no COG: directories and pixels stand in another order."""
    plain = good.with_name("plain.tif")
    rasterio.shutil.copy(good, plain, driver="GTiff", TILED="YES", BLOCKXSIZE="512", BLOCKYSIZE="512")
    with rasterio.open(plain, "r+") as dataset:
        dataset.build_overviews([2, 4])
    found = faults(plain)
    assert "GDAL does not read its layout as COG" in found
    assert "pixels stand before the last directory" in found
    assert "pixels of overviews do not stand before" in found


def test_an_overview_of_another_size_or_kind(good: Path) -> None:
    kept = good.read_bytes()
    patch(good, 2, "ImageWidth", 0, 548)
    assert "overview 1 has 548 x 750 px, not half of the level above" in faults(good)
    good.write_bytes(kept)
    patch(good, 2, "NewSubfileType", 0, 0)
    assert "overview 1 has 550 x 750 px" in faults(good)


def test_a_lost_mask(good: Path) -> None:
    with rasterio.open(good) as dataset:
        profile, pixels = dataset.profile, dataset.read()
    del profile["tiled"], profile["blockxsize"], profile["blockysize"], profile["interleave"]
    with rasterio.open(good.with_name("bare.tif"), "w", **profile | {"driver": "COG"}) as dataset:
        dataset.write(pixels)
    assert "the mask is lost" in faults(good.with_name("bare.tif"))


@pytest.mark.parametrize("value", [8, 2**31, 192])
def test_directories_that_lead_nowhere(good: Path, value: int) -> None:
    """Also into themselves: no endless loop, and no exception but ours."""
    data = good.read_bytes()
    (first,) = struct.unpack("<I", data[4:8])
    (count,) = struct.unpack("<H", data[first : first + 2])
    overwrite(good, first + 2 + 12 * count, struct.pack("<I", value))
    assert faults(good)


@pytest.mark.parametrize("options", [{}, {"BIGTIFF": "YES"}, {"INTERLEAVE": "BAND"}, {"ENDIANNESS": "BIG"}])
def test_directories_are_read_as_tifffile_reads_them(source: Path, tmp_path: Path, options: Any) -> None:
    copy = tmp_path / "copy.tif"
    rasterio.shutil.copy(source, copy, driver="GTiff", TILED="YES", COMPRESS="ZSTD", **options)
    with rasterio.open(copy, "r+") as dataset:
        dataset.build_overviews([2])
    found = read_directories(str(copy))
    with tifffile.TiffFile(copy) as tiff:
        expected = [
            (page.offset, page.shape[-2:] if page.planarconfig == 2 else page.shape[:2], page.dataoffsets)
            for page in tiff.pages
        ]
        assert [(one.begin, one.shape, tuple(one.offsets.tolist())) for one in found] == expected
        assert [tuple(one.sizes.tolist()) for one in found] == [page.databytecounts for page in tiff.pages]
    assert list(tile_faults(str(copy), found)) == []


@pytest.mark.parametrize("page", [0, 1])
def test_deflate_that_is_not_what_its_checksum_says(good: Path, tmp_path: Path, page: int) -> None:
    copy = tmp_path / "deflate.tif"
    with rasterio.open(good) as dataset:
        rasterio.shutil.copy(dataset, copy, driver="GTiff", TILED="YES", COMPRESS="DEFLATE")
    with rasterio.open(copy, "r+") as dataset:
        dataset.build_overviews([2])
    assert list(checksum_faults(str(copy), read_directories(str(copy)))) == []
    with tifffile.TiffFile(copy) as tiff:
        place, size = tiff.pages[page].dataoffsets[0], tiff.pages[page].databytecounts[0]
        named = "overview 1" if tiff.pages[page].is_reduced else "mask" if tiff.pages[page].is_mask else ""
    overwrite(copy, place + size - 4, b"\0\1\2\3")
    (told,) = checksum_faults(str(copy), read_directories(str(copy)))
    assert told.startswith(named)
    assert re.search(r"tile 0, 0 of band 1 is damaged \(.*incorrect data check", told)
    (check,) = (one for one in verify(str(copy)) if one.name == "complete")
    assert not check.ok


@pytest.mark.parametrize("tag", ["TileWidth", "ImageLength", "BitsPerSample"])
def test_tiles_that_cannot_be_are_told(good: Path, tag: str) -> None:
    patch(good, 0, tag, 0, 0)
    with pytest.raises(ValueError, match=r"the image cannot be: \d+ x \d+ px, tiles of \d+ x \d+"):
        read_directories(str(good))


def test_a_tile_that_unpacks_to_more_than_a_tile(good: Path) -> None:
    """It is inflated no further: a bomb has a thousand times the bytes of its file."""
    with tifffile.TiffFile(good) as tiff:
        place, size = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    stream = zlib.compress(bytes(512 * 512 + 1))
    overwrite(good, place, stream.ljust(size, b"\0"))
    (told,) = checksum_faults(str(good), read_directories(str(good)))
    assert told == "tile 0, 0 of band 1 unpacks to more than the 262144 bytes of a tile"


def patch(path: Path, page: int, tag: str, index: int, value: int) -> None:
    """Change one number of a TIFF's directory in place; tifffile finds it."""
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages[page].tags[tag]
        size = {3: 2, 4: 4}[entry.dtype]
        overwrite(path, entry.valueoffset + (index % entry.count) * size, value.to_bytes(size, "little"))


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
