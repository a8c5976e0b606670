from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from geosal.errors import OutputError, SceneError
from geosal.lab.demo.picture import SIDE, Panel, Square, busiest_square, write_picture


def _raster(path: Path, pixels: np.ndarray) -> Path:
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": count, "height": height, "width": width}
    with rasterio.open(path, "w", crs="EPSG:32631", transform=from_origin(0, 0, 10, 10), **profile) as dataset:
        dataset.write(pixels)
    return path


def test_columns_show_their_rasters(tmp_path: Path) -> None:
    colours = np.zeros((3, 96, 96), np.uint8)
    colours[:, :, :48], colours[:, :, 48:] = np.array([[[200]], [[0]], [[0]]]), np.array([[[0]], [[0]], [[180]]])
    scene = _raster(tmp_path / "scene.tif", colours)
    mask = _raster(tmp_path / "mask.tif", np.full((1, 48, 48), 77, np.uint8))
    out = tmp_path / "picture.png"
    write_picture(out, [Panel("a", "b", scene), Panel("c", "d", mask)], Square(0.25, 0.5, 0.25))
    with Image.open(out) as picture:
        pixels = np.asarray(picture)
    first, second = 18, 18 + SIDE + 18
    whole, zoomed = 50 + 5, 50 + SIDE + 18 + SIDE // 2
    assert pixels[whole, first + 5].tolist() == [200, 0, 0]
    assert pixels[whole, first + SIDE - 5].tolist() == [0, 0, 180]
    assert pixels[zoomed, first + 20].tolist() == [0, 0, 180]  # the square lies in the right half
    assert pixels[whole, second + 5].tolist() == [77, 77, 77]
    assert pixels[zoomed, second + 5].tolist() == [77, 77, 77]
    assert (pixels[:50] < 100).any()  # there are captions


def test_busiest_square_holds_the_edge_of_what_is_salient() -> None:
    salient = np.zeros((200, 300), bool)
    salient[:, 160:] = True
    grey = np.random.default_rng(0).integers(100, 110, salient.shape).astype(np.uint8)
    grey[120:150, 150:175] = 255
    square = busiest_square(salient, grey, side=0.2)
    window = square.pixels(*salient.shape)
    part = salient[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]
    assert 0.3 < part.mean() < 0.7
    bright = grey[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]
    assert (bright == 255).mean() > 0.1


@pytest.mark.parametrize("fill", [False, True])
def test_busiest_square_of_a_flat_mask_lies_inside(fill: bool) -> None:
    square = busiest_square(np.full((64, 64), fill), np.zeros((64, 64), np.uint8))
    assert 0 <= square.top <= 1 - square.side
    assert 0 <= square.left <= 1 - square.side


def test_picture_errors(tmp_path: Path) -> None:
    raster = _raster(tmp_path / "a.tif", np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(OutputError, match="picture cannot be written"):
        write_picture(tmp_path / "missing" / "p.png", [Panel("a", "b", raster)], Square(0, 0, 0.5))
    with pytest.raises(SceneError, match="no such file"):
        write_picture(tmp_path / "p.png", [Panel("a", "b", tmp_path / "none.tif")], Square(0, 0, 0.5))
