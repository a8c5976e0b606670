import pickle

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform

from geosal.core.grid import Grid
from geosal.errors import SaliencyError
from geosal.sources.masks.alignment import (
    TOLERANCE,
    AffineAlignment,
    LatticeAlignment,
    align,
    align_by_pixels,
    coarse,
    spread,
)

UTM = Grid.from_crs(CRS.from_epsg(32633), Affine(10, 0, 400000, 0, -10, 5000000), 500, 2600)
ROTATED = Grid.from_crs(CRS.from_epsg(32633), Affine(9, 3, 400000, 3, -9, 5000000), 500, 600)
EUROPE = Grid.from_crs(CRS.from_epsg(4326), Affine(0.05, 0, -10, 0, -0.05, 70), 800, 1000)
POLAR = Grid.from_crs(CRS.from_epsg(3995), Affine(20000, 0, -1e6, 0, -20000, 1e6), 100, 100)

MASKS = {
    "degrees": (4326, Affine(1e-3, 0, 13.6, 0, -1e-3, 45.2)),
    "next zone": (32632, Affine(10, 0, 8.6e5, 0, -10, 5.02e6)),
    "mercator": (3857, Affine(3, 0, 1.53e6, 0, -3, 5.65e6)),
    "rotated laea": (3035, Affine(95, 10, 4.6e6, 10, -95, 2.5e6)),
}


def mask_grid(epsg: int, matrix: Affine, height: int = 2000, width: int = 2000) -> Grid:
    return Grid.from_crs(CRS.from_epsg(epsg), matrix, height, width)


def exact(scene: Grid, mask: Grid, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions by PROJ for every single pixel."""
    row, col = np.meshgrid(rows + 0.5, cols + 0.5, indexing="ij")
    s, m = scene.transform, ~mask.transform
    x, y = s.a * col + s.b * row + s.c, s.d * col + s.e * row + s.f
    if scene.crs != mask.crs:
        flat = transform(scene.rasterio_crs, mask.rasterio_crs, x.ravel(), y.ravel())
        x, y = (np.reshape(values, row.shape) for values in flat)
    return m.a * x + m.b * y + m.c, m.d * x + m.e * y + m.f


@pytest.mark.parametrize("scene", [UTM, ROTATED], ids=["north up", "rotated"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_another_crs_is_within_the_stated_tolerance_of_proj(scene, mask):
    target = mask_grid(*mask)
    alignment = align(scene, target)
    assert isinstance(alignment, LatticeAlignment)
    assert alignment.step == 64
    rows, cols = np.arange(0, scene.height, 7), np.arange(0, scene.width, 7)
    found, wanted = alignment.positions(rows, cols), exact(scene, target, rows, cols)
    for one, other in zip(found, wanted, strict=True):
        assert np.abs(one - other).max() <= TOLERANCE


def test_the_lattice_gets_finer_where_the_projection_bends():
    mask = mask_grid(3857, Affine(5000, 0, -1.2e6, 0, -5000, 1.2e7))
    alignment = align(EUROPE, mask)
    assert alignment.step < 64
    rows, cols = np.arange(0, 800, 3), np.arange(0, 1000, 3)
    for one, other in zip(alignment.positions(rows, cols), exact(EUROPE, mask, rows, cols), strict=True):
        assert np.abs(one - other).max() <= 1.5 * TOLERANCE  # probed at some cells only


def test_around_the_pole_every_pixel_is_projected():
    mask = mask_grid(4326, Affine(0.5, 0, -180, 0, -0.5, 90), 360, 720)
    alignment = align(POLAR, mask)
    assert alignment.step == 1
    x, y = alignment.positions(np.arange(100), np.arange(100))
    wanted_x, wanted_y = exact(POLAR, mask, np.arange(100), np.arange(100))
    np.testing.assert_allclose(np.mod(x, 720), np.mod(wanted_x, 720), atol=1e-6)
    np.testing.assert_allclose(y, wanted_y, atol=1e-6)


def test_the_date_line_does_not_tear_the_lattice():
    scene = Grid.from_crs(CRS.from_epsg(32601), Affine(300, 0, 0, 0, -300, 200000), 400, 1500)
    mask = mask_grid(4326, Affine(0.1, 0, -180, 0, -0.1, 90), 1800, 3600)
    x, _ = align(scene, mask).positions(np.arange(400), np.arange(1500))
    wanted, _ = exact(scene, mask, np.arange(400), np.arange(1500))
    assert wanted.min() < 100
    assert wanted.max() > 3500  # the scene does lie across
    off = x - wanted
    assert np.abs(off - 3600 * np.round(off / 3600)).max() <= TOLERANCE
    assert 0 <= x.min() <= x.max() < 3600


def test_longitudes_from_0_to_360_meet_longitudes_from_minus_180():
    scene = Grid.from_crs(CRS.from_epsg(4326), Affine(0.1, 0, -100, 0, -0.1, 40), 100, 100)
    mask = mask_grid(4326, Affine(1, 0, 0, 0, -1, 90), 180, 360)
    x, y = align(scene, mask).positions(np.array([0]), np.array([0, 99]))
    np.testing.assert_allclose(x, [[260.05, 269.95]])
    np.testing.assert_allclose(y, [[50.05]])


@pytest.mark.parametrize("scene", [UTM, ROTATED], ids=["north up", "rotated"])
@pytest.mark.parametrize("matrix", [Affine(100, 0, 399900, 0, -100, 5000100), Affine(20, 7, 390000, 7, -20, 5000100)])
def test_the_same_crs_is_exact(scene, matrix):
    mask = mask_grid(32633, matrix)
    alignment = align(scene, mask)
    assert isinstance(alignment, AffineAlignment)
    rows, cols = np.arange(scene.height), np.arange(scene.width)
    for one, other in zip(alignment.positions(rows, cols), exact(scene, mask, rows, cols), strict=True):
        np.testing.assert_allclose(np.broadcast_to(one, other.shape), other, atol=1e-8)


def test_a_north_up_pair_keeps_its_axes_apart():
    x, y = align(UTM, mask_grid(32633, Affine(30, 0, 399900, 0, -30, 5000100))).positions(np.arange(5), np.arange(7))
    assert (x.shape, y.shape) == ((1, 7), (5, 1))


def test_by_pixels_stretches_corner_to_corner():
    x, y = align_by_pixels(UTM, mask_grid(4326, Affine.identity(), 50, 26)).positions(np.array([0, 499]), np.array([0]))
    np.testing.assert_allclose(x, [[0.005]])
    np.testing.assert_allclose(y, [[0.05], [49.95]])


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_positions_do_not_depend_on_what_is_asked_along_with_them(data):
    alignment = align(UTM, mask_grid(*MASKS["next zone"]))
    whole = alignment.positions(np.arange(UTM.height), np.arange(UTM.width))
    rows, cols = (
        np.array(sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=9)))) for size in UTM.shape
    )
    for part, all_of_it in zip(alignment.positions(rows, cols), whole, strict=True):
        np.testing.assert_array_equal(part, all_of_it[np.ix_(rows, cols)])


def test_places_without_a_projection_are_not_finite_and_do_not_spoil_the_others():
    """UTM has no place for latitudes beyond 90: PROJ then fails for all points of the call."""
    scene = Grid.from_crs(CRS.from_epsg(4326), Affine(0.1, 0, 14, 0, -0.1, 92), 300, 50)
    x, y = align(scene, mask_grid(32633, Affine(1000, 0, 0, 0, -1000, 1e7))).positions(np.arange(300), np.arange(50))
    assert not np.isfinite(y[:10]).any()
    assert np.isfinite(x[100:]).all()
    assert np.isfinite(y[100:]).all()


def test_another_planet_is_refused():
    mars = 'GEOGCS["Mars",DATUM["Mars",SPHEROID["Mars",3396190,0]],PRIMEM["x",0],UNIT["degree",0.0174532925199433]]'
    mask = Grid.from_crs(CRS.from_wkt(mars), Affine(0.1, 0, 0, 0, -0.1, 50), 100, 100)
    with pytest.raises(SaliencyError, match=r"cannot be reached from the scene's.*align=pixels"):
        align(UTM, mask)


def test_alignments_pickle_small():
    alignment = align(UTM, mask_grid(*MASKS["degrees"]))
    assert pickle.loads(pickle.dumps(alignment)) == alignment
    assert len(pickle.dumps(alignment)) < 8192


@given(st.integers(1, 5000), st.integers(2, 1024))
def test_spread_has_both_ends_and_no_more_than_asked(size, count):
    places = spread(size, count)
    assert places[0] == 0
    assert places[-1] == size - 1
    assert places.size <= count
    assert (np.diff(places) > 0).all()


def test_coarse_ends_with_the_last():
    assert coarse(np.arange(5, 12), 3).tolist() == [5, 8, 11]
    assert coarse(np.array([4]), 64).tolist() == [4]
