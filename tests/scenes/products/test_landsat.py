"""Landsat Collection 2 and older: folders, archives, metadata in three forms."""

import json
import math
import shutil
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geosal.core.grid import Block
from geosal.errors import GeosalWarning, SceneError, UsageError
from geosal.scenes.products import is_product, open_product


def whole(scene: object) -> np.ndarray:
    return scene.read(scene.grid.whole()).pixels


def of(folder: Path, end: str) -> np.ndarray:
    with rasterio.open(next(folder.glob(f"*_{end}.TIF"))) as dataset:
        return dataset.read(1)


def test_level_2_reflectance_and_kelvin(landsat_l2: Path):
    assert is_product(landsat_l2)
    scene = open_product(landsat_l2, ("rgb", "nir", "ST_B10"))
    assert scene.chosen == ("B4", "B3", "B2", "B5", "ST_B10")
    for band, end in zip(whole(scene), ("SR_B4", "SR_B3", "SR_B2", "SR_B5", "ST_B10"), strict=True):
        assert np.array_equal(band, of(landsat_l2, end))
    red, *_, heat = scene.layout.metadata.bands
    assert (red.scale, red.offset, red.unit) == (2.75e-5, -0.2, None)
    assert (heat.scale, heat.offset, heat.unit, heat.role) == (0.00341802, 149.0, "K", "lwir11")
    assert scene.layout.nodata == 0
    assert [(band.kind, band.sensor) for band in scene.quality] == [("qa_pixel", "LANDSAT_9")]
    tags = scene.layout.metadata.tags[""]
    wanted = {"PLATFORM": "Landsat-9", "ACQUIRED": "2019-12-01T15:13:51.8610990Z", "SUN_AZIMUTH": "136.3"}
    assert wanted.items() <= tags.items()


def test_the_bands_of_level_1_are_not_those_of_level_2(landsat_l2: Path):
    assert open_product(landsat_l2, ("all",)).chosen == ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "ST_B10")
    assert open_product(landsat_l2).chosen == ("B1", "B2", "B3", "B4", "B5", "B6", "B7")
    with pytest.raises(UsageError, match="no band pan"):
        open_product(landsat_l2, ("pan",))


def test_etm_roles_and_units(landsat_l1: Path):
    scene = open_product(landsat_l1, ("B1", "nir", "thermal", "B62"))
    blue, nir, low, high = scene.layout.metadata.bands
    assert [band.role for band in scene.layout.metadata.bands] == ["blue", "nir08", "lwir11", ""]
    assert [band.description for band in (nir, low, high)] == ["B4", "B6_VCID_1", "B6_VCID_2"]
    # 30 degrees of sun: what comes back is half of what would from straight above.
    assert math.isclose(blue.scale, 2e-3 / 0.5)
    assert math.isclose(blue.offset, -0.1 / 0.5)
    assert (low.scale, low.offset, low.unit) == (0.067, -0.07, "W/(m2 sr um)")


def test_places_come_from_the_mtl_file(landsat_l1: Path):
    scene = open_product(landsat_l1, ("rgb",))
    assert scene.grid.rasterio_crs.to_epsg() == 32632
    assert scene.grid.transform[:6] == (30, 0, 600000, 0, -30, -4999970)
    pan = open_product(landsat_l1, ("pan",)).grid
    assert pan.transform[:6] == (15, 0, 600007.5, 0, -15, -4999977.5)
    assert pan.shape == (79, 99)


def test_antarctica_is_polar_stereographic(landsat_l1: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l1, tmp_path / landsat_l1.name))
    mtl = next(path.glob("*_MTL.txt"))
    polar = 'MAP_PROJECTION = "PS"\n    TRUE_SCALE_LAT = -71.00000\n    VERTICAL_LON_FROM_POLE = 0.00000'
    mtl.write_text(mtl.read_text().replace('MAP_PROJECTION = "UTM"', polar))
    assert open_product(path, ("rgb",)).grid.rasterio_crs.to_epsg() == 3031


def test_multispectral_bands_on_the_panchromatic_grid(landsat_l1: Path):
    scene = open_product(landsat_l1, ("pan", "red"))
    pan, red = whole(scene)
    assert np.array_equal(pan, of(landsat_l1, "B8"))
    # Centre of pan pixel k lies on the edge of a pixel of 30 m or at half of it: (k + 1) / 2 pixels from the edge.
    rows, cols = ((np.arange(n) + 1) // 2 for n in pan.shape)
    assert np.array_equal(red, of(landsat_l1, "B3")[np.ix_(rows, cols)])
    assert scene.layout.metadata.bands[1].tags[""]["RESAMPLING"] == "nearest"


def test_a_size_other_than_the_metadata_say_has_no_place(landsat_l1: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l1, tmp_path / landsat_l1.name))
    mtl = next(path.glob("*_MTL.txt"))
    mtl.write_text(mtl.read_text().replace("REFLECTIVE_LINES = 40", "REFLECTIVE_LINES = 41"))
    with pytest.warns(GeosalWarning, match="50 x 41"):
        scene = open_product(path, ("B1",))
    assert not scene.grid.georeferenced


def test_a_tar_reads_as_the_folder(landsat_l2: Path, tmp_path: Path):
    path = tmp_path / "LC09.tar"
    with tarfile.open(path, "w") as tape:
        for file in sorted(landsat_l2.iterdir()):
            tape.add(file, file.name)
    assert is_product(path)
    archive, folder = open_product(path, ("rgb",)), open_product(landsat_l2, ("rgb",))
    assert np.array_equal(whole(archive), whole(folder))
    assert archive.grid == folder.grid
    with rasterio.open(archive.quality[0].path) as dataset:
        assert np.array_equal(dataset.read(1), of(landsat_l2, "QA_PIXEL"))


def test_a_tar_whose_names_begin_with_a_dot(landsat_l2: Path, tmp_path: Path):
    """As ``tar -C FOLDER -cf LC09.tar .`` makes it."""
    path = tmp_path / "LC09.tar"
    with tarfile.open(path, "w") as tape:
        for file in sorted(landsat_l2.iterdir()):
            tape.add(file, f"./{file.name}")
    assert is_product(path)
    archive, folder = open_product(path, ("rgb",)), open_product(landsat_l2, ("rgb",))
    assert np.array_equal(whole(archive), whole(folder))
    assert archive.layout.metadata.tags == folder.layout.metadata.tags


@pytest.mark.parametrize("with_mtl", [True, False])
def test_copies_in_folders_below_are_other_files(landsat_l2: Path, tmp_path: Path, with_mtl: bool):
    path = Path(shutil.copytree(landsat_l2, tmp_path / landsat_l2.name))
    if not with_mtl:
        next(path.glob("*_MTL.txt")).unlink()
    for folder in ("A", "z"):
        (path / folder).mkdir()
        for end in ("SR_B4", "QA_PIXEL", "MTL"):
            for file in path.glob(f"*_{end}.*"):
                shutil.copy(file, path / folder / file.name)
                if end != "MTL":
                    with rasterio.open(path / folder / file.name, "r+") as dataset:
                        dataset.write(np.full((1, *dataset.shape), 9, np.uint16))
    scene = open_product(path, ("B4", "B3"))
    assert np.array_equal(whole(scene)[0], of(path, "SR_B4"))
    assert Path(scene.quality[0].path).parent == path


def test_a_band_that_lies_only_in_a_folder_below_is_not_there(landsat_l2: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l2, tmp_path / landsat_l2.name))
    (path / "clip").mkdir()
    next(path.glob("*_SR_B4.TIF")).rename(path / "clip" / f"{path.name}_SR_B4.TIF")
    with pytest.raises(SceneError, match="B4 is not there"):
        open_product(path, ("B4",))


def test_of_products_in_one_folder_the_metadata_file_tells_which(landsat_l1: Path, landsat_l2: Path, tmp_path: Path):
    for product in (landsat_l1, landsat_l2):
        shutil.copytree(product, tmp_path / "both", dirs_exist_ok=True)
    for product in (landsat_l1, landsat_l2):
        mtl = tmp_path / "both" / f"{product.name}_MTL.txt"
        assert is_product(mtl)
        scene, alone = open_product(mtl, ("rgb",)), open_product(product, ("rgb",))
        assert np.array_equal(whole(scene), whole(alone))
        assert scene.layout.metadata.tags == alone.layout.metadata.tags
        assert [Path(band.path).name for band in scene.quality] == [Path(band.path).name for band in alone.quality]
    with pytest.raises(UsageError, match="or its MTL file"):
        open_product(tmp_path / "both")


def test_panchromatic_and_thermal_bands_by_resolution(landsat_l1: Path):
    assert open_product(landsat_l1, ("all-15m",)).chosen == ("B8",)
    assert open_product(landsat_l1, ("all-30m",)).chosen == ("B1", "B2", "B3", "B4", "B5", "B7")
    with pytest.raises(UsageError, match="there are all-15m, all-30m$"):
        open_product(landsat_l1, ("all-10m",))


def test_a_gzipped_tar_is_to_be_unpacked(landsat_l2: Path, tmp_path: Path):
    path = tmp_path / "LC09.tar.gz"
    with tarfile.open(path, "w:gz") as tape:
        tape.add(landsat_l2, "x")
    assert not is_product(path)
    with pytest.raises(SceneError, match="MTL|unpack"):
        open_product(path)


def test_metadata_in_other_forms(landsat_l2: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l2, tmp_path / landsat_l2.name))
    text = next(path.glob("*_MTL.txt"))
    groups: dict[str, dict[str, str]] = {}
    for line in text.read_text().splitlines()[1:]:
        key, sign, value = (part.strip().strip('"') for part in line.partition("="))
        if key == "GROUP":
            inside = groups.setdefault(value, {})
        elif sign and key != "END_GROUP":
            inside[key] = value
    wanted = open_product(path, ("all",)).product
    text.unlink()
    text.with_suffix(".json").write_text(json.dumps({"LANDSAT_METADATA_FILE": groups}))
    assert open_product(path, ("all",)).product == wanted
    text.with_suffix(".json").unlink()
    parts = "".join(f"<{g}>{''.join(f'<{k}>{v}</{k}>' for k, v in of.items())}</{g}>" for g, of in groups.items())
    text.with_suffix(".xml").write_text(f"<LANDSAT_METADATA_FILE>{parts}</LANDSAT_METADATA_FILE>")
    assert open_product(path, ("all",)).product == wanted


def test_older_collections(landsat_l1: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l1, tmp_path / "LE70080591999335EDC00"))
    for file in path.iterdir():
        file.rename(
            path / file.name.replace("LE07_L1TP_008059_20191201_20200825_02_T1", path.name).replace("QA_PIXEL", "BQA")
        )
    mtl = next(path.glob("*_MTL.txt"))
    made = mtl.read_text().replace("LE07_L1TP_008059_20191201_20200825_02_T1", path.name)
    made = made.replace("PRODUCT_CONTENTS", "PRODUCT_METADATA").replace("LANDSAT_METADATA_FILE", "L1_METADATA_FILE")
    mtl.write_text(made.replace("LEVEL1_RADIOMETRIC", "RADIOMETRIC"))
    scene, wanted = open_product(path, ("all",)), open_product(landsat_l1, ("all",))
    assert np.array_equal(whole(scene), whole(wanted))
    assert scene.grid == wanted.grid
    assert [band.scale for band in scene.layout.metadata.bands] == [band.scale for band in wanted.layout.metadata.bands]
    assert [band.kind for band in scene.quality] == ["bqa"]


def test_level_2_of_collection_1(landsat_l1: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l1, tmp_path / "x"))
    for file in path.glob("*_B[34].TIF"):
        file.rename(path / file.name.replace("_B", "_sr_band").replace(".TIF", ".tif"))
    scene = open_product(path, ("red", "nir"))
    assert np.array_equal(whole(scene), whole(open_product(landsat_l1, ("red", "nir"))))
    assert [(band.scale, band.offset) for band in scene.layout.metadata.bands] == [(1e-4, 0)] * 2


def test_bands_without_metadata_have_roles(landsat_l2: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l2, tmp_path / "x"))
    next(path.glob("*_MTL.txt")).unlink()
    assert is_product(path)
    scene = open_product(path, ("rgb", "nir"))
    assert scene.chosen == ("B4", "B3", "B2", "B5")
    assert scene.layout.metadata.bands[0].scale == 1
    assert scene.quality[0].sensor == "LANDSAT_9"


@pytest.mark.parametrize("line", ["A = " + " " * 2**21, "A" + " " * 2**21 + "x", "A = " + "b " * 2**20])
def test_lines_without_end_take_no_time(landsat_l2: Path, tmp_path: Path, line: str):
    path = Path(shutil.copytree(landsat_l2, tmp_path / landsat_l2.name))
    mtl = next(path.glob("*_MTL.txt"))
    text = mtl.read_text()
    mtl.write_text(f"{line}\n{text}")
    began = time.process_time()
    assert open_product(path, ("B4",)).layout.metadata.tags[""]["PLATFORM"] == "Landsat-9"
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"LC09_L2SP_008059_20221201_20221225_02_T1_SR_B4.TIF"', '"../../etc/passwd"', "leads out"),
        ('"LC09_L2SP_008059_20221201_20221225_02_T1_SR_B4.TIF"', '"elsewhere.TIF"', "elsewhere.TIF"),
        ("REFLECTANCE_MULT_BAND_4 = 2.75e-05", "REFLECTANCE_MULT_BAND_4 = inf", "REFLECTANCE_MULT_BAND_4"),
        ("REFLECTANCE_MULT_BAND_4 = 2.75e-05", "REFLECTANCE_MULT_BAND_4 = 0", "scale of B4 is 0"),
        ("SPACECRAFT_ID", "SPACECRAFT", "SPACECRAFT_ID"),
    ],
)
def test_metadata_that_are_hostile_or_damaged(landsat_l2: Path, tmp_path: Path, old: str, new: str, named: str):
    path = Path(shutil.copytree(landsat_l2, tmp_path / landsat_l2.name))
    mtl = next(path.glob("*_MTL.txt"))
    assert old in mtl.read_text()
    mtl.write_text(mtl.read_text().replace(old, new))
    with pytest.raises(SceneError, match=named) as caught:
        open_product(path, ("rgb",))
    assert "\n" not in str(caught.value)


def test_two_products_in_a_folder(landsat_l1: Path, landsat_l2: Path, tmp_path: Path):
    path = Path(shutil.copytree(landsat_l2, tmp_path / "both"))
    shutil.copytree(landsat_l1, path, dirs_exist_ok=True)
    with pytest.raises(UsageError, match="several products"):
        open_product(path)


def test_real_products(shared_data: Path):
    placed = shared_data / "landsat_c2" / "LC08_L2SP_008059_20191201_20200825_02_T1"
    scene = open_product(placed, ("rgb",))
    assert np.array_equal(whole(scene)[0], of(placed, "SR_B4"))
    assert [band.kind for band in scene.quality] == ["qa_pixel"]
    # These have no georeferencing of their own; the corner is that of the MTL file, half a pixel on.
    bare = open_product(shared_data / "landsat_c2" / "LC08_L1TP_227074_20190809_20200827_02_T1", ("rgb",))
    assert bare.grid.rasterio_crs.to_epsg() == 32621
    assert bare.grid.transform[:6] == (30, 0, 440985, 0, -30, -2188005)
    assert bare.read(Block(5, 7, 20, 30)).valid.all()
    with pytest.warns(GeosalWarning, match=r"B1, B6, B7, B9 are not there .+--bands B2,B3,B4,B5 are taken"):
        there = open_product(shared_data / "landsat_c2" / "LC08_L1TP_227074_20190809_20200827_02_T1")
    with pytest.raises(SceneError, match="B6 is not there"):
        open_product(shared_data / "landsat_c2" / "LC08_L1TP_227074_20190809_20200827_02_T1", ("B2", "B6"))
    assert (there.grid, there.chosen) == (bare.grid, ("B2", "B3", "B4", "B5"))
    before = open_product(shared_data / "landsat_l8_pre" / "LC81070352015122LGN00")
    assert [band.role for band in before.layout.metadata.bands] == ["blue", "green", "red"]


def _renamed(source: Path, folder: Path, prefix: str) -> Path:
    """A copy whose files begin otherwise; what the MTL file lists stays."""
    folder.mkdir()
    for file in source.iterdir():
        shutil.copy(file, folder / file.name.replace(source.name, prefix))
    return folder


def test_renamed_files_are_found_by_their_bands(landsat_l2: Path, tmp_path: Path):
    folder = _renamed(landsat_l2, tmp_path / "small", "l9")
    assert (folder / "l9_MTL.txt").is_file()
    for path in (folder, folder / "l9_MTL.txt"):
        assert is_product(path)
        scene = open_product(path, ("rgb", "ST_B10"))
        assert np.array_equal(whole(scene), whole(open_product(landsat_l2, ("rgb", "ST_B10"))))
        assert [band.kind for band in scene.quality] == ["qa_pixel"]
        assert scene.layout.metadata.bands[0].scale == 2.75e-5


def test_files_with_nothing_before_their_bands_are_those_of_a_bare_mtl_file(landsat_l2: Path, tmp_path: Path):
    folder = tmp_path / "small"
    folder.mkdir()
    for file in landsat_l2.iterdir():
        shutil.copy(file, folder / file.name.replace(f"{landsat_l2.name}_", ""))
    assert np.array_equal(whole(open_product(folder, ("rgb",))), whole(open_product(landsat_l2, ("rgb",))))


@pytest.mark.parametrize("other", ["other", "LC09_L2SP_008059_20210101_20210110_02_T1"])
@pytest.mark.parametrize("prefix", ["l9", "LC09_L2SP_008059_20221201_20221225_02_T1"])
def test_a_band_of_another_scene_is_not_taken(landsat_l2: Path, tmp_path: Path, prefix: str, other: str):
    folder = _renamed(landsat_l2, tmp_path / "small", prefix)
    shutil.copy(folder / f"{prefix}_SR_B4.TIF", folder / f"{other}_SR_B4.TIF")
    assert np.array_equal(whole(open_product(folder, ("B4",))), whole(open_product(landsat_l2, ("B4",))))
    (folder / f"{prefix}_SR_B4.TIF").unlink()
    with pytest.raises(SceneError, match="B4 is not there"):
        open_product(folder, ("rgb",))


def test_a_quality_band_of_another_date_is_not_taken(landsat_l2: Path, tmp_path: Path):
    folder = _renamed(landsat_l2, tmp_path / "small", landsat_l2.name)
    quality = folder / f"{landsat_l2.name}_QA_PIXEL.TIF"
    quality.rename(folder / "LC09_L2SP_008059_20210101_20210110_02_T1_QA_PIXEL.TIF")
    assert open_product(folder, ("rgb",)).quality == ()


def test_a_band_of_level_1_is_no_renamed_one_of_level_2(landsat_l1: Path, tmp_path: Path):
    folder = _renamed(landsat_l1, tmp_path / "small", "l7")
    (folder / "l7_B3.TIF").rename(folder / "l7_SR_B3.TIF")
    with pytest.raises(SceneError, match="B3 is not there"):
        open_product(folder, ("rgb",))
