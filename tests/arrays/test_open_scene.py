import itertools
from pathlib import Path

import numpy as np
import pytest
import rasterio

import geosal
from geosal import SceneError


def test_a_scene_opens_lazily_with_its_place_and_names(rgb_scene: Path) -> None:
    scene = geosal.open_scene(str(rgb_scene), bands=[3, 1], chunks=256)
    assert scene.dims == ("band", "y", "x")
    assert scene.chunks == ((2,), (256, 256, 8), (256, 256, 256, 12))
    assert scene.attrs["long_name"] == ("B02", "B04")
    assert list(scene.colorinterp.values) == ["blue", "red"]
    with rasterio.open(rgb_scene) as dataset:
        assert scene.rio.crs == dataset.crs
        assert scene.rio.transform() == dataset.transform
        assert scene.rio.nodata == dataset.nodata
        np.testing.assert_array_equal(scene.values, dataset.read([3, 1]))


def test_an_internal_mask_comes_as_a_coordinate(tmp_path: Path, rgb_scene: Path) -> None:
    path = tmp_path / "masked.tif"
    with rasterio.open(rgb_scene) as source:
        profile, pixels = source.profile | {"nodata": None}, source.read()
    mask = np.full(pixels.shape[1:], 255, np.uint8)
    mask[:, :300] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
        dataset.write_mask(mask)
    scene = geosal.open_scene(str(path), chunks=256)
    np.testing.assert_array_equal(scene.valid.values, mask > 0)
    assert scene[:, :10, 250:350].valid.shape == (10, 100)


def test_what_compress_refuses_is_refused_here_too(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no such file"):
        geosal.open_scene(str(tmp_path / "none.tif"))


def test_a_cut_off_jpeg2000_is_an_error_here_too(tmp_path: Path, rgb_scene: Path) -> None:
    path = tmp_path / "a.jp2"
    geosal.compress(str(rgb_scene), str(path), saliency="half")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(SceneError, match="damaged"):
        geosal.open_scene(path).compute()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NodataShadowWarning")
def test_both_roads_see_the_same_pixels_as_valid(tmp_path: Path, rgb_scene: Path) -> None:
    """Alpha, mask and nodata in every mixture: file to file and through arrays, bit for bit."""
    with rasterio.open(rgb_scene) as source:
        pixels, profile = source.read(), source.profile
    rng = np.random.default_rng(0)
    for number, (alpha, mask, nodata) in enumerate(itertools.product((False, True), (False, True), (None, 0))):
        if alpha and mask:
            continue  # GDAL takes one of them
        path, output = tmp_path / f"{number}.tif", tmp_path / f"{number}-out.tif"
        bands = (
            np.concatenate([pixels, (rng.random((1, *pixels.shape[1:])) > 0.2) * np.uint8(255)]) if alpha else pixels
        )
        layout = profile | {"count": len(bands), "nodata": nodata, "alpha": "YES" if alpha else "NO"}
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **layout) as dataset:
            dataset.write(bands)
            if mask:
                dataset.write_mask(rng.random(pixels.shape[1:]) > 0.2)
        geosal.compress(path, output, saliency="grid", block=256)
        scene = geosal.open_scene(path, chunks=200)
        smooth = geosal.smooth(scene, geosal.saliency("grid", like=scene))
        with rasterio.open(output) as dataset, rasterio.open(path) as source:
            np.testing.assert_array_equal(smooth.values, dataset.read())
            np.testing.assert_array_equal(dataset.read_masks(), source.read_masks())


def test_no_scene_is_called_by_the_name_of_its_dask_array(uint16_scene: Path) -> None:
    assert geosal.open_scene(str(uint16_scene)).name is None
    assert geosal.open_scene(str(uint16_scene), to_byte="range:0-3000").name is None


def test_bands_are_chosen_by_their_names(rgb_scene: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(rgb_scene)
    np.testing.assert_array_equal(scene.sel(name="B03"), scene.sel(band=2))
    chosen = scene.sel(name=["B02", "B04"])
    assert chosen.band.values.tolist() == [3, 1]
    for made in (chosen, chosen[:, 10:60], (chosen * 1)[:, 10:60]):
        geosal.write(made, tmp_path / "out.tif", overwrite=True)
        with rasterio.open(tmp_path / "out.tif") as dataset:
            assert dataset.descriptions == ("B02", "B04")


def test_a_bpg_which_gdal_cannot_open_is_an_array_like_any(rgb_corner: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    output = tmp_path / "a.bpg"
    geosal.compress(rgb_corner, output, saliency="half", profile="bpg-lossless")
    scene, source = geosal.open_scene(output), geosal.open_scene(rgb_corner)
    assert scene.shape == source.shape
    assert scene.rio.crs == source.rio.crs
    width = source.shape[2] // 2  # of what matters, and so is as it was
    np.testing.assert_array_equal(scene.values[..., :width], source.values[..., :width])
