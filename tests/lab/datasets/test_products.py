"""Sentinel-2 Level-1C and Landsat ETM+."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from dataset_folders import ETM, TILE_OF_BUCKET, make_landsat, make_sentinel2
from products import make_l2a, make_landsat_l2

from geosal.errors import GeosalError, SceneError
from geosal.lab.datasets import find_images
from geosal.scenes import open_input

WHITE = 0.3558


def pixels_of(image) -> np.ndarray:
    scene = open_input(image.source, image.reading)
    return scene.read(scene.grid.whole()).pixels


def test_products_and_tiles_of_the_bucket_are_found_by_tile(crops, tmp_path):
    images = find_images("sentinel2", str(make_sentinel2(tmp_path, crops.msi)))
    assert [(image.part, image.name) for image in images] == [
        ("17SLA", "17SLA_20230103_0"),
        ("32TNR", "S2B_MSIL1C_20220301T102030_N0400_R065_T32TNR_20220301T120000"),
    ]
    assert [image.name for image in find_images("sentinel2", str(tmp_path), ["paper"])] == ["17SLA_20230103_0"]
    for inner in ("tiles/17/S", TILE_OF_BUCKET, "S2B_MSIL1C_20220301T102030_N0400_R065_T32TNR_20220301T120000.SAFE"):
        (image,) = find_images("sentinel2", str(tmp_path / inner))
        assert image.name in {one.name for one in images}


def test_sentinel2_is_stretched_as_in_its_true_colour_image(crops, tmp_path):
    image = find_images("sentinel2", str(make_sentinel2(tmp_path, crops.msi)))[0]
    counts = np.stack([crops.msi[band] for band in ("B04", "B03", "B02")]).astype(float)
    share = np.clip((counts - 1000) / 10000 / WHITE, 0, 1)
    wanted = np.where(counts == 0, 0, 1 + 254 * share)
    assert np.abs(pixels_of(image) - wanted).max() <= 0.5 + 1e-9


def test_the_real_product_is_found_and_read(shared_data):
    (image,) = find_images("sentinel2", str(shared_data / "sentinel2_safe"))
    assert image.part == "56JMM"
    pixels = pixels_of(image)
    assert pixels.dtype == np.uint8
    assert len(pixels) == 3


def test_an_archive_and_each_granule_of_an_old_product_are_found(tmp_path):
    make_sentinel2(tmp_path / "there")
    safe = next((tmp_path / "there").glob("*.SAFE"))
    shutil.make_archive(str(tmp_path / "packed" / safe.stem), "zip", safe.parent, safe.name)
    (packed,) = find_images("sentinel2", str(tmp_path / "packed"))
    np.testing.assert_array_equal(pixels_of(packed), pixels_of(find_images("sentinel2", str(safe))[0]))
    for granule in ("S2A_OPER_MSI_L1C_TL_EPA__20160101T000000_A1_T32TNR_N02.01", "S2A_OPER_T32TNS_N02.01"):
        old = tmp_path / "old/S2A_OPER_PRD_MSIL1C_PDMC_20160101T000000_R065_V20160101.SAFE/GRANULE"
        (old / granule).mkdir(parents=True)
    images = find_images("sentinel2", str(tmp_path / "old"))
    assert [image.part for image in images] == ["32TNR", "32TNS"]


def test_level_2a_is_none_of_them(tmp_path):
    make_l2a(tmp_path)
    tile = tmp_path / "tiles/17/S/LA/2023/1/4/0"
    (tile / "R10m").mkdir(parents=True)
    (tile / "R10m/B02.jp2").touch()
    with pytest.raises(SceneError, match=r"holds nothing of Sentinel-2 \(S2B_MSIL1C"):
        find_images("sentinel2", str(tmp_path))


@pytest.mark.parametrize("gone", ["B04.jp2", "B0*.jp2", "metadata.xml"])
def test_a_tile_that_arrived_in_part_is_found_and_refused_where_it_is_opened(tmp_path, gone):
    make_sentinel2(tmp_path)
    for path in list((tmp_path / TILE_OF_BUCKET).glob(gone)):
        path.unlink()
    image = find_images("sentinel2", str(tmp_path))[0]
    assert image.name == "17SLA_20230103_0"
    with pytest.raises(GeosalError) as refused:
        open_input(image.source, image.reading)
    assert "\n" not in str(refused.value)
    assert "17/S/LA/2023/1/3/0" in str(refused.value)


def test_products_of_etm_are_found_once_as_folder_tar_or_files(crops, tmp_path):
    folder = make_landsat(tmp_path / "folder", crops.etm) / ETM
    with tarfile.open(tmp_path / f"{ETM}.tar", "w") as tape:
        for path in sorted(folder.iterdir()):
            tape.add(path, path.name)
    flat = tmp_path / "flat"
    shutil.copytree(folder, flat)
    wanted = np.stack([crops.etm[band] for band in ("B3", "B2", "B1")])
    (tmp_path / "tar").mkdir()
    (tmp_path / f"{ETM}.tar").rename(tmp_path / "tar" / f"{ETM}.tar")
    for place in ("folder", "tar", "flat"):
        (image,) = find_images("landsat", str(tmp_path / place))
        assert (image.part, image.name, image.reading.to_byte) == ("2023", ETM, None)
        np.testing.assert_array_equal(pixels_of(image), wanted)
    (whole,) = find_images("landsat", str(tmp_path), ["paper"])
    assert Path(whole.source) == folder


def test_another_sensor_or_level_is_no_etm(tmp_path):
    make_landsat_l2(tmp_path)
    with pytest.raises(SceneError, match="holds nothing of Landsat"):
        find_images("landsat", str(tmp_path))


@pytest.mark.parametrize("gone", ["*_B3.TIF", "*.T*"])
def test_a_product_that_arrived_in_part_is_found_and_refused_where_it_is_opened(tmp_path, gone):
    folder = make_landsat(tmp_path) / ETM
    for path in list(folder.glob(gone)):
        path.unlink()
    (image,) = find_images("landsat", str(tmp_path))
    with pytest.raises(SceneError) as refused:
        open_input(image.source, image.reading)
    assert "\n" not in str(refused.value)
