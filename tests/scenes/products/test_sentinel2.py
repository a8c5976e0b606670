"""Sentinel-2: levels, namings, archives, AWS; products that are not whole or not honest."""

import json
import re
import shutil
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from geosal.errors import GeosalError, GeosalWarning, SceneError, UsageError
from geosal.scenes.products import is_product, open_product

PREFIX = "GRANULE/L1C_T32TNR_A1/IMG_DATA/T32TNR_20220301T102030"


def write(path: Path, data: np.ndarray, cell: float | None) -> None:
    """A raster of (band, y, x) or (y, x), placed as those of the products are; without a place if `cell` is None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = data if data.ndim == 3 else data[None]
    place = {} if cell is None else {"crs": "EPSG:32632", "transform": from_origin(600000, 5000040, cell, cell)}
    how = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"} if path.suffix == ".jp2" else {}
    layout = {"driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2]}
    with rasterio.open(path, "w", **{**layout, "dtype": data.dtype, **place, **how}) as dataset:
        dataset.write(data)


def of(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def whole(scene: object) -> np.ndarray:
    return scene.read(scene.grid.whole()).pixels


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as bundle:
        for file in sorted(folder.rglob("*")):
            bundle.write(file, f"{folder.name}/{file.relative_to(folder)}")
    return target


def test_rgb_of_level_1c_is_what_its_files_hold(l1c: Path):
    scene = open_product(l1c, ("rgb",))
    assert scene.chosen == ("B04", "B03", "B02")
    for band, name in zip(whole(scene), scene.chosen, strict=True):
        assert np.array_equal(band, of(l1c / f"{PREFIX}_{name}.jp2"))
    assert scene.layout.nodata == 0
    assert scene.grid.transform[:6] == (10, 0, 600000, 0, -10, 5000040)
    assert [band.colorinterp.name for band in scene.layout.metadata.bands] == ["red", "green", "blue"]


def test_the_true_colour_image_is_three_bands(l1c: Path):
    scene = open_product(l1c, ("tci",))
    with rasterio.open(l1c / f"{PREFIX}_TCI.jp2") as dataset:
        assert np.array_equal(whole(scene), dataset.read())


def test_offsets_since_baseline_04_come_to_reflectance(l1c: Path, l2a: Path):
    (red,) = open_product(l1c, ("red",)).layout.metadata.bands
    assert (red.scale, red.offset, red.role, red.description) == (1e-4, -0.1, "red", "B04")
    assert red.tags[""]["WAVELENGTH"] == "664.9 nm"
    blue, red = open_product(l2a, ("blue", "red")).layout.metadata.bands
    assert (blue.offset, red.offset) == (-0.1, -0.09)
    aerosol, water = open_product(l2a, ("AOT", "WVP")).layout.metadata.bands
    assert (aerosol.scale, aerosol.offset, water.scale, water.unit) == (1e-3, 0, 1e-3, "cm")


def test_metadata_become_tags(l1c: Path):
    tags = open_product(l1c, ("rgb",)).layout.metadata.tags[""]
    wanted = {
        "PLATFORM": "Sentinel-2B", "ACQUIRED": "2022-03-01T10:20:30.461Z", "PROCESSING_BASELINE": "04.00",
        "SUN_AZIMUTH": "28.25", "SUN_ELEVATION": "30.5", "CLOUD_COVER": "12.5", "PRODUCT_URI": l1c.name,
    }  # fmt: skip
    assert wanted.items() <= tags.items()


def test_level_2a_takes_the_file_of_the_resolution(l2a: Path):
    fine, coarse = open_product(l2a, ("B04",)), open_product(l2a, ("B04", "B05"), resolution=20)
    top = l2a / "GRANULE/L2A_T32TNR_A1/IMG_DATA"
    assert np.array_equal(whole(fine)[0], of(top / "R10m/T32TNR_20220301T102030_B04_10m.jp2"))
    assert np.array_equal(whole(coarse)[0], of(top / "R20m/T32TNR_20220301T102030_B04_20m.jp2"))
    assert coarse.layout.metadata.bands[0].tags[""] == {"BAND": "B04", "WAVELENGTH": "664.9 nm", "RESOLUTION": "20"}


def test_level_2a_of_which_some_folders_are_copied(l2a: Path, tmp_path: Path):
    path = Path(shutil.copytree(l2a, tmp_path / l2a.name))
    shutil.rmtree(path / "GRANULE/L2A_T32TNR_A1/IMG_DATA/R10m")
    scene = open_product(path, ("B04", "B02"))
    assert scene.grid.shape == (60, 60)
    assert np.array_equal(whole(scene)[0], of(next(path.rglob("*_B04_20m.jp2"))))


def test_quality_bands_are_found(l1c: Path, l2a: Path):
    (classes,) = open_product(l2a).quality
    assert (classes.kind, Path(classes.path).name) == ("scl", "T32TNR_20220301T102030_SCL_20m.jp2")
    (cloud,) = open_product(l1c).quality
    assert cloud.kind == "msk_classi"
    with rasterio.open(cloud.path) as dataset:
        assert dataset.count == 3


def test_what_a_mac_lays_beside_files_is_not_seen(own_l1c: Path, tmp_path: Path):
    """AppleDouble files, on disks of other systems and in archives."""
    own = open_product(own_l1c)
    for file in [*own_l1c.rglob("*")]:
        if file.is_file():
            (file.parent / f"._{file.name}").write_bytes(b"\x00\x05\x16\x07" + bytes(4092))
            (own_l1c / "__MACOSX").mkdir(exist_ok=True)
            (own_l1c / "__MACOSX" / file.name).write_bytes(bytes(9))
    for path in (own_l1c, zipped(own_l1c, tmp_path / "mac.zip")):
        assert is_product(path)
        found = open_product(path)
        assert [Path(one.path).name for one in found.quality] == [Path(one.path).name for one in own.quality]
        assert np.array_equal(whole(found), whole(own))


def test_a_zip_that_is_called_safe_reads_as_one(l1c: Path, tmp_path: Path):
    path = zipped(l1c, tmp_path / l1c.name)
    assert is_product(path)
    assert np.array_equal(whole(open_product(path, ("B04",))), whole(open_product(l1c, ("B04",))))


def test_a_zip_reads_as_the_folder(l1c: Path, tmp_path: Path):
    path = zipped(l1c, tmp_path / "S2B.SAFE.zip")
    assert is_product(path)
    folder, archive = open_product(l1c, ("B04", "B11")), open_product(path, ("B04", "B11"))
    assert np.array_equal(whole(folder), whole(archive))
    assert archive.layout.metadata.tags == folder.layout.metadata.tags
    with rasterio.open(archive.quality[0].path) as dataset:
        assert dataset.count == 3


def test_an_archive_below_odd_names(l1c: Path, tmp_path: Path):
    folder = tmp_path / "a.zip" / "ü 100 %"
    folder.mkdir(parents=True)
    scene = open_product(zipped(l1c, folder / "b.zip"), ("rgb",))
    assert np.array_equal(whole(scene), whole(open_product(l1c, ("rgb",))))


def test_archives_damaged_inside(l1c: Path, tmp_path: Path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.write(l1c / "MTD_MSIL1C.xml", "x.SAFE/MTD_MSIL1C.xml")
    data = bytearray(path.read_bytes())
    data[90:140] = b"\xff" * 50
    path.write_bytes(data)
    assert "cannot be read" in one_line(path)


def test_more_files_than_any_product_has(own_l1c: Path, monkeypatch: pytest.MonkeyPatch):
    from geosal.scenes.products import files

    monkeypatch.setattr(files, "_MAX_FILES", 10)
    assert "more than 10 files" in one_line(own_l1c)


def as_old(l1c: Path, folder: Path, tiles: tuple[str, ...]) -> Path:
    """The same bands under the names of 2015 and 2016: long ones, and several granules in a product."""
    root = folder / "S2A_OPER_PRD_MSIL1C_PDMC_20160910T230000_R065_V20160910T102030.SAFE"
    listed = ""
    for tile in tiles:
        granule = f"S2A_OPER_MSI_L1C_TL_SGS__20160910T174323_A006379_{tile}_N02.04"
        stem = granule.removesuffix("_N02.04")
        images = root / "GRANULE" / granule / "IMG_DATA"
        images.mkdir(parents=True)
        for file in (l1c / PREFIX).parent.glob("*_B*.jp2"):
            shutil.copy(file, images / f"{stem}_{file.stem[-3:]}.jp2")
        shutil.copy(l1c / "GRANULE/L1C_T32TNR_A1/MTD_TL.xml", images.parent / f"{stem.replace('MSI', 'MTD')}.xml")
        (images.parent / "QI_DATA").mkdir()
        (images.parent / f"QI_DATA/S2A_OPER_MSK_CLOUDS_SGS__A006379_{tile}_B00_MSIL1C.gml").write_text("<Mask/>")
        ids = "".join(f"<IMAGE_ID>{file.stem}</IMAGE_ID>" for file in sorted(images.iterdir()))
        listed += f'<Granule_List><Granules granuleIdentifier="{granule}">{ids}</Granules></Granule_List>'
    (root / "S2A_OPER_MTD_SAFL1C_PDMC_20160910T230000_R065.xml").write_text(
        f"<P><PRODUCT_URI>{root.name}</PRODUCT_URI><Product_Organisation>{listed}</Product_Organisation>"
        "<QUANTIFICATION_VALUE>10000</QUANTIFICATION_VALUE></P>"
    )
    return root


def test_old_names(l1c: Path, tmp_path: Path):
    path = as_old(l1c, tmp_path, ("T32TNR",))
    assert is_product(path)
    scene = open_product(path, ("rgb",))
    assert np.array_equal(whole(scene), whole(open_product(l1c, ("rgb",))))
    assert [band.kind for band in scene.quality] == ["clouds_gml"]
    assert scene.layout.metadata.bands[0].offset == 0
    assert scene.layout.metadata.tags[""]["SUN_ELEVATION"] == "30.5"


def test_old_names_of_level_2a(l2a: Path, tmp_path: Path):
    """Until 2016 the resolution stood behind the name of the tile, in bands, AOT and WVP alike."""
    granule = "S2A_USER_MSI_L2A_TL_SGS__20160910T174323_A006379_T32TNR_N02.04"
    root = tmp_path / "S2A_USER_PRD_MSIL2A_PDMC_20160910T230000_R065_V20160910T102030.SAFE"
    images = root / "GRANULE" / granule / "IMG_DATA"
    data = {}
    files = [("B02", 10), ("B02", 20), *((name, cell) for name in ("AOT", "WVP") for cell in (10, 20, 60))]
    for number, (name, cell) in enumerate(files):
        first, last = ("MSI", f"_{name}") if name == "B02" else (name, "")
        kind = f"{first}_L2A_TL_SGS__20160910T174323_A006379_T32TNR{last}"
        data[name, cell] = np.full((1, 1200 // cell, 1200 // cell), 1 + number, np.uint16)
        write(images / f"R{cell}m/S2A_USER_{kind}_{cell}m.jp2", data[name, cell], cell)
    shutil.copy(l2a / "GRANULE/L2A_T32TNR_A1/MTD_TL.xml", images.parent / "S2A_USER_MTD_L2A_TL_SGS__x_T32TNR.xml")
    ids = "".join(f"<IMAGE_ID_2A>{file.stem}</IMAGE_ID_2A>" for file in sorted(images.rglob("*.jp2")))
    (root / "S2A_USER_MTD_SAFL2A_PDMC_20160910T230000_R065.xml").write_text(
        f'<P><Granule_List><Granules granuleIdentifier="{granule}">{ids}</Granules></Granule_List></P>'
    )
    for (name, cell), wanted in data.items():
        scene = open_product(root, (name,), resolution=cell)
        assert np.array_equal(whole(scene), wanted)
        assert scene.layout.metadata.bands[0].tags[""]["RESOLUTION"] == str(cell)


def test_of_several_granules_one_is_named(l1c: Path, tmp_path: Path):
    path = as_old(l1c, tmp_path, ("T32TNR", "T32TPR"))
    with pytest.raises(UsageError, match="2 granules") as caught:
        open_product(path)
    assert "GRANULE/NAME" in str(caught.value)
    granule = next((path / "GRANULE").glob("*T32TPR*"))
    assert is_product(granule)
    scene = open_product(granule, ("B04",))
    assert "T32TPR" in scene.sources[0].path
    assert "T32TPR" in scene.quality[0].path


def add_masks_with_names_of_bands(tile: Path) -> None:
    """Since baseline 04.00; previews of L1C have the names of the bands themselves."""
    (tile / "qi").mkdir(exist_ok=True)
    (tile / "preview").mkdir()
    for name in ("qi/MSK_DETFOO_B04.jp2", "qi/MSK_QUALIT_B04.jp2", "preview/B04.jp2"):
        write(tile / name, np.full((70, 70), 7, np.uint8), None)


def test_aws_tiles_of_level_1c(l1c: Path, tmp_path: Path):
    for file in (l1c / PREFIX).parent.glob("*.jp2"):
        shutil.copy(file, tmp_path / f"{file.stem.rpartition('_')[2]}.jp2")
    shutil.copy(l1c / "GRANULE/L1C_T32TNR_A1/MTD_TL.xml", tmp_path / "metadata.xml")
    (tmp_path / "productInfo.json").write_text(json.dumps({"name": l1c.stem}))
    (tmp_path / "qi").mkdir()
    (tmp_path / "qi/MSK_CLOUDS_B00.gml").write_text("<Mask/>")
    add_masks_with_names_of_bands(tmp_path)
    assert is_product(tmp_path)
    scene = open_product(tmp_path, ("rgb",))
    assert np.array_equal(whole(scene), whole(open_product(l1c, ("rgb",))))
    assert scene.layout.metadata.bands[0].offset == -0.1
    assert [band.kind for band in scene.quality] == ["clouds_gml"]
    tags = scene.layout.metadata.tags[""]
    assert (tags["PLATFORM"], tags["PROCESSING_LEVEL"], tags["SUN_ELEVATION"]) == ("Sentinel-2B", "Level-1C", "30.5")


def test_aws_tiles_of_level_2a_without_a_baseline_say_so(l2a: Path, tmp_path: Path):
    for file in (l2a / "GRANULE/L2A_T32TNR_A1/IMG_DATA").rglob("*.jp2"):
        band, resolution = re.search(r"_(\w{3})_(\d\dm)$", file.stem).groups()
        target = tmp_path / f"R{resolution}/{band}.jp2"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(file, target)
    (tmp_path / "tileInfo.json").write_text("{}")
    add_masks_with_names_of_bands(tmp_path)
    assert is_product(tmp_path)
    with pytest.warns(GeosalWarning, match="processing baseline"):
        scene = open_product(tmp_path, ("B04", "B11"), resolution=20)
    with pytest.warns(GeosalWarning, match="processing baseline"):
        assert open_product(tmp_path).chosen == ("B02", "B03", "B04", "B08")
    assert scene.grid.height == 60
    assert scene.layout.dtype == "uint16"
    assert np.array_equal(whole(scene)[0], of(tmp_path / "R20m/B04.jp2"))
    assert scene.quality[0].kind == "scl"
    assert scene.quality[0].path.endswith("R20m/SCL.jp2")


def test_a_file_without_georeferencing_gets_it_from_the_tile(own_l1c: Path):
    name = own_l1c / f"{PREFIX}_B05.jp2"
    data = of(name)
    name.unlink()
    write(name.with_suffix(".tif"), data, None)
    assert open_product(own_l1c, ("B05",)).grid == open_product(own_l1c, ("B06",)).grid


def one_line(path: Path, bands: tuple[str, ...] = ("rgb",)) -> str:
    with pytest.raises(SceneError) as caught:
        open_product(path, bands)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_half_copied_products(own_l1c: Path):
    (own_l1c / f"{PREFIX}_B03.jp2").unlink()
    assert "B03 is not there" in one_line(own_l1c, ("B03",))
    assert open_product(own_l1c, ("B04", "B02")).chosen == ("B04", "B02")
    with pytest.warns(GeosalWarning, match=r"B03 is not there .+ --bands B02,B04(,B08)? are taken"):
        usual = open_product(own_l1c)
    assert set(usual.chosen) >= {"B02", "B04"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_product(own_l1c, partial=True).chosen == usual.chosen
    cut = own_l1c / f"{PREFIX}_B04.jp2"
    cut.write_bytes(b"")
    assert "empty" in one_line(own_l1c, ("B04",))
    cut.write_bytes((own_l1c / f"{PREFIX}_B02.jp2").read_bytes()[:3000])
    scene = open_product(own_l1c, ("B04",))
    with pytest.raises(SceneError, match="damaged or cut off"):
        scene.read(scene.grid.whole())
    (own_l1c / "GRANULE/L1C_T32TNR_A1/MTD_TL.xml").unlink()
    assert "MTD_TL.xml" in one_line(own_l1c)
    (own_l1c / "MTD_MSIL1C.xml").unlink()
    assert is_product(own_l1c)
    assert "copied in part" in one_line(own_l1c)


def test_a_band_of_another_tile(own_l1c: Path):
    with rasterio.open(own_l1c / f"{PREFIX}_B04.jp2", "r+") as dataset:
        dataset.transform = from_origin(700000, 5000040, 10, 10)
    assert "mixed up" in one_line(own_l1c)
    assert open_product(own_l1c, ("B03", "B02")).chosen


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "lol">{levels}]><a>&a9;</a>""".format(
    levels="".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "in a row"])
def test_granules_without_end(own_l1c: Path, nested: bool):
    """Walking through each of granules within granules would take the square of their number."""
    xml = own_l1c / "MTD_MSIL1C.xml"
    one = "<Granule><IMAGE_FILE>x</IMAGE_FILE>"
    many = one * 50_000 + "</Granule>" * 50_000 if nested else f"{one}</Granule>" * 50_000
    xml.write_text(xml.read_text().replace("<Granule_List>", f"<Granule_List>{many}", 1))
    began = time.process_time()
    assert "more than 2000 granules" in one_line(own_l1c)
    assert time.process_time() - began < 5


def test_images_of_granules_within_granules_are_not_walked_through(own_l1c: Path):
    xml = own_l1c / "MTD_MSIL1C.xml"
    many = "<Granule>" * 1500 + "<IMAGE_FILE>x</IMAGE_FILE>" * 50_000 + "</Granule>" * 1500
    xml.write_text(xml.read_text().replace("<Granule_List>", f"<Granule_List>{many}", 1))
    began = time.process_time()
    with pytest.raises(UsageError, match="granules"):
        open_product(own_l1c)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<ULX>600000</ULX>", "<ULX>NaN</ULX>"),
        ("<XDIM>20</XDIM>", "<XDIM>0</XDIM>"),
        ("<YDIM>-20</YDIM>", "<YDIM>20</YDIM>"),
        ("<YDIM>-20</YDIM>", "<YDIM>-1e999</YDIM>"),
        ("<NROWS>60</NROWS>", "<NROWS>-60</NROWS>"),
        ("<NCOLS>60</NCOLS>", ""),
    ],
)
def test_places_that_make_no_sense_are_left_out(own_l1c: Path, old: str, new: str):
    tile = own_l1c / "GRANULE/L1C_T32TNR_A1/MTD_TL.xml"
    for name in ("B05", "B02"):
        file = own_l1c / f"{PREFIX}_{name}.jp2"
        write(file.with_suffix(".tif"), of(file), None)
        file.unlink()
    text = tile.read_text()
    at_20 = text[text.index('<Size resolution="20">') : text.index('<Size resolution="60">')]
    assert old in at_20
    tile.write_text(text.replace(at_20, at_20.replace(old, new)))
    assert not open_product(own_l1c, ("B05",)).grid.georeferenced
    assert open_product(own_l1c, ("B02",)).grid == open_product(own_l1c, ("B04",)).grid


@contextmanager
def opened() -> Iterator[list[str]]:
    """Paths that Python opens meanwhile."""
    seen: list[str] = []
    active = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if active and event == "open":
            seen.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield seen
    active = False


@pytest.mark.parametrize(
    "content", [BOMB, OUTSIDE, "<a><b></a>", "", "\x00\xff\xfe"], ids=["bomb", "xxe", "cut", "empty", "binary"]
)
@pytest.mark.parametrize("name", ["MTD_MSIL1C.xml", "GRANULE/L1C_T32TNR_A1/MTD_TL.xml"])
def test_trial_20_xml_that_is_hostile_or_damaged(own_l1c: Path, name: str, content: str):
    (own_l1c / name).write_text(content, encoding="latin-1")
    began = time.process_time()
    with opened() as seen:
        message = one_line(own_l1c)
    assert name in message
    assert time.process_time() - began < 2
    assert not [path for path in seen if "passwd" in path]


def test_trial_20_metadata_larger_than_any(own_l1c: Path):
    with open(own_l1c / "MTD_MSIL1C.xml", "wb") as file:
        file.truncate(2**30)
    began = time.process_time()
    assert "more than 8.4 MB" in one_line(own_l1c)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("name", ["{}/x_B04", "../x_B04", "GRANULE/../../x_B04", "C:\\x_B04", "http://x/B04"])
def test_trial_20_image_names_that_leave_the_folder(
    own_l1c: Path, tmp_path: Path, name: str, checked: bool, monkeypatch: pytest.MonkeyPatch
):
    """Such a name is refused; and were it not, what lies there is none of the product's."""
    shutil.copy(own_l1c / f"{PREFIX}_B02.jp2", tmp_path / "x_B04.jp2")
    xml = own_l1c / "MTD_MSIL1C.xml"
    xml.write_text(xml.read_text().replace(f"{PREFIX}_B04", name.format(tmp_path)))
    if not checked:
        monkeypatch.setattr("geosal.scenes.products.sentinel2.check_inside", lambda *_: None)
    assert ("leads out of the product" if checked else "B04 is not there") in one_line(own_l1c, ("B04",))


def test_links_that_leave_the_folder(own_l1c: Path, tmp_path: Path):
    band = own_l1c / f"{PREFIX}_B04.jp2"
    shutil.move(band, tmp_path / "elsewhere.jp2")
    band.symlink_to(tmp_path / "elsewhere.jp2")
    assert "leads out" in one_line(own_l1c)


def test_zips_with_names_that_leave(l1c: Path, tmp_path: Path):
    path = zipped(l1c, tmp_path / "evil.zip")
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr("../../evil_B04.jp2", b"x")
    assert "leads out" in one_line(path)
    path.write_bytes(path.read_bytes()[:-500])
    assert not is_product(path)
    assert "cannot be listed" in one_line(path)


def test_trial_21_a_vrt_in_the_clothes_of_a_band(own_l1c: Path):
    (own_l1c / f"{PREFIX}_B04.jp2").write_text(
        '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        "<SourceFilename>/etc/passwd</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert "VRT is not allowed" in one_line(own_l1c)


@pytest.mark.parametrize("value", ["nan", "0", "ten", "-10000", ""])
def test_numbers_that_are_none(own_l1c: Path, value: str):
    xml = own_l1c / "MTD_MSIL1C.xml"
    xml.write_text(xml.read_text().replace(">10000<", f">{value}<"))
    assert "QUANTIFICATION_VALUE" in one_line(own_l1c)


def test_what_is_no_product(tmp_path: Path, rgb_scene: Path):
    assert not is_product(tmp_path)
    assert not is_product(rgb_scene)
    assert not is_product(tmp_path / "nothing.SAFE")
    assert is_product("https://example.org/S2A.SAFE")  # a server is not asked: the name tells
    assert not is_product("https://example.org/S2A.tif")
    with pytest.raises(SceneError, match="no such product"):
        open_product(tmp_path / "nothing.SAFE")
    other = tmp_path / "S1A_IW_GRDH_1SDV.SAFE"
    other.mkdir()
    with pytest.raises(GeosalError, match="no Sentinel-2 product"):
        open_product(other)


def test_the_real_product(shared_data: Path, tmp_path: Path):
    (path,) = (shared_data / "sentinel2_safe").glob("*.SAFE")
    scene = open_product(path, ("B04,B03,B02,B08",))
    for band, name in zip(whole(scene), scene.chosen, strict=True):
        (file,) = path.rglob(f"*_{name}.jp2")
        assert np.array_equal(band, of(file))
    with rasterio.open(file) as dataset:
        assert (scene.grid.transform, scene.grid.rasterio_crs) == (dataset.transform, dataset.crs)
    assert scene.quality[0].kind == "clouds_gml"
    again = open_product(zipped(path, tmp_path / "S2.zip"), scene.chosen)
    assert np.array_equal(whole(scene), whole(again))


def test_the_real_metadata_of_level_2a(shared_data: Path):
    (path,) = (shared_data / "sentinel2_l2a_metadata_only").glob("*.SAFE")
    assert is_product(path)
    assert "B04, B03, B02 are not there" in one_line(path)


@pytest.mark.parametrize(
    "code", ["EPSG:/etc/passwd", "EPSG:", "EPSG:99999", "EPSG:" + "1" * 5000, "+init=/etc/passwd:1"]
)
def test_a_crs_that_makes_no_sense_is_left_out(own_l1c: Path, code: str):
    tile = own_l1c / "GRANULE/L1C_T32TNR_A1/MTD_TL.xml"
    text = tile.read_text()
    assert "EPSG:32632" in text
    tile.write_text(text.replace("EPSG:32632", code))
    assert open_product(own_l1c, ("B04",)).grid.georeferenced, "the files have a place of their own"


def test_a_band_that_is_there_at_another_resolution_alone_is_told(l2a: Path, tmp_path: Path, recwarn):
    path = Path(shutil.copytree(l2a, tmp_path / l2a.name))
    next(path.rglob("*_B04_10m.jp2")).unlink()
    with pytest.warns(GeosalWarning, match=r"B04_10m\S* is not there, so B04 is resampled from 20 m; copy"):
        scene = open_product(path, ("rgb",))
    assert scene.grid.transform.a == 10
    recwarn.clear()
    assert open_product(path, ("rgb",), resolution=20).grid.transform.a == 20
    assert not [one for one in recwarn if issubclass(one.category, GeosalWarning)]
