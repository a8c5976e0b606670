"""RarePlanes' real and synthetic part."""

from pathlib import Path

import numpy as np
from dataset_folders import make_rareplanes

from geosal.lab.datasets import find_images
from geosal.scenes import open_input
from geosal.sources import open_saliency


def test_scenes_go_before_their_tiles_and_every_image_has_its_annotations(crops, tmp_path):
    images = find_images("rareplanes", str(make_rareplanes(tmp_path, crops.rgb)))
    assert [(image.part, image.name) for image in images] == [
        ("real/test/tiled", "56_104001003108D900_tile_3"),
        ("real/train", "100_1040010029990A00"),
        ("real/train", "12_104001003108D900"),
        ("synthetic/train", "Adelaide_Airport_0_0_101"),
    ]
    assert {image.dataset for image in images} == {"RarePlanes"}
    assert [Path(image.annotations).relative_to(tmp_path).as_posix() for image in images] == [
        "real/test/geojson_aircraft_tiled/56_104001003108D900_tile_3.geojson",
        "real/train/geojson_aircraft/100_1040010029990A00.geojson",
        "real/train/geojson_aircraft/12_104001003108D900.geojson",
        "synthetic/metadata_annotations/instances_train_aircraft.json",
    ]


def test_images_keep_their_bytes(crops, tmp_path):
    for image in find_images("rareplanes", str(make_rareplanes(tmp_path, crops.rgb))):
        scene = open_input(image.source, image.reading)
        np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, crops.rgb)


def test_parts_choose_tiles_and_what_the_paper_took(crops, tmp_path):
    folder = str(make_rareplanes(tmp_path, crops.rgb))
    (tile,) = find_images("rareplanes", folder, ["real/train/tiled"])
    assert tile.name == "100_1040010029990A00_tile_7"
    assert tile.annotations.endswith("real/metadata_annotations/instances_train_aircraft.json")
    assert {image.part for image in find_images("rareplanes", folder, ["paper"])} == {"real/test/tiled", "real/train"}
    assert {image.part for image in find_images("rareplanes", folder, ["synthetic"])} == {"synthetic/train"}


def test_scenes_in_the_older_folder_are_found_and_a_cog_of_the_same_scene_goes_before_them(crops, tmp_path):
    make_rareplanes(tmp_path, crops.rgb)
    cogs, plain = tmp_path / "real/train/PS-RGB_cog", tmp_path / "real/train/PS-RGB"
    plain.mkdir()
    for path in cogs.iterdir():
        (plain / path.name).write_bytes(path.read_bytes())
    (cogs / "12_104001003108D900.tif").unlink()
    found = find_images("rareplanes", str(tmp_path), ["real/train"])
    assert [Path(image.source).parent.name for image in found] == ["PS-RGB_cog", "PS-RGB"]


def test_the_boxes_of_a_coco_file_are_a_source_for_each_of_its_images(crops, tmp_path):
    (computed,) = find_images("rareplanes", str(make_rareplanes(tmp_path, crops.rgb)), ["synthetic"])
    scene = open_input(computed.source, computed.reading)
    saliency = open_saliency([computed.annotations], scene.grid, scene=scene)
    assert saliency.read(scene.grid.whole()).sum() == 20 * 20
