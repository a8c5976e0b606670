from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from tifffile import TiffFile, imwrite

from geosal.core.tiff import TiffReader, mask_pages


def _masked(path: Path, **options: object) -> None:
    profile = {"driver": "GTiff", "width": 64, "height": 48, "count": 1, "dtype": "uint8", "tiled": True}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", blockxsize=16, blockysize=16, **profile, **options) as dataset,
    ):
        dataset.write(np.full((1, 48, 64), 7, np.uint8))
        dataset.write_mask(np.eye(48, 64) > 0)
        dataset.build_overviews([2, 4], Resampling.nearest)


@pytest.mark.parametrize("order", ["LITTLE", "BIG"])
@pytest.mark.parametrize("big", ["NO", "YES"])
def test_directories_are_those_that_tifffile_reads(tmp_path: Path, order: str, big: str) -> None:
    path = tmp_path / "scene.tif"
    _masked(path, ENDIANNESS=order, BIGTIFF=big)
    with TiffFile(path) as right, path.open("rb") as file:
        reader = TiffReader.of(file)
        begin = reader.first
        for page in right.pages:
            assert begin == page.offset
            tags, begin = reader.directory(begin, (256, 257, 324))
            assert (tags[256][0], tags[257][0]) == (page.imagewidth, page.imagelength)
            assert tuple(tags[324]) == page.dataoffsets
        assert begin == 0
        masks = [number for number, page in enumerate(right.pages, 1) if page.subfiletype == 4]
    assert mask_pages(str(path)) == masks


def test_pages_are_no_masks_and_a_cut_list_is_told(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    imwrite(path, np.zeros((3, 8, 8), np.uint8), photometric="minisblack")
    assert mask_pages(str(path)) == []
    with TiffFile(path) as file:
        third = file.pages[2].offset
    content = path.read_bytes()
    path.write_bytes(content[: third + 20])
    with pytest.raises(ValueError, match="cannot be read"):
        mask_pages(str(path))
    path.write_bytes(content[:third] + bytes(200))
    with pytest.raises(ValueError, match="without a width"):
        mask_pages(str(path))
    path.write_bytes(content[:4] + b"\xff" * 4 + content[8:])
    with pytest.raises(ValueError, match="byte 4294967295 of"):
        mask_pages(str(path))
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="no TIFF"):
        mask_pages(str(path))
