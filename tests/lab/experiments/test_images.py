from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from geosal.errors import SceneError, UsageError
from geosal.lab.experiments.images import find_pictures
from geosal.lab.experiments.jpegs import Experiment
from geosal.scenes import Reading

Wish = Callable[..., Experiment]


def test_images_of_a_folder_in_order_and_nothing_else(wish: Wish) -> None:
    found = find_pictures(wish())
    assert [(picture.name, picture.bands) for picture in found] == [("a", 3), ("b", 3), ("c", 1)]


def test_names_tell_files_apart(wish: Wish, folder: Path, tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp"):
        Image.new("RGB", (32, 32)).save(tmp_path / name)
    one = [str(tmp_path / "a.png"), str(tmp_path / "a.bmp")]
    assert [p.name for p in find_pictures(wish(images=one))] == ["a.png", "a.bmp"]
    two = [str(folder / "a.png"), str(tmp_path / "a.png")]
    assert [p.name for p in find_pictures(wish(images=two))] == two
    assert [p.name for p in find_pictures(wish(images=[two[0], two[0]]))] == ["a"]


def test_a_folder_without_images(wish: Wish, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="the folder holds no image"):
        find_pictures(wish(images=str(tmp_path)))
    with pytest.raises(SceneError, match=r"missing: no such file .* in RECIPE, or .*--images FOLDER$"):
        find_pictures(wish(images=str(tmp_path / "missing")))
    with pytest.raises(SceneError, match=r"missing: no such file .*--images Towns=FOLDER$"):
        find_pictures(wish(images={"Towns": {"layout": "rareplanes", "folder": str(tmp_path / "missing")}}))


def test_what_a_jpeg_cannot_hold(wish: Wish, tmp_path: Path) -> None:
    path = tmp_path / "deep.tif"
    pixels = np.arange(64 * 64 * 2, dtype=np.uint16).reshape(2, 64, 64)
    with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=2, dtype="uint16") as dataset:
        dataset.write(pixels)
    with pytest.raises(UsageError, match=r"deep.tif: uint16.*to_byte"):
        find_pictures(wish(images=str(path)))
    with pytest.raises(UsageError, match=r"deep.tif: 2 bands.*bidx"):
        find_pictures(wish(images=str(path), to_byte="range:0-8191"))
    assert find_pictures(wish(images=str(path), to_byte="range:0-8191", bidx=[1]))[0].bands == 1


def test_alpha_is_no_band(wish: Wish, tmp_path: Path) -> None:
    Image.new("RGBA", (32, 32)).save(tmp_path / "a.png")
    assert find_pictures(wish(images=str(tmp_path)))[0].bands == 3


def test_a_collection_is_read_in_its_own_way(wish: Wish, tmp_path: Path) -> None:
    path = tmp_path / "deep.tif"
    pixels = np.arange(64 * 64 * 4, dtype=np.uint16).reshape(4, 64, 64)
    with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=4, dtype="uint16") as dataset:
        dataset.write(pixels)
    images = {
        "own": {"folder": str(path), "bidx": [3, 2, 1], "to_byte": "range:0-16383"},
        "plain": {"folder": str(tmp_path), "layout": "plain"},
    }
    own, plain = find_pictures(wish(images=images))
    assert own.reading == Reading(bidx=(3, 2, 1), to_byte="range:0-16383")
    assert (plain.reading.to_byte, plain.bands, plain.annotations) == ("percentile:2-98", 3, None)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({"a": {"folder": "x", "layuot": "plain"}}, "layuot: no such option of images.a; did you mean layout?"),
        ({"a": {"folder": "x", "layout": "spacenets"}}, "no such layout of a data set; did you mean spacenet"),
        ({"a": {"folder": ["x", "y"], "layout": "plain"}}, "it must be one folder"),
        ({"a": {"folder": "x", "layout": "plain", "bidx": 1}}, "images.a.bidx: layout says how images are read"),
        ({"a": {"layout": "plain"}}, "images.a.folder=None"),
        ({"a": {"folder": "x", "to_byte": "squash"}}, "squash"),
    ],
)
def test_a_collection_that_cannot_be(wish: Wish, images: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        wish(images=images)
    assert message in str(refused.value)
