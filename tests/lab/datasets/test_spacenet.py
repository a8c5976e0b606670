"""SpaceNet's areas of interest, in the layouts of three generations."""

from pathlib import Path

import numpy as np
import pytest
from dataset_folders import make_spacenet

from geosal.errors import UsageError
from geosal.lab.datasets import find_images
from geosal.scenes import open_input


def test_scenes_go_before_tiles_of_their_area(crops, tmp_path):
    images = find_images("spacenet", str(make_spacenet(tmp_path, crops.rgb, crops.counts)))
    assert [(image.part, image.name) for image in images] == [
        ("AOI_1_Rio", "013022223103"),
        ("AOI_2_Vegas", "056155973080_01_P001-WV03"),
        ("AOI_3_Paris/tiles", "RGB-PanSharpen_AOI_3_Paris_img3"),
    ]
    assert [image.annotations is None for image in images] == [True, True, False]


def test_tiles_have_the_outlines_of_their_number(crops, tmp_path):
    folder = str(make_spacenet(tmp_path, crops.rgb, crops.counts))
    parts = ["AOI_1_Rio/tiles", "AOI_2_Vegas/tiles", "AOI_3_Paris/tiles"]
    images = find_images("spacenet", folder, parts)
    assert [Path(image.annotations).name for image in images] == [
        "Geo_AOI_1_RIO_img1.geojson",
        "SN2_buildings_train_AOI_2_Vegas_geojson_buildings_img1.geojson",
        "buildings_AOI_3_Paris_img3.geojson",
    ]


def test_bytes_stay_and_counts_are_stretched_band_by_band(crops, tmp_path):
    images = find_images("spacenet", str(make_spacenet(tmp_path, crops.rgb, crops.counts)))
    assert [image.reading.to_byte for image in images] == [None, "percentile:2-98", "percentile:2-98"]
    rio, vegas = (open_input(image.source, image.reading) for image in images[:2])
    np.testing.assert_array_equal(rio.read(rio.grid.whole()).pixels, crops.rgb)
    ends = np.percentile(crops.counts.reshape(3, -1), (2, 98), axis=1)[..., None, None]
    share = np.clip((crops.counts - ends[0]) / (ends[1] - ends[0]), 0, 1)
    stretched = vegas.read(vegas.grid.whole()).pixels
    assert np.abs(stretched - (1 + 254 * share)).max() <= 0.5 + 1e-9


def test_a_folder_of_one_kind_of_tiles_will_do(crops, tmp_path):
    make_spacenet(tmp_path, crops.rgb, crops.counts)
    inner = tmp_path / "SN2_buildings/train/AOI_2_Vegas/PS-RGB"
    (image,) = find_images("spacenet", str(inner))
    assert image.part == "AOI_2_Vegas/tiles"
    assert image.annotations is None


def test_the_tile_of_a_test_set_has_no_outlines_of_the_train_set(crops, tmp_path):
    make_spacenet(tmp_path, crops.rgb, crops.counts)
    tile = tmp_path / "SN1_buildings/train/AOI_1_Rio/3band/3band_AOI_1_RIO_img1.tif"
    other = tmp_path / "SN1_buildings/test_public/AOI_1_Rio/3band/3band_AOI_1_RIO_img1.tif"
    other.parent.mkdir(parents=True)
    other.write_bytes(tile.read_bytes())
    images = find_images("spacenet", str(tmp_path), ["AOI_1_Rio/tiles"])
    assert [image.annotations is None for image in images] == [True, False]
    assert len({image.name for image in images}) == 2


def test_a_file_without_three_bands_is_refused_where_it_is_opened(crops, tmp_path):
    make_spacenet(tmp_path, crops.rgb[:1], crops.counts)
    rio = find_images("spacenet", str(tmp_path))[0]
    with pytest.raises(UsageError, match="band"):
        open_input(rio.source, rio.reading)
