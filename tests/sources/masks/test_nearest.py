"""Classes are the nearest ones: GDAL's nearest neighbour says which, NumPy which there are."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject
from rasters import save

from geosal.core.grid import Grid
from geosal.errors import SaliencyError
from geosal.sources.masks import nearest
from geosal.sources.masks.nearest import ClassRaster, strips
from geosal.sources.masks.raster_file import RasterFile

UTM = CRS.from_epsg(32633)
SCENE = Grid.from_crs(UTM, Affine(10, 0, 400000, 0, -10, 5000000), 90, 120)
CELLS = np.random.default_rng(0).integers(0, 12, (60, 50), np.uint8)
UNDER = Affine(23, 0, 400107, 0, -17, 4999931)
"""No centre of a pixel of the scene lies on an edge of these cells; they cover a part of it."""


def raster(folder: Path, cells: np.ndarray = CELLS, **more: object) -> ClassRaster:
    path = save(folder / "classes.tif", cells[None], crs=UTM, transform=UNDER, **more)
    return ClassRaster.open("classes.tif", RasterFile.open(str(path), 1), SCENE)


def by_gdal(cells: np.ndarray) -> np.ndarray:
    found = np.full(SCENE.shape, 255, np.uint8)
    place = {"src_crs": UTM, "dst_crs": UTM, "src_transform": UNDER, "dst_transform": SCENE.transform}
    reproject(cells, found, **place, resampling=Resampling.nearest, init_dest_nodata=False)
    return found


def test_values_are_the_nearest_and_nothing_is_said_elsewhere(tmp_path: Path) -> None:
    rows, cols = np.arange(3, 90, 2), np.arange(0, 120, 7)
    expected = by_gdal(CELLS)[np.ix_(rows, cols)]
    found = raster(tmp_path)
    values, said = found.read(rows, cols)
    np.testing.assert_array_equal(said, expected != 255)
    np.testing.assert_array_equal(values[said], expected[said])
    np.testing.assert_array_equal(found.covers(rows, cols), said)
    assert 0 < said.mean() < 1


def test_nodata_says_nothing_unless_a_pixel_says_what_it_holds(tmp_path: Path) -> None:
    rows, cols = np.arange(90), np.arange(120)
    expected = by_gdal(CELLS)
    masked = raster(tmp_path, nodata=5)
    _, said = masked.read(rows, cols)
    np.testing.assert_array_equal(said, (expected != 255) & (expected != 5))
    plain = ClassRaster.open("classes.tif", masked.file, SCENE, masked=False)
    np.testing.assert_array_equal(plain.read(rows, cols)[1], expected != 255)
    np.testing.assert_array_equal(masked.present("t"), np.setdiff1d(plain.present("t"), [5]))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_present_are_the_values_under_the_scene(dtype: str, tmp_path: Path) -> None:
    cells = CELLS.astype(dtype)
    found = raster(tmp_path, cells)
    under = cells[found.under.slices_in(type(found.under)(0, 0, *cells.shape))]
    np.testing.assert_array_equal(found.present("t"), np.unique(under))


def test_measured_values_are_no_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "_MAX_CLASSES", 1000)
    cells = np.random.default_rng(1).normal(size=CELLS.shape).astype(np.float32)
    with pytest.raises(SaliencyError, match="more than 1000 values"):
        raster(tmp_path, cells).present("t")


@pytest.mark.parametrize("shape", [(1, 1), (700, 3), (10, 2**18), (5, 0)])
def test_strips_hold_each_row_once(shape: tuple[int, int]) -> None:
    rows = [row for part in strips(shape) for row in range(*part.indices(shape[0]))]
    assert rows == list(range(shape[0]))
