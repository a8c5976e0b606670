import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import geosal
from geosal.reports.spread import Spread, _coding_of, spread_of
from geosal.scenes import open_input
from geosal.scenes.reading import AS_IT_IS
from geosal.scenes.zarr_store import store_bytes


def _spread(path: Path):
    return spread_of(open_input(str(path), AS_IT_IS), str(path))


def test_tiles_of_a_tiff_are_as_tifffile_lists_them(rgb_scene: Path, tmp_path: Path) -> None:
    geosal.compress(rgb_scene, tmp_path / "out.tif", saliency="half")
    found = _spread(tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages[0]
        assert found.bytes.ravel().tolist() == list(page.databytecounts)
        assert found.tile == (page.tilelength, page.tilewidth)
    assert found.bytes.sum() + sum(found.beside.values()) == os.path.getsize(tmp_path / "out.tif")
    assert found.beside["overviews"] > 0


@pytest.mark.parametrize("name", ["out.jp2", "out.zarr", "out.jpg", "out.png"])
def test_every_byte_is_somewhere(folder: Path, tmp_path: Path, name: str) -> None:
    geosal.compress(folder / "scene.tif", tmp_path / name, saliency=str(folder / "mask.tif"), to_byte=None)
    found = _spread(tmp_path / name)
    assert (found.bytes > 0).all()
    assert found.bytes.sum() + sum(found.beside.values()) == pytest.approx(store_bytes(tmp_path / name))


@pytest.mark.parametrize(("dtype", "shards"), [("uint8", 1), ("uint8", 2), ("float64", 1)])
def test_bytes_of_a_store_lie_where_its_files_say(tmp_path: Path, dtype: str, shards: int) -> None:
    from rasters import PLACE, save

    pixels = np.random.default_rng(2).integers(0, 255, (1, 1100, 2100)).astype(dtype)
    save(tmp_path / "scene.tif", pixels, **PLACE)
    wish = {"saliency": "uniform:saliency=1", "creation_options": {"SHARDS": str(shards)}}
    geosal.compress(tmp_path / "scene.tif", tmp_path / "out.zarr", **wish)
    found = _spread(tmp_path / "out.zarr")
    assert found.tile == (min(1024 * shards, 1100), 1024 * shards)
    assert found.bytes.shape == ((2, 3) if shards == 1 else (1, 2))
    for (row, col), size in np.ndenumerate(found.bytes):
        files = (tmp_path / "out.zarr" / "image").glob(f"*/{row}/{col}")
        assert size == sum(file.stat().st_size for file in files) > 0


def test_tiles_are_merged_until_they_are_few() -> None:
    sizes = np.random.default_rng(4).integers(0, 9, (7, 5)).astype(float)
    found = Spread(tile=(16, 32), bytes=sizes, how="x").merged(3)
    assert (found.tile, found.how) == ((48, 96), "x, 3 x 3 of them taken as one")
    assert found.bytes.tolist() == [[sizes[r : r + 3, c : c + 3].sum() for c in (0, 3)] for r in (0, 3, 6)]


def test_a_picture_that_pillow_refuses_is_estimated_by_its_own_tables(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = open_input(str(folder / "out.jpg"), AS_IT_IS)
    with Image.open(folder / "out.jpg") as image:
        tables = [list(table) for table in image.quantization.values()]
    assert _coding_of(scene, str(folder / "out.jpg"))["qtables"] == tables
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert _spread(folder / "out.jpg") is not None
    monkeypatch.setattr("geosal.reports.spread._encoded_bytes", lambda *_: 1 / 0)
    assert _spread(folder / "out.jpg") is None


def test_density_is_that_of_the_tile_in_which_a_cell_lies(folder: Path) -> None:
    found = _spread(folder / "out.jpg")
    assert "estimated" in found.how
    assert found.density((96, 120), 8).shape == (12, 15)
    assert found.density((96, 120), 1).sum() == pytest.approx(found.bytes.sum(), rel=1e-5)


def test_bytes_of_a_jpeg_lie_where_there_is_something(tmp_path: Path) -> None:
    from rasters import save

    pixels = np.full((1, 256, 256), 90, np.uint8)
    pixels[0, :128, 128:] = np.random.default_rng(3).integers(0, 255, (128, 128))
    save(tmp_path / "half.jpg", pixels, driver="JPEG")
    found = _spread(tmp_path / "half.jpg")
    assert found.bytes[0, 1] > 0.9 * found.bytes.sum()


def test_what_cannot_be_told_is_none(tmp_path: Path) -> None:
    from rasters import save

    strips = save(tmp_path / "strips.tif", np.zeros((1, 30, 30), np.uint8))
    assert _spread(strips) is None
    assert spread_of(open_input(str(strips), AS_IT_IS), "/vsimem/none.tif") is None
