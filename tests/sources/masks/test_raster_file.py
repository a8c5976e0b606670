import hashlib
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from geosal.core.grid import Block
from geosal.errors import SceneError, UsageError
from geosal.sources.masks import raster_file
from geosal.sources.masks.raster_file import RasterFile


def test_the_header_is_read(make_mask, random_mask):
    file = RasterFile.open(make_mask(random_mask), 1)
    assert (file.dtype, file.grid.shape, file.all_valid, file.paletted) == ("uint8", (32, 42), True, False)


def test_a_window_is_read_with_its_valid_pixels(make_mask, random_mask):
    valid = random_mask > 99
    file = RasterFile.open(make_mask(random_mask, valid=valid), 1)
    pixels, found = file.read(Block(3, 5, 20, 10))
    np.testing.assert_array_equal(pixels, random_mask[3:23, 5:15])
    np.testing.assert_array_equal(found, valid[3:23, 5:15])


@pytest.mark.parametrize("tiled", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
@pytest.mark.parametrize("area", [Block(0, 0, 32, 42), Block(1, 30, 31, 12), Block(17, 17, 1, 1)])
def test_a_scan_in_pieces_finds_what_a_look_at_once_finds(make_mask, random_mask, tiled, area, monkeypatch):
    monkeypatch.setattr(raster_file, "_SCAN_PIXELS", 300)
    file = RasterFile.open(make_mask(random_mask, nodata=17, **tiled), 1)
    seen = random_mask[area.window.toslices()]
    values = file.scan(area)
    assert (values.low, values.high) == (seen[seen != 17].min(), seen[seen != 17].max())
    assert values.gaps == (seen == 17).any()
    assert sum(piece.height * piece.width for piece in file.pieces(area)) == area.height * area.width
    assert max(piece.height * piece.width for piece in file.pieces(area)) <= max(300, np.prod(file.block_shape))


def test_a_scan_knows_nan_from_nodata(make_mask):
    pixels = np.array([[0.5, np.nan], [0.25, 0.75]], dtype=np.float32)
    whole = Block(0, 0, 2, 2)
    undeclared = RasterFile.open(make_mask(pixels), 1).scan(whole)
    assert (undeclared.low, undeclared.high, undeclared.gaps, undeclared.nan) == (0.25, 0.75, False, True)
    declared = RasterFile.open(make_mask(pixels, nodata=math.nan, name="declared.tif"), 1).scan(whole)
    assert (declared.gaps, declared.nan, declared.empty) == (True, False, False)


def test_the_fingerprint_is_the_hash_of_the_file(make_mask, random_mask):
    path = make_mask(random_mask)
    assert RasterFile.open(path, 1).fingerprint() == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_band_that_is_not_there_is_refused(make_mask, random_mask):
    with pytest.raises(UsageError, match=r"band=2, but it has 1 band"):
        RasterFile.open(make_mask(random_mask), 2)


def test_a_damaged_mask_says_where(make_mask, random_mask):
    path = make_mask(np.tile(random_mask, (40, 40)), tiled=True, compress="deflate")
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SceneError, match=r"the mask cannot be read.*copy it again") as caught:
        RasterFile.open(path, 1).scan(Block(0, 0, 1280, 1680))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("orientation", [0, 9])
def test_a_tag_that_libtiff_minds_is_no_matter(tmp_path, orientation):
    mask = np.arange(300, dtype=np.uint8).reshape(15, 20)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, mask, extratags=[(274, "H", 1, orientation, True)], metadata=None)
    with warnings.catch_warnings(action="ignore"):
        file = RasterFile.open(str(path), 1)
        pixels, valid = file.read(Block(0, 0, 15, 20))
    np.testing.assert_array_equal(pixels, mask)
    assert valid is None
    assert not file.paletted
