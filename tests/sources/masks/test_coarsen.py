"""A mask finer than the scene, of which nothing is lost: SciPy's filter and GDAL's warper are the oracles."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from scipy.ndimage import maximum_filter

from geosal.core.grid import Grid
from geosal.errors import SaliencyError, UsageError
from geosal.sources import OpenContext
from geosal.sources.masks import coarsen
from geosal.sources.masks.raster_source import RasterSource
from geosal.sources.text import SourceText


def opened(path: str, grid: Grid) -> RasterSource:
    return RasterSource.open(SourceText.parse(f"{path}:resampling=max"), OpenContext(grid=grid))


@pytest.mark.parametrize("window", [2**22, 600])
def test_a_pixel_gets_the_largest_that_lies_in_it(grid, make_mask, monkeypatch, window):
    monkeypatch.setattr(coarsen, "_MAX_WINDOW", window)
    small = Grid(grid.crs, grid.transform, 20, 30)
    mask = np.random.default_rng(5).integers(0, 256, (120, 180), dtype=np.uint8)
    path = make_mask(mask, crs=grid.crs, transform=Affine(10 / 6, 0, 400000, 0, -10 / 6, 5000000))
    source = opened(path, small)
    expected = maximum_filter(mask, 6, origin=-3)[::6, ::6]  # of rows 0 to 5, 6 to 11 and so on
    with rasterio.open(path) as dataset:
        options = {"crs": grid.crs, "transform": grid.transform, "height": 20, "width": 30}
        with WarpedVRT(dataset, **options, resampling=Resampling.max) as warped:
            np.testing.assert_array_equal(warped.read(1), expected)
    np.testing.assert_array_equal(source.read(small.whole()), (expected / 255).astype(np.float32))


def test_nothing_is_lost_where_grids_do_not_fit(grid, make_mask):
    """Of a pixel that lies on two, as Landsat's panchromatic ones do; and beyond the mask nothing is known."""
    scene = Grid(grid.crs, Affine(15, 0, 7.5, 0, -15, -7.5), 4, 4)
    path = make_mask(np.uint8([[0, 255], [0, 0]]), crs=grid.crs, transform=Affine(30, 0, 0, 0, -30, 0))
    found = opened(path, scene).read(scene.whole())
    nan = np.nan
    np.testing.assert_array_equal(found, np.float32([[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]))
    beyond = Grid(grid.crs, Affine(60, 0, -60, 0, -60, 60), 3, 2)
    found = opened(path, beyond).read(beyond.whole())
    np.testing.assert_array_equal(found, np.float32([[nan, nan], [nan, 1], [nan, nan]]))
    rows, cols = np.arange(3), np.arange(2)
    np.testing.assert_array_equal(opened(path, beyond).known(rows, cols), ~np.isnan(found))


def test_what_says_nothing_counts_for_nothing(grid, make_mask):
    scene = Grid(grid.crs, Affine(60, 0, 0, 0, -60, 0), 1, 2)
    mask = np.uint8([[9, 200, 9, 9], [20, 9, 9, 9]])
    path = make_mask(mask, crs=grid.crs, transform=Affine(30, 0, 0, 0, -30, 0), nodata=9)
    found = opened(path, scene).read(scene.whole())
    np.testing.assert_array_equal(found, np.float32([[200 / 255, np.nan]]))


def test_a_mask_that_is_not_parallel_is_refused(grid, make_mask, random_mask):
    turned = make_mask(random_mask, crs=grid.crs, transform=Affine(95, 10, 400000, 10, -95, 5000000))
    for path in (turned, make_mask(random_mask, crs="EPSG:4326", transform=Affine(0.001, 0, 13.7, 0, -0.001, 45.16))):
        with pytest.raises((UsageError, SaliencyError), match="parallel to it"):
            opened(path, grid)
