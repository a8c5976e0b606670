import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

import geosal
from geosal.reports.spread import spread_of
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
