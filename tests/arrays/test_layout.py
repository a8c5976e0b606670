"""What an array carries into a file: of its own, and of the file that it was opened from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from rasterio.transform import from_origin

import geosal

ROWS, COLS = 40, 50
PLACE = from_origin(4e5, 5e6, 10, 10)
Change = Callable[[xr.DataArray], xr.DataArray]


@pytest.fixture
def reflectance(tmp_path: Path) -> Path:
    """Counts with a scale and an offset, 0 is nodata in the left third; tags in several domains."""
    pixels = np.arange(2 * ROWS * COLS, dtype=np.uint16).reshape(2, ROWS, COLS) + 1
    pixels[:, :, : COLS // 3] = 0
    path = write_raster(tmp_path / "reflectance.tif", pixels, crs="EPSG:32631", transform=PLACE, nodata=0)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = [1e-4, 1e-4], [-0.1, -0.1], ["sr", "sr"]
        dataset.descriptions = ("B04", "B03")
        dataset.update_tags(ACQ="2026-06-01", CORNER_UL_LAT="45.1")
        dataset.update_tags(ns="FOO", bar="1")
        dataset.update_tags(ns="GEOLOCATION", LINE_OFFSET="0")
        dataset.update_tags(1, wavelength="665 nm", REFLECTANCE_MULT="1e-4")
        dataset.update_tags(2, wavelength="560 nm", ns="FOO")
    return path


def write_raster(path: Path, pixels: np.ndarray, **options: object) -> Path:
    count, height, width = pixels.shape
    layout = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    with rasterio.open(path, "w", **layout, **options) as dataset:
        dataset.write(pixels)
    return path


def written(array: xr.DataArray, tmp_path: Path) -> Path:
    return Path(geosal.write(array, str(tmp_path / "out.tif"), overwrite=True))


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        (lambda scene: scene[:, ::2, ::2], 2),
        (lambda scene: scene.isel(band=[0, 1], y=slice(5, 9)), 2),
        (lambda scene: scene.rio.clip_box(400105, 4999705, 400395, 4999895), 2),
        (lambda scene: scene[:, ::-1], 2),
        (lambda scene: scene.sel(band=[1])[:, :30], 1),
    ],
)
def test_a_part_keeps_the_tags_that_hold_of_a_part(reflectance: Path, tmp_path: Path, cut: Change, kept: int) -> None:
    with rasterio.open(written(cut(geosal.open_scene(reflectance)), tmp_path)) as made:
        assert made.tags()["ACQ"] == "2026-06-01"
        assert made.tags(ns="FOO") == {"bar": "1"}
        assert "CORNER_UL_LAT" not in made.tags()
        assert made.tags(ns="GEOLOCATION") == {}
        assert made.tags(1)["wavelength"] == "665 nm"
        assert made.descriptions == ("B04", "B03")[:kept]
        assert {*zip(made.scales, made.offsets, made.units, strict=True)} == {(1e-4, -0.1, "sr")}
        assert kept == 1 or made.tags(2, ns="FOO") == {"wavelength": "560 nm"}


def test_a_part_has_the_names_that_the_user_gave_it(reflectance: Path, tmp_path: Path) -> None:
    part = geosal.open_scene(reflectance)[:, :10]
    part.attrs |= {"long_name": ("red", "green"), "scale_factor": 2.0}
    with rasterio.open(written(part, tmp_path)) as made:
        assert (made.descriptions, made.scales) == (("red", "green"), (2, 2))
        assert made.tags(1)["wavelength"] == "665 nm"


def test_a_computed_array_keeps_the_texts_among_its_attributes(reflectance: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(reflectance)
    with xr.set_options(keep_attrs=True):
        coarse = scene.coarsen(x=2, y=2).max()
    with rasterio.open(written(coarse, tmp_path)) as made:
        assert made.tags()["ACQ"] == "2026-06-01"
        assert "CORNER_UL_LAT" not in made.tags()
        assert "units" not in made.tags()


def test_a_mosaic_that_reaches_beyond_a_file_has_none_of_its_domains(reflectance: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(reflectance)
    with rasterio.open(written(scene.rio.pad_box(399500, 4999000, 401000, 5000500), tmp_path)) as made:
        assert made.width > COLS
        assert made.tags(ns="FOO") == {}


@pytest.mark.parametrize("whole", [True, False])
def test_physical_values_have_no_scale(reflectance: Path, tmp_path: Path, *, whole: bool) -> None:
    opened = rioxarray.open_rasterio(reflectance, mask_and_scale=True)
    assert isinstance(opened, xr.DataArray)
    with rasterio.open(written(opened if whole else opened[:, 5:], tmp_path)) as made:
        assert (made.scales, made.offsets) == ((1, 1), (0, 0))
        np.testing.assert_allclose(made.read(masked=True), np.ma.masked_invalid(opened if whole else opened[:, 5:]))
        assert "REFLECTANCE_MULT" not in made.tags(1)
        assert made.tags(1)["wavelength"] == "665 nm"


@pytest.mark.parametrize("nodata", [0, None])
def test_floats_made_of_integers_have_nan_for_nodata(reflectance: Path, tmp_path: Path, nodata: int | None) -> None:
    with rasterio.open(reflectance, "r+") as dataset:
        dataset.nodata = nodata
    scene = geosal.open_scene(reflectance)
    for array in (scene.where(scene != 0), scene.where(scene != 0)[:, 3:]):
        with rasterio.open(written(array, tmp_path)) as made:
            assert np.isnan(made.nodata)
            np.testing.assert_array_equal(made.read_masks(1) > 0, np.isfinite(array[0].values))
            assert made.scales == (1e-4, 1e-4)


def test_codes_left_among_floats_are_nodata_still(reflectance: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(reflectance)
    with rasterio.open(reflectance) as source, rasterio.open(written(scene.astype("float32"), tmp_path)) as made:
        np.testing.assert_array_equal(made.dataset_mask(), source.dataset_mask())
    masked = rioxarray.open_rasterio(reflectance, masked=True)
    assert isinstance(masked, xr.DataArray)
    with rasterio.open(reflectance) as source, rasterio.open(written(masked, tmp_path)) as made:
        np.testing.assert_array_equal(made.dataset_mask(), source.dataset_mask())


def test_nan_beside_a_code_of_floats_gets_the_code(tmp_path: Path) -> None:
    pixels = np.linspace(1, 2, ROWS * COLS, dtype=np.float32).reshape(1, ROWS, COLS)
    pixels[:, :7], pixels[:, 7:9] = -9999, np.nan
    source = write_raster(tmp_path / "in.tif", pixels, crs="EPSG:32631", transform=PLACE, nodata=-9999)
    scene = geosal.open_scene(source)
    with rasterio.open(written(scene, tmp_path)) as made:  # as the file has it
        np.testing.assert_array_equal(made.read(), pixels)
    with rasterio.open(written(scene.where(scene != -9999), tmp_path)) as made:
        assert made.nodata == -9999
        np.testing.assert_array_equal(made.read(1)[:9], np.full((9, COLS), -9999))
        np.testing.assert_array_equal(made.read(1)[9:], pixels[0, 9:])
