"""A product as a scene: blocks, threads, pickles, other bands, and no file beside its own."""

import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

import geosal
from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import GeosalWarning, OutputError, SceneError, UsageError
from geosal.scenes.products import ProductScene, open_product
from geosal.scenes.products import scene as scene_module
from geosal.scenes.products.files import size_of
from geosal.scenes.stretch import ByteScene


def whole(scene: ProductScene) -> np.ndarray:
    return scene.read(scene.grid.whole()).pixels


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
@pytest.mark.parametrize("resolution", [10, 20, 60])
@given(data=st.data())
@settings(max_examples=15)
def test_no_blocking_shows(l1c: Path, resampling: str, resolution: int, data: st.DataObject):
    scene = open_product(l1c, ("B01", "B04", "B11"), resolution=resolution, resampling=resampling)
    all_of_it = scene.read(scene.grid.whole())
    row, col = (data.draw(st.integers(0, length - 1)) for length in scene.grid.shape)
    height = data.draw(st.integers(1, scene.grid.height - row))
    width = data.draw(st.integers(1, scene.grid.width - col))
    block = Block(row, col, height, width)
    strip = scene_module._STRIP
    scene_module._STRIP = data.draw(st.sampled_from([1, 500, strip]))
    try:
        part = scene.read(block)
    finally:
        scene_module._STRIP = strip
    here = np.s_[:, row : row + height, col : col + width]
    assert np.array_equal(part.pixels, all_of_it.pixels[here])
    assert np.array_equal(part.valid, all_of_it.valid[here])
    assert part.mask is None
    assert scene.read_mask(block).all()


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
def test_nodata_stays_apart_from_what_counts(l1c: Path, resampling: str):
    scene = open_product(l1c, ("B04", "B01"), resampling=resampling)
    pixels, valid, _ = scene.read(scene.grid.whole())
    assert np.array_equal(pixels != 0, valid)
    assert not valid[1, :17, :23].any()
    assert valid[1, 30:, 30:].all()


def test_resampled_bands_are_those_of_gdal(l1c: Path):
    scene = open_product(l1c, ("B11", "B04"), resolution=10)
    with rasterio.open(scene.sources[0].path) as dataset:
        wanted = dataset.read(1, out_shape=(120, 120))
    assert np.array_equal(whole(scene)[0], wanted)


def test_it_travels_and_threads_share_it(l1c: Path):
    scene = open_product(l1c, ("B04", "B05", "B01"), resampling="bilinear")
    wanted = whole(scene)
    again = pickle.loads(pickle.dumps(scene))
    blocks = list(scene.grid.blocks(32))
    with ThreadPoolExecutor(4) as pool:
        for block, samples in zip(blocks, pool.map(again.read, blocks), strict=True):
            assert np.array_equal(samples.pixels, wanted[:, *block.slices_in(scene.grid.whole())])


def test_other_bands_on_the_same_grid(l1c: Path):
    scene = open_product(l1c, ("rgb",), resampling="average")
    other = scene.having("nir", "swir16", "2")
    assert other.chosen == ("B08", "B11", "B03")
    assert (other.grid, other.resampling, other.quality) == (scene.grid, "average", scene.quality)
    assert other.having("swir22").grid == scene.grid
    coarse = open_product(l1c, ("B05",)).having("B04")
    assert coarse.grid.height == 60
    with pytest.raises(UsageError, match="no band 4"):
        scene.having("4")
    with pytest.raises(UsageError, match="no band pan"):
        scene.having("pan")


def test_sidecars_are_not_read(own_l1c: Path):
    scene = open_product(own_l1c, ("B04",))
    wanted = whole(scene)
    band = Path(scene.sources[0].path)
    # A mask or an overview beside a band could be a VRT of any file.
    trap = own_l1c.parent / "trap.tif"
    with rasterio.open(trap, "w", driver="GTiff", count=1, height=120, width=120, dtype="uint8") as dataset:
        dataset.write(np.full((1, 120, 120), 7, np.uint8))
    vrt = (
        '<VRTDataset rasterXSize="120" rasterYSize="120"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{trap}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    for suffix in (".msk", ".ovr"):
        band.with_name(band.name + suffix).write_text(vrt)
    band.with_name(band.name + ".aux.xml").write_text("<PAMDataset><SRS>EPSG:4326</SRS></PAMDataset>")
    smaller = scene.decimate(2)[0]
    close_shared_rasters()  # the handle from before would not look beside the file again
    again = open_product(own_l1c, ("B04",))
    assert again.grid == scene.grid
    assert np.array_equal(whole(again), wanted)
    assert np.array_equal(again.decimate(2)[0], smaller)


@pytest.mark.parametrize("zipped", [False, True])
def test_sidecars_of_quality_bands_are_not_read(own_l1c: Path, zipped: bool, tmp_path: Path):
    from geosal.sources import open_saliency
    from geosal.sources.masks.raster_file import RasterFile

    quality = next(own_l1c.rglob("MSK_CLASSI_B00.jp2"))
    trap = tmp_path / "trap.tif"
    with rasterio.open(trap, "w", driver="GTiff", count=1, height=20, width=20, dtype="uint8") as dataset:
        dataset.write(np.zeros((1, 20, 20), np.uint8))
    quality.with_name(quality.name + ".msk").write_text(
        '<VRTDataset rasterXSize="20" rasterYSize="20"><Metadata><MDI key="INTERNAL_MASK_FLAGS_1">2</MDI></Metadata>'
        '<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="0">'
        f"{trap}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    path = Path(shutil.make_archive(str(tmp_path / "S2"), "zip", own_l1c.parent, own_l1c.name)) if zipped else own_l1c
    scene = open_product(path, ("rgb",))
    clouds = open_saliency(["clouds"], scene.grid, scene=scene)
    assert (clouds.read(scene.grid.whole()) == 1).all()
    (band,) = scene.quality
    assert RasterFile.open(band.path, 1, alone=band.alone).all_valid
    assert clouds.sources[0].flags.rasters[0].file.alone


@pytest.mark.parametrize("factor", [2, 6, 7, 50, 500])
def test_decimation_takes_a_pixel_of_each_cell(own_l1c: Path, factor: int):
    """Every cell has a number of its own, so that a pixel of the cell beside it would show."""
    for name, cell in (("B04", 10), ("B01", 60)):
        band = next(own_l1c.rglob(f"*_{name}.jp2"))
        with rasterio.open(band) as dataset:
            profile = {key: dataset.profile[key] for key in ("count", "height", "width", "dtype", "crs", "transform")}
        place = (np.arange(1200 // cell) * cell // 10) // factor
        band.unlink()
        with rasterio.open(band, "w", driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES", **profile) as dataset:
            dataset.write((1 + place[:, None] * 400 + place)[None].astype(np.uint16))
    close_shared_rasters()
    scene = open_product(own_l1c, ("B04", "B01"))
    pixels, valid = scene.decimate(factor, [1, 0])
    coarse, fine = pixels
    assert valid.all()
    assert np.array_equal(fine, whole(scene)[0, ::factor, ::factor])
    middle = [(n + min(n + factor, 120)) // 2 for n in range(0, 120, factor)]
    assert np.array_equal(coarse, whole(scene)[1][np.ix_(middle, middle)])


def test_decimation_by_one_is_the_scene(l1c: Path):
    scene = open_product(l1c, ("B04", "B01"), resampling="bilinear")
    pixels, valid = scene.decimate(1, [1])
    samples = scene.read(scene.grid.whole())
    assert np.array_equal(pixels[0], samples.pixels[1])
    assert np.array_equal(valid[0], samples.valid[1])


@pytest.mark.parametrize("first", ["B04", "B03"])
def test_a_band_without_a_place_lies_where_those_of_its_size_do(own_l1c: Path, first: str):
    """Read by its own grid, whose rows run the other way, every row would be the same."""
    band = next(own_l1c.rglob("*_B03.jp2"))
    with rasterio.open(band) as dataset:
        pixels = dataset.read()
    band.unlink()
    with rasterio.open(
        band.with_suffix(".tif"), "w", driver="GTiff", count=1, height=120, width=120, dtype="uint16"
    ) as dataset:
        dataset.write(pixels)
    tile = next(own_l1c.rglob("MTD_TL.xml"))
    tile.write_text(tile.read_text().replace("EPSG:32632", "unknown"))
    scene = open_product(own_l1c, (first, "B04" if first == "B03" else "B03"), resampling="bilinear")
    assert scene.grid.georeferenced
    assert np.array_equal(whole(scene)[scene.chosen.index("B03")], pixels[0])


def test_a_band_that_runs_the_other_way_is_refused(own_l1c: Path):
    band = next(own_l1c.rglob("*_B03.jp2"))
    with rasterio.open(band) as dataset:
        profile = dataset.profile | {"driver": "GTiff", "transform": rasterio.Affine(10, 0, 6e5, 0, 10, 5000040 - 1200)}
        pixels = dataset.read()
    band.unlink()
    with rasterio.open(band.with_suffix(".tif"), "w", **profile) as dataset:
        dataset.write(pixels)
    with pytest.raises(SceneError, match="mixed up"):
        open_product(own_l1c, ("B04", "B03"))


def test_nodata_that_no_sample_has(own_l1c: Path):
    """GDAL rounds it: 654.5 would make 654 nodata."""
    band = next(own_l1c.rglob("*_B03.jp2"))
    with rasterio.open(band) as dataset:
        profile = dataset.profile | {"driver": "GTiff", "nodata": 65432}
        pixels = dataset.read()
    band.unlink()
    pixels[0, 70, 80:] = 654
    with rasterio.open(band.with_suffix(".tif"), "w", **profile) as dataset:
        dataset.write(pixels)
    made = band.with_suffix(".tif").read_bytes()
    assert made.count(b"65432\0") == 1  # rasterio writes none that is not one of the type's
    band.with_suffix(".tif").write_bytes(made.replace(b"65432\0", b"654.5\0"))
    with pytest.warns(GeosalWarning, match=r"nodata 654\.5 is no uint16 value"):
        scene = open_product(own_l1c, ("B03",))
    assert scene.layout.nodata == 0
    assert scene.read(scene.grid.whole()).valid[0, 70, 80:].all()


def test_it_stretches_to_bytes(l1c: Path):
    scene = ByteScene.wrap(open_product(l1c, ("rgb",)), "tci")
    samples = scene.read(scene.grid.whole())
    assert scene.layout.dtype == "uint8"
    assert np.array_equal(samples.pixels == 0, ~samples.valid)


def test_a_whole_job(l1c: Path, tmp_path: Path):
    from geosal import compress

    output = tmp_path / "out.tif"
    compress(l1c, output, saliency="half", bands="rgb")
    with rasterio.open(output) as dataset:
        assert dataset.descriptions == ("B04", "B03", "B02")
        assert dataset.nodata == 0
        assert dataset.offsets == (-0.1,) * 3
        assert dataset.tags()["PLATFORM"] == "Sentinel-2B"
        assert np.array_equal(dataset.read()[:, :, :60], whole(open_product(l1c, ("rgb",)))[:, :, :60])


def test_a_part_of_a_product_keeps_scale_and_offset(l2a: Path, tmp_path: Path):

    for bands, scales, offsets in (
        ("B03,B02", (1e-4, 1e-4), (-0.1, -0.1)),
        ("B02,B04", (1e-4, 1e-4), (-0.1, -0.09)),
        ("B02,WVP", (1e-4, 1e-3), (-0.1, 0)),
    ):
        part = geosal.open_scene(l2a, bands=bands)[:, :32]
        geosal.write(part, tmp_path / "out.tif", overwrite=True)
        with rasterio.open(tmp_path / "out.tif") as dataset:
            np.testing.assert_allclose((dataset.scales, dataset.offsets), (scales, offsets))
            assert dataset.units == ((None, "cm") if "WVP" in bands else (None, None))


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("as_input", ["folder", "metadata"])
@pytest.mark.parametrize("target", ["band", "new"])
def test_nothing_is_written_into_the_product_that_is_read(own_l1c: Path, as_input: str, target: str, tmp_path: Path):
    from geosal.maps.preview import write_preview
    from geosal.maps.saliency_map import write_saliency_map
    from geosal.sources import open_saliency

    band = next(own_l1c.rglob("*_B04.jp2"))
    output = str(band if target == "band" else band.with_name("new.jp2"))
    picture = str(band.with_name("new.png"))
    source = own_l1c if as_input == "folder" else own_l1c / "MTD_MSIL1C.xml"
    before = snapshot(own_l1c)
    with pytest.raises(OutputError, match="stays as it is"):
        geosal.compress(source, output, saliency="half", bands="rgb", overwrite=True)
    with pytest.raises(OutputError, match="stays as it is"):
        write_saliency_map(["half"], output, str(source), overwrite=True)
    with pytest.raises(OutputError, match="stays as it is"):
        write_saliency_map(["half"], str(tmp_path / "map.tif"), str(source), preview=picture)
    with pytest.raises(OutputError, match="stays as it is"):
        geosal.write(geosal.open_scene(source, bands="rgb"), output, overwrite=True)
    scene = open_product(source, ("rgb",))
    with pytest.raises(OutputError, match="stays as it is"):
        write_preview(picture, scene, open_saliency(["half"], scene.grid))
    assert snapshot(own_l1c) == before


def test_sizes_are_those_of_the_files_that_are_read(l1c: Path, tmp_path: Path):
    from geosal import compress

    files = [next(l1c.rglob(f"*_{name}.jp2")) for name in ("B04", "B11")]
    for source in (l1c, l1c / "MTD_MSIL1C.xml"):
        summary = compress(source, tmp_path / "out.tif", saliency="half", bands="B04,B11", overwrite=True)
        assert summary.input_bytes == sum(file.stat().st_size for file in files)
    archive = shutil.make_archive(str(tmp_path / l1c.name), "zip", l1c.parent, l1c.name)
    summary = compress(archive, tmp_path / "out.tif", saliency="half", bands="B04,B11", overwrite=True)
    assert summary.input_bytes == sum(file.stat().st_size for file in files)
    for path in (
        "/vsizip//vsicurl/https://host/x.zip/B04.jp2",
        f"/vsizip/{{{archive}}}/B04.jp2",
        "/vsitar/{none.tar}/x",
    ):
        assert size_of(path) is None


def test_what_is_made_of_an_opened_product_knows_its_quality_band(l2a: Path):
    """Parts, arithmetic, other types and grids: the quality band has a place of its own."""
    scene = geosal.open_scene(l2a, bands="rgb")
    whole = scene.geosal.saliency("clouds").values
    assert 0 < whole.mean() < 1
    part = np.s_[3:23, 5:20]
    for made, wanted in (
        (scene[:, *part], whole[part]),
        (scene[:, ::2, ::2], whole[::2, ::2]),
        (scene * 2, whole),
        (scene.astype("float32").where(scene > 0)[:, *part], whole[part]),
        (scene.mean("band"), whole),
        (pickle.loads(pickle.dumps(scene + 1)), whole),
        (scene.load().copy(), whole),
        (scene.geosal.smooth("half"), whole),
        (scene.rio.write_crs(scene.rio.crs)[:, *part], whole[part]),
        (scene.to_dataset("band"), whole),
    ):
        np.testing.assert_array_equal(made.geosal.saliency("clouds"), wanted)
    of_nothing = (scene * 2).drop_vars("spatial_ref")
    with pytest.raises(UsageError, match=r"clouds: the array has no quality band; if it is of a product.*open_scene"):
        of_nothing.geosal.saliency("clouds")
