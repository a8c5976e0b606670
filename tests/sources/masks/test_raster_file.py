import hashlib
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401  registers `.rio`
import tifffile
import xarray as xr
import zarr

import geosal
from geosal.core.grid import Block
from geosal.errors import SceneError, UsageError
from geosal.sources.files import digest
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


class TestZarr:
    @pytest.fixture
    def store(self, tmp_path: Path) -> str:
        mask = np.zeros((30, 40), "uint8")
        mask[5:12, 6:20] = 255
        coords = {"y": 5e6 - 20 * np.arange(30) - 10, "x": 6e5 + 20 * np.arange(40) + 10}
        made = xr.DataArray(mask, dims=("y", "x"), coords=coords, name="mask").rio.write_crs(32632)
        made.to_dataset().to_zarr(tmp_path / "m.zarr", consolidated=False)
        return str(tmp_path / "m.zarr")

    def test_a_store_and_an_array_of_it_are_masks(self, store: str) -> None:
        for path in (store, f"{store}/mask"):
            file = RasterFile.open(path, 1)
            pixels, valid = file.read(Block(4, 5, 9, 16))
            assert (file.grid.transform.a, file.all_valid, valid) == (20, True, None)
            assert (pixels[1:-1, 1:-1] == 255).all()
            assert pixels.sum() == 255 * 7 * 14
            assert file.fingerprint() == digest(path)
        with pytest.raises(UsageError, match="band=2, but it has 1"):
            RasterFile.open(store, 2)

    def test_nodata_says_nothing(self, store: str) -> None:
        zarr.open_group(store, mode="a")["mask"].attrs["_FillValue"] = 0
        pixels, valid = RasterFile.open(store, 1).read(Block(0, 0, 30, 40))
        np.testing.assert_array_equal(valid, pixels != 0)

    def test_several_rasters_have_to_be_told_apart(self, store: str) -> None:
        zarr.open_group(store, mode="a").create_array("other", data=np.ones((30, 40)), dimension_names=("y", "x"))
        with pytest.raises(SceneError, match=r"holds several rasters \(mask, other\); name one: .*m.zarr/mask"):
            RasterFile.open(store, 1)

    def test_a_job_with_it_is_repeated_and_verified(self, store: str, tmp_path: Path) -> None:
        scene = np.random.default_rng(1).integers(1, 255, (1, 60, 80)).astype("uint8")
        place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(6e5, 5e6, 10, 10)}
        layout = {"driver": "GTiff", "count": 1, "height": 60, "width": 80, "dtype": "uint8"}
        with rasterio.open(tmp_path / "s.tif", "w", **layout, **place) as dataset:
            dataset.write(scene)
        output = str(tmp_path / "o.tif")
        geosal.compress(str(tmp_path / "s.tif"), output, saliency=store)
        assert all(check.ok and check.checked for check in geosal.verify(output, against=str(tmp_path / "s.tif")))
