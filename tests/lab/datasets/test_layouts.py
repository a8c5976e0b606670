"""Layouts by name, and what is wrong with a folder."""

import numpy as np
import pytest
import rasterio
from dataset_folders import make_landsat, make_rareplanes, make_sentinel2, make_spacenet, png
from products import write

from geosal.errors import GeosalWarning, SceneError, UsageError
from geosal.lab.datasets import LAYOUTS, find_images
from geosal.scenes import open_input

RGB = np.arange(3 * 64 * 64, dtype=np.uint8).reshape(3, 64, 64)


def test_a_plain_folder_gives_rgb_of_bytes_whatever_it_holds(crops, tmp_path):
    write(tmp_path / "a.tif", crops.rgb, 1)
    write(tmp_path / "b.tif", crops.counts, 1)
    png(tmp_path / "a.png", crops.rgb)
    write(tmp_path / "c.tif", crops.rgb[0], 1)
    write(tmp_path / "below/d.tif", crops.rgb, 1)
    images = find_images("plain", str(tmp_path))
    assert [image.name for image in images] == ["a.png", "a.tif", "b", "c"]
    scenes = [open_input(image.source, image.reading) for image in images]
    assert [(scene.layout.count, scene.layout.dtype) for scene in scenes] == [(3, "uint8")] * 3 + [(1, "uint8")]


def test_a_plain_folder_takes_the_bands_that_are_called_red_green_and_blue(tmp_path):
    bands = np.stack([np.full((64, 64), value, np.uint8) for value in (1, 2, 3, 4)])
    write(tmp_path / "a.tif", bands, 1, photometric="MINISBLACK")
    with rasterio.open(tmp_path / "a.tif", "r+") as dataset:
        dataset.descriptions = ("B02", "B03", "B04", "B08")
    (image,) = find_images("plain", str(tmp_path))
    scene = open_input(image.source, image.reading)
    assert scene.read(scene.grid.whole()).pixels[:, 0, 0].tolist() == [3, 2, 1]


def test_an_unknown_layout_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"sentinel-2: no such layout of a data set; .*sentinel2"):
        find_images("sentinel-2", str(tmp_path))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_folder_and_none_are_refused_in_a_line(tmp_path, layout):
    with pytest.raises(SceneError, match="holds nothing of .* give the folder it was unpacked to"):
        find_images(layout, str(tmp_path))
    with pytest.raises(SceneError, match="no such folder"):
        find_images(layout, str(tmp_path / "none"))
    (tmp_path / "file").touch()
    with pytest.raises(SceneError, match="is a file"):
        find_images(layout, str(tmp_path / "file"))


@pytest.mark.parametrize("there", ["rareplanes", "spacenet", "sentinel2", "landsat", "plain"])
def test_another_layout_than_the_folders_is_refused_and_the_right_one_named(tmp_path, there):
    make = {
        "rareplanes": lambda: make_rareplanes(tmp_path, RGB),
        "spacenet": lambda: make_spacenet(tmp_path, RGB, RGB.astype(np.uint16)),
        "sentinel2": lambda: make_sentinel2(tmp_path),
        "landsat": lambda: make_landsat(tmp_path),
        "plain": lambda: png(tmp_path / "a.png", RGB),
    }
    make[there]()
    for layout in LAYOUTS:
        if layout == there:
            assert find_images(layout, str(tmp_path))
            continue
        with pytest.raises(SceneError, match=f"holds nothing of .*; it has the layout of {there}; say layout: {there}"):
            find_images(layout, str(tmp_path))


def test_a_part_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    make_sentinel2(tmp_path)
    with pytest.raises(SceneError, match="has no part 18STH of Sentinel-2; it has 17SLA, 32TNR"):
        find_images("sentinel2", str(tmp_path), ["18STH"])
    (tmp_path / "old").mkdir()
    next(tmp_path.glob("*.SAFE")).rename(tmp_path / "old/S2B_MSIL1C_20220301T102030_N0400_R065_T32TNR_1.SAFE")
    with pytest.raises(SceneError, match="has nothing that the paper took of Sentinel-2; it has 32TNR"):
        find_images("sentinel2", str(tmp_path / "old"), ["paper"])
    png(tmp_path / "a.png", RGB)
    with pytest.raises(UsageError, match="a plain folder has none"):
        find_images("plain", str(tmp_path), ["train"])


def test_downloads_that_were_not_finished_are_told(tmp_path):
    png(tmp_path / "a.png", RGB)
    (tmp_path / "b.tif.part").touch()
    (tmp_path / "c.tif.6Ae1F0b2").touch()
    (tmp_path / "notes.20230103").touch()
    with pytest.warns(GeosalWarning, match=r"2 unfinished downloads are left out, such as b\.tif\.part"):
        images = find_images("plain", str(tmp_path))
    assert [image.name for image in images] == ["a"]


def test_an_image_that_cannot_be_read_is_found_and_refused_where_it_is_opened(tmp_path):
    png(tmp_path / "a.png", RGB)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:20])
    bad = find_images("plain", str(tmp_path))[1]
    with pytest.raises(SceneError, match=r"b\.png"):
        open_input(bad.source, bad.reading)
